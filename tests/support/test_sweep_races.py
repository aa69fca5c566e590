"""Several at once, with real commits: sweeps against sweeps, replies and people, and a death."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction

from apps.core import audit
from apps.notifications.models import Message
from apps.support.models import ClockEvent, EscalationStep, Ticket, TicketClock
from apps.support.services import checking, clocks, sweep, tickets
from apps.support.services.policies import Step
from tests import builders as build
from tests.races import together
from tests.support import slakit as sla
from tests.support.slakit import HOUR, MINUTE, MONDAY

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
SECOND = timedelta(seconds=1)
Tell = EscalationStep.Notify


def breaches() -> list[int]:
    rows = ClockEvent.objects.filter(what="breach").order_by("clock_id")
    return list(rows.values_list("clock_id", flat=True))


def test_two_sweeps_at_once_note_and_tell_everything_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sla.plain_policy(sla.cell("triage", 600, Step(0, Tell.OWNER)))
    sam = build.person("Sam Sand", "support_agent", now=MONDAY)
    for _ in range(40):
        sla.ticket(owner=sam)
    monkeypatch.setattr(sweep, "BATCH", 7)
    later = MONDAY + HOUR
    assert together(*[lambda: sweep.sweep(now=later)] * 4) == []
    sweep.sweep(now=later)  # what was locked by one while another looked
    assert breaches() == sorted(TicketClock.objects.values_list("pk", flat=True))
    assert ClockEvent.objects.filter(what="step").count() == 40
    lines = "\n".join(Message.objects.values_list("body", flat=True))
    for ticket in Ticket.objects.all():
        assert lines.count(f"{ticket.ref} Triage") + lines.count(f"Triage of {ticket.ref} ") == 1


def test_a_reply_at_the_deadline_wins_against_the_sweep_whoever_comes_first() -> None:
    sla.plain_policy(sla.cell("first_reply", 600, Step(0, Tell.OWNER)))
    sam = build.person("Sam Sand", "support_agent", now=MONDAY)
    due = MONDAY + 10 * MINUTE
    orders = set()
    for _ in range(12):
        ticket = sla.ticket(owner=sam)

        def answer(pk: int = ticket.pk) -> None:
            with transaction.atomic():
                row = tickets.lock(pk)
                Ticket.objects.filter(pk=pk).update(first_replied_at=due)
                clocks.agent_replied(ticket=row, at=due, actor=audit.SYSTEM, now=due + 5 * SECOND)

        assert together(answer, lambda: sweep.sweep(now=due + 5 * SECOND)) == []
        clock = sla.clock(ticket, "first_reply")
        assert (clock.state, clock.stopped_at, clock.breached_at) == ("met", due, None)
        orders.add(tuple(sla.events(clock)))
        mine = Message.objects.filter(subject_ref=str(clock.pk))
        assert set(mine.values_list("status", flat=True)) <= {"cancelled"}
    assert orders <= {("start", "stop"), ("start", "breach", "step", "unbreach", "stop")}


def test_a_priority_changed_twice_in_the_same_second_by_two_people() -> None:
    """Both changes are kept in the history, and the clock follows the one that came last."""
    sla.plain_policy(
        *(
            sla.cell("resolution", s, priority=p)
            for p, s in (("P1", 7200), ("P2", 9000), ("P3", 36000))
        )
    )
    people = [build.person(name, "support_agent", now=MONDAY) for name in ("Sam Sand", "Ana Ash")]
    now = MONDAY + HOUR
    for _ in range(6):
        ticket = sla.ticket()

        def change(priority: str, who: int, of: Ticket = ticket) -> None:
            tickets.set_priority(
                ticket=of, priority=priority, reason="It is worse", actor=audit.person(people[who]),
                now=now,
            )  # fmt: skip

        assert together(lambda: change("P1", 0), lambda: change("P2", 1)) == []
        ticket.refresh_from_db()
        clock = sla.clock(ticket, "resolution")
        wanted = {"P1": 7200, "P2": 9000}[ticket.priority]
        assert (clock.target_seconds, clock.due_at) == (wanted, MONDAY + timedelta(seconds=wanted))
        assert sla.events(clock) == ["start", "retarget", "retarget"]
        assert ticket.sla_due_at == clock.due_at


# -- four workers, and one of them dies

WORKER = """
import django, sys
django.setup()
from datetime import datetime
from apps.support.services import sweep
sweep.BATCH = 5
now = datetime.fromisoformat(sys.argv[1])
if sys.argv[2] == "dies":
    def stand_still(*args):
        print("in the middle", flush=True)
        sys.stdin.read()
    sweep._tell = stand_still
sweep.sweep(now=now)
"""


@pytest.fixture
def workers() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    settings = connection.settings_dict
    host, port = settings["HOST"] or "", settings["PORT"] or "5432"
    secret = f":{settings['PASSWORD']}" if settings["PASSWORD"] else ""
    if host.startswith("/"):
        place = f"/{settings['NAME']}?host={host}&port={port}"
    else:
        place = f"{host}:{port}/{settings['NAME']}"
    env = os.environ | {
        "DATABASE_URL": f"postgres://{settings['USER']}{secret}@{place}",
        "DJANGO_SETTINGS_MODULE": "opsportal.settings.test",
        "PYTHONPATH": str(ROOT),
    }
    started: list[subprocess.Popen[str]] = []

    def start(how: str) -> subprocess.Popen[str]:
        later = (MONDAY + HOUR).isoformat()
        made = subprocess.Popen(
            [sys.executable, "-c", WORKER, later, how], env=env, cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(made)
        return made

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_four_workers_of_which_one_is_killed_note_every_breach_once(
    workers: Callable[[str], subprocess.Popen[str]],
) -> None:
    sla.plain_policy(sla.cell("triage", 600, Step(0, Tell.OWNER)))
    sam = build.person("Sam Sand", "support_agent", now=MONDAY)
    for _ in range(60):
        sla.ticket(owner=sam)
    dying = workers("dies")
    assert dying.stdout is not None
    assert dying.stdout.readline() == "in the middle\n"  # all written, nothing committed
    others = [workers("lives") for _ in range(3)]
    for other in others:
        _, errors = other.communicate(timeout=60)
        assert other.returncode == 0, errors
    assert len(breaches()) == 55
    dying.kill()
    dying.wait()
    with transaction.atomic():
        list(Ticket.objects.select_for_update())  # the server has let go of what the dead one held
    sweep.sweep(now=MONDAY + HOUR)
    assert breaches() == sorted(TicketClock.objects.values_list("pk", flat=True))
    assert ClockEvent.objects.filter(what="step").count() == 60
    assert checking.check(now=MONDAY + HOUR).lines == ()
