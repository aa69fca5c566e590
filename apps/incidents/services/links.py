"""What belongs to an incident, by reference."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db import transaction

from apps.alerts.models import Alert
from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.core.text import clip, one_line
from apps.incidents.models import Incident, IncidentLink
from apps.incidents.services.timeline import record, refuse_merged

Relation = IncidentLink.Relation
_ALERT = re.compile(r"[0-9]{1,18}")
_INCIDENT = re.compile(r"INC-([0-9]{1,18})", re.IGNORECASE)


class Linkable(Protocol):
    """What `link_all` takes: a hint to a declaration is one, a `NewLink` too."""

    @property
    def kind(self) -> str: ...
    @property
    def ref(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def relation(self) -> str: ...


@dataclass(frozen=True)
class NewLink:
    """A link to make: what it leads to, and how that has to do with the incident."""

    kind: str
    ref: str
    url: str = ""
    label: str = ""
    relation: str = Relation.RELATED


def link(
    incident: Incident,
    kind: str,
    ref: str,
    url: str,
    label: str,
    now: datetime,
    relation: str = Relation.SYMPTOM,
    by: str = "",
) -> bool:
    """Write a link down without a word in the timeline; answers whether it is new."""
    _, fresh = IncidentLink.objects.get_or_create(
        incident=incident,
        kind=kind,
        ref=ref,
        defaults={
            "url": url,
            "label": clip(one_line(label), 300),
            "relation": relation,
            "added_by_label": by[:120],
            "created_at": now,
        },
    )
    return fresh


@transaction.atomic
def link_all(*, incident: Incident, links: Iterable[Linkable], actor: Actor, now: datetime) -> int:
    """Link what somebody picked, each with a line in the timeline; answers how many are new."""
    found = 0
    for one in links:
        found += add_link(
            incident=incident, kind=one.kind, ref=one.ref, url=one.url, label=one.label,
            relation=one.relation, actor=actor, now=now,
        )  # fmt: skip
    return found


@transaction.atomic
def add_link(
    *,
    incident: Incident,
    kind: str,
    ref: str,
    actor: Actor,
    now: datetime,
    url: str = "",
    label: str = "",
    relation: str = Relation.RELATED,
) -> bool:
    """Link something to the incident and say so; answers whether it is new.

    What an incident is called that not everybody here may read of stays unsaid. Raises Invalid
    for a kind, reference, address or relation that cannot be, for a page (it comes by paging) and
    for an alert that is not there, Conflict for an incident that was merged.
    """
    refuse_merged(incident)
    kind, ref = one_line(kind), one_line(ref)
    if not 1 <= len(kind) <= 30 or not 1 <= len(ref) <= 60:
        raise Invalid("Write what it leads to, such as TCK-7.", fields={"ref": ["Up to 60."]})
    if relation not in Relation.values:
        text = f"A relation is {', '.join(Relation.values)}."
        raise Invalid(text, fields={"relation": [text]})
    if len(url) > 300 or (url and not url.startswith(("https://", "http://", "/"))):
        text = "An address begins with https:// and has up to 300 characters."
        raise Invalid(text, fields={"url": [text]})
    _check_duty(kind, ref)
    label = _sayable(kind, ref, label)
    if not link(incident, kind, ref, url, label, now, relation, actor.label):
        return False
    how = Relation(relation).label.lower()
    said = f"Linked {kind} {ref}" + (f", {one_line(label)}" if label.strip() else "")
    record(
        incident=incident, what="linked", text=f"{said} ({how}).", actor=actor, now=now,
        subject=(kind, ref, url),
    )  # fmt: skip
    return True


def _check_duty(kind: str, ref: str) -> None:
    """Alerts and pages begin and end with their incident: nobody ties a foreign one to it."""
    text = ""
    if kind == "page":
        text = (
            "A page belongs to the incident that it was opened from. Page somebody from this one."
        )
    if kind == "alert" and not (
        _ALERT.fullmatch(ref) and Alert.objects.filter(pk=int(ref)).exists()
    ):
        text = f"There is no alert {ref}."
    if text:
        raise Invalid(text, fields={"ref": [text]})


def _sayable(kind: str, ref: str, label: str) -> str:
    """The label, unless it names an incident that not everybody may see."""
    match = _INCIDENT.fullmatch(ref) if kind == "incident" else None
    other = Incident.objects.filter(pk=int(match[1])).first() if match else None
    return label if other is None or may_name(other) else ""


def may_name(incident: Incident) -> bool:
    """Whether everybody here may read what it is called."""
    return incident.visibility == Incident.Visibility.OPEN


@transaction.atomic
def unlink(*, incident: Incident, link: IncidentLink, actor: Actor, now: datetime) -> None:
    """Take a link away, as it has nothing to do with it after all; the timeline keeps both."""
    refuse_merged(incident)
    if link.kind == "page":
        raise Invalid("A page stays with the incident that it woke somebody for.")
    gone = IncidentLink.objects.filter(pk=link.pk, incident=incident).delete()[0]
    if gone:
        record(
            incident=incident, what="unlinked", text=f"No longer linked: {link}.", actor=actor,
            now=now, subject=(link.kind, link.ref, link.url),
        )  # fmt: skip
