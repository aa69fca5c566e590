"""What we run, what it leans on, and who answers for it since when."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Func, Q

from apps.accounts.models import Person, Team
from apps.ownership.querysets import AssignmentQuerySet, HoldingQuerySet, SurfaceQuerySet

surface_key = RegexValidator(
    r"^[a-z0-9]+([.-][a-z0-9]+)*$",
    "Use lower-case words joined by dots or hyphens: inspect.profiler.snowflake.",
)


class TstzRange(Func):
    """`tstzrange(from, to)`: a null end is open, both ends as stored half-open."""

    function = "TSTZRANGE"
    output_field = models.CharField()


def period() -> TstzRange:
    return TstzRange(F("active_from"), F("active_to"))


@pghistory.track()
class Surface(models.Model):
    """A part of the product that can break and that somebody owns."""

    class Kind(models.TextChoices):
        ENGINE = "engine", "Engine"
        SERVICE = "service", "Service"
        RULE_SET = "rule_set", "Rule set"
        CONTRACT = "contract", "Contract"
        OUTPUT = "output", "Output"
        CLIENT = "client", "Client"
        PIPELINE = "pipeline", "Pipeline"
        PACK = "pack", "Pack"
        DOCS = "docs", "Documentation"
        OTHER = "other", "Other"

    class Tier(models.IntegerChoices):
        ONE = 1, "1, customers stop without it"
        TWO = 2, "2, customers notice"
        THREE = 3, "3, internal or cosmetic"

    class Lifecycle(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        PREVIEW = "preview", "Preview"
        LIVE = "live", "Live"
        DEPRECATED = "deprecated", "Deprecated"
        RETIRED = "retired", "Retired"

    key = models.CharField(max_length=80, unique=True, validators=[surface_key])
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.SERVICE)
    tier = models.PositiveSmallIntegerField(choices=Tier, default=Tier.TWO)
    lifecycle = models.CharField(max_length=12, choices=Lifecycle, default=Lifecycle.LIVE)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="surfaces")
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="facets",
        help_text="The surface that this one is a facet of.",
    )
    dashboard_url = models.URLField("dashboard", blank=True)
    logs_url = models.URLField("logs", blank=True)
    repository_url = models.URLField("repository", blank=True)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = SurfaceQuerySet.as_manager()

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key


@pghistory.track()
class ExternalParty(models.Model):
    """A vendor that we lean on: whom to call, on which plan, where its status stands."""

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    plan = models.CharField(max_length=80, blank=True, help_text="Support plan and its promise.")
    support_contact = models.CharField(max_length=200, blank=True)
    support_url = models.URLField(blank=True)
    status_url = models.URLField("status page", blank=True)
    account_ref = models.CharField(
        "account reference", max_length=80, blank=True, help_text="What their support asks for."
    )
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "external parties"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class SurfaceDependency(models.Model):
    """`surface` leans on another surface or on an external party; hard: it fails with it."""

    class Strength(models.TextChoices):
        HARD = "hard", "Hard: fails with it"
        SOFT = "soft", "Soft: degrades"

    surface = models.ForeignKey(Surface, models.CASCADE, related_name="dependencies")
    on_surface = models.ForeignKey(
        Surface, models.CASCADE, null=True, blank=True, related_name="dependents"
    )
    on_party = models.ForeignKey(
        ExternalParty, models.CASCADE, null=True, blank=True, related_name="dependents"
    )
    strength = models.CharField(max_length=4, choices=Strength, default=Strength.HARD)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name_plural = "surface dependencies"
        constraints = [
            models.CheckConstraint(
                condition=Q(on_surface__isnull=False) ^ Q(on_party__isnull=False),
                name="ownership_dependency_one_target",
                violation_error_message="Name either a surface or an external party.",
            ),
            models.CheckConstraint(
                condition=~Q(surface=F("on_surface")),
                name="ownership_dependency_not_self",
                violation_error_message="A surface cannot depend on itself.",
            ),
            models.UniqueConstraint(
                fields=["surface", "on_surface"], name="ownership_dependency_once"
            ),
            models.UniqueConstraint(
                fields=["surface", "on_party"], name="ownership_dependency_party_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.surface} on {self.on_surface or self.on_party}"


@pghistory.track()
class Position(models.Model):
    """A seat that owns things and is held by one person at a time."""

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="positions")
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class PositionHolding(models.Model):
    """Who holds a position from when to when (half-open; no end: until further notice)."""

    position = models.ForeignKey(Position, models.CASCADE, related_name="holdings")
    person = models.ForeignKey(Person, models.PROTECT, related_name="holdings")
    active_from = models.DateTimeField("from")
    active_to = models.DateTimeField("until", null=True, blank=True)

    objects = HoldingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(active_to=None) | Q(active_to__gt=F("active_from")),
                name="ownership_holding_order",
                violation_error_message="The end must come after the start.",
            ),
            ExclusionConstraint(
                name="ownership_holding_one_at_a_time",
                expressions=[
                    ("position", RangeOperators.EQUAL),
                    (period(), RangeOperators.OVERLAPS),
                ],
                violation_error_message="Somebody already holds this position in that period.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}: {self.person}"


@pghistory.track()
class OwnershipAssignment(models.Model):
    """A person or a position that answers for a surface in a role, from when to when."""

    class Role(models.TextChoices):
        PRIMARY = "primary", "Primary"
        BACKUP = "backup", "Backup"

    surface = models.ForeignKey(Surface, models.CASCADE, related_name="assignments")
    role = models.CharField(max_length=8, choices=Role)
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="assignments"
    )
    position = models.ForeignKey(
        Position, models.PROTECT, null=True, blank=True, related_name="assignments"
    )
    active_from = models.DateTimeField("from")
    active_to = models.DateTimeField("until", null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["surface", "role"], name="ownership_assignment_role")]
        constraints = [
            models.CheckConstraint(
                condition=Q(person__isnull=False) ^ Q(position__isnull=False),
                name="ownership_assignment_one_holder",
                violation_error_message="Name either a person or a position.",
            ),
            models.CheckConstraint(
                condition=Q(active_to=None) | Q(active_to__gt=F("active_from")),
                name="ownership_assignment_order",
                violation_error_message="The end must come after the start.",
            ),
            ExclusionConstraint(
                name="ownership_assignment_one_per_role",
                expressions=[
                    ("surface", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    (period(), RangeOperators.OVERLAPS),
                ],
                violation_error_message="The surface already has somebody in this role then.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.surface} {self.role}: {self.person or self.position}"
