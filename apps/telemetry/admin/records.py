"""What came in, read-only and the latest first."""

from __future__ import annotations

from apps.core.admin_base import ReadOnly, display, register, when
from apps.telemetry.models import (
    Measurement,
    ProfileRun,
    ReportRun,
    SemanticLabel,
    SliCount,
    TypeChange,
)

ENDED = when("finished_at", "ended")
CAME = when("received_at", "received")
TOOK = display(description="took", ordering="duration_ms")


class Record(ReadOnly):  # type: ignore[type-arg] # each table below names its own rows
    ordering = ["-pk"]

    @TOOK
    def took(self, obj: ProfileRun | ReportRun) -> str:
        return "–" if obj.duration_ms is None else f"{obj.duration_ms / 1000:,.1f} s"


@register(ProfileRun)
class ProfileRunAdmin(Record):
    intro = "Profiling runs, each attempt once. They are kept for 90 days, their sums for longer."
    empty_text = "No run came in yet. The sender's page says how to send one."
    list_display = ["run_id", ENDED, "source", "warehouse_type", "outcome", "verdict", "took"]
    list_filter = ["outcome", "verdict", "size", "blame"]
    list_select_related = ["source"]
    search_fields = ["=run_id", "=diagnostic_code"]
    fields = [
        "run_id", "attempt", "integration", "source", "surface", "command", "trigger",
        "warehouse_type", when("queued_at", "queued"), when("started_at", "started"), ENDED,
        "took", "outcome", "sent_outcome", "diagnostic_code", "blame", "verdict", "size",
        "tables_attempted", "tables_ok", "tables_failed", "tables_skipped", "columns",
        "row_count_bucket", "approximate", "deep_profile", "bytes_scanned", "cost_usd", "package",
        "contract_version", CAME, "delivery_id",
    ]  # fmt: skip


@register(ReportRun)
class ReportRunAdmin(Record):
    intro = "Inspector reports that were made, or were not."
    empty_text = "No report came in yet."
    list_display = ["run_id", ENDED, "template", "outcome", "verdict", "took"]
    list_filter = ["outcome", "verdict", "blame"]
    search_fields = ["=run_id", "=template", "=diagnostic_code"]
    fields = [
        "run_id", "attempt", "integration", "surface", "template", "template_version", "table",
        "ejected", ENDED, "took", "outcome", "sent_outcome", "diagnostic_code", "blame",
        "verdict", "package", CAME,
    ]  # fmt: skip


@register(SemanticLabel)
class SemanticLabelAdmin(Record):
    intro = "Semantic types whose truth is known: from fixtures, audits and corrections."
    empty_text = "No label came in yet."
    list_display = ["column_ref", "predicted", "truth", "truth_source", when("sampled_at", "when")]
    list_filter = ["truth_source", "correct"]
    search_fields = ["=column_ref", "=predicted", "=truth"]
    fields = [
        "column_ref", "integration", "source", "surface", "actual_type", "role", "predicted",
        "truth", "truth_source", "correct", "confidence", "package", "contract_version",
        "warehouse_type", "stratum", when("sampled_at", "when"), CAME,
    ]  # fmt: skip


@register(TypeChange)
class TypeChangeAdmin(Record):
    intro = "Columns whose semantic type is another than in the inventory before."
    empty_text = "No type has changed between two inventories."
    list_display = ["column_ref", "was", "became", "package_was", "package", when("at", "when")]
    search_fields = ["=column_ref", "=was", "=became"]
    fields = [
        "column_ref", "source", "was", "became", "actual_type", "package_was", "package",
        when("at", "when"),
    ]  # fmt: skip


@register(SliCount)
class SliCountAdmin(Record):
    intro = "Good events out of all, as tools count them."
    empty_text = "No count came in yet."
    list_display = ["sli", "part", when("starts_at", "from"), "seconds", "good", "total"]
    search_fields = ["=sli", "=part"]
    fields = [
        "sli", "part", "integration", "surface", when("starts_at", "from"), "seconds", "good",
        "total", CAME,
    ]  # fmt: skip


@register(Measurement)
class MeasurementAdmin(Record):
    intro = "Single readings: a value with its unit and limit, or when something ends."
    empty_text = "No reading came in yet."
    list_display = ["metric", "subject", when("at", "when"), "value", "unit", "limit"]
    search_fields = ["=metric", "=subject"]
    fields = [
        "metric", "subject", "integration", "surface", when("at", "when"), "value", "unit",
        "limit", when("not_after", "ends"), CAME,
    ]  # fmt: skip
