"""One object of everything that the admin shows, made through the services where there are any."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.db.models import Model
from django_q.models import OrmQ, Task

from apps.alerts import services as alerts
from apps.alerts.models import Firing, Ping, RoutingRule, SlackGroup, SlackMember
from apps.alerts.services.heartbeats import create_heartbeat
from apps.alerts.services.maintenance import announce_maintenance
from apps.changes.models import Change
from apps.core import audit, clock, heartbeats
from apps.core.models import StatusChange
from apps.followups import services as followups
from apps.incidents.models import Component
from apps.incidents.seeds import ensure_incidents
from apps.incidents.services import subscriptions
from apps.intake import services as intake
from apps.intake.models import Delivery
from apps.intake.readings.shapes import CountIn, MeasurementIn
from apps.notifications import services as notifications
from apps.ownership import services as ownership
from apps.ownership.models import ExternalParty, Position, SurfaceDependency
from apps.paging import services as paging
from apps.paging.services import PolicyStep
from apps.rotations import services as rotations
from apps.rotations.models import Schedule
from apps.rotations.services import LayerPlan
from apps.runbooks import services as runbooks
from apps.runbooks.steps import StepIn
from apps.support.models import RequestType
from apps.support.seeds import ensure_support
from apps.support.seeds_sla import ensure_sla
from apps.support.services import lifecycle, mailing, requester, setup
from apps.telemetry import services as store
from apps.telemetry.models import StratumWeight
from apps.telemetry.seeds import ensure_codes
from opsportal import schedules
from opsportal.admin_site import site
from tests import builders as build
from tests.builders import telemetry
from tests.conftest import Cast


def furnish(cast: Cast, *, rows: int = 1) -> dict[type[Model], Model]:
    """Fill every table of the admin with at least `rows` rows; answers one object of each."""
    now = clock.now()
    for number in range(rows):
        _one_of_each(cast, str(number), now)
    schedules.sync()
    found = {model: model._default_manager.order_by("-pk").first() for model in site._registry}
    missing = [model.__name__ for model, row in found.items() if row is None]
    assert not missing, f"build one of {missing}"
    return {model: row for model, row in found.items() if row is not None}


def _one_of_each(cast: Cast, mark: str, now: datetime) -> None:
    team = build.team(f"data-{mark}", lead=cast.maya, members=[cast.ravi, cast.bea])
    surface = build.surface(f"inspect.p{mark}", team=team, primary=cast.ravi, backup=cast.bea)
    bare = build.surface(f"bare.p{mark}", team=team)
    _ownership(cast, mark, surface, bare, now)
    schedule = _rotation(cast, mark, surface, now)
    policy = paging.save_policy(
        name=f"Gentle {mark}",
        steps=[
            PolicyStep(0, [{"kind": "surface_on_call"}, {"kind": "person", "person": cast.bea}]),
            PolicyStep(5, [{"kind": "schedule", "schedule": schedule}], True),
        ],
        working_hours=[{"days": ["mon"], "start": "09:00", "end": "17:00"}],
    )
    paging.use_policy(surface=surface, policy=policy)
    _intake(mark, surface, now)
    customer = build.account(f"Bramble {mark}", domain=f"b{mark}.example", owner=cast.sam)
    build.contact(f"ana@b{mark}.example")
    build.connection(f"Warehouse {mark}", org=build.org(f"Org {mark}", account=customer))
    rotations.record_gap(
        schedule=schedule, surface=surface, at=now, what="Nobody", source=("test", mark)
    )
    notifications.invite(person=cast.sam, by=cast.maya, now=now + timedelta(seconds=int(mark)))
    build.calendar(f"office-{mark}", now=now)
    build.incident(surface=surface, by=cast.maya)
    notifications.create_endpoint(
        url="https://example.com/in", description=f"CRM {mark}", events=["*"],
        actor=audit.SYSTEM, now=now,
    )  # fmt: skip
    notifications.emit(
        event="ticket.created", data={}, subject=("ticket", mark), dedupe=mark, now=now
    )
    Change.objects.create(
        ref=f"v{mark}", summary="Deployed", surface=surface, occurred_at=now, recorded_at=now
    )
    _support(cast, mark, surface, now)
    _incidents(cast, mark, surface, now)
    _watched(cast, mark, surface, now)
    heartbeats.beat(f"part {mark}", now=now)
    StatusChange.objects.create(
        kind="alerts.alert", ref=mark, was="firing", became="resolved", at=now,
        **audit.SYSTEM.columns(),
    )  # fmt: skip
    _background(mark, now)
    _sign_in(mark)


def _ownership(cast: Cast, mark: str, surface: Any, bare: Any, now: datetime) -> None:
    party = ExternalParty.objects.create(key=f"snow-{mark}", name=f"Snow {mark}")
    SurfaceDependency.objects.create(surface=surface, on_party=party)
    SurfaceDependency.objects.create(surface=bare, on_surface=surface, strength="soft")
    position = Position.objects.create(key=f"head-{mark}", name=f"Head {mark}")
    ownership.hold_position(
        position=position, person=cast.maya, active_from=now - timedelta(days=2),
        actor=audit.SYSTEM,
    )  # fmt: skip


def _rotation(cast: Cast, mark: str, surface: Any, now: datetime) -> Any:
    schedule = build.schedule(
        cast.ravi, cast.bea, key=f"profiler-{mark}", surfaces=[surface], now=now - timedelta(days=9)
    )
    windows = ({"days": ["mon", "tue"], "start": "09:00", "end": "17:00"},)
    second = LayerPlan(
        name="Second", people=(cast.bea, None, cast.ravi), anchor_date=date(2026, 1, 5),
        role="secondary", windows=windows,
    )  # fmt: skip
    rotations.plan_layer(schedule=schedule, plan=second, by=cast.maya, now=now)
    rotations.add_override(
        schedule=schedule, kind="add", person=cast.sam, start_at=now + timedelta(days=2),
        end_at=now + timedelta(days=3), by=cast.maya, now=now,
    )  # fmt: skip
    return schedule


def _intake(mark: str, surface: Any, now: datetime) -> None:
    source = build.native(surface=surface)
    build.integration("github", surface=surface, secret="s")
    build.alert(source, summary=f"Job {mark} failed", severity="error")
    RoutingRule.objects.create(name=f"Rule {mark}", component="queue*", surface=surface)
    bad = build.integration("alertmanager", surface=surface)
    Delivery.objects.create(
        integration=bad.row, adapter="alertmanager", received_at=now,
        body=b'{"version": "4", "alerts": "<script>alert(1)</script>"}',
    )  # fmt: skip
    intake.normalise_due(now=now)


def _support(cast: Cast, mark: str, surface: Any, now: datetime) -> None:
    """A resolved ticket with its promises, its rating and the mail that it came by."""
    ensure_support(now=now)
    ensure_sla(now)
    kind = RequestType.objects.select_related("queue").get(key="other")
    setup.save_macro(
        macro=None, fields={"name": f"Macro {mark}", "body": "Hello {requester}"},
        actor=audit.SYSTEM,
    )  # fmt: skip
    box = setup.save_mailbox(
        mailbox=None, actor=audit.SYSTEM,
        fields={"name": "Help", "address": f"help{mark}@dataface.example", "queue": kind.queue,
                "request_type": kind},
    )  # fmt: skip
    mail = mailing.keep(
        raw=f"From: ana@b{mark}.example\r\nSubject: Help\r\n\r\nx\r\n".encode(),
        received_at=now, now=now, mailbox=box,
    )  # fmt: skip
    ticket = mailing.place(mail=mail, now=now).ticket
    assert ticket is not None
    lifecycle.transition(
        ticket=ticket, verb="resolve", resolution_code="fixed", no_reply_needed=True,
        actor=audit.SYSTEM, now=now,
    )  # fmt: skip
    requester.rate(ticket=ticket, score="good", comment="", now=now)


def _incidents(cast: Cast, mark: str, surface: Any, now: datetime) -> None:
    """A runbook in the middle of a rehearsal, a promise, and what the status page shows."""
    ensure_incidents()
    actor = audit.person(cast.maya)
    book = runbooks.create(key=f"rb-{mark}", title=f"Book {mark}", actor=actor, now=now)
    steps = [StepIn(title="Look", expected="Fine")]
    version = runbooks.save_draft(
        runbook=book, steps=steps, change_note="", author=cast.maya, actor=actor, now=now
    )
    runbooks.start(version=version, person=cast.maya, actor=actor, now=now, kind="drill")
    followups.open_follow_up(
        title=f"Promise {mark}", acceptance="Seen", aim="prevent", priority="P1", owner=cast.ravi,
        due_on=now.date() + timedelta(days=7), source=followups.HAND, actor=actor, now=now,
    )  # fmt: skip
    Component.objects.create(key=f"part-{mark}", name=f"Part {mark}", started_on=now.date())
    subscriptions.subscribe(address=f"ana{mark}@bramble.example", now=now)
    announce_maintenance(
        title=f"Work {mark}", surfaces=[surface], starts_at=now + timedelta(days=1),
        ends_at=now + timedelta(days=1, hours=1), actor=actor, now=now,
    )  # fmt: skip


def _watched(cast: Cast, mark: str, surface: Any, now: datetime) -> None:
    """A profiler that sends everything, and a rule, a silence, a heartbeat and Slack beside it."""
    ensure_codes()
    source = telemetry.profiler(surface=surface)
    telemetry.keep(source, [telemetry.run(now, run_id=f"run-{mark}")], now=now)
    store.store_reports(integration=source, reports=[telemetry.report(now)], now=now)
    before = telemetry.label(at=now - timedelta(days=2), predicted="email")
    after = telemetry.label(at=now - timedelta(days=1), predicted="plain_text")
    audited = replace(after, truth="email", truth_source="audit", label_id=mark)
    for label in (before, after, audited):
        store.store_labels(integration=source, labels=[label], now=now)
    store.store_counts(integration=source, counts=[CountIn("hooks", now, 1, 2)], now=now)
    reading = MeasurementIn("latency", now, f"board {mark}", value=1.0, unit="ms", limit=2.0)
    store.store_measurements(integration=source, measurements=[reading], now=now)
    StratumWeight.objects.get_or_create(stratum=f"type-{mark}", weight="0.5")
    given: dict[str, Any] = {"actor": audit.person(cast.maya), "now": now}
    rule = alerts.create_rule(
        key=f"rule-{mark}", name=f"Rule {mark}", kind="rate", surface=surface,
        params={"window": 3600, "threshold": 0.1}, **given,
    )  # fmt: skip
    Firing.objects.create(rule=rule, fired_at=now)
    alerts.create_silence(reason="Rebuilt", rule=rule, ends_at=now + timedelta(hours=1), **given)
    beat = create_heartbeat(name=f"Job {mark}", period_seconds=3600, **given)
    Ping.objects.create(heartbeat=beat, at=now, kind="success")
    slack = build.integration("slack").row
    SlackMember.objects.create(integration=slack, person=cast.ravi, slack_user_id=f"U{mark}")
    SlackGroup.objects.create(
        integration=slack, schedule=Schedule.objects.latest("pk"), slack_group_id=f"S{mark}"
    )


def _background(mark: str, now: datetime) -> None:
    for success in (True, False):
        Task.objects.create(
            id=f"{mark}-{success}", name=f"task {mark}", func="opsportal.tasks.canary",
            started=now, stopped=now + timedelta(seconds=1), success=success, result="done",
        )  # fmt: skip
    OrmQ.objects.create(key="opsportal", payload="not signed", lock=now)


def _sign_in(mark: str) -> None:
    common = {"username": f"eve{mark}@example.com", "ip_address": "192.0.2.7", "path_info": "/"}
    more = {"user_agent": "curl", "http_accept": "*/*"}
    AccessAttempt.objects.create(
        **common, **more, get_data="", post_data="", failures_since_start=3
    )
    AccessFailureLog.objects.create(**common, **more)
    AccessLog.objects.create(**common, **more)
