"""The words of messages, and how they are laid out and cut."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.notifications import layout, wording
from apps.notifications.wording import PageStep, Reader, Texts, Topic, Why

NOW = datetime(2026, 3, 3, 1, 20, tzinfo=UTC)  # Tuesday, 02:20 in Berlin
RAVI = Reader(name="Ravi", zone=ZoneInfo("Europe/Berlin"))
TOPIC = Topic(title="Snowflake profiling: 38 of 112 jobs failed", label="SEV2")
STEP = PageStep(
    topic=TOPIC,
    urgency="high",
    why=Why(role="on_call", of="Profiler", until=datetime(2026, 3, 9, 8, tzinfo=UTC)),
    step=1,
    steps=3,
    started_at=NOW - timedelta(minutes=6),
    ack_url="https://ops.example.com/a/Zk3_x-93kdlpQsd83jd73h",
    page_url="https://ops.example.com/pages/12",
    surface="Profiler / Snowflake",
    owner="Data platform",
    detail="Warehouse timeouts.",
    next_name="Bea",
    next_at=NOW + timedelta(minutes=10),
)
FAMILY = "👩\u200d👩\u200d👧\u200d👦"


def test_the_page_says_what_since_when_who_is_next_and_how_to_acknowledge() -> None:
    told = wording.page_step(STEP, RAVI, NOW)
    assert told.subject == (
        "[SEV2] Snowflake profiling: 38 of 112 jobs failed. You are on call (1 of 3)"
    )
    assert told.text == (
        "Snowflake profiling: 38 of 112 jobs failed.\n"
        "\n"
        "Since: 02:14 Berlin, 6 m ago\n"
        "Surface: Profiler / Snowflake (owner: Data platform)\n"
        "Severity: SEV2\n"
        "Next: Bea is told at 02:30 Berlin, in 10 m, unless somebody acknowledges first\n"
        "\n"
        "Acknowledge: https://ops.example.com/a/Zk3_x-93kdlpQsd83jd73h\n"
        "It opens a page with one button. Press the button to say that you are on it: nobody else "
        "is woken, and the others see your name. Opening the page alone changes nothing.\n"
        "\n"
        "Warehouse timeouts.\n"
        "\n"
        "The whole story: https://ops.example.com/pages/12\n"
        "\n"
        "Why you got this: You are on call for Profiler until Mon 09:00.\n"
    )
    assert told.short == (
        "SEV2 Snowflake profiling: 38 of 112 jobs failed. You are on call (1 of 3). "
        "https://ops.example.com/a/Zk3_x-93kdlpQsd83jd73h"
    )
    assert told.text.isascii()


def test_a_page_of_low_urgency_is_calm() -> None:
    told = wording.page_step(replace(STEP, urgency="low", next_name=""), RAVI, NOW)
    assert told.subject.endswith("failed. No hurry: you are on call (1 of 3)")
    assert "This can wait until you are at work. Nobody is woken for it." in told.text
    assert "Next:" not in told.text


@pytest.mark.parametrize(
    ("role", "subject", "reason"),
    [
        ("backup", "You are the backup", "You are the backup for Profiler until Mon 09:00."),
        ("owner", "You are the owner", "You are the owner of Profiler until Mon 09:00."),
        ("lead", "You lead the team", "You lead the team Profiler until Mon 09:00."),
        ("named", "You are asked", "The escalation policy Profiler names you until Mon 09:00."),
        ("fallback", "Nobody else is on it", "You are the last resort of Profiler until"),
    ],
)
def test_everybody_reads_why_they_got_it(role: Any, subject: str, reason: str) -> None:
    facts = replace(STEP, why=replace(STEP.why, role=role), step=2)
    told = wording.page_step(facts, RAVI, NOW)
    assert told.subject.endswith(f"failed. {subject} (2 of 3)")
    assert f"Why you got this: {reason}" in told.text


def test_the_last_step_and_the_runbook_are_named() -> None:
    facts = replace(STEP, next_name="", runbook="Failed profiling", runbook_url="https://rb/1")
    told = wording.page_step(replace(facts, alerts=3), RAVI, NOW)
    assert "Next: nobody after you\n" in told.text
    assert "Runbook: Failed profiling https://rb/1\n" in told.text
    assert "Alerts: 3 so far\n" in told.text


@pytest.mark.parametrize(("kind", "prefix"), [("drill", "[DRILL] "), ("test", "[TEST] ")])
def test_what_is_not_real_says_so_first(kind: str, prefix: str) -> None:
    told = wording.page_step(replace(STEP, topic=replace(TOPIC, kind=kind)), RAVI, NOW)
    assert told.subject.startswith(f"{prefix}[SEV2] Snow")
    assert told.text.startswith("This is a ")
    assert told.short.startswith(prefix.strip("[] "))


def test_all_messages_of_a_page_begin_alike_so_that_they_stay_together() -> None:
    resolved = wording.resolved(
        wording.Resolved(topic=TOPIC, started_at=NOW - timedelta(minutes=25), resolved_at=NOW),
        RAVI,
        NOW,
    )
    acknowledged = wording.acknowledged(
        wording.Acknowledged(topic=TOPIC, by="Bea", at=NOW), RAVI, NOW
    )
    start = "[SEV2] Snowflake profiling: 38 of 112 jobs failed. "
    assert resolved.subject == start + "Resolved after 25 m"
    assert acknowledged.subject == start + "Bea is on it"
    assert wording.page_step(STEP, RAVI, NOW).subject.startswith(start)
    assert "All its alerts have cleared." in resolved.text
    assert "Bea acknowledged it at 02:20 Berlin." in acknowledged.text


def notice(build: Callable[..., Texts], facts: object) -> Texts:
    return build(facts, RAVI, NOW)


GAP = wording.CoverageGap(schedule="Profiler", start=NOW, url="https://ops/s/1")
SHIFT = wording.Handoff(schedule="Profiler", at=NOW, until=NOW + timedelta(days=6), other="Bea")
NOTICES: list[tuple[Callable[..., Texts], object, str, list[str]]] = [
    (
        wording.coverage_gap,
        replace(GAP, page="Disk full", told_instead="Bea", surfaces=["Profiler", "Packs"]),
        "[On call] Nobody is on call for Profiler",
        [
            'The page "Disk full" found nobody and went on at once to Bea.',
            "Surfaces: Profiler, Packs",
        ],
    ),
    (
        wording.coverage_gap,
        replace(GAP, start=NOW + timedelta(days=1), end=NOW + timedelta(days=2)),
        "[On call] Nobody will be on call for Profiler from Wed 02:20 until Thu 02:20",
        ["Fill the gap: https://ops/s/1", "Pages will skip this step"],
    ),
    (
        wording.handoff_on,
        replace(SHIFT, open_pages=["Disk full"]),
        "You are on call for Profiler until Mon 02:20",
        ["You take over from Bea.", "Still open, and now yours:\n- Disk full"],
    ),
    (
        wording.handoff_off,
        SHIFT,
        "You are off call for Profiler: Bea has taken over",
        ["at 02:20 Berlin"],
    ),
    (
        wording.handoff_off,
        replace(SHIFT, other=""),
        "You are off call for Profiler: nobody has taken over",
        ["The managers have been told of the gap."],
    ),
    (
        wording.verification_code,
        wording.Code(code="482913", minutes=15),
        "482913 is your OpsPortal code",
        ["within 15 minutes", "If you did not ask for it, ignore this message"],
    ),
    (
        wording.test_page,
        wording.TestPage(by="Maya", method="SMS", ack_url="https://ops/a/x"),
        "[TEST] A page from OpsPortal. Nothing is broken",
        ["Asked for by: Maya", "Acknowledge: https://ops/a/x"],
    ),
    (
        wording.invitation,
        wording.Invitation(by="Maya", url="https://ops/i/x", expires_at=NOW + timedelta(days=7)),
        "Maya invites you to OpsPortal",
        ["Accept: https://ops/i/x", "until Tue 10 Mar 02:20 Berlin"],
    ),
    (
        wording.bundle,
        wording.Bundle(
            items=[
                wording.BundleItem(subject=f"[SEV2] {n}", link=f"https://ops/{n}") for n in "abcd"
            ],
            url="https://ops/",
        ),
        "4 more alerts in the last minute",
        ["[SEV2] a\nhttps://ops/a\n\n[SEV2] b", "See everything: https://ops/"],
    ),
    (
        wording.engine_late,
        wording.EngineLate(part="engine", last_ran_at=NOW - timedelta(minutes=4), waiting=7),
        "[OpsPortal] The engine has not run for 4 m: pages may be late",
        ["Last ran: 02:16 Berlin, 4 m ago", "Messages waiting: 7", "manage.py doctor"],
    ),
    (
        wording.engine_late,
        wording.EngineLate(part="cluster", last_ran_at=None),
        "[OpsPortal] The cluster has never run: pages may be late",
        ["Last ran: never"],
    ),
    (
        wording.email_only,
        wording.EmailOnly(person="Bea", schedule="Profiler", start=NOW + timedelta(hours=3)),
        "[On call] Bea, next on call for Profiler, can be reached by e-mail only",
        ["The shift starts at 05:20 Berlin, in 3 h."],
    ),
]


@pytest.mark.parametrize(("build", "facts", "subject", "parts"), NOTICES)
def test_every_notice_says_what_it_is_about(
    build: Callable[..., Texts], facts: object, subject: str, parts: list[str]
) -> None:
    told = notice(build, facts)
    assert told.subject == subject
    for part in parts:
        assert part in told.text
    assert told.text.isascii()
    assert "\n\n\n" not in told.text
    assert 0 < layout.septets(told.short) <= 160


@pytest.mark.parametrize(("count", "subject"), [(1, "1 more alert in"), (25, "25 more alerts in")])
def test_a_bundle_counts_and_never_grows_without_end(count: int, subject: str) -> None:
    items = [wording.BundleItem(subject=f"Alert {n}") for n in range(count)]
    told = notice(wording.bundle, wording.Bundle(items=items))
    assert told.subject.startswith(subject)
    assert told.text.count("Alert ") == min(count, 20)
    assert ("And 5 more." in told.text) == (count == 25)


HOSTILE = [
    "</p><script>alert(1)</script>",
    "Line\r\nBcc: all@example.com",
    "{{ settings.SECRET_KEY }} {of} %s",
    "nul \x00 bell \x07 escape \x1b[31m",
    "override \u202e gpj.exe",
    "lone surrogate \ud800",
    FAMILY * 60,
    "e\u0301" * 300,
    "ﷺ" * 100,
    "🇩🇪" * 100,
    "",
    " ",
    "日本語の警告" * 40,
    "[" * 400,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_words_from_outside_stay_words(text: str) -> None:
    facts = replace(
        STEP,
        topic=Topic(title=text, label=text),
        detail=text,
        surface=text,
        owner=text,
        next_name=text[:80],
        why=replace(STEP.why, of=text),
    )
    told = wording.page_step(facts, RAVI, NOW)
    assert len(told.subject) <= 180
    assert layout.septets(told.short) <= 160
    assert told.short.isprintable()
    assert told.html is not None
    assert "<script" not in told.html
    for form in (told.subject, told.text, told.html):
        form.encode()  # no lone surrogate is left
        assert not any(char in form for char in "\x00\x07\x1b\r")
    assert "\n" not in told.subject
    assert "\u202e" not in told.subject
    assert STEP.ack_url in told.text
    assert STEP.ack_url in told.short


def test_a_link_that_is_not_http_is_never_clickable() -> None:
    html = layout.html([layout.Action("Open", 'javascript:alert("1")')])
    assert "href" not in html
    quoted = layout.html([layout.Action("Open", 'https://x/"onmouseover="y')])
    assert 'href="https://x/&quot;onmouseover=&quot;y"' in quoted


@pytest.mark.parametrize(
    "grapheme",
    [FAMILY, "e\u0301", "👍🏽", "🇩🇪", "❤\ufe0f", "नि", "🏴\U000e0067\U000e0062\U000e007f", "각"],
)
def test_cutting_never_splits_a_character_as_people_see_it(grapheme: str) -> None:
    pieces = unicodedata.normalize("NFD", grapheme) if grapheme == "각" else grapheme
    for before in range(6):
        text = "x" * before + pieces * 12
        for limit in range(4, len(text) + 2):
            short = layout.cut(text, limit)
            assert len(short) <= limit
            kept = short.removesuffix("...").removeprefix("x" * before) if short != text else ""
            assert kept.replace(pieces, "") in ("", "x" * len(kept)), (limit, short)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Ünïcödé “quoted” – dash…", 'Ünicödé "quoted" - dash...'),
        ("U\u0308ber e\u0301", "Über é"),
        ("Čeština Łódź œuvre", "Cestina Lodz oeuvre"),
        ("[SEV2] {a} ~ ^ | \\ €5", "(SEV2) (a) - ' / / EUR5"),
        ("fire 🔥 fire", "fire fire"),
        ("日本", "??"),
        ("a\tb\nc", "a b c"),
        ("ﬁne №1 x² ½", "fine No1 x2 1/2"),
        ("完了。OK", "?? OK"),
    ],
)
def test_an_sms_uses_the_plain_gsm_alphabet(text: str, plain: str) -> None:
    assert layout.gsm(text) == plain
    assert layout.septets(plain) == len(plain)


def test_an_sms_keeps_the_link_and_cuts_the_words() -> None:
    link = "https://ops.example.com/a/" + "x" * 30
    short = layout.sms("word " * 60, "You are on call.", link)
    assert layout.septets(short) <= 160
    assert short.endswith(f"... You are on call. {link}")
    too_long = layout.sms("word " * 60, "You are on call.", "https://" + "x" * 140)
    assert "https" not in too_long
    assert layout.septets(layout.sms("~" * 200, "", "https://x/~~~~")) <= 160


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "under a minute"),
        (59, "under a minute"),
        (60, "1 m"),
        (3_599, "59 m"),
        (3_600, "1 h"),
        (7_800, "2 h 10 m"),
        (86_400, "1 d"),
        (273_600, "3 d 4 h"),
        (-360, "6 m"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: int, said: str) -> None:
    assert layout.duration(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("at", "zone", "clock24", "said"),
    [
        ("2026-03-03T01:14", "Europe/Berlin", True, "02:14"),
        ("2026-03-03T01:14", "Europe/Berlin", False, "2:14 am"),
        ("2026-03-03T23:30", "Europe/Berlin", False, "Wed 12:30 am"),
        ("2026-03-03T11:00", "Europe/Berlin", False, "12:00 pm"),
        ("2026-03-02T22:50", "Europe/Berlin", True, "Mon 23:50"),
        ("2026-03-09T08:00", "Europe/Berlin", True, "Mon 09:00"),
        ("2026-03-10T08:00", "Europe/Berlin", True, "Tue 10 Mar 09:00"),
        ("2026-03-29T01:00", "Europe/Berlin", True, "Sun 29 Mar 03:00"),
        ("2027-01-01T08:00", "Europe/Berlin", True, "Fri 1 Jan 2027 09:00"),
        ("2026-03-03T01:14", "America/Los_Angeles", True, "17:14"),
        ("2026-03-03T01:14", "Asia/Kathmandu", True, "06:59"),
    ],
)
def test_moments_are_told_in_the_zone_of_the_reader(
    at: str, zone: str, clock24: bool, said: str
) -> None:
    reader = Reader(name="Ravi", zone=ZoneInfo(zone), clock24=clock24)
    assert layout.moment(datetime.fromisoformat(at + "+00:00"), reader, NOW) == said


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("Europe/Berlin", "Berlin"),
        ("UTC", "UTC"),
        ("America/Argentina/Buenos_Aires", "Buenos Aires"),
    ],
)
def test_a_zone_is_called_by_its_city(zone: str, name: str) -> None:
    assert layout.city(ZoneInfo(zone)) == name
