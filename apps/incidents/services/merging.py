"""Two incidents that are one become one, and apart again.

What belongs to the one moves to the other by its ids, and the ids are kept: undoing puts back
exactly what moved and is still there. Timelines stay where things were said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction

from apps.alerts.models import AlertGroup
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.transitions import move
from apps.incidents.models import (
    Audience,
    ComponentImpact,
    Impact,
    Incident,
    IncidentLink,
    IncidentTask,
    Merge,
    StatusUpdate,
)
from apps.incidents.models.comms import State
from apps.incidents.services import status
from apps.incidents.services.links import may_name
from apps.incidents.services.pages import page_ids, show_on_pages
from apps.incidents.services.severity import begin_span, end_span, write_severity
from apps.incidents.services.timeline import record, url_of
from apps.paging import services as paging

UNDO_WITHIN = timedelta(hours=24)
Status, Visibility = Incident.Status, Incident.Visibility
_MODELS: dict[str, type[models.Model]] = {
    "links": IncidentLink, "impacts": Impact, "tasks": IncidentTask, "updates": StatusUpdate,
}  # fmt: skip


def _lock_both(one: Incident, other: Incident) -> tuple[Incident, Incident]:
    """Both incidents locked after their pages, the lower first, so that merges that cross wait.

    Without a join: after a wait the row is fresh, what is joined to it is not.
    """
    paging.lock(page_ids(one) + page_ids(other))
    rows = Incident.objects.select_for_update()
    found = {row.pk: row for row in rows.filter(pk__in=[one.pk, other.pk]).order_by("pk")}
    return found[one.pk], found[other.pk]


@transaction.atomic
def merge(
    *, child: Incident, into: Incident, reason: str = "", actor: Actor, now: datetime
) -> Merge:
    """`child` goes into `into`: its links, customers, open tasks, updates, components and people
    come along, and the higher severity of the two counts from now on.

    Raises Invalid for an incident into itself, Conflict for a circle, for a target that is over
    or merged itself, for a child that is over, for two kinds, and for a restricted one into one
    that everybody sees.
    """
    if child.pk == into.pk:
        text = "An incident cannot go into itself."
        raise Invalid(text, fields={"into": [text]})
    if len(reason) > 10_000:
        raise Invalid("Up to 10,000 characters.", fields={"reason": ["Up to 10,000 characters."]})
    given = child, into
    child, into = _lock_both(child, into)
    _check(child, into)
    was = child.status
    moved = _bring(child, into, actor, now)
    move(child, to=Status.MERGED, actor=actor, now=now, note=f"into {into.ref}", merged_into=into)
    end_span(child, now=now)
    row = Merge.objects.create(
        child=child, into=into, was=was, moved=moved, reason=reason.strip(), at=now,
        **actor.columns(),
    )  # fmt: skip
    _tell(child, into, reason.strip(), actor, now)
    if child.severity < into.severity:  # SEV1 sorts before SEV2
        write_severity(into, child.severity, f"that of {child.ref}, merged into it", actor, now)
    show_on_pages(into)
    for one in given:
        one.refresh_from_db(fields=["status", "merged_into", "severity"])
    return row


def _check(child: Incident, into: Incident) -> None:
    if into.merged_into is not None:
        if into.merged_into.pk == child.pk:
            raise Conflict(f"{into.ref} was merged into {child.ref} already: that is a circle.")
        raise Conflict(f"{into.ref} was merged into {into.merged_into.ref}: merge into that one.")
    if child.merged_into is not None:
        raise Conflict(f"{child.ref} was merged into {child.merged_into.ref} already.")
    for one in (child, into):
        if not one.is_standing:
            raise Conflict(
                f"{one.ref} is {one.get_status_display().lower()}. Only what still stands is "
                "merged; open it again, or link the two."
            )
    if child.kind != into.kind:
        raise Conflict(
            f"{child.ref} is {child.get_kind_display().lower()}, {into.ref} is "
            f"{into.get_kind_display().lower()}: the two are kept apart."
        )
    if child.visibility == Visibility.RESTRICTED and into.visibility == Visibility.OPEN:
        raise Conflict(
            f"{child.ref} is restricted and everybody sees {into.ref}. Merge {into.ref} into "
            f"{child.ref} instead."
        )
    if child.visibility != into.visibility and _is_known_outside(child):
        raise Conflict(
            f"Customers were told of {child.ref}; it cannot vanish into {into.ref}, which is "
            "restricted. Link the two."
        )


def _is_known_outside(incident: Incident) -> bool:
    """Whether customers read of it, or see it on the status page."""
    told = incident.updates.filter(
        status=StatusUpdate.Status.PUBLISHED, audience__side=Audience.Side.PUBLIC
    )
    return told.exists() or bool(_states(incident))


def _bring(child: Incident, into: Incident, actor: Actor, now: datetime) -> dict[str, Any]:
    """Move what belongs to the child; answers what moved, as `Merge.moved` keeps it."""
    links = _strangers(child.links.all(), into.links.all(), "kind", "ref")
    impacts = _strangers(child.impacts.all(), into.impacts.all(), "account_id")
    tasks = _strangers(
        child.tasks.filter(status=IncidentTask.Status.OPEN), into.tasks.all(), "template_id"
    )
    updates = [row.pk for row in child.updates.all()]
    moved: dict[str, Any] = {
        "links": links, "impacts": impacts, "tasks": tasks, "updates": updates,
    }  # fmt: skip
    # The components first: what an incident does to them is read from where it stands.
    moved["components"] = _bring_components(child, into, now)
    for name, pks in moved.items():
        if name in _MODELS and pks:
            _MODELS[name]._default_manager.filter(pk__in=pks).update(incident=into)
    new = sorted(_people(child, into) - set(into.participants.values_list("pk", flat=True)))
    into.participants.add(*new)
    moved["participants"] = new
    moved["groups"] = _bring_groups(child.ref, into)
    return moved


def _people(child: Incident, into: Incident) -> set[int]:
    """Who comes along: everybody on it; into what is restricted only those with a role."""
    people = set(child.roles.filter(to_at=None).values_list("person_id", flat=True))
    if child.commander_id is not None:
        people.add(child.commander_id)
    if child.visibility == into.visibility:
        people |= set(child.participants.values_list("pk", flat=True))
    return people


def _strangers(
    rows: Iterable[models.Model], there: Iterable[models.Model], *names: str
) -> list[int]:
    """The ids of `rows` whose values of `names` the target has not; None is never the same."""
    known = {tuple(getattr(row, name) for name in names) for row in there}
    return [
        int(row.pk)
        for row in rows
        if None in (key := tuple(getattr(row, name) for name in names)) or key not in known
    ]


def _bring_components(child: Incident, into: Incident, now: datetime) -> dict[str, list[str]]:
    """The worse state of both counts for each component; answers component → [before, since, of
    the child]."""
    mine, theirs = _states(child), _states(into)
    rank = status.WELL_TO_WORST.index
    kept = {}
    for key, state in mine.items():
        before = theirs.get(key, "operational")
        worse = max(before, state, key=lambda one: rank(State(one)))
        kept[key] = [before, worse, state]
    status.clear(incident=child, now=now)
    status.set_states(incident=into, states={key: row[1] for key, row in kept.items()}, now=now)
    return kept


def _states(incident: Incident) -> dict[str, str]:
    """How it hurts the components that the status page shows."""
    rows = ComponentImpact.objects.filter(
        incident=incident, to_at=None, component__archived_at=None
    )
    return dict(rows.values_list("component__key", "state"))


def _bring_groups(ref: str, into: Incident) -> list[int]:
    """The groups of alerts that name the one name the other from now on."""
    groups = AlertGroup.objects.filter(incident_ref=ref)
    pks = list(groups.values_list("pk", flat=True))
    AlertGroup.objects.filter(pk__in=pks).update(incident_ref=into.ref, incident_url=url_of(into))
    return pks


def _tell(child: Incident, into: Incident, reason: str, actor: Actor, now: datetime) -> None:
    more = f" {reason}" if reason else ""
    record(
        incident=child, what="merged", actor=actor, now=now,
        text=f"{actor.label} merged it into {_named(into)}.{more}",
        subject=("incident", into.ref, url_of(into)),
    )  # fmt: skip
    record(
        incident=into, what="merged", actor=actor, now=now,
        text=f"{actor.label} merged {_named(child)} into it.{more}",
        subject=("incident", child.ref, url_of(child)),
    )  # fmt: skip


def _named(incident: Incident) -> str:
    """INC-7 and what it is called, where everybody may read that."""
    return f"{incident.ref} {incident.title}" if may_name(incident) else incident.ref


@transaction.atomic
def undo_merge(*, child: Incident, actor: Actor, now: datetime, reason: str = "") -> Incident:
    """Within 24 hours: the child is what it was, and gets back what moved and is still there.

    What was written in the target since stays there, and so does the target's severity. Raises
    Conflict when it is not merged, when it is too late, or when the target was merged on.
    """
    row = Merge.objects.filter(child=child, undone_at=None).select_related("into").first()
    if row is None:
        raise Conflict(f"{child.ref} is not merged.")
    given, (child, into) = child, _lock_both(child, row.into)
    row = Merge.objects.select_for_update(of=("self",)).get(pk=row.pk)
    _check_undo(row, child, into, now)
    move(
        child, to=row.was, actor=actor, now=now, note=f"merge into {into.ref} undone",
        merged_into=None,
    )  # fmt: skip
    _give_back(row.moved, child, into, now)
    row.undone_at = now
    row.save(update_fields=["undone_at"])
    begin_span(child, reason=f"merge into {into.ref} undone", actor=actor, now=now)
    more = f" {reason.strip()}" if reason.strip() else ""
    record(
        incident=child, what="unmerged", actor=actor, now=now,
        text=f"{actor.label} took it out of {into.ref} again.{more}",
        subject=("incident", into.ref, url_of(into)),
    )  # fmt: skip
    record(
        incident=into, what="unmerged", actor=actor, now=now,
        text=f"{actor.label} took {child.ref} out of it again.{more}",
        subject=("incident", child.ref, url_of(child)),
    )  # fmt: skip
    show_on_pages(child)
    given.refresh_from_db(fields=["status", "merged_into"])
    return given


def _check_undo(row: Merge, child: Incident, into: Incident, now: datetime) -> None:
    if row.undone_at is not None or child.status != Status.MERGED:
        raise Conflict(f"{child.ref} is not merged any more.")
    if now - row.at > UNDO_WITHIN:
        raise Conflict(
            f"{child.ref} was merged more than 24 hours ago. Declare a new incident and link it.",
            code="too_late",
        )
    if into.merged_into is not None:
        raise Conflict(f"{into.ref} went into {into.merged_into.ref} meanwhile: undo that first.")


def _give_back(moved: Mapping[str, Any], child: Incident, into: Incident, now: datetime) -> None:
    for name, model in _MODELS.items():
        rows = model._default_manager.filter(pk__in=moved.get(name, []), incident=into)
        if name == "links":  # what was linked to the child meanwhile is there already
            here = {(link.kind, link.ref) for link in child.links.all()}
            back = [one.pk for one in rows if (one.kind, one.ref) not in here]  # type: ignore[attr-defined] # these are links
            rows = model._default_manager.filter(pk__in=back)
        rows.update(incident=child)
    into.participants.remove(
        *(pk for pk in moved.get("participants", []) if pk != into.commander_id)
    )
    AlertGroup.objects.filter(pk__in=moved.get("groups", []), incident_ref=into.ref).update(
        incident_ref=child.ref, incident_url=url_of(child)
    )
    _give_components_back(moved.get("components", {}), child, into, now)


def _give_components_back(
    kept: Mapping[str, list[str]], child: Incident, into: Incident, now: datetime
) -> None:
    """Each gets its own state back, unless somebody has said another one since."""
    here = _states(into)
    since = {key: row for key, row in kept.items() if here.get(key, "operational") == row[1]}
    live = set(
        ComponentImpact.objects.filter(
            component__key__in=since, component__archived_at=None
        ).values_list("component__key", flat=True)
    )
    status.set_states(
        incident=into, now=now, states={key: row[0] for key, row in since.items() if key in live}
    )
    status.set_states(
        incident=child, now=now, states={key: row[2] for key, row in since.items() if key in live}
    )
