"""Runs, labels, counts and readings as they came in, what is kept of them, and objectives."""

from __future__ import annotations

from apps.telemetry.models.labels import ColumnType, SemanticLabel, StratumWeight, TypeChange
from apps.telemetry.models.readings import Measurement, SliCount
from apps.telemetry.models.rollups import Grain, RunHistogram, RunRollup
from apps.telemetry.models.runs import (
    Blame,
    DiagnosticCode,
    DurationObjective,
    Outcome,
    ProfiledSource,
    ProfiledTable,
    ProfileRun,
    ReportRun,
    Size,
    Verdict,
)
from apps.telemetry.models.slo import Slo

__all__ = [
    "Blame",
    "ColumnType",
    "DiagnosticCode",
    "DurationObjective",
    "Grain",
    "Measurement",
    "Outcome",
    "ProfileRun",
    "ProfiledSource",
    "ProfiledTable",
    "ReportRun",
    "RunHistogram",
    "RunRollup",
    "SemanticLabel",
    "Size",
    "SliCount",
    "Slo",
    "StratumWeight",
    "TypeChange",
    "Verdict",
]
