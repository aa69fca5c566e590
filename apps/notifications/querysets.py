from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from apps.notifications.models import ContactMethod, Message


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
        from django.db.models import Q

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
