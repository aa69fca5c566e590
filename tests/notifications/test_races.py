"""Two at once, with real transactions: an acknowledgement against a sender, claim against claim."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import connection

from apps.core import audit
from apps.core.models import StatusChange
from apps.notifications.models import Message
from apps.notifications.services import sender
from apps.paging import services as paging
from apps.paging.models import Page
from tests import builders as build
from tests.races import together

NOW = datetime(2026, 9, 7, 6, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


def test_no_send_starts_after_the_acknowledgement_commits() -> None:
    """Whoever wins the row decides: sent and then acknowledged, or acknowledged and never sent."""
    ravi = build.person("Ravi Rao", now=NOW)
    surface = build.surface(primary=ravi, now=NOW)
    build.schedule(ravi, surfaces=[surface], now=NOW)
    outcomes = set()
    for _ in range(20):
        page = build.page(surface=surface, now=NOW)
        paging.take_due_steps(now=NOW)
        claimed: list[sender.Parcel] = []
        errors = together(
            lambda claimed=claimed: claimed.extend(sender.claim(now=NOW, limit=10)),
            lambda page=page: paging.acknowledge(
                page=page, actor=audit.person(ravi), person=ravi, now=NOW
            ),
        )
        assert errors == []
        row = Message.objects.get(subject_ref=str(page.pk), what="page_step")
        if claimed:
            assert row.status == "sending"
        else:
            assert row.status == "cancelled"
            assert sender.claim(now=NOW, limit=10) == []
        outcomes.add(row.status)
        Message.objects.all().delete()
    assert outcomes <= {"sending", "cancelled"}


def test_two_senders_never_claim_one_row() -> None:
    ravi = build.person("Ravi Rao", now=NOW)
    surface = build.surface(primary=ravi, now=NOW)
    build.schedule(ravi, surfaces=[surface], now=NOW)
    build.page(surface=surface, now=NOW)
    paging.take_due_steps(now=NOW)
    claimed: list[sender.Parcel] = []
    assert not together(*[lambda: claimed.extend(sender.claim(now=NOW, limit=5))] * 6)
    assert len(claimed) == 1


def test_twenty_acknowledgements_at_once_are_one() -> None:
    ravi, bea = build.person("Ravi Rao", now=NOW), build.person("Bea Bell", now=NOW)
    page = build.page(surface=build.surface(primary=ravi, now=NOW), now=NOW)
    acts = [
        lambda who=who: paging.acknowledge(page=page, actor=audit.person(who), person=who, now=NOW)
        for who in (ravi, bea) * 10
    ]
    assert together(*acts) == []
    assert page.notes.filter(what="acknowledged").count() == 1
    changes = StatusChange.objects.filter(kind="paging.page", ref=str(page.pk))
    assert [c.became for c in changes] == ["acknowledged"]


def test_two_engines_take_a_step_once() -> None:
    ravi = build.person("Ravi Rao", now=NOW)
    surface = build.surface(primary=ravi, now=NOW)
    build.schedule(ravi, surfaces=[surface], now=NOW)
    for _ in range(5):
        build.page(surface=surface, now=NOW)
    assert not together(*[lambda: paging.take_due_steps(now=NOW)] * 4)
    assert Message.objects.filter(what="page_step").count() == 5
    assert {p.step for p in Page.objects.all()} == {1}


def test_a_burst_of_one_key_is_one_alert() -> None:
    from apps.alerts.models import Alert
    from apps.intake import services as intake

    source = build.native()
    for _ in range(20):
        build.event(source, dedup_key="a", severity="warning", now=NOW)
    assert not together(*[lambda: intake.normalise_due(now=NOW)] * 4)
    intake.normalise_due(now=NOW)
    assert Alert.objects.get().count == 20


def test_an_acknowledgement_in_the_middle_of_a_batch_costs_no_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The batch has touched the alert, the button is pressed, then the batch needs the page.

    Forced, not hoped for: the batch goes on only when the acknowledgement waits for a lock.
    """
    from apps.intake import services as intake
    from apps.intake.models import Delivery
    from apps.intake.services import normalising

    ravi = build.person("Ravi Rao", now=NOW)
    surface = build.surface(primary=ravi, now=NOW)
    source = build.native(surface=surface)
    build.alert(source, dedup_key="a", group_key="g", severity="warning", now=NOW)
    page = Page.objects.get()
    build.event(source, dedup_key="a", group_key="g", severity="warning", now=NOW)
    build.event(source, dedup_key="b", group_key="g", severity="critical", now=NOW)
    middle, normalise = threading.Event(), normalising._normalise_one

    def in_two_parts(row: Delivery, *, now: datetime) -> None:
        normalise(row, now=now)
        if not middle.is_set():
            middle.set()
            wait_until_somebody_waits()

    def press() -> None:
        assert middle.wait(10)
        paging.acknowledge(page=page, actor=audit.person(ravi), person=ravi, now=NOW)

    monkeypatch.setattr(normalising, "_normalise_one", in_two_parts)
    assert together(lambda: intake.normalise_due(now=NOW), press) == []
    assert set(Delivery.objects.values_list("status", flat=True)) == {"normalised"}
    page.refresh_from_db()
    assert (page.urgency, page.round) == ("high", 1)


