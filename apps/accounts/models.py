"""People, teams and API keys."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar
from zoneinfo import available_timezones

import pghistory
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower

from apps.accounts.querysets import ApiKeyQuerySet, PersonManager
from apps.accounts.roles import Grant, Role, Scope, grants_of


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    """Every IANA name, read once: finding them walks a folder of six hundred files."""
    return frozenset(available_timezones())


def check_zone(value: str) -> None:
    """An IANA time zone that this system knows."""
    if value not in _zones():
        raise ValidationError(
            f"{value} is not a time zone. Use an IANA name such as Europe/Berlin or UTC."
        )


class WeekStart(models.IntegerChoices):
    MONDAY = 0, "Monday"
    SATURDAY = 5, "Saturday"
    SUNDAY = 6, "Sunday"


class HourCycle(models.TextChoices):
    H24 = "24", "16:40"
    H12 = "12", "4:40 pm"


@pghistory.track(exclude=["password", "last_login"])
class Person(AbstractBaseUser):
    """Somebody who signs in. Never deleted while referred to: archived, and erased on request."""

    email = models.EmailField(unique=True, help_text="Signs in with this address.")
    name = models.CharField(max_length=120)
    roles = ArrayField(
        models.CharField(max_length=20, choices=Role),
        default=list,
        blank=True,
        help_text="What the person may do. Without a role they cannot see anything.",
    )
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_zone])
    week_start = models.PositiveSmallIntegerField(choices=WeekStart, default=WeekStart.MONDAY)
    hour_cycle = models.CharField(max_length=2, choices=HourCycle, default=HourCycle.H24)
    is_active = models.BooleanField(
        "may sign in", default=True, help_text="Untick instead of deleting."
    )
    is_demo = models.BooleanField(
        default=False, help_text="Part of the demo world: nothing is ever sent outside to them."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects = PersonManager()

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="accounts_person_email_ci"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.strip().lower()

    @property
    def grants(self) -> frozenset[Grant]:
        return grants_of(self.roles) if self.is_active and not self.archived_at else frozenset()

    def may(self, grant: Grant) -> bool:
        return grant in self.grants

    @property
    def is_manager(self) -> bool:
        return Role.MANAGER in self.roles

    # Django's admin and auth ask these names.
    @property
    def is_staff(self) -> bool:
        return self.may(Grant.ADMIN)

    @property
    def is_superuser(self) -> bool:
        return False

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return self.may(Grant.ADMIN)

    def has_perms(self, perms: list[str], obj: Any = None) -> bool:
        return self.may(Grant.ADMIN)

    def has_module_perms(self, app_label: str) -> bool:
        return self.may(Grant.ADMIN)

    def get_full_name(self) -> str:
        return self.name

    @property
    def first_name(self) -> str:
        return self.name.split(" ")[0] if self.name else self.email

    @property
    def hue(self) -> int:
        """Which of the ten colors shows the person: by id, so that neighbors differ."""
        return (self.pk or 0) % 10 + 1

    @property
    def initials(self) -> str:
        words = (self.name or self.email).split()
        return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper()


@pghistory.track()
class Team(models.Model):
    """A group of people with a lead, who own surfaces together."""

    key = models.SlugField(max_length=40, unique=True, help_text="Short and stable: inspect.")
    name = models.CharField(max_length=80)
    lead = models.ForeignKey(
        Person,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="leads",
        help_text="Is told when a page of the team's surfaces reaches nobody.",
    )
    members = models.ManyToManyField(Person, through="Membership", related_name="teams")
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    person = models.ForeignKey(Person, models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "person"], name="accounts_membership_once")
        ]

    def __str__(self) -> str:
        return f"{self.person} in {self.team}"


@pghistory.track(exclude=["digest", "last_used_at"])
class ApiKey(models.Model):
    """A tool's key: shown once, kept as its public prefix and a SHA-256 digest."""

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=24, unique=True, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope))
    team = models.ForeignKey(
        Team,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="api_keys",
        help_text="Sees this team's surfaces and what is unrouted. Empty: all that a member sees.",
    )
    rate = models.PositiveIntegerField(
        null=True, blank=True, help_text="Requests a second. Empty: the site's default."
    )
    created_by = models.ForeignKey(Person, models.SET_NULL, null=True, blank=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    rotated_from = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, editable=False, related_name="rotated_to"
    )

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
