"""Who is told by what and when; quiet hours; bundling."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from apps.notifications.rules import (
    SIGN_IN,
    Method,
    QuietWindow,
    Rule,
    Waiting,
    after_quiet,
    bundle,
    parse_windows,
    plan,
)

BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 3, 3, 1, 20, tzinfo=UTC)  # Tuesday, 02:20 in Berlin
MAIL = Method(ref="mail", kind="email", address="ravi@example.com")
PUSH = Method(ref="push", kind="ntfy", address="https://ntfy.sh/ravi")
SMS = Method(ref="sms", kind="twilio_sms", address="+491701234567")
UNVERIFIED = Method(ref="new", kind="twilio_call", address="+4930123456", verified=False)
EVERY_DAY = frozenset(range(7))
NIGHT = QuietWindow(days=EVERY_DAY, start=time(22), end=time(7))


def rule(urgency: str, ref: str, after: int = 0) -> Rule:
    return Rule(urgency=urgency, method_ref=ref, after_minutes=after)


@pytest.mark.parametrize(
    ("rules", "methods", "urgency", "expected"),
    [
        pytest.param([], [MAIL, PUSH, SMS], "high", "mail 0, push 0, sms 0", id="all at once"),
        pytest.param([], [MAIL, PUSH, SMS], "low", "mail 0", id="low is e-mail only"),
        pytest.param([], [PUSH], "low", f"{SIGN_IN} 0", id="low without e-mail: sign-in address"),
        pytest.param([], [PUSH], "high", "push 0", id="a verified method is enough"),
        pytest.param([], [UNVERIFIED], "high", f"{SIGN_IN} 0", id="unverified is never used"),
        pytest.param([], [], "high", f"{SIGN_IN} 0", id="nothing at all"),
        pytest.param([], [], "low", f"{SIGN_IN} 0", id="nothing at all, low"),
        pytest.param(
            [rule("high", "sms", 5), rule("high", "mail")],
            [MAIL, SMS],
            "high",
            "mail 0, sms 5",
            id="at once by mail, after five minutes by SMS",
        ),
        pytest.param(
            [rule("high", "sms")], [MAIL, SMS], "low", "mail 0", id="rules of another urgency"
        ),
        pytest.param(
            [rule("low", "push", 3)], [MAIL, PUSH], "low", "push 3", id="rules for low urgency"
        ),
        pytest.param(
            [rule("high", "new")],
            [MAIL, UNVERIFIED],
            "high",
            "mail 0",
            id="a rule for an unverified method is none",
        ),
        pytest.param(
            [rule("high", "gone")], [MAIL], "high", "mail 0", id="a rule for a removed method"
        ),
        pytest.param(
            [rule("high", "mail", 5), rule("high", "mail"), rule("high", "mail", 9)],
            [MAIL],
            "high",
            "mail 0",
            id="each method once, at its earliest",
        ),
        pytest.param(
            [],
            [MAIL, Method(ref="mail2", kind="email", address=" RAVI@example.com ")],
            "high",
            "mail 0",
            id="the same address twice",
        ),
        pytest.param(
            [],
            [SMS, Method(ref="call", kind="twilio_call", address=SMS.address)],
            "high",
            "sms 0, call 0",
            id="one number, two ways",
        ),
    ],
)
def test_rules_decide_which_methods_are_used_and_when(
    rules: list[Rule], methods: list[Method], urgency: str, expected: str
) -> None:
    planned = plan(rules, methods, urgency, NOW, BERLIN)
    told = [
        f"{entry.method_ref} {int((entry.not_before - NOW).total_seconds() // 60)}"
        for entry in planned
    ]
    assert ", ".join(told) == expected
    assert all(entry.not_before.tzinfo is UTC for entry in planned)


def test_quiet_hours_hold_back_low_urgency_and_never_high() -> None:
    rules = [rule("low", "mail"), rule("low", "sms", 5), rule("high", "sms")]
    low = plan(rules, [MAIL, SMS], "low", NOW, BERLIN, [NIGHT])
    assert [entry.method_ref for entry in low] == ["mail", "sms"]
    assert {entry.not_before for entry in low} == {datetime(2026, 3, 3, 6, tzinfo=UTC)}
    high = plan(rules, [MAIL, SMS], "high", NOW, BERLIN, [NIGHT])
    assert [entry.not_before for entry in high] == [NOW]


def test_a_delay_that_runs_into_quiet_hours_waits_for_their_end() -> None:
    evening = datetime(2026, 3, 3, 20, 58, tzinfo=UTC)  # 21:58 in Berlin
    rules = [rule("low", "mail"), rule("low", "sms", 5)]
    planned = plan(rules, [MAIL, SMS], "low", evening, BERLIN, [NIGHT])
    assert [entry.not_before for entry in planned] == [
        evening,
        datetime(2026, 3, 4, 6, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("zone", "window", "at", "expected"),
    [
        # overnight, both sides of midnight, and its edges
        ("Europe/Berlin", NIGHT, "2026-03-03T21:00+01:00", "2026-03-03T21:00+01:00"),
        ("Europe/Berlin", NIGHT, "2026-03-03T22:00+01:00", "2026-03-04T07:00+01:00"),
        ("Europe/Berlin", NIGHT, "2026-03-04T06:59+01:00", "2026-03-04T07:00+01:00"),
        ("Europe/Berlin", NIGHT, "2026-03-04T07:00+01:00", "2026-03-04T07:00+01:00"),
        # the night of the change to summer time is an hour shorter, in autumn an hour longer
        ("Europe/Berlin", NIGHT, "2026-03-28T23:00+01:00", "2026-03-29T07:00+02:00"),
        ("Europe/Berlin", NIGHT, "2026-10-24T23:00+02:00", "2026-10-25T07:00+01:00"),
        # only Saturday's night: Sunday morning belongs to it, Sunday's evening does not
        ("Europe/Berlin", "sat 22:00 08:00", "2026-03-08T07:00+01:00", "2026-03-08T08:00+01:00"),
        ("Europe/Berlin", "sat 22:00 08:00", "2026-03-08T23:00+01:00", "2026-03-08T23:00+01:00"),
        # start equal to end is a whole day
        ("Europe/Berlin", "sun 00:00 00:00", "2026-03-08T12:00+01:00", "2026-03-09T00:00+01:00"),
        ("Europe/Berlin", "sun 00:00 00:00", "2026-03-09T00:00+01:00", "2026-03-09T00:00+01:00"),
        # an end that the change skips (02:30 does not exist), and one that comes twice
        ("Europe/Berlin", "sun 01:00 02:30", "2026-03-29T01:30+01:00", "2026-03-29T03:30+02:00"),
        ("Europe/Berlin", "sun 01:00 02:30", "2026-10-25T02:15+02:00", "2026-10-25T02:30+02:00"),
        ("Europe/Berlin", "sun 01:00 02:30", "2026-10-25T02:15+01:00", "2026-10-25T02:15+01:00"),
        # the zone is the person's own
        ("Asia/Kathmandu", NIGHT, "2026-03-03T17:00+00:00", "2026-03-04T01:15+00:00"),
        ("America/Los_Angeles", NIGHT, "2026-03-03T12:00+00:00", "2026-03-03T15:00+00:00"),
    ],
)
def test_quiet_windows_end_at_the_wall_clock_of_the_person(
    zone: str, window: QuietWindow | str, at: str, expected: str
) -> None:
    if isinstance(window, str):
        day, start, end = window.split()
        [window] = parse_windows([{"days": [day], "start": start, "end": end}])
    told = after_quiet(datetime.fromisoformat(at), ZoneInfo(zone), [window])
    assert told == datetime.fromisoformat(expected)


def test_windows_that_touch_are_one_and_a_week_without_a_gap_is_ignored() -> None:
    weekend = parse_windows(
        [
            {"days": ["fri"], "start": "18:00", "end": "00:00"},
            {"days": ["sat", "sun"], "start": "00:00", "end": "00:00"},
            {"days": ["mon"], "start": "00:00", "end": "08:00"},
        ]
    )
    friday = datetime(2026, 3, 6, 19, tzinfo=UTC)
    assert after_quiet(friday, UTC_ZONE, weekend) == datetime(2026, 3, 9, 8, tzinfo=UTC)
    always = QuietWindow(days=EVERY_DAY, start=time(0), end=time(0))
    assert after_quiet(friday, UTC_ZONE, [always]) == friday


def test_every_quarter_of_an_hour_of_a_year_is_delivered_outside_quiet_hours() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    told = []
    while at.year == 2026:
        free = after_quiet(at, BERLIN, [NIGHT])
        assert at <= free <= at + timedelta(hours=11)
        assert time(7) <= free.astimezone(BERLIN).time() < time(22)
        told.append(free)
        at += timedelta(minutes=15)
    assert all(earlier <= later for earlier, later in pairwise(told))


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        "22:00",
        [1],
        [{}],
        [{"days": [], "start": "22:00", "end": "07:00"}],
        [{"days": ["sunday"], "start": "22:00", "end": "07:00"}],
        [{"days": "mon", "start": "22:00", "end": "07:00"}],
        [{"days": [["mon"]], "start": "22:00", "end": "07:00"}],
        [{"days": ["mon"], "start": "24:30", "end": "07:00"}],
        [{"days": ["mon"], "start": None, "end": "07:00"}],
        [{"days": ["mon"], "start": "22:00+01:00", "end": "07:00"}],
    ],
)
def test_bad_windows_are_refused_with_a_sentence(data: object) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$|22:00\.$"):
        parse_windows(data)


# -- bundling --------------------------------------------------------------------------------


def waiting(*ages: int, urgency: str = "high", alone: bool = False) -> list[Waiting]:
    return [
        Waiting(urgency=urgency, due_at=NOW - timedelta(seconds=age), alone=alone) for age in ages
    ]


@pytest.mark.parametrize(
    ("sent", "rows", "take", "again_in"),
    [
        pytest.param(0, [], (), None, id="nothing waits"),
        pytest.param(0, waiting(1, 1, 1), (0,), None, id="the first goes by itself"),
        pytest.param(1, waiting(1, 1), (0,), None, id="and the second"),
        pytest.param(2, waiting(2, 1), (), 2, id="from the third on they collect"),
        pytest.param(2, waiting(4, 2, 0), (0, 1, 2), None, id="and go as one"),
        pytest.param(2, waiting(4), (0,), None, id="one that stayed alone goes alone"),
        pytest.param(9, waiting(30, 30), (0, 1), None, id="late ones do not wait again"),
        pytest.param(2, waiting(10, urgency="low"), (), 50, id="low urgency collects longer"),
        pytest.param(2, waiting(60, 1, urgency="low"), (0, 1), None, id="and then goes as one"),
        pytest.param(
            2,
            waiting(10, urgency="low") + waiting(3),
            (),
            1,
            id="the most urgent decides how long",
        ),
        pytest.param(
            5, waiting(1, 1) + waiting(1, alone=True), (2,), None, id="a code never waits"
        ),
    ],
)
def test_messages_are_bundled_from_the_third_in_a_minute(
    sent: int, rows: list[Waiting], take: tuple[int, ...], again_in: int | None
) -> None:
    decided = bundle(sent, rows, NOW)
    assert decided.take == take
    assert decided.again_at == (None if again_in is None else NOW + timedelta(seconds=again_in))


def test_a_storm_of_an_alert_a_second_becomes_few_messages_and_none_waits_long() -> None:
    arrived: list[Waiting] = []
    sent_at: list[datetime] = []
    delivered = 0
    for second in range(120):
        now = NOW + timedelta(seconds=second)
        arrived.append(Waiting(urgency="high", due_at=now))
        recent = sum(now - at < timedelta(minutes=1) for at in sent_at)
        decided = bundle(recent, arrived, now)
        if decided.take:
            assert all(now - arrived[at].due_at <= timedelta(seconds=4) for at in decided.take)
            sent_at.append(now)
            delivered += len(decided.take)
            arrived = [row for at, row in enumerate(arrived) if at not in decided.take]
    assert delivered + len(arrived) == 120
    assert len(sent_at) <= 28
