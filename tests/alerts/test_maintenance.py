"""Announced work: said, moved, begun, ended, canceled, and what a sleeping worker makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.alerts import services
from apps.alerts.events import MaintenanceChanged
from apps.alerts.models import MaintenanceWindow
from apps.alerts.tasks import maintenance
from apps.core import audit, clock, events
from apps.core.errors import Conflict, IllegalTransition, Invalid
from tests import builders as build
from tests.adminkit import fields, messages, send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

NOW = datetime(2026, 3, 9, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LIST = "/admin/alerts/maintenancewindow/"
Status = MaintenanceWindow.Status


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is published about maintenance, as words in their order."""
    found: list[str] = []

    def hear(event: Any) -> None:
        if isinstance(event, MaintenanceChanged):
            found.append(event.what)

    monkeypatch.setattr(events, "publish", hear)
    return found


def window(**more: Any) -> MaintenanceWindow:
    wanted: dict[str, Any] = {
        "title": "Database upgrade",
        "surfaces": [build.surface()],
        "starts_at": NOW + HOUR,
        "ends_at": NOW + 3 * HOUR,
        "actor": audit.SYSTEM,
        "now": NOW,
        **more,
    }
    return services.announce_maintenance(**wanted)


def change(row: MaintenanceWindow, now: datetime = NOW, **given: Any) -> MaintenanceWindow:
    return services.change_maintenance(window=row, fields=given, actor=audit.SYSTEM, now=now)


def test_it_begins_and_ends_by_itself_and_each_step_is_told_once(
    db: None, heard: list[str]
) -> None:
    row = window()
    seen = []
    for minutes in (0, 59, 60, 61, 179, 180, 181):
        services.maintain_due(now=NOW + timedelta(minutes=minutes))
        row.refresh_from_db()
        seen.append(str(row.status))
    assert seen == ["scheduled"] * 2 + ["in_progress"] * 3 + ["completed"] * 2
    assert heard == ["announced", "begun", "completed"]
    assert (row.started_at, row.ended_at) == (NOW + HOUR, NOW + 3 * HOUR)


def test_a_worker_that_slept_through_all_of_it_tells_the_end_alone(
    db: None, heard: list[str]
) -> None:
    row = window()
    assert services.maintain_due(now=NOW + 9 * HOUR) == 1
    assert services.maintain_due(now=NOW + 9 * HOUR) == 0
    row.refresh_from_db()
    assert (row.status, heard) == ("completed", ["announced", "completed"])
    assert row.ended_at == NOW + 3 * HOUR  # when it was over, not when somebody noticed


def test_every_move_of_a_time_is_told_and_a_new_title_is_not(db: None, heard: list[str]) -> None:
    row = window()
    change(row, starts_at=NOW + 2 * HOUR)
    change(row, ends_at=NOW + 5 * HOUR)
    change(row, title="Upgrade of the database", description="Slow for a while.")
    assert heard == ["announced", "moved", "moved"]


def test_what_becomes_public_is_announced_then(db: None, heard: list[str]) -> None:
    row = window(is_public=False)
    heard.clear()
    change(row, is_public=True, ends_at=NOW + 4 * HOUR)
    assert heard == ["announced"]


def test_what_has_begun_keeps_its_start_and_may_go_on_longer(db: None, heard: list[str]) -> None:
    row = window()
    services.maintain_due(now=NOW + HOUR)
    row.refresh_from_db()
    with pytest.raises(Invalid) as refused:
        change(row, NOW + HOUR, starts_at=NOW + 2 * HOUR)
    assert "starts_at" in refused.value.fields
    change(row, NOW + HOUR, ends_at=NOW + 6 * HOUR)
    services.maintain_due(now=NOW + 4 * HOUR)
    row.refresh_from_db()
    assert (row.status, heard[-1]) == ("in_progress", "moved")


def test_what_has_begun_is_ended_and_not_canceled(db: None, heard: list[str]) -> None:
    row = window()
    services.maintain_due(now=NOW + HOUR)
    row.refresh_from_db()
    with pytest.raises(Conflict):
        services.cancel_maintenance(window=row, actor=audit.SYSTEM, now=NOW + HOUR)
    services.end_maintenance(window=row, actor=audit.SYSTEM, now=NOW + 2 * HOUR)
    row.refresh_from_db()
    assert (row.status, row.ended_at) == ("completed", NOW + 2 * HOUR)
    assert heard == ["announced", "begun", "completed"]


def test_what_is_over_or_canceled_is_not_touched_any_more(db: None, heard: list[str]) -> None:
    row = window()
    services.cancel_maintenance(window=row, actor=audit.SYSTEM, now=NOW)
    services.maintain_due(now=NOW + 2 * HOUR)
    with pytest.raises(Conflict):
        change(row, title="Again")
    with pytest.raises(IllegalTransition):
        services.cancel_maintenance(window=row, actor=audit.SYSTEM, now=NOW)
    assert heard == ["announced", "canceled"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"ends_at": NOW + HOUR}, "ends_at"),
        ({"ends_at": NOW}, "ends_at"),
        ({"starts_at": NOW - 3 * HOUR, "ends_at": NOW - HOUR}, "ends_at"),
        ({"ends_at": NOW + timedelta(days=40)}, "ends_at"),
        ({"title": " \n"}, "title"),
        ({"title": "x" * 161}, "title"),
        ({"description": "x" * 20_001}, "description"),
        ({"surfaces": []}, "surfaces"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    db: None, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        window(**given)
    assert list(refused.value.fields) == [field]


def test_a_manager_announces_moves_and_ends_it_in_the_admin(cast: Cast) -> None:
    maya = sign_in(cast.maya)
    assert "No maintenance announced" in text_of(maya.get(LIST))
    surface = build.surface()
    start = clock.now().replace(second=0, microsecond=0) + timedelta(days=1)
    wall = "%Y-%m-%dT%H:%M"
    form = fields(maya, f"{LIST}add/") | {
        "title": ["Database upgrade"],
        "surfaces": [str(surface.pk)],
        "starts_at": [f"{start:{wall}}"],
        "ends_at": [f"{start + HOUR:{wall}}"],
    }
    late = send(maya, f"{LIST}add/", form | {"ends_at": [f"{start:{wall}}"]})
    assert "The end must come after the start." in text_of(late)
    assert send(maya, f"{LIST}add/", form).status_code == 302
    row = MaintenanceWindow.objects.get()
    assert (row.created_by, list(row.surfaces.all())) == (cast.maya, [surface])
    page = f"{LIST}{row.pk}/change/"
    moved = fields(maya, page) | {"ends_at": [f"{start + 2 * HOUR:{wall}}"]}
    assert send(maya, page, moved).status_code == 302
    services.maintain_due(now=start)
    assert "surfaces" in fields(maya, page)
    answer = maya.post(f"{LIST}{row.pk}/do/end/", {})
    assert messages(answer) == ["Ended."]
    assert maya.get(f"{LIST}{row.pk}/do/cancel/").status_code == 404


def test_the_admin_is_for_managers(cast: Cast, client: Client) -> None:
    ravi = sign_in(cast.ravi)
    assert ravi.get(LIST).status_code in {302, 403}


def test_the_minute_task_does_what_is_due_by_the_clock(db: None) -> None:
    now = clock.now()
    row = window(now=now, starts_at=now - HOUR, ends_at=now + HOUR)
    assert maintenance() == 1
    row.refresh_from_db()
    assert row.status == Status.IN_PROGRESS
