"""Telling the owner of a source that its deliveries cannot be read."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import OperationalError, transaction
from django.db.models import Q

from apps.accounts.models import Person
from apps.intake import notices
from apps.intake.models import Delivery, Integration
from apps.notifications import services as notifications

log = structlog.get_logger("opsportal.intake")
MANY = 3  # deliveries set aside within EVERY before anybody is told: one may be a trial
MOST = 1000  # that are counted
EVERY = timedelta(hours=1)


def tell_owner(row: Delivery, *, now: datetime) -> None:
    """After a delivery was set aside: tell its integration's owner, once an hour.

    Whatever goes wrong here never holds up the reading of other deliveries.
    """
    try:
        with transaction.atomic():
            _tell(row, now)
    except OperationalError:
        raise  # the database's trouble: all of it is tried again
    except Exception:
        log.exception("owner not told", integration=row.integration_id)


def _tell(row: Delivery, now: datetime) -> None:
    told_at = row.integration.told_at
    if told_at is not None and told_at > now - EVERY:
        return
    aside = Delivery.objects.filter(
        integration_id=row.integration_id,
        status=Delivery.Status.QUARANTINED,
        received_at__gt=now - EVERY,
    )
    count = aside[:MOST].count()
    if count < MANY or not _mine_to_tell(row.integration_id, now):
        return
    integration = row.integration
    url = notifications.absolute(f"/integrations/{integration.pk}/")
    for person, why in _told(integration):
        facts = notices.SetAside(
            integration=integration.name,
            kind=integration.get_kind_display(),
            count=count,
            error=row.error,
            url=url,
            why=why,
        )
        notifications.notify(
            person=person,
            what="deliveries_set_aside",
            write=notices.set_aside,
            facts=facts,
            urgency="low",
            subject=("integration", str(integration.pk)),
            dedupe=f"integration:{integration.pk}:aside:{int(now.timestamp())}",
            now=now,
        )


def _mine_to_tell(integration_id: int, now: datetime) -> bool:
    """Take the hour: of several engines one tells."""
    due = Q(told_at=None) | Q(told_at__lte=now - EVERY)
    found = Integration.objects.filter(due, pk=integration_id).update(told_at=now)
    return found == 1


def _told(integration: Integration) -> list[tuple[Person, str]]:
    """The owner who is here, else the managers: somebody always answers for it."""
    owner = integration.owner
    if owner is not None and owner.is_active:
        return [(owner, f"you own {integration.name}")]
    managers = Person.objects.active().managers().order_by("pk")
    return [(one, f"you are a manager, and nobody owns {integration.name}") for one in managers]
