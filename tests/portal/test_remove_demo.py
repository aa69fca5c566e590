"""Removing the demo world takes all of it and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import Client

from apps.accounts import services as accounts
from apps.accounts.models import ApiKey, Person, Team
from apps.alerts import services as alerting
from apps.alerts.models import Alert, RoutingRule
from apps.changes import services as changes
from apps.core import audit, heartbeats
from apps.core.errors import Conflict
from apps.core.models import Heartbeat
from apps.customers.models import Account, Contact, Org
from apps.incidents import services as incidents
from apps.incidents.models import Incident
from apps.intake.models import Integration
from apps.notifications import services as notifications
from apps.notifications.models import Message, WebhookEndpoint
from apps.ownership import services as ownership
from apps.ownership.models import ExternalParty, Position, Surface, SurfaceDependency
from apps.paging import services as paging
from apps.paging.models import EscalationPolicy, Page, StepTarget
from apps.paging.services import PolicyStep
from apps.portal import services
from apps.portal.services import Removal, demo
from apps.rotations import services as rotations
from apps.rotations.models import Schedule, Shift
from apps.support.models import (
    Attachment,
    InboundMail,
    Macro,
    Mailbox,
    Queue,
    RequestType,
    SavedView,
    SlaPolicy,
    StoredFile,
    Ticket,
    TicketMessage,
    TicketWatcher,
)
from apps.support.services import conversation, escalate, files, lifecycle, merging, requester
from apps.support.services import tickets as ticketing
from tests import builders as build
from tests.world import World

# What any visit or migration may write, and what a removal is allowed to leave.
BESIDE = {"core_heartbeat", "django_content_type", "django_session", "pghistory_context"}
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def snapshot() -> dict[str, set[str]]:
    """Every row of every table as text."""
    found: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        for table in sorted(set(connection.introspection.table_names()) - BESIDE):
            cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" t')  # noqa: S608 - our own
            found[table] = {row[0] for row in cursor.fetchall()}
    return {table: rows for table, rows in found.items() if rows}


@dataclass
class Demo:
    """A small demo world, with the ids in its marker as the loader writes them."""

    dee: Person
    dan: Person
    team: Team
    surface: Surface
    schedule: Schedule
    policy: EscalationPolicy
    source: Integration
    native: Integration
    position: Position
    party: ExternalParty
    account: Account
    contact: Contact
    ticket: Ticket


def make_demo(world: World) -> Demo:
    """People, structure, two weeks of shifts, two alerts, pages, incidents, messages, a change."""
    now = world.now
    dee = build.person("Dee Mo", "manager", "responder", is_demo=True)
    dan = build.person("Dan Mo", "responder", is_demo=True)
    team = build.team("demo-team", lead=dee, members=[dan])
    surface = build.surface("demo.a", team=team, primary=dee, backup=dan, now=now)
    schedule = build.schedule(dee, dan, key="demo", surfaces=[surface], team=team, now=now)
    policy = build.policy(
        PolicyStep(0, [{"kind": StepTarget.Kind.PERSON, "person": dee}]),
        PolicyStep(5, [{"kind": StepTarget.Kind.SCHEDULE, "schedule": schedule}]),
        name="Demo policy", team=team,
    )  # fmt: skip
    paging.use_policy(surface=surface, policy=policy)
    source = build.integration(surface=surface).row
    native = build.native(surface=surface, team=team)
    position = Position.objects.create(key="demo-head", name="Demo head", team=team)
    ownership.hold_position(position=position, person=dan, active_from=now, actor=audit.SYSTEM)
    party = ExternalParty.objects.create(key="demo-vendor", name="Demo vendor")
    SurfaceDependency.objects.create(surface=surface, on_party=party)
    rule = RoutingRule.objects.create(name="demo rule", surface=surface, integration=native)
    account = build.account("Demo Foods", domain="foods.example", owner=dan, now=now)
    org = build.org("Demo org", account=account, now=now)
    contact = build.contact("ana@foods.example", org=org, now=now)
    build.connection("Demo nightly", org=org, now=now)
    ticket, furniture = _serve(world, dan, team, surface, contact)
    made = Demo(dee, dan, team, surface, schedule, policy, source, native, position, party,
                account, contact, ticket)  # fmt: skip
    _play(world, made)
    heartbeats.beat(
        "demo", now=world.now, teams=[team.pk], surfaces=[surface.pk], schedules=[schedule.pk],
        policies=[policy.pk], integrations=[source.pk, native.pk], positions=[position.pk],
        parties=[party.pk], api_keys=[native.api_key_id], rules=[rule.pk],
        accounts=[account.pk], orgs=[org.pk], contacts=[contact.pk], **furniture,
    )  # fmt: skip
    return made


def _serve(
    world: World, agent: Person, team: Team, surface: Surface, contact: Contact
) -> tuple[Ticket, dict[str, list[int]]]:
    """Support's part: a ticket with all that one can have, and what the desk is set up with."""
    build.support(now=world.now)
    by: dict[str, Any] = {"actor": audit.person(agent), "now": world.now}
    queue = Queue.objects.create(key="demo-private", name="Demo queue", team=team, is_private=True)
    kind = RequestType.objects.get(key="other")
    box = Mailbox.objects.create(
        name="Help", address="help@demo.example", queue=queue, request_type=kind
    )
    hook = WebhookEndpoint.objects.create(
        description="Demo hook", url_sealed="", url_hint="", secret_sealed="", created_by=agent,
        created_at=world.now, patterns=["*"], is_active=False,
    )  # fmt: skip
    macro = Macro.objects.create(name="Demo macro", body="Hello")
    macro.request_types.set([kind])
    view = SavedView.objects.create(person=None, name="Demo view", created_at=world.now)
    SavedView.objects.create(person=agent, name="Dan's view", created_at=world.now)
    notes = files.accept(name="demo.log", content=b"of the demo alone")
    ticket = build.ticket("Demo ticket", requester=contact, surface=surface, files_=[notes],
                          owner=agent, now=world.now, queue=queue, channel="mail")  # fmt: skip
    escalate.escalate_now(ticket=ticket, reason="Loud", **by)
    conversation.note(ticket=ticket, body="@dee look", **by)
    conversation.reply(ticket=ticket, body="Done.", then="resolve", resolution_code="fixed", **by)
    requester.rate(ticket=ticket, score="good", comment="", now=world.now)
    InboundMail.objects.create(mailbox=box, size=1, received_at=world.now, taken_at=world.now,
                               ticket=ticket)  # fmt: skip
    other = build.ticket("Demo twin", requester=contact, owner=agent, now=world.now)
    merging.merge(ticket=other, into=ticket, **by)
    late = build.ticket("Demo follow-up, not in the marker", requester=contact, owner=agent,
                        now=world.now, follows=ticket)  # fmt: skip
    assert late.pk
    world.forget()
    return ticket, {
        "queues": [queue.pk], "mailboxes": [box.pk], "endpoints": [hook.pk],
        "macros": [macro.pk], "views": [view.pk], "tickets": [ticket.pk, other.pk],
    }  # fmt: skip


