"""Calendars: the list says when each is open, the page edits one and shows what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from apps.accounts.roles import Grant
from apps.calendars import hours, selectors, services
from apps.calendars.admin.coming import coming
from apps.calendars.admin.forms import CalendarForm
from apps.calendars.definitions import HOLIDAYS, Says, checked
from apps.calendars.models import BusinessCalendar, CalendarVersion
from apps.core import audit, clock
from apps.core.admin_base import ModelAdmin, act, display, local_time, register
from apps.core.admin_base.lists import Archived, chip
from apps.core.admin_base.model_admin import CLASHES
from apps.core.admin_base.pages import REFUSALS
from apps.core.errors import Conflict

MOST_VERSIONS = 20


@dataclass(frozen=True)
class Past:
    """One line of the list of versions."""

    number: int
    when: str
    who: str
    what: str
    note: str


@register(BusinessCalendar)
class CalendarAdmin(ModelAdmin[BusinessCalendar]):
    intro = "When promises run. Every change is a new version; running clocks go on in it."
    empty_text = "No calendar yet. Add one with your office hours."
    list_display = ["name", "opening_hours", "zone", "closed_on", "standing", "key"]
    list_filter = [Archived]
    search_fields = ["name", "key"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[BusinessCalendar]:
        return BusinessCalendar.objects.visible_to(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and _may(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and _may(request)

    # -- the list

    def enrich(self, rows: list[BusinessCalendar], now: datetime) -> None:
        newest = selectors.current_versions(row.pk for row in rows)
        for row in rows:
            row.says = newest[row.pk]  # type: ignore[attr-defined] # read by the columns

    @display(description="open")
    def opening_hours(self, obj: Any) -> str:
        return hours.in_words(obj.says.weekly)

    @display(description="time zone")
    def zone(self, obj: Any) -> str:
        return str(obj.says.time_zone)

    @display(description="holidays of")
    def closed_on(self, obj: Any) -> str:
        return ", ".join(obj.says.regions) or "–"

    @display(description="", ordering="is_default")
    def standing(self, obj: Any) -> object:
        return chip("Default", "info") if obj.is_default else ""

    # -- the page

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        calendar = self.get_object(request, unquote(object_id)) if object_id else None
        if object_id and calendar is None:
            raise Http404
        now = clock.now()
        version = selectors.current_version(calendar) if calendar else None
        data = request.POST if request.method == "POST" else None
        zone = getattr(request.user, "time_zone", "UTC")
        form = CalendarForm(data, calendar=calendar, version=version, zone=zone)
        shown, previewed = (_said_by(version) if version else None), False
        if data is not None and form.is_valid():
            if "_preview" in data:
                looked = _look(form, now)
                shown, previewed = looked or shown, looked is not None
            elif saved := self._save(request, calendar, form, now):
                messages.success(request, f"{form.cleaned_data['name']} is saved. {_hint(saved)}")
                return HttpResponseRedirect(self.change_url(saved.calendar))
        context = self._context(request, object_id, form, shown, now)
        return TemplateResponse(
            request, "admin/calendars/calendar.html", {**context, "previewed": previewed}
        )

    def _save(
        self, request: Any, calendar: BusinessCalendar | None, form: CalendarForm, now: datetime
    ) -> CalendarVersion | None:
        """The one call; a refusal is said at its field and nothing is kept."""
        found, says = form.cleaned_data, form.says
        by = {"note": found["note"], "actor": audit.person(request.user), "now": now}
        try:
            with transaction.atomic():
                if calendar is not None:
                    return services.edit_calendar(
                        calendar=calendar, name=found["name"], is_default=found["is_default"],
                        says=says, seen=found["seen"], **by,
                    )  # fmt: skip
                made = services.create_calendar(
                    key=found["key"], name=found["name"], is_default=found["is_default"],
                    time_zone=says.time_zone, weekly=says.weekly, exceptions=says.exceptions,
                    regions=says.regions, **by,
                )  # fmt: skip
                return selectors.current_version(made)
        except REFUSALS as error:
            form.refuse(error)
        except IntegrityError:
            form.refuse(Conflict(CLASHES))
        return None

    def _context(
        self,
        request: HttpRequest,
        object_id: str | None,
        form: CalendarForm,
        says: Says | None,
        now: datetime,
    ) -> dict[str, Any]:
        stored = self.get_object(request, unquote(object_id)) if object_id else None
        return {
            **self.admin_site.each_context(request),
            "title": str(stored) if stored else "Add business calendar",
            "opts": self.opts,
            "original": stored,
            "form": form,
            "weeks": coming(says, now) if says else [],
            "zone": says.time_zone if says else "",
            "holidays": _holidays(says, now) if says else [],
            "versions": _versions(stored) if stored else [],
            "object_actions": self.offered_actions(request, object_id),
        }

    # -- buttons

    @act(
        "Archive",
        about="It is not offered any more. What runs in it goes on.",
        danger=True,
        offered=lambda calendar: calendar.archived_at is None,
    )
    def archive(self, request: HttpRequest, obj: BusinessCalendar, values: dict[str, Any]) -> str:
        services.archive(calendar=obj, now=clock.now())
        return f"{obj.name} is archived."

    @act("Bring back", offered=lambda calendar: calendar.archived_at is not None)
    def restore(self, request: HttpRequest, obj: BusinessCalendar, values: dict[str, Any]) -> str:
        services.restore(calendar=obj)
        return f"{obj.name} is back."


def _may(request: Any) -> bool:
    return bool(request.user.may(Grant.EDIT_SUPPORT))


def _said_by(version: CalendarVersion) -> Says:
    return Says(version.time_zone, version.weekly, version.exceptions, version.regions)


def _look(form: CalendarForm, now: datetime) -> Says | None:
    """What saving would keep, without saving; None with the reason said at its field."""
    try:
        return checked(form.says, now)
    except REFUSALS as error:
        form.refuse(error)
        return None


def _hint(version: CalendarVersion) -> str:
    return f"Version {version.number} is in force."


def _holidays(says: Says, now: datetime) -> list[tuple[str, str]]:
    """The public holidays ahead that are filled in."""
    today = now.date().isoformat()
    rows = sorted(says.exceptions.items())
    return [(on, row["name"]) for on, row in rows if row["source"] == HOLIDAYS and on >= today]


def _versions(calendar: BusinessCalendar) -> list[Past]:
    """The newest versions with who, when and what was different."""
    rows = CalendarVersion.objects.filter(calendar=calendar).order_by("-number")
    newest = list(rows[: MOST_VERSIONS + 1])
    pairs = list(zip(newest, [*newest[1:], None], strict=True))[:MOST_VERSIONS]
    return [
        Past(
            row.number, local_time(row.created_at), row.actor_label, _difference(row, was), row.note
        )
        for row, was in pairs
    ]


def _difference(row: CalendarVersion, was: CalendarVersion | None) -> str:
    if was is None:
        return "the first" if row.number == 1 else ""
    found = [word for name, word in (("time_zone", "time zone"), ("weekly", "hours"),
                                     ("regions", "regions"), ("tzdata", "zone data"))
             if getattr(row, name) != getattr(was, name)]  # fmt: skip
    dates = _changed_dates(row, was)
    if dates:
        found.append(f"{dates} date{'s' if dates != 1 else ''}")
    return ", ".join(found)


def _changed_dates(row: CalendarVersion, was: CalendarVersion) -> int:
    both = row.exceptions.keys() | was.exceptions.keys()
    return sum(row.exceptions.get(on) != was.exceptions.get(on) for on in both)
