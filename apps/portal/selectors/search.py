"""Jumping to anything: a few of each kind that the viewer may see, exact beginnings first."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Case, IntegerField, Model, Q, QuerySet, Value, When
from django.urls import reverse

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.alerts.models import Alert
from apps.customers.models import Account
from apps.customers.selectors import account_of, search_contacts
from apps.followups.models import FollowUp
from apps.incidents.models import Incident
from apps.ownership.models import Surface
from apps.rotations.models import Schedule
from apps.runbooks.models import Execution, Runbook
from apps.support.selectors.textual import said

M = TypeVar("M", bound=Model)
EACH = 6
WORDS = 6
ALERTS_BACK = timedelta(days=90)
_REF = re.compile(r"(?:inc-?)?(\d{1,18})", re.IGNORECASE | re.ASCII)
_FOLLOW_UP = re.compile(r"fup-?(\d{1,18})", re.IGNORECASE | re.ASCII)
_RUN = re.compile(r"run-?(\d{1,18})", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Found:
    """One result; `kind` is what it is in a word, `context` one line about it."""

    kind: str
    title: str
    context: str
    url: str


def search(query: str, viewer: Person, *, now: datetime) -> list[Found]:
    """Pages first, then objects; nothing typed: the pages and what is open."""
    text = " ".join(query.split())[:200]
    kinds: list[Callable[[str, Person, datetime], list[Found]]] = [
        _pages, _incidents, _runbooks, _runs, _follow_ups, _tickets, _surfaces, _people,
        _schedules, _customers, _contacts, _alerts,
    ]  # fmt: skip
    if not text:
        return _pages("", viewer, now) + _incidents("", viewer, now)
    return [found for kind in kinds for found in kind(text, viewer, now)]


def _match(rows: QuerySet[M], text: str, fields: Sequence[str], *then: str) -> list[M]:
    """A few rows in which every word stands in one of the fields.

    Those in which a field begins with the text come first, then by the columns given.
    """
    every = Q()
    for word in text.split()[:WORDS]:
        every &= _any(fields, "icontains", word)
    begins = When(_any(fields, "istartswith", text), then=Value(0))
    rank = Case(begins, default=Value(1), output_field=IntegerField())
    return list(rows.filter(every).order_by(rank, *then)[:EACH])


def _any(fields: Sequence[str], how: str, value: str) -> Q:
    found = Q()
    for field in fields:
        found |= Q(**{f"{field}__{how}": value})
    return found


def _pages(text: str, viewer: Person, now: datetime) -> list[Found]:
    pages: list[tuple[str, str, str]] = [
        ("Now", "What waits and what is open", "now"),
        ("Tickets", "The queue of what customers asked", "tickets"),
        ("Log a ticket", "Somebody called or wrote", "ticket_log"),
        ("Reports on tickets", "Promises kept and missed, backlog", "ticket_reports"),
        ("Incidents", "Open ones and those that ended", "incidents"),
        ("How severe is it?", "What SEV1 to SEV4 mean, and who does what", "incident_severities"),
        ("Figures on incidents", "How long it took, how often", "incident_figures"),
        ("Runbooks", "What to do, step by step", "runbooks"),
        ("Follow-ups", "What was promised after something went wrong", "followups"),
        ("Reviews", "What was learned", "reviews"),
        ("Status page", "What customers see", "status"),
        ("Alerts", "What tools say", "alerts"),
        ("On call", "Who is there, and the next two weeks", "oncall"),
        ("Customers", "Whom something was promised to", "customers"),
        ("Ownership", "Who answers for what", "ownership"),
    ]
    found = [Found("Page", title, about, reverse(name)) for title, about, name in pages]
    if viewer.may(Grant.RESPOND):
        declare = "What no tool noticed"
        found.append(Found("Action", "Declare incident", declare, reverse("incident_new")))
    words = text.lower().split()
    return [one for one in found if all(word in one.title.lower() for word in words)]


def _incidents(text: str, viewer: Person, now: datetime) -> list[Found]:
    seen = Incident.objects.visible_to(viewer).select_related("surface")
    number = _REF.fullmatch(text)
    rows: list[Any] = list(seen.filter(pk=int(number.group(1)))) if number else []
    if text:
        rows += _match(seen, text, ["title"], "-detected_at", "-pk")
    else:
        rows = list(seen.standing().order_by("severity", "-detected_at")[:EACH])
    return [
        Found(
            "Incident",
            f"{row.ref} {row.title}",
            f"{row.severity}, {row.get_status_display().lower()}"
            + (f", {row.surface.key}" if row.surface else ""),
            reverse("incident", kwargs={"ref": row.ref}),
        )
        for row in {row.pk: row for row in rows}.values()
    ]


def _runbooks(text: str, viewer: Person, now: datetime) -> list[Found]:
    books = Runbook.objects.visible_to(viewer).current()
    rows = _match(books, text, ["title", "key", "summary"], "title", "pk")
    return [
        Found("Runbook", row.title, row.key, reverse("runbook", kwargs={"key": row.key}))
        for row in rows
    ]


def _runs(text: str, viewer: Person, now: datetime) -> list[Found]:
    """By reference only: what a run is called is its runbook's title."""
    number = _RUN.fullmatch(text)
    if number is None:
        return []
    seen = Execution.objects.visible_to(viewer).select_related("version__runbook")
    return [
        Found("Run", f"{row.ref} {row.version.runbook.title}", row.get_status_display(),
              reverse("runbook_run", kwargs={"ref": row.ref}))
        for row in seen.filter(pk=int(number.group(1)))
    ]  # fmt: skip


