"""Who did it: a person, an API key, an outside contact, or the system itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class ActorKind(models.TextChoices):
    PERSON = "person", "Person"
    KEY = "key", "API key"
    CONTACT = "contact", "Contact"
    SYSTEM = "system", "System"


@dataclass(frozen=True)
class Actor:
    """The one who acts, as rows keep it: kind, a stable reference, and a readable label."""

    kind: ActorKind
    ref: str
    label: str
    person_id: int | None = None

    def columns(self, prefix: str = "actor") -> dict[str, Any]:
        """Values for the columns of `ActorStamped`."""
        return {
            f"{prefix}_kind": self.kind,
            f"{prefix}_ref": self.ref,
            f"{prefix}_label": self.label,
            f"{prefix}_id": self.person_id,
        }


SYSTEM = Actor(ActorKind.SYSTEM, "opsportal", "OpsPortal")


def person(user: AbstractBaseUser | Any) -> Actor:
    """The actor for a signed-in person."""
    return Actor(ActorKind.PERSON, str(user.pk), str(getattr(user, "name", "") or user), user.pk)


def system(label: str) -> Actor:
    """The system acting under a name that says which part of it (an integration, a schedule)."""
    return Actor(ActorKind.SYSTEM, label.lower().replace(" ", "-")[:100], label[:200])


def contact(pk: int, label: str) -> Actor:
    """Somebody outside who acts: by mail, on the status page, through the report form."""
    return Actor(ActorKind.CONTACT, str(pk), label[:200])


class ActorStamped(models.Model):
    """Columns that say who did it; the label survives the person's erasure."""

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    actor_kind = models.CharField(max_length=10, choices=ActorKind, default=ActorKind.SYSTEM)
    actor_ref = models.CharField(max_length=100, default="opsportal")
    actor_label = models.CharField(max_length=200, default="OpsPortal")

    class Meta:
        abstract = True
