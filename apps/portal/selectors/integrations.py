"""Integrations as their pages show them: what sends, what came lately, how to set a tool up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q
from django.db.models.functions import Length
from django.http import QueryDict

from apps.alerts.models import Alert
from apps.intake.models import Delivery, Event, Integration
from apps.intake.samples import sample
from apps.intake.services import NewIntegration
from apps.intake.signatures import VERIFIERS
from apps.notifications.services import absolute
from apps.portal.listing import Slice, cut

Kind = Integration.Kind
VIEWS = {"current": "Current", "archived": "Archived"}
LOOKED_AT = 20_000  # deliveries that the figures of a day look at: the table may be long
KEYED = frozenset({Kind.NATIVE})  # the credential is an API key, kept elsewhere


@dataclass(frozen=True)
class Row:
    """One source: what it sent in the last day, and whether any of it was set aside."""

    integration: Integration
    last_at: datetime | None
    deliveries: int
    quarantined: int


def rows(view: str, *, now: datetime) -> list[Row]:
    """All sources by name; two queries, however many deliveries there are."""
    found = Integration.objects.exclude(kind=Kind.INTERNAL).select_related("surface", "owner")
    archived = view == "archived"
    sources = list(found.filter(archived_at__isnull=not archived).order_by("name", "pk"))
    figures = _figures(now)
    nothing = (None, 0, 0)
    return [Row(source, *figures.get(source.pk, nothing)) for source in sources]


def _figures(now: datetime) -> dict[int, tuple[datetime | None, int, int]]:
    newest = Delivery.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    recent = Delivery.objects.filter(pk__gt=newest - LOOKED_AT)
    day = Q(received_at__gte=now - timedelta(days=1))
    aside = Q(status=Delivery.Status.QUARANTINED)
    counted = recent.values_list("integration_id").annotate(
        last=Max("received_at"), lately=Count("pk", filter=day), aside=Count("pk", filter=aside)
    )
    return {pk: (last, lately, aside) for pk, last, lately, aside in counted}


@dataclass(frozen=True)
class Taken:
    """One delivery and what became of it."""

    delivery: Delivery
    size: int
    events: Sequence[Event]
    alert: Alert | None


def deliveries(integration: Integration, params: QueryDict) -> tuple[Slice[Delivery], list[Taken]]:
    """A page of what came in, newest first, with the alert that the first event belongs to."""
    status = params.get("status", "")
    found = Delivery.objects.filter(integration=integration).defer("body", "headers")
    if status in Delivery.Status.values:
        found = found.filter(status=status)
    page = cut(found, by="received_at", params=params, size=15)
    pks = [row.pk for row in page.rows]
    sizes = _sizes(pks)
    events: dict[int, list[Event]] = {}
    for event in (
        Event.objects.filter(delivery_id__in=pks).defer("details", "links").order_by("seq")
    ):
        events.setdefault(event.delivery_id, []).append(event)
    keys = {mine[0].dedup_key for mine in events.values() if mine[0].dedup_key}
    alerts = {
        alert.dedup_key: alert
        for alert in Alert.objects.filter(integration=integration, dedup_key__in=keys)
        .only("pk", "dedup_key", "status", "kind")
        .order_by("pk")
    }
    return page, [_taken(row, sizes, events.get(row.pk, []), alerts) for row in page.rows]


def _taken(
    row: Delivery, sizes: dict[int, int], mine: list[Event], alerts: dict[str, Alert]
) -> Taken:
    alert = alerts.get(mine[0].dedup_key) if mine else None
    return Taken(row, sizes.get(row.pk, 0), mine, alert)


def _sizes(pks: Sequence[int]) -> dict[int, int]:
    """How many bytes each body has, without reading them."""
    counted = Delivery.objects.filter(pk__in=pks).annotate(size=Length("body"))
    return dict(counted.values_list("pk", "size"))


@dataclass(frozen=True)
class SetUp:
    """What a tool needs to be told; the secret part of it only while it is shown."""

    kind: str
    url: str
    key: str
    signs: bool
    has_secret: bool
    has_old_secret: bool
    rotates: bool
    can_try: bool


def set_up(integration: Integration, key: str, *, now: datetime) -> SetUp:
    """The address with its token when `key` is known, with its first characters otherwise."""
    kind = Kind(integration.kind)
    token = key or f"{integration.token_hint}…"
    return SetUp(
        kind=str(kind),
        url=absolute(NewIntegration(integration, token).path),
        key=key,
        signs=str(kind) in VERIFIERS,
        has_secret=bool(integration.secret_sealed),
        has_old_secret=bool(integration.secret_old_sealed),
        rotates=kind not in KEYED and kind != Kind.INTERNAL,
        can_try=integration.archived_at is None and sample(str(kind), now=now) is not None,
    )
