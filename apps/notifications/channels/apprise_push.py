"""Push, SMS, calls and chat through apprise: an allow-list of services with fixed hosts.

Only the plug-ins imported here can be reached. They are built from checked parts, never from an
apprise URL, because its query could name a template file, switch off certificates or redirect.
apprise answers True or False; the reason is read from the numbers in its log records. The records
themselves may hold keys, so they go nowhere else.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlsplit

from apprise import AppriseAsset
from apprise.exception import AppriseImproperlyConfigured
from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.google_chat import NotifyGoogleChat
from apprise.plugins.pushover import NotifyPushover
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram
from apprise.plugins.twilio import NotifyTwilio
from apprise.plugins.webexteams import NotifyWebexTeams
from apprise.plugins.workflows import NotifyWorkflows

from apps.notifications.layout import cut, one_line, printable

from .base import NO_CONFIG, AddressError, Outgoing, Result, failed, missing, not_set_up, sent

_log = logging.getLogger("apprise")
logging.getLogger("urllib3").setLevel(logging.WARNING)  # its debug lines hold webhook secrets

_COMMON: dict[str, Any] = {
    "asset": AppriseAsset(app_id="OpsPortal", app_desc="OpsPortal", http_redirects=False),
    "redirect": False,
    "cto": 5.0,
    "rto": 10.0,
}
# Twilio's own numbers for "this phone cannot be reached by us, now or later".
_DEAD_NUMBERS = frozenset({21211, 21214, 21217, 21219, 21408, 21421, 21608, 21610, 21612, 21614})


class _Apprise:
    """What the services share. A subclass names its address form and builds its plug-in."""

    kind = ""
    label = ""
    help = ""
    wakes = False
    needs: tuple[str, ...] = ()
    pattern = re.compile("")
    wanted = ""
    limit = 2000
    body_format: str | None = None  # None: as it is, nothing converted
    secret_in_address = True

    def check_address(self, address: str, config: Mapping[str, str] = NO_CONFIG) -> str:
        typed = self.tidy(address)
        if not self.pattern.fullmatch(typed):
            raise AddressError(self.wanted)
        return typed

    def tidy(self, address: str) -> str:
        return address.strip()

    def plugin(self, address: str, outgoing: Outgoing) -> Any:
        raise NotImplementedError

    def texts(self, outgoing: Outgoing) -> tuple[str, str]:
        """Title and body; by default for a chat, where names and masked links are defused."""
        return tame(one_line(outgoing.subject)), tame(cut(printable(outgoing.text), self.limit))

    def send(self, outgoing: Outgoing) -> Result:
        if missing(self, outgoing.config):
            return not_set_up(self, outgoing.config)
        with _Overheard() as heard:
            try:
                plugin = self.plugin(self.check_address(outgoing.address), outgoing)
                title, body = self.texts(outgoing)
                taken = plugin.notify(title=title, body=body, body_format=self.body_format)
            except AddressError as error:
                return failed("address", error.message, permanent=True)
            except AppriseImproperlyConfigured:
                return failed("not_set_up", f"The account of {self.label} is not valid.")
            except Exception as error:  # noqa: BLE001 - a plug-in's bug must not stop the sender
                return failed("bug", f"{self.label} failed inside ({type(error).__name__}).")
        return sent() if taken else self.judge(heard.number)

    def judge(self, number: int | None) -> Result:
        """What the number in apprise's log means: an HTTP status, or Twilio's own error code."""
        if number is None:
            return failed("unreachable", f"{self.label} could not be reached in time.")
        if number in (401, 403, 20003) and not self.secret_in_address:
            return failed("login", f"{self.label} does not accept this site's account ({number}).")
        if number in (400, 401, 403, 404, 410) or number in _DEAD_NUMBERS:
            sentence = f"{self.label} does not take messages for this address ({number})."
            return failed("address", sentence, permanent=True)
        return failed("busy", f"{self.label} did not take it now ({number}).")


class Pushover(_Apprise):
    """`config`: app_token. High urgency repeats every minute until confirmed, for half an hour."""

    kind = "pushover"
    label = "Pushover (push)"
    help = "Your user key from pushover.net, 30 letters and digits."
    wakes = True
    needs = ("app_token",)
    pattern = re.compile(r"[A-Za-z0-9]{30}")
    wanted = "Write your Pushover user key: the 30 letters and digits on your pushover.net page."
    secret_in_address = False

    def plugin(self, address: str, outgoing: Outgoing) -> Any:
        urgent = {"priority": 2, "interval": 60, "expire": 1800}
        return _build(
            NotifyPushover,
            user_key=address,
            token=outgoing.config["app_token"],
            supplemental_url=outgoing.link,
            supplemental_url_title="Open",
            **(urgent if outgoing.urgency == "high" else {"priority": -1}),
        )

    def texts(self, outgoing: Outgoing) -> tuple[str, str]:
        return cut(one_line(outgoing.subject), 250), cut(printable(outgoing.text), 1000)


class Sms(_Apprise):
    """`config`: account_sid, auth_token, from (a number of ours)."""

    kind = "twilio_sms"
    label = "SMS (Twilio)"
    help = "A mobile number with its country code, such as +49 170 1234567."
    wakes = True
    needs = ("account_sid", "auth_token", "from")
    pattern = re.compile(r"\+[1-9][0-9]{6,14}")
    wanted = "Write the number with its country code, such as +49 170 1234567."
    secret_in_address = False
    method = "sms"

    def tidy(self, address: str) -> str:
        digits = re.sub(r"[\s()./\u00a0-]", "", address)
        return f"+{digits[2:]}" if digits.startswith("00") else digits

    def plugin(self, address: str, outgoing: Outgoing) -> Any:
        config = outgoing.config
        return _build(
            NotifyTwilio,
            account_sid=config["account_sid"],
            auth_token=config["auth_token"],
            source=config["from"],
            targets=[address],
            method=self.method,
        )

    def texts(self, outgoing: Outgoing) -> tuple[str, str]:
        return "", outgoing.short


class Call(Sms):
    """A phone call that reads the message aloud."""

    kind = "twilio_call"
    label = "Phone call (Twilio)"
    help = "A phone number with its country code. A voice reads the message to you."
    method = "call"

    def texts(self, outgoing: Outgoing) -> tuple[str, str]:
        # Links cannot be heard, and a body that begins with "<" would be taken for commands.
        spoken = re.sub(r"https?://\S+", "", outgoing.short).replace("<", " ").strip()
        return "", f"OpsPortal. {spoken} I repeat. {spoken}"


class Slack(_Apprise):
    kind = "slack"
    label = "Slack"
    help = "The address of an incoming webhook: https://hooks.slack.com/services/T.../B.../..."
    pattern = re.compile(r"https://hooks\.slack\.com/services/(\w+)/(\w+)/(\w+)/?", re.ASCII)
    wanted = "Write the whole webhook address: https://hooks.slack.com/services/T.../B.../..."
    limit = 8000

    def plugin(self, address: str, outgoing: Outgoing) -> Any:
        team, hook, token = _groups(self.pattern, address)
        return _build(
            NotifySlack,
            token_a=team,
            token_b=hook,
            token_c=token,
            include_image=False,
            include_footer=False,
        )


class Teams(_Apprise):
    kind = "teams"
    label = "Microsoft Teams"
    help = "The address of a workflow that posts to a channel when a webhook request is received."
    hosts = r"[\w.-]+\.(?:logic\.azure\.com|environment\.api\.powerplatform\.com)(?::443)?"
    pattern = re.compile(
        rf"https://({hosts})(/powerautomate/automations/direct(?:/cu/(\d+))?)?"
        r"/workflows/([\w-]+)/triggers/manual/paths/invoke/?\?[\w%=&.~+-]+",
        re.ASCII,
    )
    wanted = "Write the whole address of the workflow, from https:// to the end of sig=..."
    limit = 1000

    def plugin(self, address: str, outgoing: Outgoing) -> Any:
        host, direct, route, workflow = _groups(self.pattern, address)
        query = parse_qs(urlsplit(address).query)
        name, _, port = host.partition(":")
        return _build(
            NotifyWorkflows,
            workflow=workflow,
            signature=query.get("sig", [""])[0],
            version=query.get("api-version", [None])[0],
            power_automate=bool(direct),
            routing_id=route or None,
            include_image=False,
            host=name,
            port=port or None,
            schema="workflows",
        )


class Discord(_Apprise):
    kind = "discord"
    label = "Discord"
    help = "The address of a channel's webhook: https://discord.com/api/webhooks/..."
    pattern = re.compile(r"https://discord(?:app)?\.com/api/webhooks/(\d{15,21})/([\w-]{40,120})/?")
    wanted = "Write the whole webhook address: https://discord.com/api/webhooks/..."
    limit = 1600

    def plugin(self, address: str, outgoing: Outgoing) -> Any:
        hook, token = _groups(self.pattern, address)
        plugin = _build(NotifyDiscord, webhook_id=hook, webhook_token=token, avatar=False)
        # apprise would sleep as long as Discord's rate limit says and hold up everybody's messages.
        plugin.throttle = lambda **_wait: None
        return plugin


class Telegram(_Apprise):
    """`config`: bot_token."""

    kind = "telegram"
    label = "Telegram"
    help = "Your chat id, a number (the bot @userinfobot tells it), or @channelname."
    needs = ("bot_token",)
    pattern = re.compile(r"-?[1-9][0-9]{2,18}|@[A-Za-z]\w{3,31}", re.ASCII)
    wanted = "Write the chat id, a number such as 123456789, or @channelname."
    limit = 3500
    body_format = "html"
    secret_in_address = False

    def plugin(self, address: str, outgoing: Outgoing) -> Any:
        return _build(
            NotifyTelegram,
            bot_token=outgoing.config["bot_token"],
            targets=[address],
            detect_owner=False,
            silent=outgoing.urgency == "low",
        )

    def texts(self, outgoing: Outgoing) -> tuple[str, str]:
        title, body = super().texts(outgoing)
        return escape(title), escape(body)


class GoogleChat(_Apprise):
    kind = "google_chat"
    label = "Google Chat"
    help = "The address of a space's webhook: https://chat.googleapis.com/v1/spaces/..."
    pattern = re.compile(
        r"https://chat\.googleapis\.com/v1/spaces/([\w-]+)/messages\?[\w%=&.~+-]+", re.ASCII
    )
    wanted = "Write the whole webhook address: https://chat.googleapis.com/v1/spaces/..."
    limit = 3500

    def plugin(self, address: str, outgoing: Outgoing) -> Any:
        query = parse_qs(urlsplit(address).query)
        return _build(
            NotifyGoogleChat,
            workspace=_groups(self.pattern, address)[0],
            webhook_key=query.get("key", [""])[0],
            webhook_token=query.get("token", [""])[0],
        )


class Webex(_Apprise):
    kind = "webex"
    label = "Webex"
    help = "The address of an incoming webhook: https://webexapis.com/v1/webhooks/incoming/..."
    pattern = re.compile(
        r"https://(?:webexapis\.com|api\.ciscospark\.com)/v1/webhooks/incoming/([A-Za-z0-9]{80,160})"
    )
    wanted = "Write the whole webhook address: https://webexapis.com/v1/webhooks/incoming/..."
    limit = 900

    def plugin(self, address: str, outgoing: Outgoing) -> Any:
        return _build(NotifyWebexTeams, token=_groups(self.pattern, address)[0])


def tame(text: str) -> str:
    """Text from outside for a chat: it calls nobody by name and hides no link behind a word."""
    return text.replace("@", "@\u200b").replace("<", "‹").replace(">", "›").replace("](", "] (")


def _build(plugin: Any, **parts: Any) -> Any:
    """One of apprise's plug-ins (they carry no types), with our limits and without redirects."""
    return plugin(**parts, **_COMMON)


def _groups(pattern: re.Pattern[str], address: str) -> tuple[str, ...]:
    found = pattern.fullmatch(address)
    return tuple(part or "" for part in found.groups()) if found else ()


class _Overheard(logging.Handler):
    """Keeps the last number that apprise logs in this thread, and nothing else of its words."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self.number: int | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            found = re.search(r"\berror=(\d{3,6})\b", record.getMessage())
            self.number = int(found[1]) if found else self.number

    def __enter__(self) -> _Overheard:
        # Set here because whoever configures logging later may have silenced apprise altogether.
        _log.propagate, _log.disabled = False, False
        _log.setLevel(logging.WARNING)
        _log.addHandler(self)
        return self

    def __exit__(self, *_exc: object) -> None:
        _log.removeHandler(self)
