from __future__ import annotations

from apps.telemetry.services.blame import drop_objective, reclassify, save_code, save_objective
from apps.telemetry.services.labels import store_labels
from apps.telemetry.services.readings import store_counts, store_measurements
from apps.telemetry.services.reports import store_reports
from apps.telemetry.services.retention import purge
from apps.telemetry.services.rollups import check_rollups, rebuild_rollups
from apps.telemetry.services.runs import store_runs
from apps.telemetry.services.sources import archive_source, change_source, restore_source
from apps.telemetry.services.stored import KEEP_RUNS, Stored
from apps.telemetry.services.taking import take

__all__ = [
    "KEEP_RUNS",
    "Stored",
    "archive_source",
    "change_source",
    "check_rollups",
    "drop_objective",
    "purge",
    "rebuild_rollups",
    "reclassify",
    "restore_source",
    "save_code",
    "save_objective",
    "store_counts",
    "store_labels",
    "store_measurements",
    "store_reports",
    "store_runs",
    "take",
]
