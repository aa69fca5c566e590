"""A customer of another tier is promised what that tier is promised, also for what is open."""

from __future__ import annotations

import pytest
import time_machine

from apps.core import audit, jobs
from apps.customers import services as customers
from apps.customers.models import Account, Contact, Org
from apps.support.models import ClockEvent, Ticket
from apps.support.services import tickets
from apps.support.services.policies import Takes
from tests import builders as build
from tests.support import slakit as sla
from tests.support.slakit import HOUR, MONDAY

pytestmark = pytest.mark.django_db


def _ticket(account: Account) -> Ticket:
    return sla.ticket(requester=sla.contact(account))


def _raise(account: Account) -> None:
    customers.save_account(
        account=account, fields={"tier": "premium"}, actor=audit.SYSTEM, now=MONDAY + HOUR
    )


def test_open_promises_are_chosen_again_when_an_account_gets_another_tier() -> None:
    sla.plain_policy(sla.cell("resolution", 10 * 3600))
    sla.plain_policy(
        sla.cell("resolution", 4 * 3600), is_default=False, takes=Takes(tier="premium")
    )
    account = build.account(now=MONDAY)
    ticket = _ticket(account)
    assert sla.clock(ticket, "resolution").due_at == MONDAY + 10 * HOUR
    with time_machine.travel(MONDAY + HOUR, tick=False):  # the background runs at once here
        _raise(account)
    clock = sla.clock(ticket, "resolution")
    assert (clock.target_seconds, clock.due_at) == (4 * 3600, MONDAY + 4 * HOUR)
    assert "Bramble Foods is premium" in ClockEvent.objects.get(clock=clock, what="retarget").cause


def test_another_name_of_an_account_moves_no_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    sla.plain_policy(sla.cell("resolution", 60), is_default=False, takes=Takes(tier="premium"))
    account = build.account(now=MONDAY)
    asked: list[str] = []
    monkeypatch.setattr(jobs, "enqueue", lambda task, **_: asked.append(task))
    customers.save_account(
        account=account, fields={"name": "Bramble"}, actor=audit.SYSTEM, now=MONDAY + HOUR
    )
    assert asked == []
    _raise(account)
    assert asked == ["apps.support.tasks.choose_again"]


def test_where_no_policy_asks_for_a_tier_nothing_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sla.plain_policy(sla.cell("resolution", 3600))
    asked: list[str] = []
    monkeypatch.setattr(jobs, "enqueue", lambda task, **_: asked.append(task))
    _raise(build.account(now=MONDAY))
    assert asked == []


def test_a_contact_without_an_account_is_promised_what_their_org_is() -> None:
    sla.plain_policy(sla.cell("resolution", 10 * 3600))
    sla.plain_policy(
        sla.cell("resolution", 4 * 3600), is_default=False, takes=Takes(tier="premium")
    )
    account = build.account(tier="premium", now=MONDAY)
    org = Org.objects.create(key="dunes", name="Dunes", account=account, created_at=MONDAY)
    asker = sla.contact()
    Contact.objects.filter(pk=asker.pk).update(org=org)
    ticket = tickets.open_ticket(
        subject="Stale",
        request_type=sla.request_type(),
        requester=Contact.objects.get(pk=asker.pk),
        actor=audit.SYSTEM,
        now=MONDAY,
    )
    assert ticket.account == account
    assert sla.clock(ticket, "resolution").target_seconds == 4 * 3600
