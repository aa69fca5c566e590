"""What a new site still needs until a page reaches a real person: read from the rows, live."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse

from apps.accounts.models import Person
from apps.core.models import Heartbeat
from apps.intake.models import Delivery, Integration
from apps.notifications import services as notifications
from apps.notifications.models import ContactMethod
from apps.ownership.models import OwnershipAssignment, Surface
from apps.rotations.models import Role, Schedule, Shift


@dataclass(frozen=True)
class Item:
    """One step: whether it is done, what there is to say, and the one button that does it.

    `state` is done, now (the first that is not) or next.
    """

    label: str
    done: bool
    note: str
    url: str
    button: str
    state: str = "next"


def items(person: Person, *, now: datetime) -> list[Item]:
    """Every step in order. Demo rows count for nothing: this is about the real site."""
    found = [
        _mail(),
        _people(),
        _surfaces(),
        _rotation(),
        _reachable(person, now),
        _integration(),
        _test_page(),
    ]
    current = next((item for item in found if not item.done), None)
    return [
        replace(item, state="done" if item.done else "now" if item is current else "next")
        for item in found
    ]


def _mail() -> Item:
    site = notifications.site()
    if not site.smtp_host:
        note = "Until then nobody gets invitations, codes or pages by mail"
    elif not site.address:
        note = "Links in mails need to know where this site is"
    else:
        note = f"Mail leaves through {site.smtp_host}"
    return Item(
        label="Address and mail server",
        done=bool(site.smtp_host and site.address),
        note=note,
        url=reverse("site"),
        button="Set up mail",
    )


def _people() -> Item:
    people = list(Person.objects.active().filter(is_demo=False).only("password"))
    count = len(people)
    waiting = sum(not person.has_usable_password() for person in people)
    note = f"{count} people" if count != 1 else "Only you so far"
    if waiting:
        note += f", {waiting} invited and not here yet"
    return Item(
        label="People",
        done=count > 1,
        note=note,
        url=reverse("import"),
        button="Paste people and surfaces",
    )


def _surfaces() -> Item:
    real = Surface.objects.current()
    count = real.count()
    owned = OwnershipAssignment.objects.filter(active_to=None, surface__in=real)
    primary = owned.filter(role="primary").values("surface").distinct().count()
    backed = owned.filter(role="backup").values("surface").distinct().count()
    note = "What can break, and who answers for it"
    if count:
        note = f"{count} surfaces: {primary} with a primary owner, {backed} with a backup"
        note = note.replace("1 surfaces", "1 surface") if count == 1 else note
    return Item(
        label="Surfaces and owners",
        done=primary > 0,
        note=note,
        url=reverse("import"),
        button="Paste surfaces",
    )


def _rotation() -> Item:
    schedules = Schedule.objects.current().exclude(shifts=None).distinct()
    names = list(schedules.values_list("name", flat=True)[:3])
    return Item(
        label="First rotation",
        done=bool(names),
        note=", ".join(names) if names else "Weekly, Monday 09:00, these people",
        url=reverse("rotation_preset"),
        button="Make a rotation",
    )


def _reachable(person: Person, now: datetime) -> Item:
    """Who is on call has proved a way to be reached; before a rotation, whoever looks has."""
    shifts = Shift.objects.at(now).filter(schedule__archived_at=None, person__is_demo=False)
    on_call = {
        shift.person_id: shift.person
        for shift in shifts.exclude(role=Role.SHADOW).select_related("person")
    } or {person.pk: person}
    verified = set(
        ContactMethod.objects.usable()
        .filter(person_id__in=on_call)
        .values_list("person_id", flat=True)
    )
    missing = [one.name for pk, one in on_call.items() if pk not in verified]
    if person.pk in on_call and person.pk not in verified:
        note = "Confirm a way to reach you with the code that is sent there"
    elif missing:
        note = f"{', '.join(missing[:3])} must confirm one on their own profile"
    else:
        email_only = [p.name for p in on_call.values() if not notifications.can_be_woken(p)]
        note = f"{email_only[0]} has e-mail only, which wakes nobody" if email_only else "Confirmed"
    return Item(
        label="A confirmed way to reach who is on call",
        done=not missing,
        note=note,
        url=reverse("profile"),
        button="Open your profile",
    )


def _integration() -> Item:
    real = Integration.objects.filter(archived_at=None).exclude(kind=Integration.Kind.INTERNAL)
    last = (
        Delivery.objects.filter(integration__in=real)
        .order_by("-received_at")
        .values_list("integration__name", flat=True)
        .first()
    )
    note = "Alertmanager, PagerDuty clients, GCP, GitHub or your own"
    if real.exists():
        note = f"Events come from {last}" if last else "Made; no event has come yet"
    return Item(
        label="A source of events",
        done=real.exists(),
        note=note,
        url=reverse("integration_new"),
        button="Add an integration",
    )


def _test_page() -> Item:
    methods = ContactMethod.objects.filter(person__is_demo=False, person__is_active=True)
    names = [f"test-page:{pk}" for pk in methods.values_list("pk", flat=True)]
    beat = Heartbeat.objects.filter(name__in=names).order_by("-beat_at").first()
    who = (
        Person.objects.get_queryset().filter(pk=beat.detail.get("person")).first() if beat else None
    )
    return Item(
        label="A test page that arrived",
        done=beat is not None,
        note=f"{who.name} answered one"
        if who
        else "Sent from your profile, answered by its button",
        url=reverse("profile"),
        button="Send a test page",
    )
