"""The one mover of state. Nobody else assigns a status.

A model declares beside its status field a table `TRANSITIONS: dict[from, frozenset[to]]`.
`move` wins the row with a compare-and-set UPDATE, so two callers cannot both take a step, and
writes an append-only history row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db import models, transaction

from apps.core.audit import Actor
from apps.core.errors import Conflict, IllegalTransition
from apps.core.models import StatusChange

M = TypeVar("M", bound=models.Model)


def allowed(obj: models.Model) -> frozenset[str]:
    """The states that `obj` may move to from where it is."""
    table: dict[str, frozenset[str]] = type(obj).TRANSITIONS  # type: ignore[attr-defined] # models with a state machine declare it
    return table.get(str(getattr(obj, "status")), frozenset())  # noqa: B009 - the mover is generic


def settle(obj: M, *, to: str, **fields: Any) -> M:
    """`move` without a history row, for rows that are their own record (deliveries, messages).

    The same table, the same compare-and-set, the same errors.
    """
    was = str(getattr(obj, "status"))  # noqa: B009 - the mover is generic
    if to not in allowed(obj):
        raise IllegalTransition(f"This {obj._meta.verbose_name} is {was}; it cannot become {to}.")
    won = type(obj)._default_manager.filter(pk=obj.pk, status=was).update(status=to, **fields)
    if not won:
        raise Conflict(f"This {obj._meta.verbose_name} was changed by somebody else meanwhile.")
    for name, value in {"status": to, **fields}.items():
        setattr(obj, name, value)
    return obj


def settle_all(rows: Sequence[M], *, to: str, **fields: Any) -> int:
    """`settle` for rows that the caller has locked, in one UPDATE; answers how many moved."""
    if not rows:
        return 0
    illegal = next((row for row in rows if to not in allowed(row)), None)
    if illegal is not None:
        was = getattr(illegal, "status")  # noqa: B009 - the mover is generic
        raise IllegalTransition(f"This {illegal._meta.verbose_name} is {was}.")
    manager = type(rows[0])._default_manager
    return manager.filter(pk__in=[row.pk for row in rows]).update(status=to, **fields)


def move(obj: M, *, to: str, actor: Actor, now: datetime, note: str = "", **fields: Any) -> M:
    """Move `obj` to state `to`, setting `fields` in the same UPDATE.

    Raises IllegalTransition when the table has no such step, Conflict when the row is no longer
    in the state that `obj` was loaded in.
    """
    was = str(getattr(obj, "status"))  # noqa: B009 - the mover is generic
    if to not in allowed(obj):
        noun = obj._meta.verbose_name
        raise IllegalTransition(f"This {noun} is {was}; it cannot become {to}.")
    with transaction.atomic():
        won = type(obj)._default_manager.filter(pk=obj.pk, status=was).update(status=to, **fields)
        if not won:
            raise Conflict(
                f"This {obj._meta.verbose_name} was changed by somebody else meanwhile. "
                "Reload to see its state."
            )
        StatusChange.objects.create(
            kind=obj._meta.label_lower,
            ref=str(obj.pk),
            was=was,
            became=to,
            note=note,
            at=now,
            **actor.columns(),
        )
    for name, value in {"status": to, **fields}.items():
        setattr(obj, name, value)
    return obj