def _follow_ups(text: str, viewer: Person, now: datetime) -> list[Found]:
    seen = FollowUp.objects.visible_to(viewer).select_related("owner")
    number = _FOLLOW_UP.fullmatch(text)
    rows: list[FollowUp] = list(seen.filter(pk=int(number.group(1)))) if number else []
    rows = rows or _match(seen, text, ["title"], "-pk")
    return [
        Found("Follow-up", f"{row.ref} {row.title}", f"{row.get_status_display()}, {row.owner}",
              reverse("followup", kwargs={"ref": row.ref}))
        for row in rows
    ]  # fmt: skip


def _alerts(text: str, viewer: Person, now: datetime) -> list[Found]:
    recent = Alert.objects.visible_to(viewer).filter(last_seen_at__gt=now - ALERTS_BACK)
    plain = recent.defer("details", "links")
    rows = _match(plain, text, ["summary", "dedup_key"], "-last_seen_at", "-pk")
    return [
        Found(
            "Alert",
            row.summary,
            f"{row.get_severity_display()}, {row.get_status_display().lower()}",
            reverse("alert", kwargs={"pk": row.pk}),
        )
        for row in rows
    ]


def _tickets(text: str, viewer: Person, now: datetime) -> list[Found]:
    """By number, else by any word that was said on them; the newest."""
    found = said(viewer, text).all.select_related("account", "requester").order_by("-pk")[:EACH]
    return [
        Found(
            "Ticket",
            f"{one.ref} {one.subject}",
            f"{one.get_status_display()}, {one.account or one.requester}",
            reverse("ticket", kwargs={"ref": one.ref}),
        )
        for one in found
    ]


def _surfaces(text: str, viewer: Person, now: datetime) -> list[Found]:
    rows = _match(Surface.objects.visible_to(viewer).current(), text, ["key", "name"], "key")
    return [
        Found("Surface", row.key, row.name if row.name != row.key else row.get_kind_display(),
              reverse("surface", kwargs={"key": row.key}))
        for row in rows
    ]  # fmt: skip


def _people(text: str, viewer: Person, now: datetime) -> list[Found]:
    """By name; by address only for those who may see addresses."""
    fields = ["name", "email"] if viewer.may(Grant.EDIT_PEOPLE) else ["name"]
    rows = _match(Person.objects.visible_to(viewer).active(), text, fields, "name")
    return [
        Found("Person", row.name, ", ".join(row.roles).replace("_", " "),
              reverse("person", kwargs={"pk": row.pk}))
        for row in rows
    ]  # fmt: skip


def _schedules(text: str, viewer: Person, now: datetime) -> list[Found]:
    rows = _match(Schedule.objects.visible_to(viewer).current(), text, ["name", "key"], "name")
    return [
        Found("Schedule", row.name, row.time_zone, reverse("schedule", kwargs={"key": row.key}))
        for row in rows
    ]


def _customers(text: str, viewer: Person, now: datetime) -> list[Found]:
    rows = Account.objects.visible_to(viewer).current()
    found: list[Account] = _match(rows, text, ["name", "key", "domain"], "name", "pk")
    return [
        Found("Customer", row.name, row.get_tier_display(),
              reverse("customer", kwargs={"key": row.key}))
        for row in found
    ]  # fmt: skip


def _contacts(text: str, viewer: Person, now: datetime) -> list[Found]:
    found = [(row, account_of(row)) for row in search_contacts(viewer, text, EACH)]
    return [
        Found("Contact", row.name or row.email, f"{row.email}, {account}" if account else row.email,
              reverse("contact", kwargs={"pk": row.pk}))
        for row, account in found
    ]  # fmt: skip
