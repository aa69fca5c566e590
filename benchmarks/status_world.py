"""A status page with a year behind it and two incidents standing, for `benchmarks.status_page`.

Run as a module it fills the database that DATABASE_URL names.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

PARTS = (
    ("Profiles", "Snowflake", "Profiles of tables in Snowflake warehouses"),
    ("Profiles", "BigQuery", "Profiles of tables in BigQuery"),
    ("Profiles", "Postgres", "Profiles of tables in Postgres"),
    ("Reports", "Reports", "Opening and sharing reports"),
    ("Reports", "Type detection", "What a column holds: an address, a currency, a date"),
    ("Packs", "Shopify pack", ""),
    ("Packs", "Stripe pack", ""),
    ("Packs", "HubSpot pack", ""),
    ("", "Sign-in", ""),
    ("", "Billing", "Invoices and plans"),
)
PAST = 120  # incidents of the year that has passed
STORIES = (
    ("Profiles on Snowflake connections are delayed", "partial_outage", 0),
    ("Reports open slowly", "degraded_performance", 3),
    ("Shopify tables are not refreshed", "major_outage", 5),
    ("Some invoices are late", "degraded_performance", 9),
)
WORDS = """We see that profiles take longer than usual. Earlier results **stay visible** and are
marked with their date.

- No data is lost.
- Nothing needs to be done on your side.
"""


def furnish(now: datetime) -> None:
    from apps.alerts import services as alerts
    from apps.core import audit
    from apps.notifications.models import Site
    from tests import builders as build

    Site.objects.update_or_create(
        pk=1, defaults={"name": "Larkspur", "time_zone": "Europe/Berlin", "set_up_at": now}
    )
    parts = components(now)
    public = audience()
    for number in range(PAST):
        began = now - timedelta(days=365 * (PAST - number) / PAST, hours=number % 7)
        story = STORIES[number % len(STORIES)]
        over = began + timedelta(minutes=25 + number % 90)
        past(public, parts, story, began, over if over < now else now)
    for story, ago in ((STORIES[0], 95), (STORIES[1], 20)):
        stand(public, parts, story, now - timedelta(minutes=ago))
    for hours, title in ((30, "Database upgrade"), (200, "Move of the report cache")):
        surface = build.surface(f"bench.work-{hours}", now=now)
        parts[9 if hours > 100 else 4].surfaces.add(surface)
        alerts.announce_maintenance(
            title=title,
            description="Pages may be slow for some minutes.",
            surfaces=[surface],
            starts_at=now + timedelta(hours=hours),
            ends_at=now + timedelta(hours=hours + 2),
            actor=audit.SYSTEM,
            now=now,
        )


def components(now: datetime) -> list[Any]:
    from apps.incidents.models import Component

    rows = []
    for position, (group, name, about) in enumerate(PARTS):
        started = (now - timedelta(days=400 if position else 40)).date()
        rows.append(
            Component.objects.create(
                key=f"part-{position}", name=name, group=group, description=about,
                position=position, started_on=started,
            )
        )  # fmt: skip
    return rows


def audience() -> Any:
    from apps.incidents.models import Audience

    row, _ = Audience.objects.update_or_create(
        key="public",
        defaults={"name": "Public", "side": "public", "on_status_page": True,
                  "to_subscribers": True},
    )  # fmt: skip
    return row


def say(
    incident: Any, public: Any, subject: str, at: datetime, *,
    status: str = "investigating", body: str = WORDS, states: Any = None,
    next_at: datetime | None = None,
) -> Any:  # fmt: skip
    """A published update, as the page finds it."""
    from apps.incidents.models import StatusUpdate

    return StatusUpdate.objects.create(
        incident=incident, audience=public, subject=subject, body=body, states=states or {},
        status="published", incident_status=status, created_at=at, changed_at=at,
        published_at=at, next_update_at=next_at,
    )  # fmt: skip


def past(
    public: Any, parts: list[Any], story: tuple[str, str, int], began: datetime, over: datetime
) -> None:
    """One that is over, with three updates."""
    from apps.incidents.models import ComponentImpact, Incident

    title, state, part = story
    row = Incident.objects.create(
        title=f"internal: {title}", status="closed", severity="SEV2", detected_at=began,
        declared_at=began, resolved_at=over, closed_at=over,
    )  # fmt: skip
    ComponentImpact.objects.create(
        component=parts[part], incident=row, state=state, from_at=began, to_at=over
    )
    hurt = {parts[part].key: state}
    say(row, public, title, began + timedelta(minutes=5), states=hurt)
    say(row, public, title, began + timedelta(minutes=15), status="mitigated")
    say(row, public, title, over, status="resolved", body="It works again. Nothing was lost.",
        states={parts[part].key: "operational"})  # fmt: skip


def stand(public: Any, parts: list[Any], story: tuple[str, str, int], began: datetime) -> Any:
    """One that is going on."""
    from apps.incidents.models import ComponentImpact, Incident

    title, state, part = story
    row = Incident.objects.create(
        title=f"internal: {title}", status="identified", severity="SEV2", detected_at=began,
        declared_at=began,
    )  # fmt: skip
    ComponentImpact.objects.create(component=parts[part], incident=row, state=state, from_at=began)
    say(row, public, title, began + timedelta(minutes=6), states={parts[part].key: state})
    say(row, public, title, began + timedelta(minutes=12), status="identified",
        body="We know why and are **rolling back**.",
        next_at=began + timedelta(minutes=120))  # fmt: skip
    return row


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from apps.core import clock

    call_command("migrate", verbosity=0)
    furnish(clock.now())


if __name__ == "__main__":
    main()
