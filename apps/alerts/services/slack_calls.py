"""What goes out to Slack: pages with their button, answers to buttons; and what that needs."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core import jobs, secrets
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.intake.models import Integration
from apps.notifications import services as notifications
from apps.notifications.channels import slack_api
from apps.paging.models import Page

_TOKEN = re.compile(r"xox[a-z]-[A-Za-z0-9-]{10,250}")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,19}")


def quoted(text: str) -> str:
    """Text that Slack takes for nothing else: no link, no mention, no markup of its own."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return safe.replace("@", "@\u200b").replace("*", "∗").replace("`", "'")


def config_of(integration: Integration) -> dict[str, str]:
    """What calls out need: bot_token, channel; empty when nothing is set."""
    if not integration.config_sealed:
        return {}
    found = json.loads(secrets.unseal(integration.config_sealed))
    return {name: str(value) for name, value in found.items()}


def page_message(page: Page, channel: str) -> dict[str, Any]:
    """A page as a channel sees it, with the button that acknowledges it."""
    url = notifications.absolute(page.opener_url or "/")
    on = f" on {quoted(page.surface.key)}" if page.surface else ""
    text = f"{page.get_urgency_display()} page{on}: {quoted(page.summary)}"
    button = {
        "type": "button", "action_id": "acknowledge", "value": f"page:{page.pk}",
        "text": {"type": "plain_text", "text": "Acknowledge"}, "style": "primary",
    }  # fmt: skip
    look = {"type": "button", "action_id": "open", "url": url,
            "text": {"type": "plain_text", "text": "Open"}}  # fmt: skip
    return {
        "channel": channel,
        "text": text[:3000],
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": text[:3000]}},
            {"type": "actions", "block_id": f"page-{page.pk}", "elements": [button, look]},
        ],
        "unfurl_links": False,
    }


def post_page(*, page_id: int) -> int:
    """Post a page that waits to the channel of each workspace that has one; how many took it."""
    page = Page.objects.real().waiting().select_related("surface").filter(pk=page_id).first()
    if page is None:
        return 0
    taken = 0
    for integration in workspaces():
        config = config_of(integration)
        if channel := config.get("channel"):
            message = page_message(page, channel)
            taken += slack_api.call("chat.postMessage", message, config).ok
    return taken


def announce_page(*, page_id: int) -> None:
    """Ask for the post after a page's first step; nothing where no workspace could take it."""
    if workspaces() and Page.objects.get(pk=page_id).steps_taken.count() == 1:
        jobs.enqueue("apps.alerts.tasks.slack_page", page_id=page_id)


def answer_button(*, integration_id: int, url: str, text: str) -> bool:
    """Tell whoever pressed a button what came of it."""
    row = Integration.objects.filter(pk=integration_id, archived_at=None).first()
    return row is not None and slack_api.answer(url, text, config_of(row)).ok


def workspaces() -> list[Integration]:
    """Those that calls can be made to."""
    rows = Integration.objects.filter(kind=Integration.Kind.SLACK, archived_at=None)
    return list(rows.exclude(config_sealed="").order_by("pk"))


@transaction.atomic
def set_up_slack(
    *, integration: Integration, bot_token: str, channel: str, actor: Actor, now: datetime
) -> Integration:
    """The bot's token and the channel that pages are posted to; an empty token keeps the one set.

    Both empty: nothing is sent to Slack any more. Raises Invalid by field.
    """
    if integration.kind != Integration.Kind.SLACK:
        raise Conflict("This integration is not Slack.")
    row = Integration.objects.select_for_update(of=("self",)).get(pk=integration.pk)
    config, wrong = config_of(row), {}
    if bot_token and not _TOKEN.fullmatch(bot_token):
        wrong["bot_token"] = ["A bot token begins with xoxb-. Copy it from the app's page."]
    if channel and not _CHANNEL.fullmatch(channel):
        wrong["channel"] = ["A channel's ID looks like C024BE91L: at the end of its link."]
    if channel and not (bot_token or config.get("bot_token")):
        wrong["bot_token"] = ["Posting to a channel needs the bot's token."]
    if wrong:
        raise Invalid("This cannot be used.", fields=wrong)
    config["bot_token"] = bot_token or config.get("bot_token", "")
    config["channel"] = channel
    keep = bool(config["bot_token"]) and bool(bot_token or channel or row.config_sealed)
    row.config_sealed = secrets.seal(json.dumps(config)) if keep else ""
    row.save(update_fields=["config_sealed"])
    return row


@transaction.atomic
def end_calls(*, integration: Integration, actor: Actor, now: datetime) -> Integration:
    """Forget the bot's token: nothing is sent to Slack any more."""
    integration.config_sealed = ""
    integration.save(update_fields=["config_sealed"])
    return integration
