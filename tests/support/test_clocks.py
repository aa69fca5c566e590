"""The clocks of a ticket, moved by what happens to it."""

from __future__ import annotations

import pytest

from apps.core import audit
from tests.support import slakit as sla
from tests.support.slakit import MINUTE, at

pytestmark = pytest.mark.django_db
BY = {"actor": audit.SYSTEM}


def test_a_new_ticket_promises_triage_first_reply_and_resolution() -> None:
    sla.site()
    ticket = sla.ticket()
    assert {c.metric: c.due_at for c in ticket.clocks.all()} == {
        "triage": at("14:00"),
        "first_reply": at("9:00", day=8),
        "resolution": at("10:00", day=14),
    }
    assert (ticket.sla_state, ticket.sla_metric, ticket.sla_due_at) == (
        "running",
        "triage",
        at("14:00"),
    )


def test_urgent_first_replies_are_due_around_the_clock() -> None:
    sla.site()
    saturday = at("22:00", day=12)
    ticket = sla.ticket(saturday, priority="P1")
    assert sla.clock(ticket, "first_reply").due_at == saturday + 30 * MINUTE
    assert sla.clock(ticket, "resolution").due_at == at("13:00", day=14)
