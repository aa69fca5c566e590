"""What tools measure, read from the bodies they post: pure, strict, and with words for a refusal.

Runs, reports, labels, counts and readings come many at a time and mean no alert: they become the
shapes of `shapes.py`, line by line, and go whole to the app that keeps them.

A new kind is a reader of one line (`read(data, *, received_at)`, which raises `InvalidEvent`), a
line in `batch.READINGS`, and an address in `apps/intake/doors/telemetry.py`.
"""

from __future__ import annotations

from apps.intake.readings.batch import (
    MAX_LINE,
    MAX_LINES,
    READINGS,
    Batch,
    Rejected,
    lines_of,
    read_batch,
    sift,
)

__all__ = [
    "MAX_LINE",
    "MAX_LINES",
    "READINGS",
    "Batch",
    "Rejected",
    "lines_of",
    "read_batch",
    "sift",
]
