from __future__ import annotations

from apps.telemetry.services.labels import store_labels
from apps.telemetry.services.readings import store_counts, store_measurements
from apps.telemetry.services.reports import store_reports
from apps.telemetry.services.rollups import check_rollups, rebuild_rollups
from apps.telemetry.services.runs import store_runs
from apps.telemetry.services.sources import change_source
from apps.telemetry.services.stored import Stored

__all__ = [
    "Stored",
    "change_source",
    "check_rollups",
    "rebuild_rollups",
    "store_counts",
    "store_labels",
    "store_measurements",
    "store_reports",
    "store_runs",
]
