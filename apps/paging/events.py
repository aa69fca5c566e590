from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.core.audit import Actor


@dataclass(frozen=True)
class PageAcknowledged:
    """Somebody took the page; "acknowledged" is a fact of the page."""

    page_id: int
    by: Actor
    at: datetime


@dataclass(frozen=True)
class PageExhausted:
    """Every step and repeat was taken and nobody acknowledged."""

    page_id: int
    at: datetime


@dataclass(frozen=True)
class PageStepTaken:
    """People were told; whoever keeps a timeline may say so."""

    page_id: int
    text: str
    at: datetime
