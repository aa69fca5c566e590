"""Columns whose semantic type became another one between two inventories: the cheapest warning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, QuerySet

from apps.telemetry.models import ColumnType, TypeChange


@dataclass(frozen=True)
class TypePair:
    """How many columns of how many sources went from one type to another, and when."""

    was: str
    became: str
    n: int
    sources: int
    first_at: datetime
    last_at: datetime


def changes(
    *, user: Any, since: datetime, until: datetime, was: str = "", became: str = ""
) -> QuerySet[TypeChange]:
    """Single changes, with their sources."""
    rows = TypeChange.objects.visible_to(user).filter(at__gte=since, at__lt=until)
    rows = rows.filter(was=was) if was else rows
    rows = rows.filter(became=became) if became else rows
    return rows.select_related("source", "source__integration")


def type_pairs(
    *, user: Any, since: datetime, until: datetime, source: int | None = None, most: int = 60
) -> list[TypePair]:
    """Changes by pair of types, the most frequent first."""
    rows = TypeChange.objects.visible_to(user).filter(at__gte=since, at__lt=until)
    rows = rows.filter(source_id=source) if source else rows
    found = rows.order_by().values_list("was", "became").annotate(
        n=Count("pk"), sources=Count("source_id", distinct=True), first=Min("at"), last=Max("at")
    )  # fmt: skip
    return [TypePair(*row) for row in found.order_by("-n", "was", "became")[:most]]


def columns_known(user: Any) -> int:
    """How many columns the inventories hold now."""
    return ColumnType.objects.visible_to(user).filter(source__archived_at=None).count()