def wait_until_somebody_waits() -> None:
    """Until another transaction is held up by a lock, two seconds at most."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
            row = cursor.fetchone()
        if row and row[0]:
            return
        time.sleep(0.02)


def test_a_newcomer_to_a_group_that_is_just_being_resolved_wakes_somebody() -> None:
    from apps.alerts import services as alerts
    from apps.alerts.models import Alert
    from apps.intake import services as intake

    ravi = build.person("Ravi Rao", now=NOW)
    surface = build.surface(primary=ravi, now=NOW)
    source = build.native(surface=surface)
    for number in range(8):
        group = f"g{number}"
        first = build.alert(source, dedup_key=f"{group}-a", group_key=group, now=NOW)
        build.event(source, dedup_key=f"{group}-b", group_key=group, now=NOW)
        errors = together(
            lambda: intake.normalise_due(now=NOW),
            lambda first=first: alerts.resolve(alert=first, actor=audit.person(ravi), now=NOW),
        )
        assert errors == []
        intake.normalise_due(now=NOW)
        second = Alert.objects.get(dedup_key=f"{group}-b")
        assert second.group.closed_at is None
        assert second.group.page.status == "open"


def test_resolving_an_incident_against_a_step_of_its_page() -> None:
    from apps.incidents.models import Incident

    ravi = build.person("Ravi Rao", now=NOW)
    surface = build.surface(primary=ravi, now=NOW)
    build.schedule(ravi, surfaces=[surface], now=NOW)
    source = build.native(surface=surface)
    for number in range(8):
        build.alert(source, dedup_key=f"k{number}", severity="critical", now=NOW)
        incident = Incident.objects.latest("pk")
        errors = together(
            lambda: paging.take_due_steps(now=NOW),
            lambda incident=incident: build.step(incident, "resolved", by=ravi, now=NOW),
        )
        assert errors == []
        assert Page.objects.latest("pk").status == "resolved"
        assert not Message.objects.filter(what="page_step", status="pending").exists()


def test_senders_at_once_take_each_webhook_once() -> None:
    from apps.notifications import services as notifications
    from apps.notifications.services import webhooks

    for name in ("CRM", "Billing"):
        notifications.create_endpoint(
            url="https://example.com/in", description=name, events=["*"], actor=audit.SYSTEM,
            now=NOW,
        )  # fmt: skip
    for number in range(20):
        notifications.emit(
            event="ticket.created", data={}, subject=("ticket", "7"), dedupe=str(number), now=NOW
        )
    taken: list[int] = []
    for _ in range(3):
        acts = [lambda: taken.extend(a.delivery_id for a in webhooks.claim(now=NOW, limit=8))] * 4
        assert together(*acts) == []
    assert len(taken) == len(set(taken)) and len(taken) >= 24


def test_the_same_fact_told_by_two_at_once_is_one_delivery_and_one_mail() -> None:
    from apps.notifications import services as notifications
    from apps.notifications.models import WebhookDelivery
    from tests.notifications.test_outside import write

    made = notifications.create_endpoint(
        url="https://example.com/in", description="CRM", events=["*"], actor=audit.SYSTEM, now=NOW
    )
    rows: list[Message | None] = []
    fact = {"event": "ticket.created", "data": {}, "subject": ("ticket", "7"), "dedupe": "a"}
    acts: list[Callable[[], object]] = [
        *[lambda: notifications.emit(**fact, now=NOW)] * 3,
        *[lambda: rows.append(write(now=NOW))] * 3,
        lambda: notifications.rotate_secret(endpoint=made.row, actor=audit.SYSTEM, now=NOW),
    ]
    assert together(*acts) == []
    assert WebhookDelivery.objects.count() == 1
    assert Message.objects.count() == 1


def test_an_endpoint_is_switched_off_once_and_nothing_leaves_for_it_any_more() -> None:
    """Switching off against telling: what was told too late waits until somebody resumes it."""
    from apps.notifications import services as notifications
    from apps.notifications.models import WebhookDelivery
    from apps.notifications.services import endpoints

    build.person("Maya Lind", "manager", now=NOW)
    made = notifications.create_endpoint(
        url="https://example.com/in", description="CRM", events=["*"], actor=audit.SYSTEM, now=NOW
    )
    off = []

    def switch() -> None:
        off.append(endpoints.disable(endpoint_id=made.row.pk, reason="410", now=NOW))

    fact = {"event": "ticket.created", "data": {}, "subject": ("ticket", "7")}
    acts: list[Callable[[], object]] = [
        *[lambda n=n: notifications.emit(**fact, dedupe=str(n), now=NOW) for n in range(4)],
        switch,
        switch,
    ]
    assert together(*acts) == []
    assert sorted(off) == [False, True]
    assert Message.objects.filter(what="webhook_off").count() == 1
    assert notifications.send_webhooks(now=NOW) == 0
    assert not WebhookDelivery.objects.filter(status="sending").exists()
