"""Classes of contributing factors: those that ship, and how a manager changes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core.errors import Conflict
from apps.followups.models import Factor
from apps.followups.services.checking import Wrong

SEEDS: Sequence[tuple[str, str, str]] = (
    ("change-without-canary", "Change reached everybody at once",
     "A deployment, release or setting went out without a canary, a flag or a staged rollout."),
    ("missing-rollback", "No way back",
     "There was no rollback, it was not rehearsed, or it took longer than the harm could wait."),
    ("missing-alert", "Nobody was told",
     "No alert watched it, it was silent or too slow: customers noticed before we did."),
    ("missing-owner", "Nobody answered for it",
     "No owner, no backup, or nobody on call for the part that broke."),
    ("test-data-unlike-production", "Tests unlike production",
     "Data, sizes, settings or traffic in tests were so different that they could not show it."),
    ("limit-or-quota", "A limit was reached",
     "A quota, rate limit, timeout or size limit of ours or of a vendor."),
    ("capacity", "Not enough room",
     "More load, data or cost than was planned for: memory, connections, workers, warehouse time."),
    ("vendor-change", "A vendor changed something",
     "An API, driver, price or default changed under us, announced or not."),
    ("third-party-outage", "A third party was down",
     "Something that we lean on failed, and we had no way around it."),
    ("secret-or-certificate", "A secret or certificate",
     "Expired, rotated, missing, or in the wrong hands."),
    ("schema-drift", "A schema moved",
     "Tables, columns, types or contracts changed between whoever writes and whoever reads."),
    ("unclear-procedure", "The procedure was unclear",
     "A runbook, checklist or message was missing, wrong, or could be read in two ways."),
    ("human-slip-under-load", "A slip under load",
     "A wrong command, place or choice that the system made easy while somebody was stretched."),
    ("time-and-calendars", "Time and calendars",
     "Zones, clock changes, month ends, leap days, schedules that overlapped or did not run."),
)  # fmt: skip


@transaction.atomic
def ensure_factors() -> int:
    """The factors that ship, on a site that has none yet; answers how many were added.

    Nothing that somebody renamed is written again; what was archived stays archived.
    """
    known = set(Factor.objects.values_list("key", flat=True))
    fresh = [
        Factor(key=key, name=name, description=text, position=10 * number)
        for number, (key, name, text) in enumerate(SEEDS, start=1)
        if key not in known
    ]
    Factor.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


# -- kept by managers


@transaction.atomic
def save_factor(*, factor: Factor | None, fields: Mapping[str, Any]) -> Factor:
    """Create or change a factor (`name`, `key`, `description`, `position`). The key stays: tools
    and past reviews speak of it."""
    row = Factor.objects.select_for_update().get(pk=factor.pk) if factor else Factor()
    given = dict(fields)
    wrong = Wrong()
    given["name"] = wrong.line(
        "name", given.get("name", row.name), empty="Give it a name of a few words.", most=100
    )
    key = str(given.pop("key", "") or row.key)
    if factor is None and Factor.objects.filter(key=key).exists():
        wrong.add("key", "Another factor has this key.")
    wrong.raise_any("This factor cannot be kept as it is.")
    row.key = row.key or key
    for name in {"name", "description", "position"} & set(given):
        setattr(row, name, given[name])
    row.save()
    return row


@transaction.atomic
def archive_factor(*, factor: Factor, now: datetime) -> Factor:
    """Out of the choices; what refers to it stays readable."""
    row = Factor.objects.select_for_update().get(pk=factor.pk)
    if row.archived_at is not None:
        raise Conflict(f"{row.name} is archived already.")
    row.archived_at = now
    row.save(update_fields=["archived_at"])
    return row


@transaction.atomic
def bring_back_factor(*, factor: Factor) -> Factor:
    """Offer an archived factor again."""
    row = Factor.objects.select_for_update().get(pk=factor.pk)
    row.archived_at = None
    row.save(update_fields=["archived_at"])
    return row
