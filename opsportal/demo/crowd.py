"""The large demo's people and surfaces, made through the services like the small one's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from apps.accounts import services as accounts
from apps.accounts.models import Membership, Person, Team
from apps.core import audit
from apps.ownership import services as ownership
from apps.ownership.models import OwnershipAssignment, Surface
from apps.rotations import services as rotations
from apps.rotations.models import Schedule
from opsportal import preset
from opsportal.demo.people import CAST, DOMAIN
from opsportal.preset import Loaded, SurfaceSpec

PEOPLE = 40
SURFACES = 120
_ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/Los_Angeles", "Asia/Tokyo")
_FIRST = "Ada Bo Cleo Dag Edda Finn Gita Hugo Iris Jalil Kaya Leo Mina Nils Olga Paco Quinn"
_LAST = "Abel Berg Cole Dahl Ek Falk Gray Holm Ito Jung Kent Lund Moss"
_WAREHOUSES = "mysql duckdb databricks trino athena clickhouse fabric spark sqlserver oracle"
_CHARTS = "bar line area table number map pie scatter heatmap funnel sankey histogram"
_CONNECTORS = """
    jira github google-ads facebook-ads linkedin-ads netsuite quickbooks xero workday marketo
    intercom pendo mixpanel amplitude segment klaviyo mailchimp iterable braze twilio sendgrid
    recurly zuora chargebee square paypal amazon-ads tiktok-ads pinterest-ads snapchat-ads
    microsoft-ads google-analytics google-play app-store asana monday notion airtable greenhouse
    lever bamboo-hr sap dynamics servicenow freshdesk front gorgias aircall gong outreach
    salesloft pardot eloqua sage coupa ramp brex confluence datadog okta
"""


def hire_more(cast: Mapping[str, Person], teams: Mapping[str, Team], *, now: datetime) -> None:
    """Fill up to forty people, spread over the teams; they sign in like the cast."""
    keys, first, last = list(teams), _FIRST.split(), _LAST.split()
    fresh = []
    for number in range(PEOPLE - len(CAST)):
        name = f"{first[number % len(first)]} {last[number % len(last)]}"
        person = accounts.create_person(
            email=f"{name.lower().replace(' ', '.')}@{DOMAIN}",
            name=name,
            roles=["viewer"] if number % 5 == 4 else ["responder"],
            time_zone=_ZONES[number % len(_ZONES)],
            is_demo=True,
            now=now,
        )
        person.password = cast["nora"].password
        fresh.append(person)
    Person.objects.get_queryset().bulk_update(fresh, ["password"])
    Membership.objects.bulk_create(
        Membership(team=teams[keys[number % len(keys)]], person=person)
        for number, person in enumerate(fresh)
    )


def _specs() -> list[SurfaceSpec]:
    profilers = [
        SurfaceSpec(
            f"inspect.profiler.{key}",
            f"Profiler on {key}",
            "engine",
            2,
            preset.ENGINEER,
            parent="inspect.profiler",
        )
        for key in _WAREHOUSES.split()
    ]
    charts = [
        SurfaceSpec(
            f"charts.library.{key}",
            f"{key.capitalize()} chart",
            "engine",
            3,
            preset.DATA_VIZ,
            parent="charts.library",
        )
        for key in _CHARTS.split()
    ]
    packs = [
        SurfaceSpec(
            f"pack.{key}", f"{key.replace('-', ' ').title()} pack", "pack", 3, preset.ANALYSIS
        )
        for key in _CONNECTORS.split()
    ]
    return [*profilers, *charts, *packs]


def add_surfaces(
    cast: Mapping[str, Person],
    teams: Mapping[str, Team],
    schedules: Mapping[str, Schedule],
    *,
    since: datetime,
) -> Loaded:
    """The rest of the preset and enough connectors, warehouses and charts for 120 surfaces."""
    specs = _specs()
    team_of = {spec.key: _team(spec.key) for spec in (*preset.SURFACES, *specs)}
    loaded = preset.load(
        now=since,
        extra=specs,
        teams={key: teams[team] for key, team in team_of.items()},
    )
    cover = {"inspect": "profiler", "platform": "platform", "packs": "packs"}
    fresh = set(loaded.made["surfaces"])
    for number, (key, surface) in enumerate(loaded.surfaces.items()):
        if surface.pk in fresh:
            if surface.parent_id is None:
                rotations.cover_surface(surface=surface, schedule=schedules[cover[team_of[key]]])
            if number % 3 == 0:
                _back_up(surface, cast["ines" if key.startswith("pack.") else "tomas"], since)
    return loaded


def _team(key: str) -> str:
    area = key.partition(".")[0]
    if area in {"pack", "charts", "factory"}:
        return "packs"
    return "platform" if area in {"platform", "cloud", "ide"} else "inspect"


def _back_up(surface: Surface, person: Person, since: datetime) -> None:
    ownership.assign(
        surface=surface,
        role=OwnershipAssignment.Role.BACKUP,
        holder=person,
        active_from=since,
        actor=audit.SYSTEM,
    )
