"""The shapes of telemetry, as the readings give them and telemetry stores them.

Times are aware and in UTC; text is scrubbed and cut to its column; empty text and None mean that
the sender did not say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class TableIn:
    """One table inside a run: detail that feeds freshness and counts for nothing."""

    schema: str
    table: str
    outcome: str  # succeeded, partial, failed, timed_out, canceled
    profiled_at: datetime | None = None
    model_file_hash: str = ""
    upstream_changed_at: datetime | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ProfileRunIn:
    """One attempt of a profiling run; `finished_at` is None for one that only began."""

    run_id: str
    attempt: int
    outcome: str  # running, succeeded, partial, failed, timed_out, canceled
    org: str = ""
    project: str = ""
    source: str = ""
    connection: str = ""  # key of a customers.Connection
    warehouse_type: str = ""  # lower case
    surface: str = ""
    command: str = ""
    trigger: str = ""
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_ms: int | None = None
    diagnostic_code: str = ""
    tables_attempted: int | None = None
    tables_ok: int | None = None
    tables_failed: int | None = None
    tables_skipped: int | None = None
    columns: int | None = None
    row_count_bucket: str = ""
    approximate: bool | None = None
    deep_profile: bool | None = None
    bytes_scanned: int | None = None
    cost_usd: Decimal | None = None
    package: str = ""
    contract_version: str = ""
    tables: tuple[TableIn, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportRunIn:
    """One inspector report that was made or was not."""

    run_id: str
    attempt: int
    outcome: str  # succeeded, failed, timed_out, canceled
    template: str
    finished_at: datetime
    template_version: str = ""
    table: str = ""
    surface: str = ""
    ejected: bool | None = None
    duration_ms: int | None = None
    diagnostic_code: str = ""
    package: str = ""


@dataclass(frozen=True, slots=True)
class LabelIn:
    """A column's semantic type as predicted; without a truth it is a line of an inventory."""

    column_ref: str  # source.schema.table.column
    predicted: str
    sampled_at: datetime
    label_id: str = ""  # the sender's own id, where it has one
    org: str = ""
    project: str = ""
    source: str = ""
    surface: str = ""
    actual_type: str = ""
    role: str = ""
    truth: str = ""
    truth_source: str = ""  # fixture, audit, user_correction, dbt_meta
    confidence: float | None = None
    package: str = ""
    contract_version: str = ""
    warehouse_type: str = ""
    stratum: str = ""


@dataclass(frozen=True, slots=True)
class CountIn:
    """Good events of all events in one window of `seconds`."""

    sli: str
    starts_at: datetime
    good: int
    total: int
    seconds: int = 60
    part: str = ""
    surface: str = ""


@dataclass(frozen=True, slots=True)
class MeasurementIn:
    """A value with a unit and the limit it should keep, or the date when something ends."""

    metric: str
    at: datetime
    subject: str = ""
    surface: str = ""
    value: float | None = None
    unit: str = ""
    limit: float | None = None
    not_after: datetime | None = None


Reading = ProfileRunIn | ReportRunIn | LabelIn | CountIn | MeasurementIn
