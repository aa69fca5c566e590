"""Which release of the IANA time zone database this process reads."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import TZPATH


@cache
def release() -> str:
    """Such as `2025b`: of the system, whose files Python prefers, else of the `tzdata` package."""
    for folder in TZPATH:
        index = Path(folder) / "tzdata.zi"
        if index.is_file():
            with index.open() as lines:
                return lines.readline().removeprefix("# version").strip()[:20]
    try:
        return f"tzdata {version('tzdata')}"[:20]
    except PackageNotFoundError:
        return "unknown"
