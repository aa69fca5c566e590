from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager
from django.db import models
from django.db.models import Q

from apps.accounts.roles import Grant

if TYPE_CHECKING:
    from apps.accounts.models import ApiKey, Person


class PersonQuerySet(models.QuerySet["Person"]):
    def active(self) -> PersonQuerySet:
        """People who are here: may sign in, may be paged."""
        return self.filter(is_active=True, archived_at=None)

    def managers(self) -> PersonQuerySet:
        return self.filter(roles__contains=["manager"])

    def visible_to(self, user: Any) -> PersonQuerySet:
        """Members see who is here; how to reach somebody is for that person and managers."""
        if not getattr(user, "is_authenticated", False) or not user.may(Grant.SEE):
            return self.none()
        return self


class PersonManager(BaseUserManager["Person"]):
    """Finds people by e-mail without regard to case; makes them without a role by default."""

    def get_queryset(self) -> PersonQuerySet:
        return PersonQuerySet(self.model, using=self._db)

    def active(self) -> PersonQuerySet:
        return self.get_queryset().active()

    def visible_to(self, user: Any) -> PersonQuerySet:
        return self.get_queryset().visible_to(user)

    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get_queryset().get(email=(username or "").strip().lower())

    def create_user(self, email: str, password: str | None = None, **fields: object) -> Person:
        person = self.model(email=email.strip().lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> Person:
        fields.setdefault("roles", ["manager"])
        return self.create_user(email, password, **fields)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self, now: datetime) -> ApiKeyQuerySet:
        """Neither revoked nor expired at `now`."""
        return self.filter(revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=now))
