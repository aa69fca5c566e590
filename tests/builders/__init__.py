"""Builders: plain functions that make things through the services, so that no impossible state
can be built. Keyword-only, with the fewest defaults that a test can read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from apps.accounts import services as accounts
from apps.accounts.models import Person, Team
from apps.accounts.services import NewKey
from apps.alerts.models import Alert
from apps.calendars import services as calendars
from apps.calendars.businesstime import DAYS
from apps.calendars.models import BusinessCalendar
from apps.core import audit, clock, secrets
from apps.core.audit import Actor
from apps.customers import services as customers
from apps.customers.models import Account, Connection, Contact, Org, Project, Source
from apps.incidents import services as incidents
from apps.incidents.models import Incident
from apps.intake import services as intake
from apps.intake.models import Delivery, Integration
from apps.intake.services import NewIntegration
from apps.notifications.models import Channel, ContactMethod
from apps.notifications.services.outbox import hint
from apps.ownership import services as ownership
from apps.ownership.models import Surface
from apps.paging import services as paging
from apps.paging.models import EscalationPolicy, Page
from apps.paging.services import PolicyStep
from apps.rotations import services as rotations
from apps.rotations.models import Schedule
from apps.support.models import RequestType, Ticket
from apps.support.seeds import ensure_support
from apps.support.services import tickets

_numbers = count(1)
PASSWORD = "correct horse battery"


def person(
    name: str,
    *roles: str,
    email: str = "",
    time_zone: str = "UTC",
    is_demo: bool = False,
    password: str | None = PASSWORD,
    now: datetime | None = None,
) -> Person:
    """Somebody with roles (responder when none is given); signs in with PASSWORD."""
    return accounts.create_person(
        email=email or f"{name.split()[0].lower()}@example.com",
        name=name,
        roles=list(roles) or ["responder"],
        time_zone=time_zone,
        is_demo=is_demo,
        password=password,
        now=now or clock.now(),
    )


def calendar(
    key: str = "office",
    *,
    hours: tuple[str, str] = ("09:00", "18:00"),
    days: Sequence[str] = DAYS[:5],
    time_zone: str = "UTC",
    now: datetime | None = None,
) -> BusinessCalendar:
    """A business calendar with the same hours on each day; ("00:00", "24:00") is all day."""
    span = [int(edge[:2]) * 60 + int(edge[3:]) for edge in hours]
    return calendars.create_calendar(
        key=key, name=key.title(), time_zone=time_zone, weekly={day: [span] for day in days},
        actor=audit.SYSTEM, now=now or clock.now(),
    )  # fmt: skip


def team(
    key: str = "inspect", *, lead: Person | None = None, members: Sequence[Person] = ()
) -> Team:
    made = accounts.create_team(key=key, name=key.title(), lead=lead)
    made.members.add(*members)
    return made


def surface(
    key: str = "inspect.profiler",
    *,
    team: Team | None = None,
    primary: Person | None = None,
    backup: Person | None = None,
    now: datetime | None = None,
    **fields: Any,
) -> Surface:
    """A live surface with its owners from a day ago."""
    since = (now or clock.now()) - timedelta(days=1)
    made = ownership.create_surface(key=key, name=key, team=team, **fields)
    for role, holder in (("primary", primary), ("backup", backup)):
        if holder:
            ownership.assign(
                surface=made, role=role, holder=holder, active_from=since, actor=audit.SYSTEM
            )
    return made


def schedule(
    *people: Person,
    key: str = "profiler",
    surfaces: Sequence[Surface] = (),
    time_zone: str = "UTC",
    team: Team | None = None,
    now: datetime | None = None,
) -> Schedule:
    """Weekly, Monday 09:00; the first of `people` is on call now."""
    return rotations.weekly_preset(
        key=key,
        name=key.title(),
        people=people,
        time_zone=time_zone,
        team=team,
        surfaces=surfaces,
        by=None,
        now=now or clock.now(),
    )


def policy(*steps: PolicyStep, name: str = "", repeats: int = 0, **more: Any) -> EscalationPolicy:
    return paging.save_policy(
        name=name or f"Policy {next(_numbers)}", steps=steps, repeats=repeats, **more
    )


def method(
    person: Person, channel: str = Channel.EMAIL, address: str = "", now: datetime | None = None
) -> ContactMethod:
    """A verified contact method."""
    address = address or person.email
    return ContactMethod.objects.create(
        person=person,
        channel=channel,
        address_sealed=secrets.seal(address),
        address_hint=hint(channel, address),
        created_at=now or clock.now(),
        verified_at=now or clock.now(),
    )


def key(*scopes: str, team: Team | None = None, name: str = "tool") -> NewKey:
    return accounts.create_key(name=name, scopes=scopes, team=team, now=clock.now())


def integration(
    kind: str = "alertmanager", *, surface: Surface | None = None, secret: str = ""
) -> NewIntegration:
    return intake.create_integration(kind=kind, surface=surface, secret=secret, now=clock.now())


def native(*, surface: Surface | None = None, team: Team | None = None) -> Integration:
    """A native integration with its key."""
    made = key("events:write", team=team, name=f"native {next(_numbers)}")
    return intake.native_integration(api_key=made.row, surface=surface, now=clock.now())


def event(
    source: Integration, *, now: datetime | None = None, action: str = "trigger", **body: Any
) -> Delivery:
    """A native delivery, received but not yet normalised."""
    if action == "trigger":
        body = {"summary": "Something broke", **body}
    return intake.receive(
        integration=source, body={"action": action, **body}, now=now or clock.now()
    )


def alert(source: Integration, *, now: datetime | None = None, **body: Any) -> Alert:
    """An alert as the engine would open it from a native event."""
    moment = now or clock.now()
    delivery = event(source, now=moment, **body)
    intake.normalise_due(now=moment)
    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.NORMALISED, delivery.error
    return Alert.objects.get(integration=source, dedup_key=delivery.dedup_key)


def page(
    *,
    surface: Surface | None = None,
    urgency: str = "high",
    now: datetime | None = None,
    **more: Any,
) -> Page:
    number = next(_numbers)
    return paging.open_page(
        summary=f"Thing {number} broke",
        urgency=urgency,
        surface=surface,
        opener_kind="test",
        opener_ref=str(number),
        thread_key=f"test-{number}",
        actor=audit.SYSTEM,
        now=now or clock.now(),
        **more,
    )


def incident(
    *,
    title: str = "Snowflake profiling times out",
    severity: str = "SEV3",
    surface: Surface | None = None,
    by: Person | None = None,
    now: datetime | None = None,
    **more: Any,
) -> Incident:
    return incidents.open_incident(
        title=title,
        severity=severity,
        surface=surface,
        actor=audit.person(by) if by else audit.SYSTEM,
        now=now or clock.now(),
        **more,
    )


def step(
    incident: Incident,
    to: str,
    *,
    by: Person | None = None,
    now: datetime | None = None,
    **more: Any,
) -> Incident:
    """Take an incident to another state, saying all that any step asks for."""
    said = {
        "note": "Gone.",
        "impact_summary": "Twelve reports were late.",
        "public_silence": "Nobody outside noticed.",
        "mitigation_note": "Rolled back.",
        "detection_source": incident.detection_source or "internal",
    }
    return incidents.transition(
        incident=incident,
        to=to,
        actor=audit.person(by) if by else audit.SYSTEM,
        now=now or clock.now(),
        **{**said, **more},
    )


def account(
    name: str = "Bramble Foods",
    *,
    tier: str = "standard",
    domain: str = "",
    owner: Person | None = None,
    now: datetime | None = None,
    **more: Any,
) -> Account:
    """A customer; its key comes from its name."""
    return customers.save_account(
        account=None,
        fields={"name": name, "tier": tier, "domain": domain, "owner": owner, **more},
        actor=audit.SYSTEM,
        now=now or clock.now(),
    )


def contact(
    email: str = "ana@bramble.example",
    *,
    name: str = "Ana Ruiz",
    account: Account | None = None,
    now: datetime | None = None,
    **more: Any,
) -> Contact:
    """Somebody outside who writes to us; without an account the mail domain decides."""
    belongs = {"account": account} if account else {}
    return customers.save_contact(
        contact=None,
        fields={"email": email, "name": name, **belongs, **more},
        actor=audit.SYSTEM,
        now=now or clock.now(),
    )


def org(
    name: str = "Bramble",
    *,
    account: Account | None = None,
    now: datetime | None = None,
    **more: Any,
) -> Org:
    return customers.save_org(
        org=None,
        fields={"name": name, "account": account, **more},
        actor=audit.SYSTEM,
        now=now or clock.now(),
    )


def connection(
    name: str = "Bramble Snowflake",
    *,
    org: Org | None = None,
    warehouse_type: str = "snowflake",
    cadence_seconds: int | None = None,
    paused: bool = False,
    now: datetime | None = None,
    **more: Any,
) -> Connection:
    """A connection with a project and a source of its own; without an org, in a new one."""
    moment = now or clock.now()
    by: dict[str, Any] = {"actor": audit.SYSTEM, "now": moment}
    home = org or customers.save_org(org=None, fields={"name": f"{name} org"}, **by)
    number = next(_numbers)
    project: Project = customers.save_project(
        project=None, fields={"org": home, "name": f"Project {number}"}, **by
    )
    source: Source = customers.save_source(
        source=None,
        fields={"project": project, "name": name, "warehouse_type": warehouse_type},
        **by,
    )
    return customers.save_connection(
        connection=None,
        fields={"source": source, "name": name, "cadence_seconds": cadence_seconds, **more},
        paused=paused,
        **by,
    )


def support(*, now: datetime | None = None) -> None:
    """The queue, request types and promises that a new site has; the hours of an office in UTC."""
    ensure_support(now=now or clock.now())


def ticket(
    subject: str = "The profile of orders is stale",
    *,
    type: str = "stale_profile",
    requester: Contact | None = None,
    body: str = "It still shows Friday.",
    actor: Actor | None = None,
    now: datetime | None = None,
    **more: Any,
) -> Ticket:
    """A ticket, routed and with its promises running; the seeds are made when they are missing."""
    moment = now or clock.now()
    if not RequestType.objects.exists():
        support(now=moment)
    return tickets.open_ticket(
        subject=subject,
        request_type=RequestType.objects.get(key=type),
        requester=requester or contact(now=moment),
        body=body,
        actor=actor or audit.SYSTEM,
        now=moment,
        **more,
    )