def _play(world: World, made: Demo) -> None:
    for _ in range(2):  # settled shifts, told handoffs
        world.advance(days=7)
        rotations.materialise(schedule=made.schedule, now=world.now)
        rotations.tell_handoffs(now=world.now)
    first = build.alert(made.native, now=world.now, summary="Demo broke", severity="critical")
    world.advance(minutes=6)
    alerting.acknowledge(alert=first, actor=audit.person(made.dee), person=made.dee, now=world.now)
    alerting.resolve(alert=first, actor=audit.person(made.dan), now=world.now)
    build.alert(made.native, now=world.now, summary="Demo warns", severity="warning")
    mine = build.incident(title="Declared by hand", surface=made.surface, by=made.dan,
                          now=world.now)  # fmt: skip
    incidents.comment(incident=mine, text="Looking", actor=audit.person(made.dee), now=world.now)
    changes.record(kind="deployment", ref="d1", summary="Deployed", occurred_at=world.now,
                   now=world.now, surface=made.surface)  # fmt: skip
    world.advance(hours=1)
    world.forget()


@dataclass
class Real:
    """Real rows beside it, with the same kinds of history."""

    maya: Person
    ravi: Person
    surface: Surface
    schedule: Schedule
    source: Integration


def make_real(world: World) -> Real:
    build.support(now=world.now)
    maya = build.person("Maya Lind", "manager")
    ravi = build.person("Ravi Rao")
    surface = build.surface("real.b", team=build.team("real"), primary=ravi, now=world.now)
    schedule = build.schedule(ravi, key="real", surfaces=[surface], now=world.now)
    source = build.native(surface=surface)
    build.alert(source, now=world.now, summary="Really broke", severity="critical")
    world.advance(minutes=1)
    alerting.acknowledge(alert=Alert.objects.get(integration=source), person=ravi,
                         actor=audit.person(ravi), now=world.now)  # fmt: skip
    build.incident(title="Real, by hand", surface=surface, by=maya, now=world.now)
    changes.record(kind="release", ref="r1", summary="Released", occurred_at=world.now,
                   now=world.now, surface=surface)  # fmt: skip
    world.forget()
    return Real(maya, ravi, surface, schedule, source)


