"""What somebody who declares an incident is shown while they write."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.accounts.models import Person
from apps.alerts.models import Alert
from apps.changes.models import Change
from apps.core.text import one_line
from apps.incidents import templating
from apps.incidents.models import Component, Incident, IncidentLink
from apps.incidents.models.comms import Audience, Stage
from apps.incidents.ports import Hint
from apps.incidents.selectors.commander import WHY, Named, commander_for
from apps.incidents.selectors.hints import hints
from apps.incidents.services import templates
from apps.incidents.services.links import NewLink
from apps.notifications import services as notifications
from apps.ownership.models import Surface
from apps.portal.selectors.incidents import Suggestion, suggested
from apps.portal.services.incidents import first_audience
from apps.support.models import Ticket

SHOWN = 9  # hints: as many as there are number keys
FEW = 4  # of one sort, so that no sort crowds out the others
Relation = IncidentLink.Relation


@dataclass(frozen=True)
class Offered:
    """A hint with its number key and whether it is ticked."""

    key: int
    hint: Hint
    is_ticked: bool

    @property
    def value(self) -> str:
        return f"{self.hint.kind} {self.hint.ref}"


@dataclass(frozen=True)
class Message:
    """The first message that is prepared for a side; empty words where none is."""

    side: str
    audience: Audience
    subject: str
    body: str


@dataclass(frozen=True)
class Look:
    """Beside the form: the severity, who will command, what may belong to it."""

    suggestion: Suggestion | None
    commander: Person | None
    why: str
    hints: Sequence[Offered]
    messages: Sequence[Message]


@dataclass(frozen=True)
class Origin:
    """What an incident is made of, when it is not made of nothing: an alert, a ticket, a change."""

    initial: Mapping[str, str] = field(default_factory=dict)
    link: NewLink | None = None
    label: str = ""
    url: str = ""
    standing: Incident | None = None  # the incident that it belongs to already


def look(
    person: Person,
    *,
    surface: Surface | None,
    title: str,
    summary: str,
    type_key: str,
    answers: Mapping[str, str],
    ticked: Collection[tuple[str, str]],
    leave_out: NewLink | None,
    now: datetime,
) -> Look:
    """All of it for what is written so far. Nothing is offered before anything is said."""
    suggestion = suggested(answers) if answers else None
    who, named = commander_for(surface, now=now)
    words = f"{title} {summary}"
    found = offered(person, surface=surface, words=words, type_key=type_key, now=now)
    if leave_out is not None:
        found = [one for one in found if (one.kind, one.ref) != (leave_out.kind, leave_out.ref)]
    return Look(
        suggestion=suggestion,
        commander=who,
        why=WHY[Named(named)] if named else "",
        hints=[
            Offered(number, hint, (hint.kind, hint.ref) in ticked)
            for number, hint in enumerate(_mixed(found), start=1)
        ],
        messages=_messages(suggestion, surface, title, now),
    )


def offered(
    person: Person, *, surface: Surface | None, words: str, type_key: str, now: datetime
) -> list[Hint]:
    """Every hint for what is written, before it is cut to what fits."""
    if surface is None and len(words.strip()) < 4:
        return []
    return hints(user=person, surface=surface, words=words, now=now, type_key=type_key)


def _mixed(found: Sequence[Hint]) -> list[Hint]:
    """At most nine, at most four of one sort, in the order in which they came."""
    counts: dict[str, int] = {}
    kept = []
    for hint in found:
        counts[hint.kind] = counts.get(hint.kind, 0) + 1
        if counts[hint.kind] <= FEW:
            kept.append(hint)
    return kept[:SHOWN]


def _messages(
    suggestion: Suggestion | None, surface: Surface | None, title: str, now: datetime
) -> list[Message]:
    """The prepared words of both sides; names that need an incident are left to be filled."""
    severity = suggestion.key if suggestion else ""
    known = {
        "title": one_line(title),
        "severity": severity or "SEV?",
        "affected": _affected(surface),
    }
    if surface is not None:
        known["surface"] = surface.key
    bare = Incident(surface=surface, severity=severity or "SEV3", detected_at=now)
    made = []
    for side in (Audience.Side.INTERNAL, Audience.Side.PUBLIC):
        audience = first_audience(side, severity)
        if audience is None:
            continue
        template = templates.fitting(incident=bare, audience=audience, stage=Stage.INITIAL)
        if template is not None:
            subject = templating.fill(template.subject, known)
            made.append(Message(side, audience, subject, templating.fill(template.body, known)))
    return made


def _affected(surface: Surface | None) -> str:
    """The components of the status page that hang on the surface, as the message will name them."""
    near = [pk for pk in (surface.pk, surface.parent_id) if pk] if surface else []
    rows = Component.objects.filter(surfaces__in=near, archived_at=None).distinct()
    names = list(rows.values_list("name", flat=True)) if near else []
    return ", ".join(names) or f"a part of {notifications.site().name}"


# -- what it is made of


def origin(params: Mapping[str, Any], viewer: Person) -> Origin:
    """The alert, ticket or change that the address names, if the viewer may see it."""
    for name, read in (("alert", _alert), ("ticket", _ticket), ("change", _change)):
        value = str(params.get(name) or "").strip()[:20]
        digits = value.upper().removeprefix("TCK-")
        if digits.isascii() and digits.isdigit() and len(digits) < 19:
            found = read(int(digits), viewer)
            if found is not None:
                return found
    return Origin()


def _alert(pk: int, viewer: Person) -> Origin | None:
    rows = Alert.objects.visible_to(viewer).select_related("surface")
    row = rows.filter(pk=pk).first()
    if row is None:
        return None
    url = f"/alerts/{row.pk}/"
    return Origin(
        initial={
            "title": row.summary[:200],
            "surface": row.surface.key if row.surface else "",
            "detection_source": Incident.Detection.ALERT,
            "alert": str(row.pk),
        },
        link=NewLink("alert", str(row.pk), url, row.summary, Relation.SYMPTOM),
        label=f"the alert “{row.summary[:120]}”",
        url=url,
        standing=_standing("alert", str(row.pk), viewer),
    )


def _ticket(pk: int, viewer: Person) -> Origin | None:
    rows = Ticket.objects.visible_to(viewer).select_related("surface", "queue")
    row = rows.filter(pk=pk).first()
    if row is None:
        return None
    url = f"/tickets/{row.ref}/"
    label = "" if row.queue.is_private else row.subject  # the incident's readers read it
    return Origin(
        initial={
            "title": label[:200],
            "surface": row.surface.key if row.surface else "",
            "detection_source": Incident.Detection.TICKET,
            "ticket": row.ref,
        },
        link=NewLink("ticket", row.ref, url, label, Relation.REPORTED_BY),
        label=f"{row.ref} {label[:120]}".strip(),
        url=url,
        standing=_standing("ticket", row.ref, viewer),
    )


def _change(pk: int, viewer: Person) -> Origin | None:
    rows = Change.objects.visible_to(viewer).select_related("surface")
    row = rows.filter(pk=pk).first()
    if row is None:
        return None
    url = row.url if len(row.url) <= 300 else ""
    return Origin(
        initial={"surface": row.surface.key if row.surface else "", "change": str(row.pk)},
        link=NewLink("change", str(row.pk), url, row.summary, Relation.SUSPECT),
        label=f"the change “{row.summary[:120]}”",
        url=url,
    )


def _standing(kind: str, ref: str, viewer: Person) -> Incident | None:
    seen = Incident.objects.visible_to(viewer).standing()
    return seen.filter(links__kind=kind, links__ref=ref).order_by("-pk").first()
