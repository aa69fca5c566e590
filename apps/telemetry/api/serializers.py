from __future__ import annotations

from rest_framework import serializers

from apps.core import clock
from apps.core.api.fields import IdField, InstantField, SurfaceKeyField
from apps.telemetry.models import ProfiledSource, ProfileRun, ReportRun, TypeChange
from apps.telemetry.selectors import freshness


class NamedSource(serializers.ModelSerializer[ProfiledSource]):
    """A source as its sender names it."""

    id = IdField()

    class Meta:
        model = ProfiledSource
        fields = ["id", "org", "project", "name"]


class ProfileRunSerializer(serializers.ModelSerializer[ProfileRun]):
    """One attempt of a profiling run that ended. `verdict` is what it counts as, `blame` whose
    fault a failure was by its code; durations are milliseconds.
    """

    id = IdField()
    source = NamedSource(read_only=True)  # type: ignore[assignment] # a field of that name
    surface = SurfaceKeyField()
    queued_at = InstantField(read_only=True, allow_null=True)
    started_at = InstantField(read_only=True, allow_null=True)
    finished_at = InstantField(read_only=True)
    received_at = InstantField(read_only=True)

    class Meta:
        model = ProfileRun
        fields = ["id", "run_id", "attempt", "source", "surface", "warehouse_type", "command"]
        fields += ["trigger", "queued_at", "started_at", "finished_at", "duration_ms", "outcome"]
        fields += ["diagnostic_code", "blame", "verdict", "size", "tables_attempted", "tables_ok"]
        fields += ["tables_failed", "tables_skipped", "columns", "row_count_bucket", "approximate"]
        fields += ["deep_profile", "bytes_scanned", "cost_usd", "package", "contract_version"]
        fields += ["received_at"]


class ReportRunSerializer(serializers.ModelSerializer[ReportRun]):
    """One inspector report that was made, or was not."""

    id = IdField()
    surface = SurfaceKeyField()
    finished_at = InstantField(read_only=True)
    received_at = InstantField(read_only=True)

    class Meta:
        model = ReportRun
        fields = ["id", "run_id", "attempt", "template", "template_version", "table", "surface"]
        fields += ["ejected", "finished_at", "duration_ms", "outcome", "diagnostic_code", "blame"]
        fields += ["verdict", "package", "received_at"]


class ProfiledSourceSerializer(serializers.ModelSerializer[ProfiledSource]):
    """A warehouse that somebody profiles. `freshness` is how old its last success is now, against
    its rhythm or its oldest age: fresh, late, stale, never, or suppressed while it is paused.
    """

    id = IdField()
    connection = serializers.CharField(
        source="connection.key", read_only=True, allow_null=True, default=None
    )
    surface = SurfaceKeyField()
    cadence_seconds = serializers.SerializerMethodField()
    paused = serializers.SerializerMethodField()
    freshness = serializers.SerializerMethodField()
    first_seen_at = InstantField(read_only=True)
    last_finished_at = InstantField(read_only=True, allow_null=True)
    last_success_at = InstantField(read_only=True, allow_null=True)

    class Meta:
        model = ProfiledSource
        fields = ["id", "org", "project", "name", "warehouse_type", "connection", "surface"]
        fields += ["cadence_seconds", "max_age_seconds", "paused", "freshness", "first_seen_at"]
        fields += ["last_finished_at", "last_outcome", "last_success_at"]

    def get_cadence_seconds(self, row: ProfiledSource) -> int | None:
        cadence = row.cadence
        return round(cadence.total_seconds()) if cadence else None

    def get_paused(self, row: ProfiledSource) -> bool:
        return row.paused_at is not None

    def get_freshness(self, row: ProfiledSource) -> str:
        return freshness.of_source(row, now=clock.now()).state


class TypeChangeSerializer(serializers.ModelSerializer[TypeChange]):
    """A column whose semantic type is another than in the inventory before."""

    id = IdField()
    source = NamedSource(read_only=True)  # type: ignore[assignment] # a field of that name
    at = InstantField(read_only=True)

    class Meta:
        model = TypeChange
        fields = ["id", "source", "column_ref", "was", "became", "actual_type", "package_was"]
        fields += ["package", "at"]
