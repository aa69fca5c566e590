"""What customers see: the parts of the product by the names that they know, and who is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from apps.accounts.models import Person
from apps.alerts.services.maintenance import announce_maintenance, maintain_due
from apps.core import audit
from apps.incidents.models import Audience, Component
from apps.incidents.seeds import ensure_incidents
from apps.ownership.models import Surface
from opsportal.demo.stage import Beats, Stage

PARTS = (
    ("snowflake-profiles", "Snowflake profiles", "Profiles", ("inspect.profiler.snowflake",)),
    ("bigquery-profiles", "BigQuery profiles", "Profiles", ("inspect.profiler.bigquery",)),
    ("profiles", "Other profiles", "Profiles", ("inspect.profiler",)),
    ("column-types", "Column types", "Profiles", ("inspect.semantic-types",)),
    ("reports", "Inspector reports", "Profiles", ("inspect.reports",)),
    ("app", "Hosted app", "Cloud", ("platform.deploy.cloud", "cloud.projects")),
    ("connections", "Connections", "Cloud", ("platform.connectivity",)),
    ("billing", "Billing", "Cloud", ("platform.billing",)),
    ("agent", "Agent and editor", "Tools", ("agent.mcp-server", "ide.extension")),
    ("packs", "Dashboard packs", "Tools", ("pack.zendesk", "pack.stripe", "pack.hubspot")),
)


def open_up(
    cast: Mapping[str, Person], surfaces: Mapping[str, Surface], *, since: datetime
) -> list[int]:
    """The framework as it ships, and the team's own components; answers the components' ids."""
    ensure_incidents()
    Audience.objects.get(key="exec").people.add(cast["nora"], cast["jonas"])
    Audience.objects.get(key="support").people.add(cast["hannah"], cast["luis"])
    made = []
    for position, (key, name, group, keys) in enumerate(PARTS):
        part = Component.objects.create(
            key=key, name=name, group=group, position=position, started_on=since.date()
        )
        part.surfaces.set([surfaces[one] for one in keys if one in surfaces])
        made.append(part.pk)
    return made


def maintenance_work(stage: Stage) -> Beats:
    """Announced in time, done in time; the next one is announced."""
    yield stage.day(20, "09:00")
    _announce(stage, "Database upgrade of the hosted app", stage.day(16, "05:00"), 40)
    for minutes in (0, 41):
        yield stage.day(16, "05:00") + timedelta(minutes=minutes)
        maintain_due(now=stage.now)
    yield stage.ago(hours=20)
    _announce(stage, "Move of the report renderer", stage.day(-4, "05:00"), 60)


def _announce(stage: Stage, title: str, starts_at: datetime, minutes: int) -> None:
    announce_maintenance(
        title=title,
        description="Reports open a little slower; nothing is lost.",
        surfaces=[stage.surfaces["platform.deploy.cloud"]],
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
        actor=audit.person(stage.cast["aiko"]),
        now=stage.now,
    )
