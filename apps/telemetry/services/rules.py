"""The editable tables by which runs are judged, read once a batch."""

from __future__ import annotations

from apps.telemetry.classify import CodeRule, Rules
from apps.telemetry.models import DiagnosticCode, DurationObjective


def rules() -> Rules:
    """What the tables say now."""
    codes = DiagnosticCode.objects.values_list("code", "blame", "is_timeout")
    return Rules(
        codes={code: CodeRule(blame, is_timeout) for code, blame, is_timeout in codes},
        seconds=dict(DurationObjective.objects.values_list("size", "seconds")),
    )
