"""Schedules, their dated layers, overrides, and the shifts that come out: plan and history."""

from __future__ import annotations

from collections.abc import Mapping

import pghistory
import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce

from apps.accounts.models import Person, Team, check_zone
from apps.ownership.models import Surface
from apps.rotations.querysets import (
    OverrideQuerySet,
    ScheduleQuerySet,
    ShiftQuerySet,
    VersionQuerySet,
)


class TstzRange(Func):
    """`tstzrange(a, b)`, half-open."""

    function = "TSTZRANGE"
    output_field = models.CharField()


class Role(models.TextChoices):
    PRIMARY = "primary", "Primary"
    SECONDARY = "secondary", "Secondary"
    SHADOW = "shadow", "Shadow, never paged"


@pghistory.track(exclude=["materialised_to", "settled_to"])
class Schedule(models.Model):
    """Who is on call for something, by layers whose result is kept as shifts."""

    class LayerMode(models.TextChoices):
        PRIORITY = "priority", "The highest layer that has somebody wins"
        CUMULATIVE = "cumulative", "Everybody in every layer is on call"

    key = models.SlugField(max_length=40, unique=True, help_text="Short and stable: profiler.")
    name = models.CharField(max_length=80)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="schedules")
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_zone])
    layer_mode = models.CharField(max_length=10, choices=LayerMode, default=LayerMode.PRIORITY)
    min_people = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text="Fewer reachable people than this is a gap in cover.",
    )
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    materialised_to = models.DateTimeField(null=True, editable=False)
    settled_to = models.DateTimeField(null=True, editable=False)  # shifts ended by then are history

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Layer(models.Model):
    """One strand of a schedule; its content is in dated versions."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="layers")
    name = models.CharField(max_length=80)
    priority = models.SmallIntegerField(
        default=0, help_text="The higher layer hides the lower one while it has somebody."
    )
    role = models.CharField(max_length=10, choices=Role, default=Role.PRIMARY)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-priority", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["schedule", "name"], name="rotations_layer_name_once")
        ]

    def __str__(self) -> str:
        return f"{self.schedule}: {self.name}"


@pghistory.track()
class LayerVersion(models.Model):
    """How a layer turns, from a date to a date. A version that has begun never changes."""

    class Unit(models.TextChoices):
        HOUR = "hour", "Hours"
        DAY = "day", "Days"
        WEEK = "week", "Weeks"
        MONTH = "month", "Months"

    class Advance(models.TextChoices):
        ELAPSED = "elapsed", "With every turn of the clock"
        ACTIVE_DAYS = "active_days", "Only on days inside the windows"

    layer = models.ForeignKey(Layer, models.CASCADE, related_name="versions")
    effective_from = models.DateTimeField()
    effective_to = models.DateTimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, validators=[check_zone])
    unit = models.CharField(max_length=5, choices=Unit, default=Unit.WEEK)
    every = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(366)]
    )
    anchor_date = models.DateField(help_text="A day on which the first person starts.")
    anchor_time = models.TimeField(help_text="The time of handoff on the wall clock.")
    anchor_index = models.PositiveSmallIntegerField(default=0)
    advance = models.CharField(max_length=12, choices=Advance, default=Advance.ELAPSED)
    windows = models.JSONField(default=list, blank=True)  # [{"days": ["mon"], "start", "end"}]
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["effective_from"]
        constraints = [
            models.CheckConstraint(
                condition=Q(effective_to=None) | Q(effective_to__gt=F("effective_from")),
                name="rotations_version_order",
            ),
            ExclusionConstraint(
                name="rotations_version_no_overlap",
                expressions=[
                    ("layer", RangeOperators.EQUAL),
                    (TstzRange(F("effective_from"), F("effective_to")), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.layer} from {self.effective_from:%Y-%m-%d %H:%M}"


class LayerMember(models.Model):
    """One place in the turn; without a person it is a buffer in which nobody is on call."""

    version = models.ForeignKey(LayerVersion, models.CASCADE, related_name="members")
    position = models.PositiveSmallIntegerField()
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="memberships_on_call"
    )

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "position"], name="rotations_member_position_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.position}: {self.person or 'nobody'}"


@pghistory.track()
class Override(models.Model):
    """A dated exception to a schedule. Never deleted: cancelled."""

    class Kind(models.TextChoices):
        REPLACE = "replace", "Somebody takes over from somebody"
        ADD = "add", "Somebody is on call as well"
        REMOVE = "remove", "Somebody is off"
        EXCLUSIVE = "exclusive", "Only this person is on call"

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="overrides")
    layer = models.ForeignKey(
        Layer,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="overrides",
        help_text="Empty: the whole schedule.",
    )
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.REPLACE)
    person = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="overrides",
        help_text="Who is on call instead, as well, or only; for “off”: who is off.",
    )
    replaces = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whose turn it was. Only for “takes over”.",
    )
    start_at = models.DateTimeField("from")
    end_at = models.DateTimeField("until")
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    cancelled_at = models.DateTimeField(null=True, blank=True, editable=False)
    cancelled_by = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )

    objects = OverrideQuerySet.as_manager()

    class Meta:
        ordering = ["-start_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(end_at__gt=F("start_at")),
                name="rotations_override_order",
                violation_error_message="The end must come after the start.",
            ),
            models.CheckConstraint(
                condition=~Q(kind="replace") | Q(replaces__isnull=False),
                name="rotations_override_replaces",
                violation_error_message="Say whose turn is taken over.",
            ),
            models.CheckConstraint(
                condition=Q(person__isnull=False),
                name="rotations_override_person",
                violation_error_message="Say who.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.person}"


class Shift(models.Model):
    """One stretch of one person on call: the result after priority, swaps and overrides.

    Future rows are rebuilt by difference; a row that has begun may only be cut at the present,
    and a row that has ended never changes: these rows are the history.
    """

    class Cause(models.TextChoices):
        ROTATION = "rotation", "Rotation"
        OVERRIDE = "override", "Override"
        SWAP = "swap", "Swap"
        SKIP = "skip", "Skip"
        TEMPORARY = "temporary", "Temporary schedule"

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="shifts")
    role = models.CharField(max_length=10, choices=Role, default=Role.PRIMARY)
    layer = models.ForeignKey(Layer, models.PROTECT, null=True, blank=True, related_name="shifts")
    seat = models.PositiveSmallIntegerField(default=0)
    person = models.ForeignKey(Person, models.PROTECT, related_name="shifts")
    planned_person = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="planned_shifts"
    )
    cause = models.CharField(max_length=10, choices=Cause, default=Cause.ROTATION)
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()

    objects = ShiftQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["schedule", "start_at", "end_at"], name="rotations_shift_window"),
            models.Index(fields=["person", "start_at"], name="rotations_shift_person"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(end_at__gt=F("start_at")), name="rotations_shift_order"
            ),
            ExclusionConstraint(
                name="rotations_shift_one_per_seat",
                expressions=[
                    ("schedule", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    (Coalesce(F("layer"), Value(0)), RangeOperators.EQUAL),
                    ("seat", RangeOperators.EQUAL),
                    (TstzRange(F("start_at"), F("end_at")), RangeOperators.OVERLAPS),
                ],
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="past_is_history",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF OLD.end_at <= (
                        SELECT settled_to FROM rotations_schedule WHERE id = OLD.schedule_id
                    ) AND current_setting('opsportal.rewrite_history', true)
                        IS DISTINCT FROM 'on'
                    THEN
                        RAISE EXCEPTION 'a shift that has ended never changes (id %)', OLD.id;
                    END IF;
                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return f"{self.schedule}: {self.person} {self.start_at:%Y-%m-%d %H:%M}"


class Handoff(models.Model):
    """That a change of who is on call was told, once for each schedule, role and instant."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="handoffs")
    role = models.CharField(max_length=10, choices=Role)
    at = models.DateTimeField()
    incoming = models.ManyToManyField(Person, related_name="+")
    outgoing = models.ManyToManyField(Person, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "role", "at"], name="rotations_handoff_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.schedule} {self.role} at {self.at:%Y-%m-%d %H:%M}"


