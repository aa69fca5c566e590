"""A schedule edited on its page: order, people, exceptions; the past stays what it was."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.core.errors import Invalid
from apps.rotations import selectors, services
from apps.rotations.admin.turns import LayerTurns, newest_version, placed
from apps.rotations.models import LayerVersion, Override, Schedule, Shift
from apps.rotations.services import LayerPlan
from tests import builders as build
from tests.adminkit import Values, fields, messages, send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of
from tests.world import START, World

NOON = datetime(2026, 9, 9, 12, tzinfo=UTC)  # the Wednesday after START, in Ravi's week


@pytest.fixture
def maya(cast: Cast, world: World) -> Client:
    world.at("2026-09-09 12:00")
    return sign_in(cast.maya)


@pytest.fixture
def schedule(cast: Cast, world: World) -> Schedule:
    """Ravi, Bea, Sam: weekly since three weeks, handed over on Mondays at 09:00 in Berlin."""
    world.at("2026-08-19 12:00")
    made = build.schedule(
        cast.ravi, cast.bea, cast.sam, time_zone="Europe/Berlin", now=NOON - timedelta(weeks=3)
    )
    services.materialise(schedule=made, now=NOON)
    world.at("2026-09-09 12:00")
    return made


def page(schedule: Schedule) -> str:
    return f"/admin/rotations/schedule/{schedule.pk}/change/"


def prefix(schedule: Schedule) -> str:
    return f"layer-{schedule.layers.get().pk}"


def people(form: Values, at: str) -> list[str]:
    """The turn as the page shows it."""
    names = [name for name in form if name.startswith(f"{at}-people-") and name.endswith("person")]
    return [form[name][0] for name in names if form[name][0]]


def ordered(form: Values, at: str, *who: Any) -> Values:
    """The page with these people in the turn, by the numbers before their rows."""
    changed = {name: value for name, value in form.items() if f"{at}-people-" not in name}
    for index, person in enumerate(who):
        chosen = "nobody" if person is None else str(person.pk)
        changed[f"{at}-people-{index}-person"] = [chosen]
        changed[f"{at}-people-{index}-position"] = [str(index + 1)]
    return changed


def on_call(schedule: Schedule, weeks: int) -> str:
    """Who is on call on the Wednesday that many weeks from now."""
    found = selectors.on_call(schedule, at=NOON + timedelta(weeks=weeks))
    return ", ".join(person.first_name for person in found)


def coming(schedule: Schedule) -> list[str]:
    return [on_call(schedule, week) for week in range(4)]


def past(schedule: Schedule) -> list[tuple[Any, ...]]:
    rows = Shift.objects.filter(schedule=schedule, end_at__lte=NOON).order_by("start_at")
    return list(rows.values_list("pk", "person_id", "start_at", "end_at"))


def test_the_page_says_who_is_on_call_now_and_who_comes_next(
    maya: Client, schedule: Schedule, cast: Cast
) -> None:
    said = text_of(maya.get(page(schedule)))
    now = on_call(schedule, 0)
    assert (
        f"{selectors.on_call(schedule, at=NOON)[0].name} is on call now, until Mon 14 Sep, 09:00"
        in said
    )
    assert "no gap in 4 weeks" in said
    form = fields(maya, page(schedule))
    first = people(form, prefix(schedule))[0]
    assert first == str(selectors.on_call(schedule, at=NOON)[0].pk), now
    assert form[f"{prefix(schedule)}-anchor_date"] == ["2026-09-07"]
    assert "now, until Mon 14 Sep, 09:00" in said


def test_swapping_the_next_two_changes_the_coming_weeks_and_keeps_the_past(
    maya: Client, schedule: Schedule
) -> None:
    before, served, running = coming(schedule), past(schedule), Shift.objects.at(NOON).get()
    at = prefix(schedule)
    form = fields(maya, page(schedule))
    shown = people(form, at)
    form[f"{at}-people-1-position"], form[f"{at}-people-2-position"] = ["3"], ["2"]
    answer = send(maya, page(schedule), form)
    assert answer.status_code == 302
    assert coming(schedule) == [before[0], before[2], before[1], before[3]]
    assert past(schedule) == served
    running.refresh_from_db()
    assert running.end_at == datetime(2026, 9, 14, 7, tzinfo=UTC)
    assert len(shown) == 3
    (said,) = messages(answer)
    assert "future shifts changed for 2 people." in said


def test_saving_without_a_change_changes_nothing(maya: Client, schedule: Schedule) -> None:
    before = list(Shift.objects.order_by("pk").values_list("pk", "start_at", "end_at"))
    answer = send(maya, page(schedule), fields(maya, page(schedule)))
    assert messages(answer) == ["Profiler is saved. No future shift changed."]
    assert LayerVersion.objects.count() == 1
    assert list(Shift.objects.order_by("pk").values_list("pk", "start_at", "end_at")) == before


def test_whoever_is_added_last_comes_last_and_nobody_running_is_disturbed(
    maya: Client, schedule: Schedule, cast: Cast
) -> None:
    at, form = prefix(schedule), fields(maya, page(schedule))
    order = people(form, at)
    form[f"{at}-people-3-person"] = [str(cast.maya.pk)]
    assert send(maya, page(schedule), form).status_code == 302
    wanted = [selectors.on_call(schedule, at=NOON + timedelta(weeks=w))[0].pk for w in range(5)]
    assert [str(pk) for pk in wanted] == [*order, str(cast.maya.pk), order[0]]


def test_taking_somebody_out_closes_the_ranks(maya: Client, schedule: Schedule) -> None:
    at, form = prefix(schedule), fields(maya, page(schedule))
    first, second, third = people(form, at)
    form[f"{at}-people-1-remove"] = ["on"]
    assert send(maya, page(schedule), form).status_code == 302
    found = [selectors.on_call(schedule, at=NOON + timedelta(weeks=w))[0].pk for w in range(4)]
    assert [str(pk) for pk in found] == [first, third, first, third]
    assert second


def test_somebody_new_in_front_takes_over_at_the_handoff_unless_it_is_meant_at_once(
    maya: Client, schedule: Schedule, cast: Cast
) -> None:
    at = prefix(schedule)
    form = ordered(fields(maya, page(schedule)), at, cast.maya, cast.bea)
    running = on_call(schedule, 0)
    assert send(maya, page(schedule), form).status_code == 302
    assert coming(schedule) == [running, "Maya", "Bea", "Maya"]
    form = ordered(fields(maya, page(schedule)), at, cast.bea, cast.maya)
    assert send(maya, page(schedule), form, applies=["now"]).status_code == 302
    assert coming(schedule) == ["Bea", "Maya", "Bea", "Maya"]


def test_a_change_may_be_planned_from_a_date(maya: Client, schedule: Schedule, cast: Cast) -> None:
    at, before = prefix(schedule), coming(schedule)
    form = ordered(fields(maya, page(schedule)), at, cast.maya)
    answer = send(maya, page(schedule), form, applies=["date"])
    assert "Say from when." in text_of(answer)
    answer = send(maya, page(schedule), form, applies=["date"], applies_on=["2026-09-21T09:00"])
    assert answer.status_code == 302
    assert coming(schedule) == [*before[:2], "Maya", "Maya"]
    said = text_of(maya.get(page(schedule)))
    assert "This arrangement is planned from Mon 21 Sep 2026, 09:00." in said
    # Saved again, the planned arrangement is replaced at its own date.
    form = ordered(fields(maya, page(schedule)), at, cast.bea)
    assert send(maya, page(schedule), form).status_code == 302
    assert coming(schedule) == [*before[:2], "Bea", "Bea"]


def test_a_buffer_is_a_gap_that_is_meant_and_shown(
    maya: Client, schedule: Schedule, cast: Cast
) -> None:
    at, form = prefix(schedule), fields(maya, page(schedule))
    first = people(form, at)[0]
    who = next(p for p in (cast.ravi, cast.bea, cast.sam) if str(p.pk) == first)
    assert send(maya, page(schedule), ordered(form, at, who, None)).status_code == 302
    assert coming(schedule) == [who.first_name, "", who.first_name, ""]
    assert "2 gaps in 4 weeks" in text_of(maya.get(page(schedule)))


def test_a_preview_shows_what_would_change_and_saves_nothing(
    maya: Client, schedule: Schedule
) -> None:
    before, at = coming(schedule), prefix(schedule)
    form = fields(maya, page(schedule))
    form[f"{at}-people-1-position"], form[f"{at}-people-2-position"] = ["3"], ["2"]
    answer = send(maya, page(schedule), form, "_preview")
    assert answer.status_code == 200
    said = text_of(answer)
    assert "Preview, not saved yet." in said and "future shifts changed for 2 people." in said
    assert "■ new" in said
    assert coming(schedule) == before
    assert LayerVersion.objects.count() == 1


def test_hours_are_ticked_and_typed_and_never_written_as_json(
    maya: Client, schedule: Schedule
) -> None:
    at, form = prefix(schedule), fields(maya, page(schedule))
    form[f"{at}-windows-0-days"] = ["mon", "wed"]
    form[f"{at}-windows-0-start"], form[f"{at}-windows-0-end"] = ["08:00"], ["18:00"]
    assert send(maya, page(schedule), form, applies=["now"]).status_code == 302
    version = newest_version(schedule.layers.get())
    assert version is not None
    assert version.windows == [{"days": ["mon", "wed"], "start": "08:00", "end": "18:00"}]
    assert on_call(schedule, 0)
    assert selectors.on_call(schedule, at=NOON + timedelta(days=1)) == []
    again = fields(maya, page(schedule))
    assert again[f"{at}-windows-0-days"] == ["mon", "wed"]


WRONG = [
    ({"every": "0"}, "Ensure this value is greater than or equal to 1."),
    ({"every": "9999"}, "Ensure this value is less than or equal to 366."),
    ({"every": "1e999"}, "Enter a whole number."),
    ({"unit": "fortnight"}, "Select a valid choice."),
    ({"anchor_time": "25:99"}, "Enter a valid time."),
    ({"anchor_date": "0001-01-01"}, "Enter a year from 2000 to 2100."),
    ({"anchor_date": "soon"}, "Enter a valid date."),
    ({"time_zone": "Mars/Olympus"}, "Mars/Olympus is not a time zone."),
    ({"windows-0-start": "09:00", "windows-0-end": "10:00"}, "Window 1: tick at least one day."),
    ({"windows-0-days": "mon", "windows-0-start": "9 am"}, "“from” is a time such as 09:00."),
    ({"people-0-person": "999999"}, "Place 1: choose somebody from the list."),
    ({"people-0-person": "abc"}, "Place 1: choose somebody from the list."),
]


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_saved(
    maya: Client, schedule: Schedule
) -> None:
    at, form = prefix(schedule), fields(maya, page(schedule))
    for typed, said in WRONG:
        changed = form | {f"{at}-{name}": [value] for name, value in typed.items()}
        answer = send(maya, page(schedule), changed)
        assert answer.status_code == 200, typed
        assert "Nothing was saved." in text_of(answer), typed
        assert said in text_of(answer), typed
    assert LayerVersion.objects.count() == 1


def test_a_rotation_needs_somebody(maya: Client, schedule: Schedule) -> None:
    form = ordered(fields(maya, page(schedule)), prefix(schedule))
    answer = send(maya, page(schedule), form)
    assert "Put somebody into the turn, or end the rotation." in text_of(answer)


def test_somebody_deactivated_is_refused_in_words(
    maya: Client, schedule: Schedule, cast: Cast
) -> None:
    form = fields(maya, page(schedule))
    cast.sam.is_active = False
    cast.sam.save()
    form[f"{prefix(schedule)}-people-3-person"] = [str(cast.ravi.pk)]
    said = text_of(send(maya, page(schedule), form))
    assert "Sam Sand was deactivated" in said
    assert "(deactivated)" in said


def test_two_managers_at_once_do_not_overwrite_each_other(
    maya: Client, schedule: Schedule, cast: Cast
) -> None:
    opened = fields(maya, page(schedule))
    other = ordered(opened, prefix(schedule), cast.bea)
    assert send(maya, page(schedule), other).status_code == 302
    answer = send(maya, page(schedule), ordered(opened, prefix(schedule), cast.sam))
    assert "Somebody else changed this rotation meanwhile." in text_of(answer)
    assert coming(schedule)[1:] == ["Bea", "Bea", "Bea"]


# -- exceptions


def test_an_exception_is_added_in_the_schedules_own_zone_and_cancelled(
    maya: Client, schedule: Schedule, cast: Cast
) -> None:
    form = fields(maya, page(schedule))
    running = selectors.on_call(schedule, at=NOON)[0]
    form["override-0-person"] = [str(cast.maya.pk)]
    form["override-0-replaces"] = [str(running.pk)]
    form["override-0-start_at"], form["override-0-end_at"] = (
        ["2026-09-10T08:00"],
        ["2026-09-10T20:00"],
    )
    answer = send(maya, page(schedule), form)
    assert answer.status_code == 302
    row = Override.objects.get()
    assert row.start_at == datetime(2026, 9, 10, 6, tzinfo=UTC)
    assert row.created_by == cast.maya
    assert selectors.on_call(schedule, at=NOON + timedelta(days=1)) == [cast.maya]
    form = fields(maya, page(schedule))
    assert send(maya, page(schedule), form, cancel=[str(row.pk)]).status_code == 302
    row.refresh_from_db()
    assert row.cancelled_by == cast.maya
    assert selectors.on_call(schedule, at=NOON + timedelta(days=1)) == [running]


MORNING, EVENING = "2026-09-10T08:00", "2026-09-10T20:00"
EXCEPTIONS = [
    ("maya", "replace", MORNING, EVENING, "Say whose turn is taken over."),
    ("maya", "add", EVENING, MORNING, "The end must come after the start."),
    ("maya", "add", "2026-09-01T08:00", "2026-09-02T07:00", "Choose an end in the future."),
    ("maya", "add", MORNING, "9999-12-31T23:59", "Enter a year from 1970 to 2199."),
    ("", "add", MORNING, EVENING, "This field is required."),
    ("abc", "add", "soon", "", "Select a valid choice."),
    ("maya", "nonsense", MORNING, EVENING, "Select a valid choice."),
]


def test_an_exception_that_cannot_be_is_refused_at_its_field(
    maya: Client, schedule: Schedule, cast: Cast
) -> None:
    form = fields(maya, page(schedule))
    for person, kind, start, end, said in EXCEPTIONS:
        who = str(cast.maya.pk) if person == "maya" else person
        typed = {"person": who, "kind": kind, "start_at": start, "end_at": end}
        answer = send(
            maya, page(schedule), form | {f"override-0-{k}": [v] for k, v in typed.items()}
        )
        assert answer.status_code == 200, typed
        assert said in text_of(answer), typed
    assert not Override.objects.exists()


# -- rotations come and go


def test_a_second_rotation_is_added_and_ended_on_the_same_page(
    maya: Client, schedule: Schedule, cast: Cast
) -> None:
    form = fields(maya, page(schedule))
    form["layer-new-name"], form["layer-new-role"] = ["Second"], ["secondary"]
    form["layer-new-people-0-person"] = [str(cast.maya.pk)]
    answer = send(maya, page(schedule), form)
    assert answer.status_code == 302, text_of(answer)
    assert selectors.on_call(schedule, at=NOON, role="secondary") == [cast.maya]
    second = schedule.layers.get(name="Second")
    form = fields(maya, page(schedule))
    form[f"layer-{second.pk}-end"] = ["on"]
    assert send(maya, page(schedule), form).status_code == 302
    assert selectors.on_call(schedule, at=NOON + timedelta(hours=1), role="secondary") == []
    assert Shift.objects.filter(schedule=schedule, role="primary").at(NOON).exists()


def test_a_rotations_name_is_taken_once(maya: Client, schedule: Schedule, cast: Cast) -> None:
    form = fields(maya, page(schedule))
    form["layer-new-name"] = ["Weekly"]
    form["layer-new-people-0-person"] = [str(cast.maya.pk)]
    answer = send(maya, page(schedule), form)
    assert answer.status_code == 200
    assert "already exists" in text_of(answer)


def test_a_schedule_is_made_with_its_first_rotation(maya: Client, cast: Cast) -> None:
    add = "/admin/rotations/schedule/add/"
    form = fields(maya, add)
    form["name"], form["time_zone"] = ["Portal web"], ["America/New_York"]
    nobody = send(maya, add, form)
    assert "Put somebody into the turn." in text_of(nobody)
    assert not Schedule.objects.exists()
    for index, person in enumerate((cast.bea, cast.ravi)):
        form[f"layer-new-people-{index}-person"] = [str(person.pk)]
    form["layer-new-anchor_date"] = ["2026-09-07"]
    answer = send(maya, add, form)
    made = Schedule.objects.get()
    assert (made.key, made.time_zone) == ("portal-web", "America/New_York")
    assert answer["Location"] == page(made)
    assert coming(made)[:3] == ["Bea", "Ravi", "Bea"]
    again = send(maya, add, form)
    assert "already exists" in text_of(again)


def test_a_new_zone_moves_the_handoffs_to_its_wall_clock(maya: Client, schedule: Schedule) -> None:
    form = fields(maya, page(schedule))
    assert send(maya, page(schedule), form, time_zone=["America/New_York"]).status_code == 302
    shifts = Shift.objects.filter(schedule=schedule, start_at__gt=NOON + timedelta(weeks=1))
    first = shifts.order_by("start_at")[0]
    assert first.start_at == datetime(2026, 9, 21, 13, tzinfo=UTC)  # 09:00 in New York


def test_a_rotation_by_months_keeps_its_day_also_past_a_short_month(
    maya: Client, cast: Cast
) -> None:
    schedule = services.create_schedule(key="months", name="Months", time_zone="UTC")
    plan = LayerPlan(
        name="Monthly", people=(cast.ravi, cast.bea), anchor_date=date(2026, 1, 31),
        anchor_time=time(9), unit="month",
    )  # fmt: skip
    services.plan_layer(schedule=schedule, plan=plan, by=None, now=NOON)
    form = fields(maya, page(schedule))
    form[f"{prefix(schedule)}-people-2-person"] = [str(cast.sam.pk)]
    assert send(maya, page(schedule), form).status_code == 302
    starts = Shift.objects.filter(schedule=schedule, start_at__gt=NOON).order_by("start_at")
    assert [shift.start_at.day for shift in starts[:5]] == [30, 31, 30, 31, 31]


# -- the list, and out of use


def test_the_list_says_who_is_on_call_and_where_nobody_is(
    maya: Client, schedule: Schedule, cast: Cast
) -> None:
    services.create_schedule(key="empty", name="Empty", time_zone="UTC")
    said = text_of(maya.get("/admin/rotations/schedule/"))
    assert selectors.on_call(schedule, at=NOON)[0].name in said
    assert "▲ Nobody" in said


def test_a_schedule_that_covers_a_surface_cannot_be_archived(
    maya: Client, schedule: Schedule
) -> None:
    surface = build.surface("inspect.profiler")
    services.cover_surface(surface=surface, schedule=schedule)
    archive = f"/admin/rotations/schedule/{schedule.pk}/do/archive/"
    answer = maya.post(archive)
    assert "Profiler covers inspect.profiler." in text_of(answer)
    services.cover_surface(surface=surface, schedule=None)
    assert maya.post(archive).status_code == 302
    schedule.refresh_from_db()
    assert schedule.archived_at == NOON
    assert not Shift.objects.filter(schedule=schedule, end_at__gt=NOON).exists()
    assert past(schedule)
    assert "This schedule is archived" in text_of(maya.get(page(schedule)))
    assert maya.post(f"/admin/rotations/schedule/{schedule.pk}/do/restore/").status_code == 302
    assert on_call(schedule, 1)


def test_the_list_of_exceptions_adds_and_cancels_through_the_services(
    maya: Client, schedule: Schedule, cast: Cast
) -> None:
    add = "/admin/rotations/override/add/"
    form = fields(maya, add)
    form |= {
        "schedule": [str(schedule.pk)], "kind": ["add"], "person": [str(cast.maya.pk)],
        "start_at": ["2026-09-01T08:00"], "end_at": ["2026-09-02T08:00"],
    }  # fmt: skip
    assert "Choose an end in the future." in text_of(send(maya, add, form))
    backward = send(maya, add, form, start_at=["2026-09-03T08:00"])
    assert text_of(backward).count("The end must come after the start.") == 1
    form["start_at"] = ["2026-09-10T08:00"]
    assert send(maya, add, form, end_at=["2026-09-11T08:00"]).status_code == 302
    row = Override.objects.get()
    assert row.created_by == cast.maya
    assert cast.maya in selectors.on_call(schedule, at=NOON + timedelta(days=1))
    chosen = {"action": "cancel_chosen", "_selected_action": [row.pk]}
    answer = maya.post("/admin/rotations/override/", chosen)
    assert "1 cancelled." in messages(answer)
    assert cast.maya not in selectors.on_call(schedule, at=NOON + timedelta(days=1))


# -- order and turn numbers


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("number", [-8, -1, 0, 1, 5, 100])
def test_the_first_of_the_list_gets_the_turn_with_that_number(count: int, number: int) -> None:
    shown: list[Any] = list(range(count))
    stored = placed(shown, number)
    assert stored[number % count] == 0
    assert [stored[(number + step) % count] for step in range(count)] == shown


def test_the_order_of_a_version_goes_round_from_the_running_turn(
    schedule: Schedule, cast: Cast
) -> None:
    version = newest_version(schedule.layers.get())
    assert version is not None
    for weeks in range(5):
        at = NOON + timedelta(weeks=weeks)
        order = LayerTurns(version).order(at)
        assert [order[0].person] == selectors.on_call(schedule, at=at)
        assert order[0].start <= at < order[0].end == order[1].start


# -- the one service behind the page


def test_an_edit_that_is_refused_leaves_nothing_behind(schedule: Schedule, cast: Cast) -> None:
    layer = schedule.layers.get()
    plan = LayerPlan(name="Weekly", people=(cast.bea,), anchor_date=date(2026, 9, 7))
    broken = LayerPlan(name="", people=(cast.ravi,), anchor_date=date(2026, 9, 7))
    edit = services.ScheduleEdit(
        name="Renamed", time_zone="UTC",
        layers=(
            services.LayerEdit("one", plan, layer), services.LayerEdit("two", broken),
        ),
    )  # fmt: skip
    before = coming(schedule)
    with pytest.raises(Invalid) as refused:
        services.edit_schedule(schedule=schedule, edit=edit, by=cast.maya, now=NOON)
    assert "two-name" in refused.value.fields
    assert coming(schedule) == before
    assert Schedule.objects.get(pk=schedule.pk).name == "Profiler"


def test_shifts_that_only_come_into_sight_are_nobodys_change(cast: Cast) -> None:
    """The rows reach 400 days; weeks later a save extends them, and says nothing of that."""
    schedule = build.schedule(cast.ravi, cast.bea, now=NOON - timedelta(weeks=3))
    edit = services.ScheduleEdit(name="Profiler", time_zone="UTC")
    edited = services.edit_schedule(schedule=schedule, edit=edit, by=None, now=NOON)
    assert (edited.changed, edited.people) == (0, 0)
    assert str(edited) == "No future shift changed."


def test_a_changed_priority_holds_from_now_on(schedule: Schedule, cast: Cast) -> None:
    plan = LayerPlan(name="Over", people=(cast.maya,), anchor_date=date(2026, 9, 7), priority=5)
    services.plan_layer(schedule=schedule, plan=plan, by=None, now=NOON)
    assert on_call(schedule, 1) == "Maya"
    layer = schedule.layers.get(name="Over")
    below = LayerPlan(name="Over", people=(cast.maya,), anchor_date=date(2026, 9, 7), priority=-5)
    edit = services.ScheduleEdit(
        name=schedule.name, time_zone=schedule.time_zone,
        layers=(services.LayerEdit("over", below, layer),),
    )  # fmt: skip
    edited = services.edit_schedule(schedule=schedule, edit=edit, by=None, now=NOON)
    assert on_call(schedule, 1) != "Maya"
    assert edited.changed and "Maya" not in coming(schedule)


def test_the_start_of_the_tests_is_a_monday() -> None:
    assert START.weekday() == 0 and NOON.weekday() == 2
