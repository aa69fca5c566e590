"""`{% load styleguide %}`: example data for the style guide, relative to the page's `now`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.template import Context, Library

from apps.portal import charts, formats
from apps.portal.templatetags._viewer import Viewer, now_of, viewer_of

register = Library()
PEOPLE = ("Maya Lindqvist", "Ravi Menon", "Bea Castell", "Sam Okoro", "Olu Adeyemi")


@register.simple_tag(takes_context=True)
def sample(context: Context, name: str) -> Any:
    """One set of examples; the template keeps it with `as`."""
    return SAMPLES[name](now_of(context), viewer_of(context))


@register.simple_tag(takes_context=True)
def moment(context: Context, minutes: float) -> datetime:
    """So many minutes from now; negative is the past."""
    return now_of(context) + timedelta(minutes=minutes)


@register.simple_tag
def specimen_form(prefix: str) -> forms.Form:
    """A bound form with mistakes in it; `prefix` keeps its ids apart."""
    data = {"name": "Profiler", "zone": "Europe/Berlinn", "channels": ["mail"], "kind": "week"}
    form = SpecimenForm(
        {f"{prefix}-{key}": value for key, value in data.items()},
        auto_id=f"{prefix}_%s",
        prefix=prefix,
    )
    form.is_valid()
    return form


class SpecimenForm(forms.Form):
    name = forms.CharField(
        label="Name of the schedule", help_text="Shown on the on-call page and in messages."
    )
    zone = forms.CharField(label="Time zone")
    kind = forms.ChoiceField(
        label="Handoff every", choices=[("day", "day"), ("week", "week"), ("month", "month")]
    )
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 2}))
    channels = forms.MultipleChoiceField(
        label="Send by",
        choices=[("mail", "E-mail"), ("push", "Push message"), ("sms", "SMS")],
        widget=forms.CheckboxSelectMultiple,
    )
    tell = forms.BooleanField(
        label="Tell the people concerned",
        required=False,
        help_text="4 people get one message each.",
    )
    secret = forms.CharField(label="Routing key", disabled=True, required=False)

    def clean_zone(self) -> str:
        raise forms.ValidationError(
            f"There is no zone “{self.cleaned_data['zone']}”. Did you mean Europe/Berlin?"
        )


def _person(name: str) -> SimpleNamespace:
    return SimpleNamespace(name=name)


def _people(now: datetime, viewer: Viewer) -> list[SimpleNamespace]:
    return [_person(name) for name in PEOPLE]


def _timeline(now: datetime, viewer: Viewer) -> dict[str, Any]:
    start = charts.start_of_week(now - timedelta(days=7), viewer.zone, viewer.week_start)
    maya, ravi, bea, sam, _ = PEOPLE

    def turns(names: list[str], days: int, hour: int, **more: Any) -> list[charts.Shift]:
        first = start + timedelta(hours=hour) - timedelta(days=days)
        return [
            charts.Shift(
                start=first + timedelta(days=days * k), end=first + timedelta(days=days * (k + 1)),
                who=names[k % len(names)], hue=formats.hue(names[k % len(names)]), **more,
            )
            for k in range(21 // days + 2)
        ]  # fmt: skip

    planned = turns([maya, ravi, bea], 7, 9, planned=True)
    primary, swap_at = turns([maya, ravi, bea], 7, 9), start + timedelta(days=18, hours=9)
    gap_at = start + timedelta(days=12)
    swap = charts.Shift(
        start=swap_at, end=swap_at + timedelta(days=3), who=sam, hue=formats.hue(sam),
        override=True, note="Swap: Sam for Ravi",
    )  # fmt: skip
    gap = charts.Shift(start=gap_at, end=gap_at + timedelta(days=1), who=None)
    return {
        "start": start,
        "end": charts.after_days(start, 21, viewer.zone),
        "rows": [
            charts.Row(label="Profiler", shifts=_with(primary, swap)),
            charts.Row(label="1 Primary, weekly", layer=True, shifts=planned),
            charts.Row(label="Overrides and swaps", layer=True, shifts=[swap]),
            charts.Row(label="Platform", shifts=_with(turns([bea, sam], 7, 12), gap)),
            charts.Row(label="Support", shifts=turns([sam, "Olu Adeyemi"], 2, 9)),
        ],
    }  # fmt: skip


def _with(shifts: list[charts.Shift], inner: charts.Shift) -> list[charts.Shift]:
    """The shifts with one stretch of them replaced."""
    result = [inner]
    for shift in shifts:
        for start, end in ((shift.start, inner.start), (inner.end, shift.end)):
            start, end = max(start, shift.start), min(end, shift.end)
            if start < end:
                result.append(charts.Shift(start=start, end=end, who=shift.who, hue=shift.hue))
    return sorted(result, key=lambda shift: shift.start)


def _figures(now: datetime, viewer: Viewer) -> list[dict[str, Any]]:
    return [
        {"label": "Pages, last 24 h", "value": 5, "note": "3 acknowledged, median 2 m", "url": "#"},
        {"label": "Open incidents", "value": 3, "note": "1 SEV2, 1 SEV3, 1 SEV4", "url": "#"},
        {"label": "Pages waiting", "value": 2, "note": "oldest 6 m", "tone": "danger",
         "glyph": "tri", "url": "#"},
        {"label": "Unrouted alerts", "value": 1, "note": "no owner", "tone": "warning",
         "glyph": "warn", "url": "#"},
        {"label": "Cover, next 30 days", "value": "1 gap", "note": "Platform, 24 h", "url": "#"},
    ]  # fmt: skip


def _views(now: datetime, viewer: Viewer) -> list[dict[str, Any]]:
    return [
        {"label": "Open", "url": "#", "count": 3, "current": True},
        {"label": "Mine", "url": "#", "count": 1},
        {"label": "Not acknowledged", "url": "#", "count": 2, "tone": "danger"},
        {"label": "All", "url": "#"},
    ]


def _filters(now: datetime, viewer: Viewer) -> list[dict[str, Any]]:
    return [
        {"label": "Status is", "value": "open", "url": "#"},
        {"label": "Surface is", "value": "inspect.profiler", "url": "#"},
    ]


def _stepper(now: datetime, viewer: Viewer) -> list[dict[str, Any]]:
    names = ("Triage", "Investigating", "Identified", "Mitigated", "Resolved")
    states = ("done", "done", "now", "next", "next")
    return [{"label": name, "state": state} for name, state in zip(names, states, strict=True)]


def _setup(now: datetime, viewer: Viewer) -> list[dict[str, Any]]:
    return [
        {"label": "First manager", "state": "done", "note": "Maya Lindqvist", "url": "#"},
        {"label": "Address and mail", "state": "now", "note": "A test mail proves that it works"},
        {"label": "People", "state": "next", "note": "By invitation or from a table"},
        {"label": "First rotation", "state": "next", "note": "Weekly, Monday 09:00"},
    ]


def _ack(state: str) -> Callable[[datetime, Viewer], dict[str, Any]]:
    def build(now: datetime, viewer: Viewer) -> dict[str, Any]:
        since = formats.both(now - timedelta(minutes=6), now, viewer.zone, viewer.cycle)
        return {
            "state": state,
            "severity": "SEV2",
            "reference": "INC-42",
            "surface": "inspect.profiler.snowflake",
            "title": "Snowflake profiling: 38 of 112 jobs failed",
            "about": [
                {"label": "Since", "value": since},
                {"label": "You are", "value": "on call, 1 of 3"},
                {"label": "From", "value": "Alertmanager, rule SnowflakeProfileTimeouts"},
            ],
            "action": "#",
            "by": "Ravi Menon",
            "at": now - timedelta(minutes=1),
            "next": "If nobody answers, Bea Castell is told in 4 m." if state == "open" else "",
            "url": "#",
        }

    return build


def _mail(now: datetime, viewer: Viewer) -> dict[str, Any]:
    since = formats.absolute(now - timedelta(minutes=6), viewer.zone, viewer.cycle, now)
    return {
        "channel": "E-mail",
        "icon": "mail",
        "to": "ravi@example.com",
        "subject": "[SEV2] Snowflake profiling: 38 of 112 jobs failed. You are on call (1 of 3)",
        "at": now - timedelta(minutes=6),
        "status": "sent",
        "text": "38 of 112 profiling jobs on Snowflake failed in the last hour.\n"
        f"Since {since}. Next: Bea Castell, 10 minutes after this message.\n\n"
        "Acknowledge: https://ops.example.com/a/7Qk2",
    }


def _methods(now: datetime, viewer: Viewer) -> list[dict[str, Any]]:
    return [
        {"kind": "E-mail", "icon": "mail", "address": "ravi@example.com", "verified": True,
         "note": "At once, for urgent and low pages", "test_url": "#", "remove_url": "#"},
        {"kind": "Push message by ntfy", "icon": "phone", "address": "ops-ravi-7f21",
         "verified": False, "note": "After 5 minutes, once verified", "verify_url": "#",
         "remove_url": "#"},
    ]  # fmt: skip


def _dryrun(now: datetime, viewer: Viewer) -> dict[str, Any]:
    def cell(value: str, was: str = "") -> dict[str, str]:
        return {"value": value, "was": was}

    return {
        "counts": [
            {"text": "1 new", "tone": "success"}, {"text": "1 changes", "tone": "info"},
            {"text": "1 same", "tone": ""}, {"text": "1 error", "tone": "danger"},
        ],
        "columns": ["Name", "E-mail", "Team", "Role"],
        "rows": [
            {"line": 2, "verdict": "new", "cells": [cell("Maya Lindqvist"),
             cell("maya@example.com"), cell("Core"), cell("manager")]},
            {"line": 3, "verdict": "change", "cells": [cell("Ravi Menon"),
             cell("ravi@example.com"), cell("Core", "Platform"), cell("responder")]},
            {"line": 4, "verdict": "same", "cells": [cell("Bea Castell"),
             cell("bea@example.com"), cell("Core"), cell("responder")]},
            {"line": 5, "verdict": "error", "cells": [cell("Sam Okoro"), cell("sam@"),
             cell("Support"), cell("support agent")],
             "errors": ["“sam@” is not an e-mail address."]},
        ],
    }  # fmt: skip


SAMPLES: dict[str, Callable[[datetime, Viewer], Any]] = {
    "people": _people,
    "timeline": _timeline,
    "figures": _figures,
    "views": _views,
    "filters": _filters,
    "stepper": _stepper,
    "setup": _setup,
    "ack_open": _ack("open"),
    "ack_done": _ack("acknowledged"),
    "ack_ended": _ack("ended"),
    "ack_expired": _ack("expired"),
    "mail": _mail,
    "methods": _methods,
    "dryrun": _dryrun,
}
