"""Jobs that say they ran: late, failed, silent, paused, and with the engine away for hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from apps.alerts import services
from apps.alerts.models import Alert, Heartbeat, Ping
from apps.alerts.services import arriving, heartbeats, pinging
from apps.core import audit
from apps.core.errors import Conflict, Invalid
from apps.core.models import StatusChange
from apps.intake import services as intake
from apps.intake.adapters import ping as wire
from apps.intake.models import Delivery
from apps.paging.models import Page
from tests import builders as build
from tests.races import at_once

pytestmark = pytest.mark.django_db
NINE = datetime(2026, 9, 7, 9, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
Status = Heartbeat.Status
RUNS = [f"00000000-0000-4000-8000-{n:012d}" for n in range(3)]
_numbers = count(1)


def heartbeat(**fields: Any) -> Heartbeat:
    """Hourly with ten minutes of grace, made at nine."""
    given = {"name": f"Job {next(_numbers)}", "period_seconds": 3600, "grace_seconds": 600}
    given |= {"actor": audit.SYSTEM, "now": NINE, **fields}
    return heartbeats.create_heartbeat(**given)


def post(row: Heartbeat, word: str = "", *, at: datetime, printed: str = "", rid: str = "") -> None:
    """A ping as the door keeps it; nobody has read it yet."""
    asked = wire.asked(f"/ping/{row.uuid}/{word}", f"rid={rid}" if rid else "")
    assert asked is not None
    Delivery.objects.create(
        integration=row.integration, adapter=wire.KIND, received_at=at,
        body=wire.written(asked, printed.encode()), dedup_key=wire.dedup_key(row.uuid),
    )  # fmt: skip


def work(now: datetime) -> None:
    """The engine reads all that waits, also what reading brings up."""
    while intake.normalise_due(now=now):
        pass


def beat(row: Heartbeat, word: str = "", *, at: datetime, **more: Any) -> Heartbeat:
    post(row, word, at=at, **more)
    work(at)
    return fresh(row)


def sweep(now: datetime) -> int:
    found = pinging.sweep_heartbeats(now=now)
    work(now)
    return found


def fresh(row: Heartbeat) -> Heartbeat:
    return Heartbeat.objects.get(pk=row.pk)


def alerts(row: Heartbeat) -> list[tuple[str, str]]:
    """State and words of each alert of the heartbeat, oldest first."""
    mine = Alert.objects.filter(dedup_key=f"hb:{row.uuid}").order_by("pk")
    return list(mine.values_list("status", "summary"))


# -- up and down


def test_a_job_that_pings_in_time_is_up_and_nobody_is_told() -> None:
    row = heartbeat()
    assert (row.status, row.due_at) == (Status.NEW, NINE + HOUR + 10 * MINUTE)
    row = beat(row, at=NINE + HOUR)
    assert (row.status, row.due_at) == (Status.UP, NINE + 2 * HOUR + 10 * MINUTE)
    assert sweep(NINE + 2 * HOUR + 9 * MINUTE) == 0
    assert alerts(row) == []


def test_silence_past_the_grace_is_one_alert_and_the_next_ping_ends_it() -> None:
    row = beat(heartbeat(name="Nightly profiler"), at=NINE)
    assert sweep(NINE + HOUR + 10 * MINUTE) == 1
    assert sweep(NINE + 3 * HOUR) == 0
    said = "Heartbeat Nightly profiler: is silent, last ping 2026-09-07 09:00 UTC"
    assert alerts(row) == [("firing", said)]
    row = beat(row, at=NINE + 4 * HOUR)
    assert row.status == Status.UP
    assert alerts(row) == [("resolved", said)]


def test_a_job_that_never_pinged_is_told_when_its_first_run_is_late() -> None:
    row = heartbeat()
    assert sweep(NINE + HOUR + 10 * MINUTE) == 1
    assert fresh(row).status == Status.DOWN
    assert "has not pinged since it was set up" in alerts(row)[0][1]


def test_a_failure_pages_at_once_with_what_the_job_printed() -> None:
    surface = build.surface("inspect.profiler")
    row = heartbeat(name="Sync", surface=surface, severity="critical")
    row = beat(row, "3", at=NINE + MINUTE, printed="pool exhausted, password=hunter22")
    alert = Alert.objects.get(dedup_key=f"hb:{row.uuid}")
    assert (row.status, alert.summary) == (Status.DOWN, "Heartbeat Sync: exit status 3")
    assert (alert.severity, alert.surface) == ("critical", surface)
    assert "pool exhausted" in alert.details["printed"]
    assert "hunter22" not in str(alert.details) + Ping.objects.get().body
    assert Page.objects.get().status == Page.Status.OPEN
    beat(row, at=NINE + 2 * MINUTE)
    assert Page.objects.get().status == Page.Status.RESOLVED


def test_failing_over_and_over_is_one_alert_that_counts() -> None:
    row = heartbeat()
    for minute in range(1, 5):
        row = beat(row, "fail", at=NINE + minute * MINUTE)
    assert Alert.objects.get().count == 4
    assert StatusChange.objects.filter(kind="alerts.heartbeat", ref=row.pk).count() == 1


def test_a_failure_that_somebody_resolved_by_hand_is_told_again() -> None:
    row = beat(heartbeat(), "fail", at=NINE)
    services.resolve(alert=Alert.objects.get(), actor=audit.SYSTEM, now=NINE + MINUTE)
    beat(row, "fail", at=NINE + HOUR)
    assert [state for state, _ in alerts(row)] == ["resolved", "firing"]


def test_a_start_without_an_end_is_told_after_the_grace() -> None:
    row = beat(heartbeat(), "start", at=NINE)
    assert row.due_at == NINE + 10 * MINUTE
    assert sweep(NINE + 10 * MINUTE) == 1
    assert alerts(row)[0][1].endswith("started 2026-09-07 09:00 UTC and has not ended")


def test_a_job_that_starts_over_and_over_does_not_put_its_end_off() -> None:
    row = heartbeat()
    for minute in range(0, 10, 2):
        row = beat(row, "start", at=NINE + minute * MINUTE)
    assert row.due_at == NINE + 10 * MINUTE


def test_the_start_of_a_run_does_not_lift_what_is_down() -> None:
    row = beat(heartbeat(), "fail", at=NINE)
    assert beat(row, "start", at=NINE + MINUTE).status == Status.DOWN
    assert beat(row, "0", at=NINE + 2 * MINUTE).status == Status.UP


def test_words_in_between_change_nothing() -> None:
    row = beat(heartbeat(), at=NINE)
    due = row.due_at
    row = beat(row, "log", at=NINE + 30 * MINUTE, printed="still fine")
    assert (row.status, row.due_at) == (Status.UP, due)
    assert row.pings.get(kind="log").body == "still fine"


def test_a_run_is_as_long_as_from_its_own_start() -> None:
    row = beat(heartbeat(), "start", at=NINE, rid=RUNS[0])
    row = beat(row, "start", at=NINE + MINUTE, rid=RUNS[1])
    row = beat(row, at=NINE + 3 * MINUTE, rid=RUNS[1])
    assert (row.last_duration_ms, row.last_start_at) == (120_000, None)


# -- late, repeated, in another order


def test_pings_read_in_any_order_and_twice_lead_to_the_same_state() -> None:
    sent = [("start", 0), ("fail", 2), ("start", 3), ("", 5)]
    states = []
    for order in (sent, sent[::-1], [*sent, *sent], [sent[3], sent[1], sent[0], sent[2]]):
        row = heartbeat()
        for word, minute in order:
            post(row, word, at=NINE + minute * MINUTE)
        work(NINE + HOUR)
        row = fresh(row)
        standing = Alert.objects.filter(dedup_key=f"hb:{row.uuid}").standing().exists()
        states.append((row.status, row.due_at, row.last_ping_at, row.last_start_at, standing))
    assert len(set(states)) == 1
    assert states[0][0] == Status.UP


def test_a_delivery_that_is_read_again_is_taken_once() -> None:
    row = heartbeat()
    post(row, "fail", at=NINE)
    delivery = Delivery.objects.get()
    assert arriving.take_delivery(delivery=delivery, now=NINE) is not None
    assert arriving.take_delivery(delivery=delivery, now=NINE) is None
    assert row.pings.count() == 1


def test_the_log_of_pings_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinging, "KEPT_PINGS", 5)
    row = heartbeat()
    for minute in range(12):
        beat(row, "log", at=NINE + minute * MINUTE)
    kept = row.pings.order_by("at").values_list("at", flat=True)
    assert list(kept) == [NINE + minute * MINUTE for minute in range(7, 12)]


# -- the worker away


def test_pings_that_nobody_has_read_yet_are_no_silence() -> None:
    row = beat(heartbeat(), at=NINE)
    for hour in (1, 2, 3, 4, 5):
        post(row, at=NINE + hour * HOUR)
    back = NINE + 5 * HOUR + 30 * MINUTE
    assert pinging.sweep_heartbeats(now=back) == 0  # the sweep was back first
    work(back)
    assert sweep(back) == 0
    assert (fresh(row).status, alerts(row)) == (Status.UP, [])


def test_a_job_that_stopped_while_the_worker_was_away_is_one_alert() -> None:
    row = beat(heartbeat(), at=NINE)
    post(row, at=NINE + HOUR)
    back = NINE + 9 * HOUR
    for _ in range(3):
        pinging.sweep_heartbeats(now=back)
        work(back)
    assert fresh(row).status == Status.DOWN
    assert [state for state, _ in alerts(row)] == ["firing"]
    assert Page.objects.count() == 1


def test_a_failure_that_was_over_when_the_worker_came_back_pages_nobody_any_more() -> None:
    row = beat(heartbeat(), at=NINE)
    post(row, "fail", at=NINE + HOUR)
    post(row, at=NINE + 2 * HOUR)
    work(NINE + 2 * HOUR + MINUTE)
    assert fresh(row).status == Status.UP
    assert [state for state, _ in alerts(row)] == ["resolved"]
    assert not Page.objects.exclude(status=Page.Status.RESOLVED).exists()


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-09-07", 24)]
)
def test_a_day_has_as_many_hours_as_its_clock_says(day: str, hours: int) -> None:
    start = datetime.fromisoformat(f"{day}T12:00+00:00") - timedelta(days=2)
    row = heartbeat(period_seconds=None, cron="0 9 * * *", time_zone="Europe/Berlin", now=start)
    assert row.due_at is not None
    eve = row.due_at - 10 * MINUTE  # nine o'clock on the day before
    assert beat(row, at=eve).due_at == eve + timedelta(hours=hours) + 10 * MINUTE


def test_a_job_at_half_past_two_is_waited_for_when_clocks_skip_that_hour() -> None:
    eve = datetime(2026, 3, 28, 12, tzinfo=UTC)
    row = heartbeat(period_seconds=None, cron="30 2 * * *", time_zone="Europe/Berlin", now=eve)
    skipped = datetime(2026, 3, 29, 1, tzinfo=UTC)  # 03:00 in Berlin, just after 01:59
    assert row.due_at == skipped + 10 * MINUTE
    assert sweep(skipped + 9 * MINUTE) == 0
    row = beat(row, at=skipped + 9 * MINUTE)
    assert row.due_at == datetime(2026, 3, 30, 0, 40, tzinfo=UTC)


def test_a_job_in_the_repeated_hour_runs_once_and_is_not_missed_the_second_time() -> None:
    eve = datetime(2026, 10, 24, 12, tzinfo=UTC)
    row = heartbeat(period_seconds=None, cron="30 2 * * *", time_zone="Europe/Berlin", now=eve)
    row = beat(row, at=datetime(2026, 10, 25, 0, 30, 5, tzinfo=UTC))
    assert sweep(datetime(2026, 10, 25, 12, tzinfo=UTC)) == 0
    assert row.due_at == datetime(2026, 10, 26, 1, 40, tzinfo=UTC)


# -- people


def test_a_paused_heartbeat_keeps_pings_and_tells_nobody() -> None:
    row = beat(heartbeat(), "fail", at=NINE)
    heartbeats.pause_heartbeat(heartbeat=row, actor=audit.SYSTEM, now=NINE + MINUTE)
    work(NINE + MINUTE)
    assert [state for state, _ in alerts(row)] == ["resolved"]
    beat(row, "fail", at=NINE + HOUR)
    assert sweep(NINE + 9 * HOUR) == 0
    assert (fresh(row).status, row.pings.count()) == (Status.PAUSED, 2)
    assert [state for state, _ in alerts(row)] == ["resolved"]


@pytest.mark.parametrize(
    ("last", "status", "due"),
    [
        ("", "up", NINE + 6 * HOUR + 10 * MINUTE),
        ("fail", "down", None),
        (None, "new", NINE + 6 * HOUR + 10 * MINUTE),
    ],
)
def test_a_resumed_heartbeat_waits_from_then_on(
    last: str | None, status: str, due: datetime | None
) -> None:
    row = heartbeat()
    if last is not None:
        row = beat(row, last, at=NINE)
        row = beat(row, "start", at=NINE + MINUTE)  # its end is not waited for
    heartbeats.pause_heartbeat(heartbeat=row, actor=audit.SYSTEM, now=NINE + HOUR)
    heartbeats.resume_heartbeat(heartbeat=row, actor=audit.SYSTEM, now=NINE + 5 * HOUR)
    row = fresh(row)
    assert (row.status, row.due_at) == (status, due)


def test_another_rhythm_is_waited_for_from_now_on() -> None:
    row = beat(heartbeat(), at=NINE)
    later = NINE + 50 * MINUTE
    row = heartbeats.change_heartbeat(
        heartbeat=row, fields={"period_seconds": 60}, actor=audit.SYSTEM, now=later
    )
    assert row.due_at == later + 11 * MINUTE
    assert sweep(later) == 0


def test_an_archived_heartbeat_is_silent_and_its_alert_ends() -> None:
    row = beat(heartbeat(), "fail", at=NINE)
    heartbeats.archive_heartbeat(heartbeat=row, actor=audit.SYSTEM, now=NINE + MINUTE)
    work(NINE + MINUTE)
    assert sweep(NINE + 9 * HOUR) == 0
    assert [state for state, _ in alerts(row)] == ["resolved"]
    with pytest.raises(Conflict):
        heartbeats.pause_heartbeat(heartbeat=row, actor=audit.SYSTEM, now=NINE)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"period_seconds": None}, "period_seconds"),
        ({"period_seconds": 5}, "period_seconds"),
        ({"cron": "0 9 * * *"}, "period_seconds"),
        ({"period_seconds": None, "cron": "0 25 * * *"}, "cron"),
        ({"time_zone": "Berlin"}, "time_zone"),
        ({"severity": "loud"}, "severity"),
        ({"grace_seconds": -1}, "grace_seconds"),
        ({"slug": "Not A Slug!"}, "slug"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_waited_for_is_refused_by_field(fields: dict[str, Any], wrong: str) -> None:
    with pytest.raises(Invalid) as caught:
        heartbeat(**fields)
    assert list(caught.value.fields) == [wrong]
    assert not Heartbeat.objects.exists()


def test_slugs_come_from_names_and_are_taken_once() -> None:
    first, second = heartbeat(name="Nightly sync"), heartbeat(name="Nightly sync")
    assert (first.slug, second.slug) == ("nightly-sync", "nightly-sync-2")
    with pytest.raises(Invalid):
        heartbeat(slug="nightly-sync")


# -- our own jobs


def test_each_job_of_ours_has_a_heartbeat_that_follows_its_schedule() -> None:
    own = [arriving.OwnJob("handoffs"), arriving.OwnJob("cover", "17 2 * * *")]
    for _ in range(2):
        arriving.ensure_own_heartbeats(own=own, now=NINE)
    found = Heartbeat.objects.current().values_list("own_job", "period_seconds", "cron")
    assert set(found) == {("handoffs", 60, ""), ("cover", None, "17 2 * * *")}
    arriving.ensure_own_heartbeats(own=own[:1], now=NINE + HOUR)
    assert [row.own_job for row in Heartbeat.objects.current()] == ["handoffs"]
    with pytest.raises(Conflict):
        heartbeats.archive_heartbeat(
            heartbeat=Heartbeat.objects.get(own_job="handoffs"), actor=audit.SYSTEM, now=NINE
        )


def ran(name: str, at: datetime, *, well: bool = True) -> None:
    """A run that the cluster remembers."""
    from django_q.models import Task

    Task.objects.create(
        id=f"{next(_numbers):032d}", name="run", func="x", group=name, success=well,
        started=at - timedelta(seconds=2), stopped=at,
    )  # fmt: skip


def test_runs_of_our_own_jobs_are_read_as_pings() -> None:
    arriving.ensure_own_heartbeats(own=[arriving.OwnJob("handoffs")], now=NINE)
    ran("handoffs", NINE + MINUTE)
    arriving.sweep_all(now=NINE + MINUTE)
    row = Heartbeat.objects.get()
    assert (row.status, row.last_ping_at, row.last_duration_ms) == ("up", NINE + MINUTE, 2_000)
    arriving.sweep_all(now=NINE + 2 * MINUTE)
    assert row.pings.count() == 1
    ran("handoffs", NINE + 3 * MINUTE, well=False)
    arriving.sweep_all(now=NINE + 3 * MINUTE)
    work(NINE + 3 * MINUTE)
    assert [state for state, _ in alerts(row)] == ["firing"]


def test_a_job_of_ours_that_does_not_run_is_told_while_the_others_go_on() -> None:
    own = [arriving.OwnJob("handoffs"), arriving.OwnJob("promises")]
    arriving.ensure_own_heartbeats(own=own, now=NINE)
    for minute in range(1, 15):
        ran("promises", NINE + minute * MINUTE)
        arriving.sweep_all(now=NINE + minute * MINUTE)
    work(NINE + 15 * MINUTE)
    assert [alert.component for alert in Alert.objects.all()] == ["own-handoffs"]


def test_a_worker_that_was_away_for_hours_is_not_told_once_for_each_of_its_jobs() -> None:
    own = [arriving.OwnJob(name) for name in ("handoffs", "promises", "updates")]
    arriving.ensure_own_heartbeats(own=own, now=NINE)
    for job in own:
        ran(job.name, NINE + MINUTE)
    arriving.sweep_all(now=NINE + MINUTE)
    assert arriving.sweep_all(now=NINE + 7 * HOUR) == 0
    assert not Heartbeat.objects.filter(status=Status.DOWN).exists()
    for minute in range(1, 13):  # and if they stay silent now, that is told
        arriving.sweep_all(now=NINE + 7 * HOUR + minute * MINUTE)
    assert Heartbeat.objects.filter(status=Status.DOWN).count() == 3


# -- at once


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_raise_one_alert() -> None:
    rows = [heartbeat() for _ in range(3)]
    late = NINE + 2 * HOUR
    found = at_once(*[lambda: pinging.sweep_heartbeats(now=late)] * 4)
    assert sum(found) == 3
    work(late)
    assert [[state for state, _ in alerts(row)] for row in rows] == [["firing"]] * 3
    assert Delivery.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_ping_and_a_sweep_at_once_end_as_one_after_the_other() -> None:
    row = heartbeat()
    late = NINE + 2 * HOUR

    def ping() -> object:
        return pinging.take_ping(heartbeat=row, at=late, said="success", now=late)

    at_once(ping, lambda: pinging.sweep_heartbeats(now=late))
    work(late)
    assert fresh(row).status == Status.UP
    assert not Alert.objects.standing().exists()


@pytest.mark.django_db(transaction=True)
def test_two_of_one_name_at_once_get_slugs_of_their_own() -> None:
    home = build.integration("heartbeat").row
    made = at_once(*[lambda: heartbeat(name="Sync", integration=home)] * 4)
    assert {row.slug for row in made} == {"sync", "sync-2", "sync-3", "sync-4"}
