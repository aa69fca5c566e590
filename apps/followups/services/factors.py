"""Classes of contributing factors: those that ship, and how a manager changes them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from apps.followups.models import Factor

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
