"""The demo world: complete, consistent, sent nowhere, and the same however often it is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.db.models import Count
from django.test import RequestFactory
from pytest_django import DjangoDbBlocker

from apps.accounts.models import ApiKey, Person, Team
from apps.accounts.roles import Role
from apps.alerts.models import (
    Alert,
    AlertGroup,
    AlertRule,
    MaintenanceWindow,
    RoutingRule,
    Silence,
)
from apps.alerts.models import Heartbeat as Beat
from apps.changes.models import Change
from apps.core.models import Heartbeat
from apps.customers.models import Account, Connection, Contact, Org
from apps.incidents.models import Component, Incident
from apps.intake.models import Delivery, Integration
from apps.notifications.models import ContactMethod, Message, Site, WebhookEndpoint
from apps.ownership import selectors as ownership
from apps.ownership.models import ExternalParty, Position, Surface
from apps.paging.models import EscalationPolicy, Page
from apps.portal.services import demo as removal
from apps.rotations import selectors as rotations
from apps.rotations import services as rotation_services
from apps.rotations.models import CoverageGap, Handoff, Override, Schedule
from apps.runbooks.models import Runbook
from apps.support import seeds
from apps.support.models import (
    Attachment,
    Macro,
    Mailbox,
    Queue,
    RequestType,
    SavedView,
    StoredFile,
    Ticket,
    TicketClock,
    TicketLink,
    TicketWatcher,
)
from apps.support.selectors import queue, reports
from apps.support.services import checking
from apps.telemetry.models import (
    ColumnType,
    Measurement,
    ProfiledSource,
    ProfileRun,
    ReportRun,
    RunHistogram,
    RunRollup,
    SemanticLabel,
    SliCount,
    Slo,
    TypeChange,
)
from opsportal import demo, engine
from tests.opsportal import worlds

NOW = datetime(2026, 9, 9, 13, 17, 25, tzinfo=UTC)  # a Wednesday afternoon


@pytest.fixture(scope="module")
def shared_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """One load for all tests that only look: kept out of the database by a transaction."""
    from django.db import transaction

    with django_db_blocker.unblock():
        atomic = transaction.atomic()
        atomic.__enter__()
        try:
            demo.load(now=NOW)
            yield
        finally:
            transaction.set_rollback(True)
            atomic.__exit__(None, None, None)


@pytest.fixture
def loaded(shared_world: None, db: None) -> None:
    """The demo world as it stands at NOW; what a test changes is undone."""


# -- what is there


def test_there_is_one_login_for_each_role_and_its_password_opens_the_door(loaded: None) -> None:
    logins = demo.logins()
    assert [login[0] for login in logins] == [
        "manager",
        "responder",
        "maintainer",
        "support agent",
        "viewer",
    ]
    for label, email, password in logins:
        person = authenticate(RequestFactory().get("/"), username=email, password=password)
        assert isinstance(person, Person)
        assert Role(label.replace(" ", "_")) in person.roles
        validate_password(password, person)


def test_the_whole_cast_is_marked_as_demo_and_shares_one_hash(loaded: None) -> None:
    people = Person.objects.active()
    assert people.count() == 11
    assert {person.is_demo for person in people} == {True}
    assert len({person.password for person in people}) == 1
    assert {person.email.partition("@")[2] for person in people} == {"dataface.example"}
    assert len({person.time_zone for person in people}) >= 6


def test_every_surface_has_an_owner_and_about_half_truthfully_lack_a_backup(loaded: None) -> None:
    surfaces = list(Surface.objects.current())
    owners = ownership.owners_of(surfaces, at=NOW)
    assert len(surfaces) == 25
    assert all(pair.primary for pair in owners.values())
    assert {surface.team_id for surface in surfaces} == set(
        Team.objects.values_list("pk", flat=True)
    )
    without = {s.key for s in surfaces if owners[s.pk].backup is None}
    assert {"platform.billing", "platform.custom-domains", "pack.hubspot"} <= without
    assert 8 <= len(without) <= 17


def test_one_outage_of_the_hosted_deployment_hits_projects_billing_and_domains(
    loaded: None,
) -> None:
    hit = ownership.blast_radius(Surface.objects.get(key="platform.deploy.cloud"))
    assert {"cloud.projects", "platform.billing", "platform.custom-domains"} <= {
        surface.key for surface in hit
    }


def test_the_running_incident_is_investigated_for_seventy_two_minutes(loaded: None) -> None:
    incident = Incident.objects.get(title=worlds.SNOWFLAKE)
    assert (incident.severity, incident.status) == ("SEV2", Incident.Status.INVESTIGATING)
    age = NOW - incident.detected_at
    assert timedelta(minutes=72) <= age < timedelta(minutes=73)
    assert incident.commander is not None and incident.commander.name == "Tomas Ferreira"
    texts = list(incident.timeline.values_list("text", flat=True))
    assert sum("Wrong turn" in text for text in texts) == 1
    assert incident.timeline.filter(what="comment").count() >= 8


def test_its_page_is_one_for_both_alerts_and_mara_took_it(loaded: None) -> None:
    group = Alert.objects.get(summary=worlds.SNOWFLAKE).group
    assert group is not None and group.page is not None
    assert group.alerts.count() == 2
    assert group.page.status == Page.Status.ACKNOWLEDGED
    assert group.page.acknowledged_label == "Mara Lindqvist"
    assert group.page.label == "SEV2"
    assert group.incident_ref == Incident.objects.get(title=worlds.SNOWFLAKE).ref


def test_a_page_waits_for_the_stand_in_and_names_who_is_next(loaded: None) -> None:
    page = Page.objects.get(summary="Playground: 5xx ratio above 2 %")
    assert page.status == Page.Status.OPEN
    told = [step.people.get().name for step in page.steps_taken.all()]
    assert told == ["Aiko Sato"]
    assert page.next_at is not None and NOW < page.next_at < NOW + timedelta(minutes=5)


def test_there_is_an_unrouted_alert_that_asks_for_a_surface_nobody_has(loaded: None) -> None:
    alert = Alert.objects.unrouted().get()
    assert alert.wanted_surface == "pack.shopify"
    assert alert.summary.startswith("Schema drift")


def test_one_delivery_is_quarantined_with_a_reason_and_one_is_ignored(loaded: None) -> None:
    broken = Delivery.objects.get(status=Delivery.Status.QUARANTINED)
    assert "not JSON" in broken.error
    assert Delivery.objects.filter(status=Delivery.Status.IGNORED).count() == 1


def test_all_outcomes_have_happened(loaded: None) -> None:
    incidents = set(Incident.objects.values_list("status", flat=True))
    assert incidents >= {"triage", "investigating", "in_review", "resolved", "closed", "declined"}
    assert set(Page.objects.values_list("status", flat=True)) == set(Page.Status.values)
    assert set(Alert.objects.values_list("status", flat=True)) == set(Alert.Status.values)
    assert set(Alert.objects.values_list("severity", flat=True)) == {
        "critical",
        "error",
        "warning",
        "info",
    }
    assert Incident.objects.filter(visibility="restricted", severity="SEV1").count() == 1
    assert Incident.objects.filter(kind="drill").count() == 1
    assert Alert.objects.filter(kind="test").count() == 1
    assert CoverageGap.objects.get().what == "nobody is on call for Packs"


def test_the_ledger_knows_the_releases_the_deployments_and_the_flag(loaded: None) -> None:
    kinds = dict(Change.objects.values_list("kind").annotate(Count("pk")))
    assert kinds == {"release": 5, "deployment": 5, "flag": 1}
    assert Change.objects.filter(summary__contains="dataface-cloud-00147").exists()
    assert Change.objects.latest("occurred_at").summary.startswith("inspector.collect_top_values")


def test_every_schedule_has_history_a_present_and_a_year_ahead(loaded: None) -> None:
    schedules = {schedule.key: schedule for schedule in Schedule.objects.current()}
    assert set(schedules) == {"profiler", "platform", "packs", "support"}
    for key, schedule in schedules.items():
        assert rotations.on_call(schedule, at=NOW), key
        assert schedule.shifts.filter(end_at__lt=NOW).exists(), key
        assert rotation_services.find_differences(schedule=schedule, now=NOW) == [], key
        assert schedule.materialised_to is not None
        assert schedule.materialised_to > NOW + timedelta(days=390)
    assert [p.name for p in rotations.on_call(schedules["platform"], at=NOW)] == ["Aiko Sato"]
    assert Override.objects.get().replaces == Person.objects.get_queryset().get(name="Jonas Weber")


def test_nobody_looks_after_the_packs_on_saturdays(loaded: None) -> None:
    packs = Schedule.objects.get(key="packs")
    saturday = datetime(2026, 9, 12, tzinfo=UTC)
    gaps = rotations.gaps(packs, saturday, saturday + timedelta(days=1))
    assert len(gaps) == 1 and gaps[0].end - gaps[0].start == timedelta(hours=22)


def test_handoffs_were_told_once_each_and_none_is_left_to_tell(loaded: None) -> None:
    before = Handoff.objects.count()
    assert before >= 15
    assert rotation_services.tell_handoffs(now=NOW) == 0
    assert Handoff.objects.count() == before


# -- what must hold


def test_nothing_has_left_the_house(loaded: None) -> None:
    worlds.expect_nothing_left_the_house()
    assert ContactMethod.objects.exclude(verified_at=None).count() >= 12


def test_every_page_group_alert_and_incident_agree_with_each_other(loaded: None) -> None:
    worlds.expect_groups_pages_and_incidents_agree()


def test_time_runs_forward_in_every_story(loaded: None) -> None:
    worlds.expect_time_runs_forward(NOW)
    for incident in Incident.objects.all():
        times = list(incident.timeline.order_by("pk").values_list("at", flat=True))
        assert times == sorted(times), incident


def test_an_engine_pass_right_after_the_load_has_nothing_to_do(loaded: None) -> None:
    assert engine.run_once(now=NOW) == 0


def test_the_six_customers_have_what_the_stories_need(loaded: None) -> None:
    warehouses = {
        account.name: {
            connection.source.warehouse_type
            for connection in Connection.objects.filter(source__project__org__account=account)
        }
        for account in Account.objects.all()
    }
    assert warehouses == {
        "Bramble Foods": {"snowflake"}, "Ostra Bank": {"snowflake"}, "Kite Logistics": {"bigquery"},
        "Fjord Apparel": {"postgres"}, "Lumen Clinics": {"redshift"},
        "Peakline SaaS": {"snowflake"},
    }  # fmt: skip
    for account in Account.objects.all():
        assert account.owner is not None and account.owner.is_demo
        assert 1 <= account.contacts.filter(email__endswith=f"@{account.domain}").count() <= 2
    assert not Contact.objects.exclude(email__endswith=".example").exists()


def test_the_marker_names_everything_that_was_made(loaded: None) -> None:
    detail = Heartbeat.objects.get(name="demo").detail
    tables: dict[str, Any] = {
        "teams": Team,
        "surfaces": Surface,
        "schedules": Schedule,
        "policies": EscalationPolicy,
        "integrations": Integration,
        "positions": Position,
        "parties": ExternalParty,
        "api_keys": ApiKey,
        "rules": RoutingRule,
        "objectives": Slo,
        "alert_rules": AlertRule,
        "heartbeats": Beat,
        "accounts": Account,
        "orgs": Org,
        "contacts": Contact,
        "queues": Queue,
        "mailboxes": Mailbox,
        "endpoints": WebhookEndpoint,
        "macros": Macro,
        "views": SavedView,
        "tickets": Ticket,
        "components": Component,
        "runbooks": Runbook,
        "maintenance": MaintenanceWindow,
    }
    shipped = {"queues": {"support"}, "views": {name for name, _ in seeds.VIEWS}}
    assert set(detail) == set(tables)
    for name, table in tables.items():
        rows = {
            row.pk
            for row in table.objects.all()
            if {getattr(row, "key", ""), getattr(row, "name", "")}.isdisjoint(
                shipped.get(name, set())
            )
        }
        # OpsPortal itself is nobody's demo: it says what the demo's rules say, and stays.
        own = Integration.objects.filter(kind=Integration.Kind.INTERNAL)
        ours = set(own.values_list("pk", flat=True)) if name == "integrations" else set()
        assert set(detail[name]) == rows - ours, name


def test_the_site_keeps_the_default_address(loaded: None) -> None:
    row = Site.objects.get()
    assert (row.address, row.smtp_host) == ("", "")
    assert row.set_up_at is not None


# -- support


def test_about_sixty_tickets_tell_a_quarter_and_stand_in_every_state(loaded: None) -> None:
    tickets = Ticket.objects.all()
    assert 55 <= tickets.count() <= 70
    assert set(tickets.values_list("status", flat=True)) == set(Ticket.Status.values)
    first = tickets.earliest("created_at").created_at
    assert timedelta(days=80) < NOW - first < timedelta(days=95)
    assert len(set(tickets.values_list("subject", flat=True))) == tickets.count()
    assert set(tickets.values_list("request_type__key", flat=True)) == {
        one.key for one in seeds.TYPES
    }
    assert {"mail", "form", "phone", "chat", "portal"} <= set(
        tickets.values_list("channel", flat=True)
    )


def test_promises_run_are_warned_missed_paused_and_waived(loaded: None) -> None:
    states = Counter(Ticket.objects.active().values_list("sla_state", flat=True))
    assert states["running"] >= 5 and states["paused"] >= 3 and 2 <= states["breached"] <= 6
    first = {"metric": "first_reply", "stopped_at": None, "ticket__priority": "P1"}
    warned = TicketClock.objects.get(state="running", **first)
    assert warned.warned_percent == 50 and warned.ticket.subject.startswith("National ids")
    missed = TicketClock.objects.get(state="breached", **first)
    assert missed.breached_at == missed.due_at and missed.ticket.page_id is not None
    page = Page.objects.get(pk=missed.ticket.page_id)
    assert page.status == Page.Status.OPEN and page.steps_taken.count() >= 2
    waived = TicketClock.objects.exclude(waived_at=None).get()
    assert waived.waived_reason.startswith("The page went to Jonas")


def test_the_reports_have_something_to_show(loaded: None) -> None:
    nora = Person.objects.get_queryset().get(email="nora@dataface.example")
    span: dict[str, Any] = {"start": NOW - timedelta(days=90), "end": NOW}
    rows = reports.kept(nora, by="metric", zone="Europe/Berlin", **span)
    assert len(rows) == 5 and all(row.met and row.p50 is not None for row in rows)
    assert 0.8 < sum(r.met for r in rows) / sum(r.n for r in rows) < 0.98
    rated = reports.satisfaction(nora, **span)
    assert rated.n >= 15 and rated.k < rated.n
    assert reports.first_contact(nora, **span).k >= 5


def test_stories_of_tickets_and_incidents_hang_together(loaded: None) -> None:
    crisis = Incident.objects.get(title=worlds.SNOWFLAKE)
    blocked = TicketLink.objects.filter(ref=crisis.ref, relation="blocks", done_at=None)
    assert {link.ticket.status for link in blocked} == {"waiting_third_party"}
    assert blocked.count() == 2
    done = TicketLink.objects.filter(kind="incident", relation="blocks").exclude(done_at=None)
    assert done.count() >= 4
    assert not done.exclude(ticket__status__in=["resolved", "closed"]).exists()
    assert Ticket.objects.exclude(merged_into=None).count() == 2
    assert Ticket.objects.exclude(split_from=None).count() == 1
    assert Ticket.objects.exclude(follows=None).count() == 1
    assert Ticket.objects.filter(reopened_count__gt=0).exists()
    assert Ticket.objects.filter(kind="drill").count() == 1
    named = TicketWatcher.objects.values_list("person__name", flat=True)
    assert {"Mara Lindqvist", "Dele Okafor"} <= set(named)
    assert Attachment.objects.get().name == "render.log"


def test_the_private_queue_is_seen_by_its_team_and_managers(loaded: None) -> None:
    def sees(who: str) -> bool:
        person = Person.objects.get_queryset().get(email=f"{who}@dataface.example")
        return Ticket.objects.visible_to(person).filter(queue__is_private=True).exists()

    assert [sees(who) for who in ("jonas", "nora", "luis", "mara")] == [True, True, False, False]


def test_support_is_furnished_and_nothing_of_it_reaches_outside(loaded: None) -> None:
    box, hook = Mailbox.objects.get(), WebhookEndpoint.objects.get()
    assert (box.imap_host, hook.is_active, hook.deliveries.count()) == ("", False, 0)
    assert Macro.objects.count() == 5
    assert Message.objects.filter(is_outside=True).exclude(channel="mailbox").count() == 0
    assert Message.objects.filter(is_outside=True).count() > 80
    for view in SavedView.objects.all():
        person = view.person or Person.objects.get_queryset().get(name="Nora Feld")
        filters = queue.of_view(view)
        assert filters.query() == view.query, view
        assert (
            queue.matching(person, filters, now=NOW).exists() or view.name == "Billing escalations"
        )


def test_every_ticket_agrees_with_its_history(loaded: None) -> None:
    assert checking.check(now=NOW).differing == 0
    for ticket in Ticket.objects.prefetch_related("events", "messages"):
        times = [event.at for event in sorted(ticket.events.all(), key=lambda one: one.pk)]
        assert times == sorted(times), ticket
        assert all(message.at <= NOW for message in ticket.messages.all())


# -- how it loads


def test_loading_again_changes_nothing(loaded: None) -> None:
    counted = (Person, Surface, Delivery, Alert, Page, Message, Incident, Change, Schedule)
    before = [table._default_manager.count() for table in counted]
    demo.load(now=NOW + timedelta(days=3))
    assert [table._default_manager.count() for table in counted] == before
    assert Heartbeat.objects.get(name="demo").beat_at == NOW


def test_the_portal_takes_all_of_it_away_again(loaded: None) -> None:
    removal.remove_demo(now=NOW)
    tables = (Person, Team, Surface, Position, ExternalParty, Schedule, EscalationPolicy, ApiKey)
    happened = (Integration, Delivery, Alert, AlertGroup, Page, Message, Incident, Change, Handoff,
                Account, Contact, Ticket, TicketClock, Attachment, StoredFile, Macro, Mailbox,
                WebhookEndpoint)  # fmt: skip
    watched = (Slo, AlertRule, Beat, Silence, ProfiledSource, ProfileRun, ReportRun, SemanticLabel,
               ColumnType, TypeChange, SliCount, Measurement, RunRollup, RunHistogram)  # fmt: skip
    every = (*tables, *happened, *watched)
    left = {t.__name__: t._default_manager.count() for t in every}
    assert left.pop("Integration") == 1  # OpsPortal itself, which says what rules say
    assert {name: count for name, count in left.items() if count} == {}
    assert list(Queue.objects.values_list("key", flat=True)) == ["support"]
    assert RequestType.objects.filter(surface=None, archived_at=None).count() == len(seeds.TYPES)
    assert not demo.is_loaded()