def names(removal: Removal) -> set[tuple[str, str]]:
    return {
        (kept.noun, kept.name.partition(" ")[2] if kept.noun == "ticket" else kept.name)
        for kept in removal.kept
    }


# -- all of it


def test_removing_leaves_the_database_as_it_was_before_the_demo(world: World, db: None) -> None:
    make_real(world)
    rotations.tell_handoffs(now=world.now)
    world.run()
    before = snapshot()
    make_demo(world)
    assert snapshot() != before
    removal = services.remove_demo(now=world.now)
    after = snapshot()
    for table in before.keys() | after.keys():
        assert after.get(table, set()) == before.get(table, set()), table
    assert removal.kept == []
    assert not services.is_demo_present()


def test_what_goes_is_counted_before_and_the_looking_changes_nothing(
    world: World, db: None
) -> None:
    make_demo(world)
    before = snapshot()
    plan = services.plan_removal()
    assert snapshot() == before
    counts = {noun: number for number, noun in plan.counts}
    assert (counts["demo people"], counts["schedule"], counts["incidents"]) == (2, 1, 2)
    assert counts["alerts"] == 2 and counts["pages"] == 3 and counts["tickets"] == 3
    assert services.remove_demo(now=world.now).total == plan.total == sum(counts.values())


def test_without_real_people_the_first_run_page_opens_and_the_session_ends(
    world: World, client: Client
) -> None:
    made = make_demo(world)
    client.force_login(made.dee, backend=BACKEND)
    page = client.get("/site/demo/").content.decode()
    assert "2</span></li>" in page and "demo people" in page and "signs you out" in page
    answer = client.post("/site/demo/")
    assert answer["Location"] == "/welcome/"
    assert services.is_first_run()
    assert client.get("/site/").status_code == 302


def test_a_second_removal_finds_nothing(world: World, client: Client) -> None:
    real = make_real(world)
    make_demo(world)
    client.force_login(real.maya, backend=BACKEND)
    assert client.post("/site/demo/")["Location"] == "/setup/"
    before = snapshot()
    assert client.post("/site/demo/")["Location"] == "/site/"
    assert "no demo data" in client.get("/site/demo/").content.decode()
    assert snapshot() == before


def test_real_people_must_have_a_manager_before(world: World, db: None) -> None:
    make_demo(world)
    build.person("Ravi Rao")
    before = snapshot()
    with pytest.raises(Conflict, match="Make a real person a manager first"):
        services.remove_demo(now=world.now)
    assert snapshot() == before


