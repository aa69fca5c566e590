"""What a check answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.conf import settings

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how it is, and what to do when it is not well."""

    area: str
    level: Level
    text: str
    mend: str = ""


Check = Callable[[datetime], Iterable[Finding]]


def is_production() -> bool:
    """Production settings, as opposed to `make run`."""
    return not settings.DEBUG