class SurfaceSchedule(models.Model):
    """Which schedule covers a surface."""

    surface = models.OneToOneField(Surface, models.CASCADE, related_name="cover")
    schedule = models.ForeignKey(Schedule, models.PROTECT, related_name="covers")

    def __str__(self) -> str:
        return f"{self.surface} by {self.schedule}"


class CoverageGap(models.Model):
    """An instant at which somebody was needed and nobody was on call. A fact, kept."""

    schedule = models.ForeignKey(
        Schedule, models.CASCADE, null=True, blank=True, related_name="gaps_met"
    )
    surface = models.ForeignKey(
        Surface, models.CASCADE, null=True, blank=True, related_name="gaps_met"
    )
    at = models.DateTimeField()
    what = models.CharField(max_length=200)
    source_kind = models.CharField(max_length=20)
    source_ref = models.CharField(max_length=60)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source_kind", "source_ref"], name="rotations_gap_once")
        ]

    def __str__(self) -> str:
        return f"{self.what} at {self.at:%Y-%m-%d %H:%M}"


TURN_WORDS: Mapping[str, str] = {
    LayerVersion.Unit.HOUR: "hour",
    LayerVersion.Unit.DAY: "day",
    LayerVersion.Unit.WEEK: "week",
    LayerVersion.Unit.MONTH: "month",
}
