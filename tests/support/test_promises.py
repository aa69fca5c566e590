"""What would be promised, before anything is logged."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.support.selectors.promises import preview
from apps.support.services.policies import Takes
from tests import builders as build
from tests.support import slakit as sla
from tests.support.slakit import MONDAY, at

pytestmark = pytest.mark.django_db


def test_the_preview_names_each_promise_with_its_due_time() -> None:
    sla.site()
    lines = preview(request_type=sla.request_type(), priority="P2", at=MONDAY)
    assert [(line.label, line.seconds, line.due_at) for line in lines] == [
        ("Triage", 3600, at("11:00")),
        ("First reply", 7200, at("12:00")),
        ("Next reply", 4 * 3600, None),
        ("Periodic update", 4 * 3600, None),
        ("Resolution", 9 * 3600, at("10:00", day=8)),
    ]


@pytest.mark.parametrize("priority", ["P1", "P2", "P3", "P4"])
def test_a_ticket_gets_what_the_preview_said(priority: str) -> None:
    sla.site()
    sla.plain_policy(
        sla.cell("triage", 300, priority=priority),
        is_default=False,
        takes=Takes(tag="vip"),
    )
    premium = build.account(tier="premium", now=MONDAY)
    sla.plain_policy(
        sla.cell("resolution", 999, priority=priority),
        is_default=False,
        takes=Takes(tier="premium"),
    )
    for account, tags in ((None, ["vip"]), (premium, []), (None, [])):
        lines = preview(
            request_type=sla.request_type(),
            priority=priority,
            account=account,
            tags=tags,
            at=MONDAY,
        )
        ticket = sla.ticket(priority=priority, requester=sla.contact(account), tags=tags)
        made = {c.metric: c.due_at for c in ticket.clocks.all()}
        assert {line.metric: line.due_at for line in lines if line.due_at} == made


def test_a_preview_is_one_statement_and_writes_nothing() -> None:
    sla.site()
    kind = sla.request_type()
    preview(request_type=kind, priority="P3", at=MONDAY)
    with CaptureQueriesContext(connection) as asked:
        preview(request_type=kind, priority="P3", at=MONDAY)
    assert [query["sql"][:6] for query in asked.captured_queries] == ["SELECT"]


def test_without_a_policy_nothing_is_promised() -> None:
    assert preview(request_type=None, priority="P1", at=MONDAY) == []
