"""Business calendars: when promises run. Every edit is a new version; a version never changes."""

from __future__ import annotations

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q

from apps.accounts.models import check_zone
from apps.calendars.querysets import CalendarQuerySet
from apps.core.audit import ActorStamped


@pghistory.track()
class BusinessCalendar(models.Model):
    """A named set of opening hours; what it says now is its version with the highest number."""

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    is_default = models.BooleanField(
        "used by default", default=False, help_text="What names no calendar runs in this one."
    )
    created_at = models.DateTimeField(editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = CalendarQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="calendars_calendar_one_default",
            )
        ]

    def __str__(self) -> str:
        return self.name


class CalendarVersion(ActorStamped):
    """What a calendar said from `created_at` until the next version.

    `weekly` is {"mon": [[540, 1080]], …}: minutes of the local day, half-open, 1440 is midnight.
    `exceptions` is {"2026-12-24": {"spans": [[540, 720]], "name": "…", "source": "manual"}}: the
    day's spans replace the weekly ones, none at all means closed. `regions` name the holiday
    calendars that are filled in by themselves ("DE", "DE-BY", "US"), with the source "holidays".
    """

    calendar = models.ForeignKey(BusinessCalendar, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    time_zone = models.CharField(max_length=64, validators=[check_zone])
    weekly = models.JSONField(default=dict)
    exceptions = models.JSONField(default=dict, blank=True)
    regions = models.JSONField(default=list, blank=True)
    tzdata = models.CharField(max_length=20, blank=True)  # the zone data that it was read with
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["calendar", "number"], name="calendars_version_number_once"
            )
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.calendar} v{self.number}"
