from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from apps.accounts.roles import Grant

if TYPE_CHECKING:
    from apps.notifications.models import (
        ContactMethod,
        Message,
        WebhookDelivery,
        WebhookEndpoint,
    )


class MethodQuerySet(models.QuerySet["ContactMethod"]):
    def visible_to(self, user: Any) -> MethodQuerySet:
        """One's own; nobody else's, not even a manager's view of the address."""
        if not getattr(user, "is_authenticated", False) or not isinstance(user.pk, int):
            return self.none()
        return self.filter(person_id=user.pk)

    def usable(self) -> MethodQuerySet:
        return self.exclude(verified_at=None).filter(disabled_at=None)


class MessageQuerySet(models.QuerySet["Message"]):
    def due(self, now: datetime) -> MessageQuerySet:
        """Waiting rows whose time has come, and rows whose sender died in the middle."""
        return self.filter(
            Q(status="pending", not_before__lte=now) | Q(status="sending", lease_until__lte=now)
        )

    def inside(self) -> MessageQuerySet:
        """Notices to our own people."""
        return self.filter(is_outside=False)

    def outside(self) -> MessageQuerySet:
        """Mail to people outside."""
        return self.filter(is_outside=True)

    def about(self, kind: str, ref: str) -> MessageQuerySet:
        return self.filter(subject_kind=kind, subject_ref=ref)


def _may_see_webhooks(user: Any) -> bool:
    """Managers, and keys that act as one. A webhook hears of every team's tickets, so a key of
    one team sees none."""
    known = getattr(user, "is_authenticated", False) and user.may(Grant.EDIT_INTEGRATIONS)
    return bool(known) and not getattr(user, "team_id", None)


class EndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def visible_to(self, user: Any) -> EndpointQuerySet:
        return self if _may_see_webhooks(user) else self.none()

    def current(self) -> EndpointQuerySet:
        return self.filter(archived_at=None)

    def live(self) -> EndpointQuerySet:
        """Those that are told of events now."""
        return self.current().filter(is_active=True, disabled_at=None)


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def visible_to(self, user: Any) -> WebhookDeliveryQuerySet:
        return self if _may_see_webhooks(user) else self.none()

    def waiting(self, now: datetime) -> WebhookDeliveryQuerySet:
        """Due for an attempt."""
        return self.filter(status="pending", next_at__lte=now)

    def broken_off(self, now: datetime) -> WebhookDeliveryQuerySet:
        """Their sender died in the middle."""
        return self.filter(status="sending", lease_until__lte=now)
