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
from apps.incidents.models import Incident
from apps.ownership.models import Surface
from apps.rotations.models import Schedule
from apps.support.selectors.textual import said

M = TypeVar("M", bound=Model)
EACH = 6
WORDS = 6
ALERTS_BACK = timedelta(days=90)
_REF = re.compile(r"(?:inc-?)?(\d{1,18})", re.IGNORECASE | re.ASCII)


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
        _pages, _incidents, _tickets, _surfaces, _people, _schedules, _customers, _contacts,
        _alerts,
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
