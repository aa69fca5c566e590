"""What every page of the portal has around it: menu, who is on call, banner, who is signed in.

Nothing is read before a template asks for it, and nothing that fails here takes a page down: a
page without its menu still says what broke.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.alerts.models import Alert
from apps.core import clock
from apps.followups.models import FollowUp
from apps.incidents.models import Incident
from apps.paging.models import Page
from apps.portal import access, formats
from apps.portal.selectors import oncall, system
from apps.portal.services import has_mailbox
from apps.support.models import Ticket

log = structlog.get_logger("opsportal.portal")
T = TypeVar("T")
D = TypeVar("D")
TOPBAR_SCHEDULES = 4
COUNTED = 99  # the menu's figures stop here
ALARMING = ("SEV1", "SEV2")
STARTING = 20.0  # seconds after this process loaded, in which a late engine is no news
_LOADED_AT = time.monotonic()


def shell(request: HttpRequest) -> dict[str, Any]:
    """`shell` for the portal's templates, and the request's id for error pages."""
    bound = structlog.contextvars.get_contextvars()
    return {"shell": Shell(request), "request_id": bound.get("request_id", "")}


def link(name: str, **kwargs: Any) -> str:
    """The address of a page, or nothing where this installation has none of that name."""
    try:
        return reverse(name, kwargs=kwargs or None)
    except NoReverseMatch:
        return ""


def _calmly(default: Callable[[], D]) -> Callable[[Callable[[Shell], T]], cached_property[T | D]]:
    """Read once when asked; on any failure log it and answer the default."""

    def decorate(read: Callable[[Shell], T]) -> cached_property[T | D]:
        def safely(self: Shell) -> T | D:
            try:
                return read(self)
            except Exception:  # whatever it is, the page matters more than its frame
                log.exception("shell failed", part=read.__name__)
                return default()

        return cached_property(safely)

    return decorate


class Shell:
    """The frame of one request; each part is read when a template first asks for it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._now = clock.now()

    @_calmly(lambda: None)
    def _member(self) -> Person | None:
        user = getattr(self._request, "user", None)
        return user if isinstance(user, Person) and user.may(Grant.SEE) else None

    @_calmly(lambda: None)
    def me(self) -> dict[str, Any] | None:
        user = getattr(self._request, "user", None)
        if not isinstance(user, Person):
            return None
        return {
            "name": user.first_name,
            "initials": formats.initials(user.name),
            "hue": user.hue,
        }

    @_calmly(list[dict[str, str]])
    def menu(self) -> list[dict[str, str]]:
        """The person's own links."""
        user = self._member
        items = [
            {"label": "Profile", "icon": "user", "url": link("profile")},
            {"label": "Change password", "icon": "lock", "url": link("account_change_password")},
        ]
        if user and has_mailbox(user):
            items.append({"label": "Mailbox", "icon": "mail", "url": link("mailbox")})
        if user and user.may(Grant.EDIT_PEOPLE):
            items.append({"label": "People", "icon": "owner", "url": link("people")})
        if user and user.may(Grant.ADMIN):
            items.append({"label": "Site settings", "icon": "gear", "url": link("site")})
        if settings.STYLEGUIDE or settings.DEBUG:
            items.append({"label": "Style guide", "icon": "edit", "url": link("styleguide")})
        return [item for item in items if item["url"]]

    @_calmly(list[dict[str, Any]])
    def duty(self) -> list[dict[str, Any]]:
        """Who is on call now in the first few schedules."""
        if self._member is None:
            return []
        schedules = oncall.schedules_of(self._member)[:TOPBAR_SCHEDULES]
        return [
            {
                "schedule": duty.schedule.name,
                "person": duty.shifts[0].person.first_name if duty.shifts else None,
                "initials": formats.initials(duty.shifts[0].person.name) if duty.shifts else "",
                "hue": duty.shifts[0].person.hue if duty.shifts else 0,
                "url": reverse("schedule", kwargs={"key": duty.schedule.key}),
            }
            for duty in oncall.duties_of(schedules, now=self._now)
            if duty.role == "primary"
        ]

    @_calmly(lambda: None)
    def vitals(self) -> system.Vitals:
        return system.vitals(self._now)

    @_calmly(dict[str, Any])
    def engine(self) -> dict[str, Any]:
        """Signs of life for templates."""
        seen = self.vitals
        if seen is None:
            return {}
        return {
            "late": seen.engine_late,
            "at": seen.engine_at,
            "cluster_late": seen.cluster_late,
            "cluster_at": seen.cluster_at,
        }

    @_calmly(list[Incident])
    def _standing(self) -> list[Incident]:
        """The open incidents, the worst first: the menu's count and the banner in one query."""
        return list(
            Incident.objects.visible_to(self._member)
            .standing()
            .only("title", "severity", "status", "detected_at", "kind")
            .order_by("severity", "-detected_at")[: COUNTED + 1]
        )

    @_calmly(lambda: None)
    def banner(self) -> dict[str, Any] | None:
        """Only when the engine is late or a SEV1 or SEV2 is open."""
        if self._member is None:
            return None
        starting = time.monotonic() - _LOADED_AT < STARTING  # web and engine come up together
        if self.vitals is not None and self.vitals.engine_late and not starting:
            return self._engine_banner(self.vitals)
        alarming = [
            one for one in self._standing if one.severity in ALARMING and one.kind == "real"
        ]
        if not alarming:
            return None
        worst, more = alarming[0], len(alarming) - 1
        viewer = access.reader(self._request)
        since = formats.absolute(worst.detected_at, viewer.zone, viewer.cycle, self._now)
        note = f"since {since}, {worst.get_status_display().lower()}"
        return {
            "tone": "danger",
            "chip": worst.severity,
            "text": worst.title,
            "url": reverse("incident", kwargs={"ref": worst.ref}),
            "note": note + (f". {more} more like it" if more else ""),
        }

    def _engine_banner(self, vitals: system.Vitals) -> dict[str, Any]:
        age = vitals.engine_age
        seen = f"The engine has not run for {formats.duration(age)}." if age else ""
        return {
            "tone": "danger",
            "chip": "Engine late",
            "text": f"{seen or 'The engine has never run.'} Alerts are kept; pages may be late.",
            "url": "",
            "note": "Start or restart manage.py worker",
        }

    @_calmly(list[list[dict[str, Any]]])
    def nav(self) -> list[list[dict[str, Any]]]:
        """The menu: only what exists and what the person may see."""
        member = self._member
        if member is None:
            return []
        waiting = Page.objects.visible_to(member).waiting().values_list("pk")[: COUNTED + 1]
        unrouted = Alert.objects.visible_to(member).unrouted().values_list("pk")[: COUNTED + 1]
        worst = self._standing[0].severity if self._standing else ""
        tickets = Ticket.objects.visible_to(member).active().order_by().values_list("pk")
        promised = FollowUp.objects.visible_to(member).active().filter(owner=member)
        due = promised.filter(due_on__lte=clock.now().date()).order_by().values_list("pk")
        groups = [
            [self._item("now", "Now", "now", len(waiting), "danger", short=True)],
            [
                self._item("tickets", "Tickets", "ticket", len(tickets[: COUNTED + 1]), short=True),
                self._item(
                    "incidents", "Incidents", "incident", len(self._standing),
                    "danger" if worst in ALARMING else "", short=True,
                ),
                self._item("alerts", "Alerts", "alert", len(unrouted), "warning"),
                self._item("oncall", "On call", "oncall", short=True),
            ],
            [
                self._item("followups", "Follow-ups", "check", len(due[: COUNTED + 1]), "warning"),
                self._item("runbooks", "Runbooks", "work"),
                self._item("reviews", "Reviews", "mark"),
            ],
            [
                self._item("telemetry", "Telemetry", "chart"),
                self._item("slos", "Objectives", "goal"),
                self._item("alert_rules", "Rules", "filter"),
                self._item("heartbeats", "Heartbeats", "refresh"),
                self._item("integrations", "Integrations", "hook"),
            ],
            [
                self._item("status", "Status page", "status"),
                self._item("customers", "Customers", "user"),
                self._item("ownership", "Ownership", "owner"),
            ],
        ]  # fmt: skip
        if member.may(Grant.ADMIN) and link("admin:index"):
            groups.append([self._item("admin:index", "Admin", "gear")])
        return groups

    @_calmly(list[dict[str, Any]])
    def keys(self) -> list[dict[str, Any]]:
        """Keys that lead somewhere from every page."""
        member = self._member
        if member is None:
            return []
        found = [
            ("g q", "Tickets", link("tickets")),
            ("g i", "Incidents", link("incidents")),
            ("g f", "Follow-ups", link("followups")),
            ("g b", "Runbooks", link("runbooks")),
            ("g t", "New tickets, to be accepted", f"{link('tickets')}?status=new"),
        ]
        if member.may(Grant.SUPPORT):
            found.insert(0, ("c", "Log a ticket", link("ticket_log")))
        return [
            {"key": key, "parts": key.split(), "label": label, "url": url}
            for key, label, url in found
        ]

    def _item(
        self, key: str, label: str, icon: str, count: int = 0, tone: str = "", *,
        short: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        url = reverse(key)
        path = self._request.path
        return {
            "key": key,
            "label": label,
            "url": url,
            "icon": icon,
            "count": f"{COUNTED}+" if count > COUNTED else count,
            "tone": tone if count else "",
            "current": path == url or (url != "/" and path.startswith(url)),
            "short": short,
        }
