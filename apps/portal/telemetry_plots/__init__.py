"""Geometry of the telemetry pages' drawings, pure: figures in, coordinates out.

Across in percent, so that a drawing fits any width while its text keeps its size; upwards in px.
Where there is an interval it is drawn, where there is too little to judge that is what is shown,
and where nothing ran nothing is drawn: no data is never a good figure.
"""

from __future__ import annotations

from apps.portal.telemetry_plots.bars import FEW, Bar, Rate, Shares, Tick, shares, top_of
from apps.portal.telemetry_plots.lengths import (
    Lengths,
    Point,
    Sample,
    Spread,
    Spreads,
    Stretch,
    Trend,
    spreads,
    trend,
)
from apps.portal.telemetry_plots.moments import (
    GROUND,
    HEIGHT,
    TOP,
    VOLUME_FOOT,
    Column,
    Mark,
    Moment,
    OverTime,
    marks,
    over_time,
    place,
    time_labels,
)
from apps.portal.telemetry_plots.rows import (
    Band,
    Day,
    Spark,
    Square,
    Whisker,
    floor_of,
    spark,
    strip,
    strip_bands,
    whisker,
)
from apps.portal.telemetry_plots.words import bounds, length, percent

__all__ = [
    "FEW",
    "GROUND",
    "HEIGHT",
    "TOP",
    "VOLUME_FOOT",
    "Band",
    "Bar",
    "Column",
    "Day",
    "Lengths",
    "Mark",
    "Moment",
    "OverTime",
    "Point",
    "Rate",
    "Sample",
    "Shares",
    "Spark",
    "Spread",
    "Spreads",
    "Square",
    "Stretch",
    "Tick",
    "Trend",
    "Whisker",
    "bounds",
    "floor_of",
    "length",
    "marks",
    "over_time",
    "percent",
    "place",
    "shares",
    "spark",
    "spreads",
    "strip",
    "strip_bands",
    "time_labels",
    "top_of",
    "trend",
    "whisker",
]
