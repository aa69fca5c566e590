"""The invented cast: who they are, where they sit, how they are reached, which teams they form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import make_password

from apps.accounts import services as accounts
from apps.accounts.models import Person, Team
from apps.core import secrets
from apps.notifications import services as notifications
from apps.notifications.models import Channel, ContactMethod, Urgency
from apps.notifications.services.outbox import hint
from opsportal.env import Env

DOMAIN = "dataface.example"
KNOWN_PASSWORD = "lantern-harbor-47"  # noqa: S105 - printed at every start; opens invented data only


def password() -> str:
    """What the cast signs in with; a site that others can reach sets its own."""
    return Env().text("OPSPORTAL_DEMO_PASSWORD", KNOWN_PASSWORD)


@dataclass(frozen=True)
class Part:
    """One member of the cast. `login` is the role under which the start page names them."""

    key: str
    name: str
    roles: tuple[str, ...]
    zone: str
    team: str = ""
    login: str = ""
    wakes: bool = False  # also has a push method, not just mail

    @property
    def email(self) -> str:
        return f"{self.key}@{DOMAIN}"


CAST: tuple[Part, ...] = (
    Part("nora", "Nora Feld", ("manager",), "Europe/Berlin", login="manager", wakes=True),
    Part(
        "mara",
        "Mara Lindqvist",
        ("responder",),
        "Europe/Berlin",
        "inspect",
        login="responder",
        wakes=True,
    ),
    Part(
        "dele",
        "Dele Okafor",
        ("maintainer",),
        "Africa/Lagos",
        "packs",
        login="maintainer",
        wakes=True,
    ),
    Part(
        "luis",
        "Luis Prieto",
        ("support_agent",),
        "Europe/Madrid",
        "support",
        login="support agent",
    ),
    Part("vera", "Vera Holt", ("viewer",), "Europe/London", login="viewer"),
    Part("tomas", "Tomas Ferreira", ("responder",), "Europe/Lisbon", "inspect", wakes=True),
    Part("priya", "Priya Raman", ("responder",), "Asia/Kolkata", "inspect", wakes=True),
    Part("jonas", "Jonas Weber", ("responder", "maintainer"), "Europe/Berlin", "platform"),
    Part("aiko", "Aiko Sato", ("responder",), "Asia/Tokyo", "platform", wakes=True),
    Part("ines", "Ines Costa", ("maintainer",), "Europe/Lisbon", "packs"),
    Part("hannah", "Hannah Brooks", ("support_agent", "responder"), "America/New_York", "support"),
)
TEAMS: tuple[tuple[str, str, str], ...] = (
    ("inspect", "Inspect", "mara"),
    ("platform", "Platform", "jonas"),
    ("packs", "Packs", "dele"),
    ("support", "Support", "hannah"),
)


def hire(*, now: datetime) -> dict[str, Person]:
    """Make the cast. One hash serves all: the password is shared, and each hash takes a while."""
    found = {}
    for part in CAST:
        found[part.key] = accounts.create_person(
            email=part.email,
            name=part.name,
            roles=part.roles,
            time_zone=part.zone,
            is_demo=True,
            now=now,
        )
    shared = make_password(password())
    for person in found.values():
        person.password = shared
    Person.objects.get_queryset().bulk_update(list(found.values()), ["password"])
    return found


def form_teams(cast: dict[str, Person]) -> dict[str, Team]:
    teams = {}
    for key, name, lead in TEAMS:
        teams[key] = accounts.create_team(key=key, name=name, lead=cast[lead])
        teams[key].members.add(*(cast[part.key] for part in CAST if part.team == key))
    return teams


def give_methods(cast: dict[str, Person], *, now: datetime) -> None:
    """Mail for most, push for some, quiet nights for one.

    Nothing is ever sent by these: demo people are told in their mailbox alone. The rows are
    written without the service, because that proves an address by asking the network about it.
    """
    for part in CAST:
        if part.login in {"viewer", "support agent"}:
            continue  # has added none yet, and would be told at the sign-in address
        person = cast[part.key]
        mail = _method(person, Channel.EMAIL, part.email, "Work mail", now)
        if part.wakes:
            topic = f"https://push.{DOMAIN}/{part.key}-7f3k"
            push = _method(person, Channel.NTFY, topic, "Phone", now)
            rows = [(push, 0), (mail, 5)]
            notifications.set_rules(person=person, urgency=Urgency.HIGH, rows=rows)
            notifications.set_rules(person=person, urgency=Urgency.LOW, rows=[(mail, 0)])
    nights = {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "22:00", "end": "07:00"}
    notifications.set_quiet_hours(person=cast["mara"], windows=[nights])


def _method(person: Person, channel: str, address: str, label: str, now: datetime) -> ContactMethod:
    return ContactMethod.objects.create(
        person=person,
        channel=channel,
        label=label,
        address_sealed=secrets.seal(address),
        address_hint=hint(channel, address),
        created_at=now,
        verified_at=now,
    )