def test_what_happens_meanwhile_undoes_all_of_it(
    world: World, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_real(world)
    made = make_demo(world)

    def look_then_something_happens() -> Removal:
        plan = services.plan_removal()
        build.event(made.source, now=world.now)
        return plan

    monkeypatch.setattr(demo, "plan_removal", look_then_something_happens)
    before = snapshot()
    with pytest.raises(Conflict, match="Nothing was removed"):
        services.remove_demo(now=world.now)
    assert snapshot() == before


# -- nothing real


def real_alert_on_a_demo_surface(world: World, made: Demo, real: Real) -> None:
    build.alert(real.source, now=world.now, surface="demo.a", severity="critical")
    world.advance(minutes=1)


def real_surface_covered_by_the_demo_schedule(world: World, made: Demo, real: Real) -> None:
    rotations.cover_surface(surface=real.surface, schedule=made.schedule)


def real_surface_in_the_demo_team(world: World, made: Demo, real: Real) -> None:
    Surface.objects.filter(pk=real.surface.pk).update(team=made.team)


def demo_person_in_a_real_rotation(world: World, made: Demo, real: Real) -> None:
    rotations.add_override(
        schedule=real.schedule, kind="add", person=made.dan, by=real.maya, now=world.now,
        start_at=world.now, end_at=world.now + timedelta(days=1),
    )  # fmt: skip


def demo_person_owns_a_real_surface(world: World, made: Demo, real: Real) -> None:
    ownership.assign(surface=real.surface, role="backup", holder=made.dan, actor=audit.SYSTEM,
                     active_from=world.now)  # fmt: skip


def demo_person_commented_on_a_real_incident(world: World, made: Demo, real: Real) -> None:
    incident = Incident.objects.get(title="Real, by hand")
    incidents.comment(incident=incident, text="I know this", actor=audit.person(made.dan),
                      now=world.now)  # fmt: skip


def demo_person_invited_a_real_one(world: World, made: Demo, real: Real) -> None:
    nia = build.person("Nia", password=None)
    notifications.invite(person=nia, by=made.dan, now=world.now)


def real_surface_uses_the_demo_policy(world: World, made: Demo, real: Real) -> None:
    paging.use_policy(surface=real.surface, policy=made.policy)


def real_surface_leans_on_the_demo_vendor(world: World, made: Demo, real: Real) -> None:
    SurfaceDependency.objects.create(surface=real.surface, on_party=made.party)


def real_rule_leads_to_the_demo_surface(world: World, made: Demo, real: Real) -> None:
    RoutingRule.objects.create(name="real rule", surface=made.surface, integration=real.source)


def real_integration_speaks_for_the_demo_surface(world: World, made: Demo, real: Real) -> None:
    build.integration("gcp", surface=made.surface)


def real_surface_owned_by_the_demo_position(world: World, made: Demo, real: Real) -> None:
    ownership.assign(surface=real.surface, role="backup", holder=made.position,
                     actor=audit.SYSTEM, active_from=world.now)  # fmt: skip


def demo_person_edited_something_real_in_the_admin(world: World, made: Demo, real: Real) -> None:
    LogEntry.objects.create(
        user=made.dan, action_flag=CHANGE, object_repr="real.b", object_id=str(real.surface.pk),
        content_type=ContentType.objects.get_for_model(Surface),
    )  # fmt: skip


def demo_person_looks_after_a_real_customer(world: World, made: Demo, real: Real) -> None:
    build.account("Real Foods", owner=made.dan, now=world.now)


def real_contact_in_the_demo_customers_org(world: World, made: Demo, real: Real) -> None:
    """Somebody else's contact, whom the demo org was given to: org and customer stay for them."""
    other = build.account("Real Foods", now=world.now)
    zoe = build.contact("zoe@real.example", account=other, now=world.now)
    Contact.objects.filter(pk=zoe.pk).update(org=made.contact.org_id)


def real_ticket_that_a_demo_person_owns(world: World, made: Demo, real: Real) -> None:
    real_ticket(world, real, owner=made.dan)


def real_ticket_that_follows_a_demo_one(world: World, made: Demo, real: Real) -> None:
    real_ticket(world, real, follows=made.ticket)


def real_ticket_in_the_demo_queue(world: World, made: Demo, real: Real) -> None:
    real_ticket(world, real, queue=Queue.objects.get(key="demo-private"))


def real_person_logged_for_a_demo_contact(world: World, made: Demo, real: Real) -> None:
    real_ticket(world, real, requester=made.contact, actor=audit.person(real.maya))


def promises_of_their_own_for_the_demo_customer(world: World, made: Demo, real: Real) -> None:
    standard = SlaPolicy.objects.get(is_default=True)
    SlaPolicy.objects.create(name="Gold", match_account=made.account, changed_at=world.now,
                             calendar=standard.calendar)  # fmt: skip


def real_mail_in_the_demo_mailbox(world: World, made: Demo, real: Real) -> None:
    InboundMail.objects.create(mailbox=Mailbox.objects.get(), size=1, received_at=world.now,
                               taken_at=world.now, ticket=real_ticket(world, real))  # fmt: skip


def real_ticket(world: World, real: Real, **more: Any) -> Ticket:
    more.setdefault("owner", real.maya)
    if "requester" not in more:
        account = Account.objects.filter(name="Kite").first() or build.account(
            "Kite", domain="kite.test", now=world.now
        )
        more["requester"] = build.contact("zoe@kite.test", account=account, now=world.now)
    return build.ticket("Real ticket", now=world.now, **more)


CASES: list[tuple[Callable[[World, Demo, Real], None], set[tuple[str, str]]]] = [
    (real_alert_on_a_demo_surface, {("surface", "demo.a")}),
    (real_surface_covered_by_the_demo_schedule, {("schedule", "Demo")}),
    (real_surface_in_the_demo_team, {("team", "Demo-Team")}),
    (demo_person_in_a_real_rotation, {("demo person", "Dan Mo")}),
    (demo_person_owns_a_real_surface, {("demo person", "Dan Mo")}),
    (demo_person_commented_on_a_real_incident, {("demo person", "Dan Mo")}),
    (demo_person_invited_a_real_one, {("demo person", "Dan Mo")}),
    (real_surface_uses_the_demo_policy, {("escalation policy", "Demo policy")}),
    (real_surface_leans_on_the_demo_vendor, {("external party", "Demo vendor")}),
    (real_rule_leads_to_the_demo_surface, {("surface", "demo.a")}),
    (real_integration_speaks_for_the_demo_surface, {("surface", "demo.a")}),
    (real_surface_owned_by_the_demo_position, {("position", "Demo head")}),
    (demo_person_edited_something_real_in_the_admin, {("demo person", "Dan Mo")}),
    (demo_person_looks_after_a_real_customer, {("demo person", "Dan Mo")}),
    (
        real_contact_in_the_demo_customers_org,
        {("org", "Demo org"), ("customer", "Demo Foods"), ("demo person", "Dan Mo")},
    ),
    (real_ticket_that_a_demo_person_owns, {("demo person", "Dan Mo")}),
    (
        real_ticket_that_follows_a_demo_one,
        {("ticket", "Demo ticket"), ("contact", "Ana Ruiz <ana@foods.example>")},
    ),
    (real_ticket_in_the_demo_queue, {("queue", "Demo queue"), ("team", "Demo-Team")}),
    (
        real_person_logged_for_a_demo_contact,
        {("customer", "Demo Foods"), ("contact", "Ana Ruiz <ana@foods.example>")},
    ),
    (promises_of_their_own_for_the_demo_customer, {("customer", "Demo Foods")}),
    (real_mail_in_the_demo_mailbox, {("mailbox", "help@demo.example")}),
]


def test_what_a_real_row_refers_to_is_archived_and_named(world: World, db: None) -> None:
    """Each case on the same world, taken back after it: building the world is what takes long."""
    real = make_real(world)
    made = make_demo(world)
    for refer, kept in CASES:
        with transaction.atomic():
            refer(world, made, real)
            world.forget()
            _expect_kept(world, real, kept, refer.__name__)
            transaction.set_rollback(True)


def _expect_kept(world: World, real: Real, kept: set[tuple[str, str]], case: str) -> None:
    before = _of_real(real)
    plan = services.plan_removal()
    removal = services.remove_demo(now=world.now)
    assert kept <= names(removal), case
    assert names(plan) == names(removal), case
    assert all(one.because for one in removal.kept), case
    assert _of_real(real) == before, case
    for noun, name in kept:
        assert _is_archived(noun, name), (case, noun, name)
    assert not services.is_demo_present(), case


def _of_real(real: Real) -> list[Any]:
    """Real rows that every case has, as values."""
    return [
        list(Surface.objects.filter(pk=real.surface.pk).values()),
        list(Person.objects.get_queryset().filter(is_demo=False).values().order_by("pk")),
        list(Alert.objects.filter(integration=real.source).values().order_by("pk")),
        list(Incident.objects.filter(title="Real, by hand").values()),
        list(Incident.objects.filter(group_integration_id=real.source.pk).values()),
        list(Page.objects.filter(alert_groups__integration=real.source).values().order_by("pk")),
        list(Shift.objects.filter(schedule=real.schedule).values().order_by("pk")),
        list(Integration.objects.filter(pk=real.source.pk).values()),
        list(real.surface.assignments.values().order_by("pk")),
        list(real.surface.dependencies.values()),
        list(Message.objects.filter(person=real.ravi).values().order_by("pk")),
    ]


def _is_archived(noun: str, name: str) -> bool:
    match noun:
        case "demo person":
            return not Person.objects.get_queryset().get(name=name).is_active
        case "escalation policy":
            return EscalationPolicy.objects.get(name__startswith=name).archived_at is not None
        case "surface":
            return Surface.objects.get(key=name).archived_at is not None
        case "ticket":
            return Ticket.objects.get(subject=name).messages.exists()  # with all its words
        case "mailbox":
            box = Mailbox.objects.get(address=name)
            return box.archived_at is not None and not box.is_active
        case "contact":
            return Contact.objects.get(email="ana@foods.example").archived_at is not None
        case "queue":
            return Queue.objects.get(name=name).archived_at is not None
        case _:
            tables: dict[str, Any] = {"schedule": Schedule, "team": Team, "position": Position,
                                      "org": Org, "customer": Account}  # fmt: skip
            table = tables.get(noun, ExternalParty)
            return table.objects.get(name=name).archived_at is not None


def test_request_types_that_ship_let_go_of_the_demo_and_stay(world: World, db: None) -> None:
    made = make_demo(world)
    kinds = RequestType.objects.filter(key__in=["pack", "other"])
    kinds.update(surface=made.surface, owner=made.dan)
    removal = services.remove_demo(now=world.now)
    assert removal.kept == []
    assert set(kinds.values_list("surface", "owner", "archived_at")) == {(None, None, None)}


def test_a_demo_watcher_leaves_a_real_ticket_and_its_words_stay(world: World, db: None) -> None:
    real, made = make_real(world), make_demo(world)
    mine = real_ticket(world, real)
    ticketing.watch(ticket=mine, person=made.dan, actor=audit.SYSTEM, now=world.now)
    lifecycle.triage(ticket=mine, actor=audit.person(real.maya), now=world.now)
    words = Message.objects.filter(subject_kind="ticket", subject_ref=str(mine.pk)).count()
    services.remove_demo(now=world.now)
    world.forget()
    assert not TicketWatcher.objects.exists()
    assert Ticket.objects.get() == mine
    assert mine.clocks.exists() and TicketMessage.objects.filter(ticket=mine).exists()
    left = Message.objects.filter(subject_kind="ticket", subject_ref=str(mine.pk)).count()
    assert left == words


def test_a_file_that_a_real_ticket_has_as_well_stays(world: World, db: None) -> None:
    real = make_real(world)
    make_demo(world)
    same = files.accept(name="same.log", content=b"of the demo alone")
    real_ticket(world, real, files_=[same])
    world.forget()
    services.remove_demo(now=world.now)
    assert StoredFile.objects.count() == Attachment.objects.count() == 1


def test_a_kept_schedule_keeps_its_past_and_nobody_is_on_call_in_it_any_more(
    world: World, db: None
) -> None:
    real, made = make_real(world), make_demo(world)
    rotations.cover_surface(surface=real.surface, schedule=made.schedule)
    past = list(
        Shift.objects.filter(schedule=made.schedule, end_at__lte=world.now).values_list("pk")
    )
    assert len(past) >= 2
    services.remove_demo(now=world.now)
    kept = Shift.objects.filter(schedule=made.schedule)
    assert [pk for pk in past if pk in list(kept.values_list("pk"))] == past
    assert not kept.filter(end_at__gt=world.now).exists()
    assert made.schedule.handoffs.filter(incoming__name="Dee Mo").exists()


def test_after_a_kept_default_policy_the_built_in_one_is_the_default(
    world: World, db: None
) -> None:
    made = make_demo(world)
    EscalationPolicy.objects.filter(is_default=True).delete()
    EscalationPolicy.objects.filter(pk=made.policy.pk).update(name="Standard", is_default=True)
    real = make_real(world)  # its page froze the demo's default policy
    services.remove_demo(now=world.now)
    fresh = paging.default_policy()
    assert (fresh.name, fresh.pk != made.policy.pk) == ("Standard", True)
    page = build.page(surface=real.surface, now=world.now)
    assert page.policy == fresh


def test_a_kept_demo_key_no_longer_works(world: World, db: None) -> None:
    real, made = make_real(world), make_demo(world)
    key = made.native.api_key
    assert key is not None
    accounts.create_key(name="x", scopes=["events:read"], rotated_from=key, now=world.now)
    services.remove_demo(now=world.now)
    assert ApiKey.objects.get(pk=key.pk).revoked_at == world.now
    assert real.maya.is_manager


def test_an_incident_that_a_real_person_declared_on_a_demo_surface_stays(
    world: World, db: None
) -> None:
    real, made = make_real(world), make_demo(world)
    mine = build.incident(title="Mine", surface=made.surface, by=real.maya, now=world.now)
    removal = services.remove_demo(now=world.now)
    assert Incident.objects.get(pk=mine.pk).timeline.count() >= 1
    assert ("surface", "demo.a") in names(removal)
    assert not Incident.objects.filter(title="Declared by hand").exists()


def test_a_real_page_keeps_what_it_told_a_demo_person(world: World, db: None) -> None:
    real, made = make_real(world), make_demo(world)
    ownership.assign(surface=real.surface, role="backup", holder=made.dan, actor=audit.SYSTEM,
                     active_from=world.now)  # fmt: skip
    page = build.page(surface=real.surface, now=world.now)
    world.advance(minutes=6)
    told = Message.objects.about("page", str(page.pk)).filter(person=made.dan)
    assert told.exists()
    services.remove_demo(now=world.now)
    assert told.exists()
    assert page.steps_taken.filter(people=made.dan).exists()
    world.forget()


def test_the_marker_is_emptied_and_other_signs_of_life_stay(world: World, db: None) -> None:
    make_real(world)
    make_demo(world)
    heartbeats.beat("engine", now=world.now)
    services.remove_demo(now=world.now)
    # An empty marker stays: the demo was here, and the next `make run` does not load it again.
    assert Heartbeat.objects.get(name="demo").detail == {}
    assert Heartbeat.objects.filter(name="engine").exists()
