"""The instants that an incident's figures are made of, set right by hand with a reason."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction

from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.incidents.metrics import MILESTONES, Milestones, disorder
from apps.incidents.models import Incident
from apps.incidents.services.pages import lock_pages
from apps.incidents.services.timeline import record, refuse_merged

MAY_BE_UNKNOWN = frozenset({"impact_started_at", "acknowledged_at"})
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)  # what is earlier cannot be read in every zone
Status = Incident.Status


@transaction.atomic
def set_milestones(
    *,
    incident: Incident,
    reason: str,
    actor: Actor,
    now: datetime,
    **instants: datetime | None,
) -> Incident:
    """Set milestones to when things really happened; the timeline keeps old and new.

    `instants` are named as the columns (`impact_started_at`, `detected_at`, `declared_at`,
    `acknowledged_at`, `mitigated_at`, `resolved_at`, `closed_at`), aware. None says "not known",
    for the beginning of the impact and the acknowledgement. Raises Invalid, by field, for a
    missing reason, an unknown name, the future, a milestone that the incident has not reached, and
    for instants out of order.
    """
    refuse_merged(incident)
    lock_pages(incident)
    locked = Incident.objects.select_for_update(of=("self",)).get(pk=incident.pk)
    changes = {name: at for name, at in instants.items() if getattr(locked, name, None) != at}
    _check(locked, instants, reason, now)
    _check_order(locked, changes)
    if not changes:
        return incident
    old = {name: getattr(locked, name) for name in changes}
    for name, at in changes.items():
        setattr(locked, name, at)
        setattr(incident, name, at)
    locked.save(update_fields=list(changes))
    _move_spans(locked, changes)
    said = "; ".join(
        f"{MILESTONES[name].lower()} {_when(old[name])} → {_when(at)}"
        for name, at in changes.items()
    )
    text = f"{actor.label} set {said}. {reason.strip()}"
    record(incident=incident, what="milestones", text=text, actor=actor, now=now)
    return incident


def _when(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC" if instant else "not known"


def _check(
    incident: Incident, instants: dict[str, datetime | None], reason: str, now: datetime
) -> None:
    wrong: dict[str, list[str]] = {}
    for name, at in instants.items():
        if name not in MILESTONES:
            wrong[name] = ["There is no such milestone."]
        elif at is None and name not in MAY_BE_UNKNOWN and getattr(incident, name) is not None:
            wrong[name] = ["It happened: say when."]
        elif at is not None and at > now:
            wrong[name] = ["It cannot be in the future."]
        elif at is not None and at < EARLIEST:
            wrong[name] = [f"It cannot be before {EARLIEST:%Y}."]
        elif at is not None and not _reached(incident, name):
            wrong[name] = [f"It is {incident.get_status_display().lower()}: that has not happened."]
    if not reason.strip() or len(reason) > 2000:
        wrong["reason"] = ["Say why the time is another one, in up to 2,000 characters."]
    if wrong:
        raise Invalid(" ".join(texts[0] for texts in wrong.values()), fields=wrong)


def _reached(incident: Incident, name: str) -> bool:
    """Whether an incident in its state can have this milestone. A step that was skipped may get
    its instant afterwards: it was mitigated before it was resolved, whoever clicked."""
    if name == "mitigated_at":
        later = {Status.MITIGATED, Status.RESOLVED, Status.IN_REVIEW, Status.CLOSED}
        return incident.mitigated_at is not None or incident.status in later
    if name in {"declared_at", "resolved_at", "closed_at"}:
        return getattr(incident, name) is not None
    return True


def _check_order(incident: Incident, changes: dict[str, datetime | None]) -> None:
    named = {name: changes.get(name, getattr(incident, name)) for name in MILESTONES}
    found = disorder(Milestones.of(named))
    if found is None:
        return
    earlier, later = found
    text = f"“{MILESTONES[later]}” cannot be before “{MILESTONES[earlier]}”."
    field = later if later in changes else earlier
    raise Invalid(text, code="out_of_order", fields={field: [text]})


def _move_spans(incident: Incident, changes: dict[str, datetime | None]) -> None:
    """The time in each severity begins and ends with the incident."""
    spans = list(incident.spans.order_by("from_at", "pk"))
    if not spans:
        return
    first, last = spans[0], spans[-1]
    if (at := changes.get("detected_at")) is not None:
        first.from_at = min(at, first.to_at) if first.to_at else at
        first.save(update_fields=["from_at"])
    if (at := changes.get("resolved_at")) is not None and last.to_at is not None:
        last.to_at = max(at, last.from_at)
        last.save(update_fields=["to_at"])
