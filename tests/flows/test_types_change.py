"""Scenario S2, driven over a Wednesday: a release with a rewritten detector gives 312 columns
another type. The inventories say so at once, corrections by users within hours, and the nightly
audit proves it; no run ever fails.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from apps.alerts.models import Alert, RuleGroup
from apps.telemetry.models import TypeChange
from tests.conftest import Cast
from tests.flows.driven import DAY, HOUR, MINUTE, Driven, run, telemetry_listens

pytestmark = pytest.mark.django_db
ROLLED_OUT = datetime(2026, 9, 9, 9, 10, tzinfo=UTC)  # a Wednesday
TICKET = ROLLED_OUT + 65 * MINUTE
COLUMNS, CHANGED = 900, 312


def line(column: str, kind: str, at: datetime, package: str, **more: Any) -> dict[str, Any]:
    return {
        "column_ref": column, "semantic_type": kind, "sampled_at": at.isoformat(),
        "package": package, "org": "ostra", "project": "main", "source": "warehouse",
        "warehouse_type": "snowflake", **more,
    }  # fmt: skip


def inventory(at: datetime, package: str, changed: int = 0) -> list[dict[str, Any]]:
    """What the detector says of every column; national ids are phones in the new release."""
    return [
        line(f"warehouse.crm.people.c{number}", "phone" if number < changed else "national_id",
             at, package)
        for number in range(COLUMNS)
    ]  # fmt: skip


def audit(at: datetime, package: str, right: int, checked: int = 500) -> list[dict[str, Any]]:
    return [
        line(f"warehouse.audit.{package}.c{number}", "phone", at, package, truth_source="audit",
             truth="phone" if number < right else "national_id")
        for number in range(checked)
    ]  # fmt: skip


def corrections(count: int, since: datetime, until: datetime) -> list[dict[str, Any]]:
    gap = (until - since) / count
    return [
        line(f"warehouse.crm.fixed.{since:%d%H}.c{number}", "phone", since + number * gap, "2.12.0",
             truth="national_id", truth_source="user_correction")
        for number in range(count)
    ]  # fmt: skip


@pytest.fixture
def wednesday(cast: Cast) -> Any:
    with telemetry_listens():
        day = Driven(cast, ROLLED_OUT - 20 * DAY)
        day.post(
            "profile_runs",
            [run(f"r{n}", ROLLED_OUT - 20 * DAY + n * HOUR, source="warehouse", org="ostra",
                 project="main") for n in range(480)],
            at=ROLLED_OUT - MINUTE,
        )  # fmt: skip
        tuesday = ROLLED_OUT - DAY
        day.post("semantic_labels", inventory(tuesday, "2.11.3"), at=tuesday)
        day.post("semantic_labels", audit(tuesday, "2.11.3", right=485), at=tuesday)
        before = corrections(30, ROLLED_OUT - 20 * DAY, ROLLED_OUT - HOUR)  # 1.5 a day
        day.post("semantic_labels", before, at=ROLLED_OUT - HOUR)
        yield day


def test_the_inventory_says_it_before_anybody_writes(wednesday: Driven) -> None:
    wednesday.rule("inventory", "types-changed", group_by="source")
    assert wednesday.look(ROLLED_OUT) == []
    profiled = ROLLED_OUT + 5 * MINUTE
    wednesday.post("semantic_labels", inventory(profiled, "2.12.0", CHANGED), at=profiled)
    (alert,) = wednesday.look(profiled + MINUTE)
    assert "312 columns" in alert.summary
    assert alert.first_seen_at < TICKET
    assert TypeChange.objects.filter(was="national_id", became="phone").count() == CHANGED
    # The same inventory again changes nothing: a day later it is what was there before.
    later = profiled + 25 * HOUR
    wednesday.post("semantic_labels", inventory(later, "2.12.0", CHANGED), at=later)
    assert TypeChange.objects.count() == CHANGED
    assert wednesday.look(later + MINUTE) == []
    assert RuleGroup.objects.get().look == "ok"


def test_corrections_say_it_when_more_come_than_chance_brings(wednesday: Driven) -> None:
    wednesday.rule("count", "type-corrections", what="corrections")
    assert wednesday.look(ROLLED_OUT) == []
    rows = corrections(14, ROLLED_OUT, ROLLED_OUT + 2 * HOUR)
    fired_at = None
    for minute in range(10, 121, 10):
        now = ROLLED_OUT + minute * MINUTE
        since = (now - 10 * MINUTE).isoformat()
        come = [row for row in rows if since <= row["sampled_at"] < now.isoformat()]
        if come:
            wednesday.post("semantic_labels", come, at=now)
        if wednesday.look(now) and fired_at is None:
            fired_at = now
    assert fired_at is not None
    assert fired_at < TICKET
    assert "corrections in 2 h, where 0.1" in Alert.objects.get().summary


def test_the_nightly_audit_proves_it(wednesday: Driven) -> None:
    wednesday.rule("accuracy", "type-accuracy", window=86_400, target=0.95)
    assert wednesday.look(ROLLED_OUT) == []
    assert RuleGroup.objects.get().look == "proven"  # 485 of 500
    night = ROLLED_OUT + 15 * HOUR
    wednesday.post("semantic_labels", audit(night, "2.12.0", right=460), at=night)
    (alert,) = wednesday.look(night + MINUTE)
    assert "460 of 500 checked columns right: 92.0%" in alert.summary
    assert alert.first_seen_at > TICKET  # why the inventory is looked at, too


def test_corrections_enter_no_accuracy_and_no_run_ever_fails(wednesday: Driven) -> None:
    wednesday.rule("accuracy", "type-accuracy", window=172_800)
    wednesday.rule("rate", window=86_400)
    rows = corrections(40, ROLLED_OUT, ROLLED_OUT + 2 * HOUR)
    wednesday.post("semantic_labels", rows, at=ROLLED_OUT + 2 * HOUR)
    assert wednesday.look(ROLLED_OUT + 2 * HOUR) == []
    assert {one.look for one in RuleGroup.objects.all()} == {"proven", "ok"}
