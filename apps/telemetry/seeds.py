"""What a new site starts with: whom diagnostic codes blame, and how long a run may take."""

from __future__ import annotations

from apps.telemetry.models import Blame, DiagnosticCode, DurationObjective, Size

# (code, blame, time ran out, note). The customer's: credentials, access, configuration. Ours: what
# we did wrong ourselves. All else is unknown, which counts as bad until somebody says otherwise.
CODES = (
    ("ERR-WAREHOUSE-AUTH", Blame.CUSTOMER, False, "The credentials were refused."),
    ("ERR-ACCESS-DENIED", Blame.CUSTOMER, False, "The role may not read what it should."),
    ("ERR-SOURCE-NOT-FOUND", Blame.CUSTOMER, False, "The source is not configured."),
    ("ERR-SOURCE-CONFIG-INVALID", Blame.CUSTOMER, False, "The source's configuration is wrong."),
    ("ERR-ADAPTER-NOT-INSTALLED", Blame.CUSTOMER, False, "The adapter is not installed."),
    ("ERR-DBT-MANIFEST-MISSING", Blame.CUSTOMER, False, "There is no dbt manifest."),
    ("ERR-INTERNAL", Blame.US, False, "A fault of the profiler."),
    ("ERR-ADAPTER-UNAVAILABLE", Blame.US, False, "An adapter that should be there is not."),
    ("ERR-CHART-PAINTED-NO-MARKS", Blame.US, False, "A chart came out empty."),
    ("ERR-WAREHOUSE-CONNECTION", Blame.UNKNOWN, False, "The warehouse could not be reached."),
    ("ERR-QUERY-DURATION-EXCEEDED", Blame.UNKNOWN, True, "A query took longer than it may."),
    ("ERR-WAREHOUSE-RUNTIME", Blame.UNKNOWN, False, "The warehouse refused a query."),
    ("ERR-BINDER-UNKNOWN-COLUMN", Blame.UNKNOWN, False, "A column is not there."),
    ("ERR-BINDER-UNKNOWN-RELATION", Blame.UNKNOWN, False, "A relation is not there."),
    ("ERR-DBT-MODEL-COLUMN-MISSING", Blame.UNKNOWN, False, "A column of a dbt model is missing."),
)


# How long a run may take and still be good, in seconds: generous, since nobody has said it yet.
OBJECTIVES = ((Size.SMALL, 900), (Size.MEDIUM, 3_600), (Size.LARGE, 14_400), (Size.HUGE, 43_200))


def ensure_codes() -> int:
    """Add the codes that are missing; rows that somebody edited stay. Answers how many are new.

    Duration objectives come with the first codes only: one that was taken away stays away.
    """
    have = set(DiagnosticCode.objects.values_list("code", flat=True))
    new = [
        DiagnosticCode(code=code, blame=blame, is_timeout=timeout, note=note)
        for code, blame, timeout, note in CODES
        if code not in have
    ]
    if not have:
        rows = [DurationObjective(size=size, seconds=seconds) for size, seconds in OBJECTIVES]
        DurationObjective.objects.bulk_create(rows, ignore_conflicts=True)
    DiagnosticCode.objects.bulk_create(new)
    return len(new)
