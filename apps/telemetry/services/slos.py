"""Objectives are set, changed and laid down."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import IntegrityError, transaction

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.ownership.models import Surface
from apps.telemetry.models import Slo

LONGEST = 365
TAKEN = {"new"}  # its address is a page of its own
KEPT = {Slo.Sli.FRESHNESS: 90}  # days: of these, older events are no longer there
EDITABLE = (
    *("name", "description", "surface", "owner", "sli", "count_key", "facet"),
    *("objective", "window_days", "policy"),
)
_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LENGTHS = {"name": 120, "description": 500, "count_key": 80, "facet": 60}


@transaction.atomic
def create_slo(
    *,
    key: str,
    name: str,
    sli: str,
    objective: Decimal | float | str,
    actor: Actor,
    now: datetime,
    surface: Surface | None = None,
    owner: Person | None = None,
    description: str = "",
    count_key: str = "",
    facet: str = "",
    window_days: int = 28,
    policy: str = Slo.Policy.FREEZE,
) -> Slo:
    """Set an objective. Raises Invalid with all that is wrong, by field; `key_taken` is one."""
    given: dict[str, Any] = {
        "name": name, "sli": sli, "objective": objective, "surface": surface, "owner": owner,
        "description": description, "count_key": count_key, "facet": facet,
        "window_days": window_days, "policy": policy,
    }  # fmt: skip
    clean, wrong = _checked(given)
    key = key.strip().lower()
    if not _KEY.fullmatch(key) or len(key) > 60:
        wrong["key"] = ["Use up to 60 lower-case letters, digits and hyphens: profile-success."]
    elif key in TAKEN or Slo.objects.filter(key=key).exists():
        wrong["key"] = ["This key is taken."]
    _refuse(wrong)
    try:
        with transaction.atomic():
            return Slo.objects.create(key=key, created_at=now, **clean)
    except IntegrityError as error:  # two at once
        raise Invalid("This key is taken.", fields={"key": ["This key is taken."]}) from error


@transaction.atomic
def change_slo(
    *, slo: Slo, actor: Actor, now: datetime, archived: bool | None = None, **changes: Any
) -> Slo:
    """Change an objective; what it was stays in its history. `archived` lays it down or takes it
    up again. Raises Invalid by field, Conflict for other changes of one that is laid down."""
    row = _locked(slo)
    if archived is not None:
        row.archived_at = (row.archived_at or now) if archived else None
        row.save(update_fields=["archived_at"])
    if not changes:
        return row
    if row.archived_at:
        raise Conflict("This objective is laid down. Take it up again first.", code="archived")
    given = {name: changes.get(name, getattr(row, name)) for name in EDITABLE}
    clean, wrong = _checked(given, was=row)
    _refuse(wrong)
    for name, value in clean.items():
        setattr(row, name, value)
    row.save(update_fields=list(clean))
    return row


def _locked(slo: Slo) -> Slo:
    rows = Slo.objects.select_related("surface", "owner")
    return rows.select_for_update(of=("self",), no_key=True).get(pk=slo.pk)


def _refuse(wrong: dict[str, list[str]]) -> None:
    if wrong:
        raise Invalid("This objective cannot be kept as it is.", fields=wrong)


def _checked(
    given: dict[str, Any], was: Slo | None = None
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What is to be kept, and what is wrong with it by field."""
    clean, wrong = dict(given), {}
    for name, most in _LENGTHS.items():
        text = clean[name] = " ".join(str(given[name]).split())
        if "\x00" in text:
            wrong[name] = ["This text has a character that cannot be kept (NUL)."]
        elif len(text) > most:
            wrong[name] = [f"At most {most} characters fit; this has {len(text)}."]
    if not clean["name"]:
        wrong["name"] = ["Say what is promised: Profile runs succeed."]
    if given["policy"] not in Slo.Policy.values:
        wrong["policy"] = [f"Choose one of {', '.join(Slo.Policy.values)}."]
    _check_sli(clean, wrong)
    clean["objective"] = _objective(given["objective"], wrong)
    _check_window(given, wrong)
    owner = given["owner"]
    kept = was is not None and owner is not None and was.owner_id == owner.pk
    if owner is not None and not kept and (not owner.is_active or owner.archived_at):
        wrong["owner"] = [f"{owner.name} is no longer active. Choose somebody who is here."]
    return clean, wrong


def _check_sli(clean: dict[str, Any], wrong: dict[str, list[str]]) -> None:
    if clean["sli"] not in Slo.Sli.values:
        wrong["sli"] = [f"Choose one of {', '.join(Slo.Sli.values)}."]
    elif clean["sli"] != Slo.Sli.COUNTS:
        clean["count_key"] = ""  # it would say nothing
    elif not clean["count_key"]:
        wrong["count_key"] = ["Say which counts it measures, as the tool that sends them does."]


def _objective(value: Any, wrong: dict[str, list[str]]) -> Decimal:
    try:
        share = Decimal(str(value))
    except InvalidOperation:
        share = Decimal("NaN")
    if not share.is_finite() or not 0 < share < 1:
        wrong["objective"] = ["An objective lies between 0 and 1, both excluded: 0.99."]
    elif share != round(share, 6):
        wrong["objective"] = ["At most six digits after the point fit: 0.999999."]
    return share


def _check_window(given: dict[str, Any], wrong: dict[str, list[str]]) -> None:
    days = given["window_days"]
    most = KEPT.get(given["sli"], LONGEST)
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= most:
        wrong["window_days"] = [f"A window of this has 1 to {most} days."]
