"""The status page in words: what the templates say of a `Page`. No queries, no request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from apps.core.text import markdown
from apps.incidents import statuspage
from apps.incidents.statuspage import Component, Day, Incident, Page, Work
from apps.portal import formats

RECENT = timedelta(days=14)
UPDATES_SHOWN = 3  # of a standing incident on the front page; its own page has all
MONTHS_SHOWN = 12
TONES = {
    statuspage.OPERATIONAL: "success",
    statuspage.MAINTENANCE: "info",
    statuspage.DEGRADED: "warning",
    statuspage.PARTIAL: "partial",
    statuspage.MAJOR: "danger",
}
GLYPHS = {
    statuspage.OPERATIONAL: "check",
    statuspage.MAINTENANCE: "clock",
    statuspage.DEGRADED: "tri",
    statuspage.PARTIAL: "warn",
    statuspage.MAJOR: "oct",
}
IMPACT_TONES = {"critical": "danger", "major": "partial"}


@lru_cache(maxsize=1024)
def words(source: str) -> SafeString:
    """Markdown as safe HTML; published words do not change, so they are read once."""
    return markdown(source)


@dataclass(frozen=True)
class Bar:
    """One day of a component: its look, and what a pointer that rests on it reads."""

    tone: str
    text: str


@dataclass(frozen=True)
class Row:
    """A component as the page shows it."""

    component: Component
    tone: str
    glyph: str
    bars: tuple[Bar, ...]
    summary: str  # the bars in one sentence
    days: tuple[tuple[str, str], ...]  # (day, what was wrong), newest first


def day_text(one: Day) -> str:
    """What was wrong on a day: “down 1 h 20 m, degraded 10 m”."""
    parts = [
        f"{statuspage.LABELS[state].lower()} {formats.duration(timedelta(seconds=seconds))}"
        for state, seconds in sorted(
            one.seconds.items(), key=lambda pair: -statuspage.WELL_TO_WORST.index(pair[0])
        )
    ]
    return ", ".join(parts)


def row(one: Component, today: date) -> Row:
    return Row(
        component=one,
        tone=TONES[one.state],
        glyph=GLYPHS[one.state],
        bars=tuple(_bar(day, today) for day in one.days),
        summary=_summary(one),
        days=tuple((formats.plain_day(day.on, today), day_text(day)) for day in one.troubled),
    )


def _summary(one: Component) -> str:
    """“99.95 % up in 90 days, trouble on 2 days”."""
    if one.uptime is None:
        return "It is new here"
    shown = sum(1 for day in one.days if day.state)
    trouble = sum(1 for day in one.troubled if day.state != statuspage.MAINTENANCE)
    worked = len(one.troubled) - trouble
    parts = [f"trouble on {_days(trouble)}"] if trouble else ["no trouble"]
    parts += [f"maintenance on {_days(worked)}"] if worked else []
    return f"{one.uptime:.2f} % up in {_days(shown)}, {', '.join(parts)}"


def _days(count: int) -> str:
    return f"{count} day{'s' * (count != 1)}"


def _bar(one: Day, today: date) -> Bar:
    if not one.state:
        return Bar("none", "")
    if not one.seconds:
        return Bar("", "")
    return Bar(TONES[one.state], f"{formats.plain_day(one.on, today)}: {day_text(one)}")


def groups(page: Page) -> list[tuple[str, list[Row]]]:
    """The components by group, in the page's order."""
    today = page.built_at.astimezone(page.zone).date()
    found: dict[str, list[Row]] = {}
    for one in page.components:
        found.setdefault(one.group, []).append(row(one, today))
    return list(found.items())


@dataclass(frozen=True)
class Told:
    """An incident with what the template needs beside it."""

    incident: Incident
    tone: str
    names: tuple[str, ...]
    updates: tuple[tuple[Any, SafeString, tuple[tuple[str, str], ...]], ...]
    more: int  # updates that are not shown here


def told(page: Page, one: Incident, most: int | None = None) -> Told:
    shown = one.updates if most is None else one.updates[:most]
    names = {component.key: component.name for component in page.components}
    return Told(
        incident=one,
        tone=IMPACT_TONES.get(one.impact, "warning") if one.is_standing else "success",
        names=page.names(one.components),
        updates=tuple(
            (
                update,
                words(update.body),
                tuple(
                    (names[key], statuspage.LABELS[state])
                    for key, state in update.states.items()
                    if key in names and state in statuspage.LABELS
                ),
            )
            for update in shown
        ),
        more=len(one.updates) - len(shown),
    )


def works(page: Page, rows: tuple[Work, ...]) -> list[dict[str, Any]]:
    return [{"work": one, "names": page.names(one.components), "body": words(one.body)}
            for one in rows]  # fmt: skip


# -- the pages


def front(page: Page) -> str:
    recent = [
        one
        for one in page.incidents
        if not one.is_standing and one.resolved_at and page.built_at - one.resolved_at < RECENT
    ]
    context = {
        "groups": groups(page),
        "standing": [told(page, one, UPDATES_SHOWN) for one in page.standing],
        "under_way": works(page, page.under_way),
        "upcoming": works(page, page.upcoming),
        "recent": [told(page, one, 1) for one in recent],
        "tone": TONES[page.state],
        "glyph": GLYPHS[page.state],
    }
    return _render("page", page, context)


def history(page: Page) -> str:
    """What ended, by month, for a year back."""
    since = page.built_at - timedelta(days=31 * MONTHS_SHOWN)
    entries: list[tuple[Any, Told | None, Any]] = [
        (one.started_at, told(page, one, 1), None)
        for one in page.incidents
        if one.started_at > since
    ]
    done = tuple(one for one in page.works if one.status == "completed" and one.starts_at > since)
    entries += [(shown["work"].starts_at, None, shown) for shown in works(page, done)]
    entries.sort(key=lambda entry: entry[0], reverse=True)
    months: dict[str, list[tuple[Told | None, Any]]] = {}
    for at, incident, work in entries:
        local = at.astimezone(page.zone)
        name = f"{formats.LONG_MONTHS[local.month - 1]} {local.year}"
        months.setdefault(name, []).append((incident, work))
    return _render("history", page, {"months": list(months.items())})


def incident(page: Page, ref: str) -> str | None:
    """One incident with all its updates; None where the public does not see it."""
    one = page.find(ref)
    return _render("incident", page, {"told": told(page, one)}) if one else None


def _render(name: str, page: Page, context: dict[str, Any]) -> str:
    return render_to_string(f"portal/status/{name}.html", {**frame(page), **context})


def frame(page: Page) -> dict[str, Any]:
    """What every page has around it; times are written in the page's zone for everybody."""
    viewer = SimpleNamespace(time_zone=page.zone.key, hour_cycle="24", week_start=0)
    return {
        "page": page,
        "now": page.built_at,
        "request": SimpleNamespace(user=viewer),
        "home": f"{page.url}/status/",
    }
