"""A Slack workspace: the bot, who is who in it, and the groups that follow who is on call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.alerts.models import SlackGroup, SlackMember
from apps.alerts.services import slack, slack_calls, slack_groups
from apps.core import audit, clock
from apps.intake.models import Integration
from apps.portal.access import acts, granted, viewer
from apps.portal.forms import submit
from apps.portal.forms_slack import BotForm, GroupForm, MemberForm


def page_of(pk: int, *_: Any, **__: Any) -> str:
    return reverse("slack_page", kwargs={"pk": pk})


def _find(pk: int) -> Integration:
    return get_object_or_404(Integration, pk=pk, kind=Integration.Kind.SLACK)


@granted(Grant.EDIT_INTEGRATIONS)
def slack_page(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "portal/integrations/slack.html", _context(request, _find(pk)))


def _context(request: HttpRequest, row: Integration, **bound: forms.Form) -> dict[str, Any]:
    config = slack_calls.config_of(row)
    members = SlackMember.objects.filter(integration=row).select_related("person")
    groups = SlackGroup.objects.filter(integration=row).select_related("schedule")
    return {
        "now": clock.now(),
        "row": row,
        "has_token": bool(config.get("bot_token")),
        "channel": config.get("channel", ""),
        "members": members.order_by("person__name", "pk"),
        "groups": groups.order_by("schedule__name", "pk"),
        "bot_form": BotForm(initial={"channel": config.get("channel", "")}),
        "member_form": MemberForm(),
        "group_form": GroupForm(viewer=viewer(request)),
        **bound,
    }


@acts(Grant.EDIT_INTEGRATIONS, page=page_of)
def slack_act(request: HttpRequest, pk: int, do: str) -> HttpResponse:
    """One of the page's forms or buttons."""
    row, person, now = _find(pk), viewer(request), clock.now()
    if do in FORMS:
        return _with_form(request, row, do, person, now)
    if do not in ENDS:
        raise Http404
    messages.success(request, ENDS[do](request, row, person, now))
    return redirect(page_of(pk))


def _with_form(
    request: HttpRequest, row: Integration, do: str, person: Person, now: datetime
) -> HttpResponse:
    name, act = FORMS[do]
    shapes: dict[str, Callable[[], forms.Form]] = {
        "bot": lambda: BotForm(request.POST),
        "member": lambda: MemberForm(request.POST),
        "group": lambda: GroupForm(request.POST, viewer=person),
    }
    form = shapes[do]()
    said = submit(form, lambda values: act(row, values, person, now))
    if said is None:
        context = _context(request, row, **{name: form})
        return render(request, "portal/integrations/slack.html", context, status=400)
    messages.success(request, said)
    return redirect(page_of(row.pk))


def _bot(row: Integration, values: dict[str, Any], person: Person, now: datetime) -> str:
    slack_calls.set_up_slack(integration=row, **values, actor=audit.person(person), now=now)
    return "Saved. Pages are posted to the channel." if values["channel"] else "Saved."


def _member(row: Integration, values: dict[str, Any], person: Person, now: datetime) -> str:
    made = slack.map_member(integration=row, **values, actor=audit.person(person), now=now)
    return f"{made.slack_user_id} acts as {made.person.name} now."


def _group(row: Integration, values: dict[str, Any], person: Person, now: datetime) -> str:
    made = slack_groups.follow_schedule(
        integration=row, **values, actor=audit.person(person), now=now
    )
    return f"{made.slack_group_id} follows {made.schedule.name} from the next minute on."


def _forget(request: HttpRequest, row: Integration, person: Person, now: datetime) -> str:
    found = _chosen(SlackMember, request, row)
    slack.forget_member(member=found, actor=audit.person(person), now=now)
    return "That Slack account acts as nobody now."


def _unfollow(request: HttpRequest, row: Integration, person: Person, now: datetime) -> str:
    found = _chosen(SlackGroup, request, row)
    slack_groups.unfollow(group=found, actor=audit.person(person), now=now)
    return "The group stays in Slack as it is."


def _end(request: HttpRequest, row: Integration, person: Person, now: datetime) -> str:
    slack_calls.end_calls(integration=row, actor=audit.person(person), now=now)
    return "The token is forgotten: nothing is sent to Slack any more."


def _chosen(model: type[Any], request: HttpRequest, row: Integration) -> Any:
    text = request.POST.get("id", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    return get_object_or_404(model, pk=number, integration=row)


FORMS = {
    "bot": ("bot_form", _bot),
    "member": ("member_form", _member),
    "group": ("group_form", _group),
}
ENDS = {"forget": _forget, "unfollow": _unfollow, "end": _end}
