"""One's own page: name and clock, ways to be reached, when by which, quiet hours."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts import services as accounts
from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import clock
from apps.core.errors import Invalid, NotFound
from apps.notifications import services as notifications
from apps.notifications.channels import CHANNELS, AddressError
from apps.notifications.models import (
    Channel,
    ContactMethod,
    Message,
    NotificationRule,
    QuietHours,
    Urgency,
)
from apps.portal import formats
from apps.portal.access import acts, granted, viewer
from apps.portal.forms import submit
from apps.portal.forms_setup import (
    CodeForm,
    MethodForm,
    PreferencesForm,
    QuietForm,
    RulesForm,
    offered_channels,
)

ICONS = {
    Channel.EMAIL: "mail",
    Channel.WEBHOOK: "hook",
    Channel.NTFY: "phone",
    Channel.PUSHOVER: "phone",
    Channel.TWILIO_SMS: "phone",
    Channel.TWILIO_CALL: "phone",
}


def _own(action: Any) -> Any:
    """POST only, for everybody who may see anything; GET leads to the profile."""
    return acts(Grant.SEE, page=lambda **_: reverse("profile"))(action)


def _methods(person: Person) -> list[ContactMethod]:
    return list(ContactMethod.objects.visible_to(person).order_by("pk"))


def _method(request: HttpRequest, pk: int) -> ContactMethod:
    return get_object_or_404(
        ContactMethod.objects.visible_to(request.user).select_related("person"), pk=pk
    )


# -- the page


@granted(Grant.SEE)
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Everything about oneself on one page; POST changes name, zone and clock."""
    person = viewer(request)
    names = ("name", "time_zone", "week_start", "hour_cycle")
    form = PreferencesForm(
        request.POST if request.method == "POST" else None,
        initial={name: getattr(person, name) for name in names},
    )
    if request.method == "POST" and form.is_valid():
        accounts.set_preferences(person=person, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("profile")
    return _page(request, preferences=form)


def _page(request: HttpRequest, **given: forms.Form) -> HttpResponse:
    """The page with its forms; `given` ones carry what was typed and what is wrong with it."""
    person, now = viewer(request), clock.now()
    methods = _methods(person)
    usable = [method for method in methods if method.verified_at and not method.disabled_at]
    channels = offered_channels()
    names = ("name", "time_zone", "week_start", "hour_cycle")
    context = {
        "now": now,
        "person": person,
        "preferences": given.get("preferences")
        or PreferencesForm(initial={name: getattr(person, name) for name in names}),
        "methods": _shown(methods, now),
        "method_form": given.get("method") or _method_form(person, methods, channels),
        "channels": [{"label": CHANNELS[kind].label, "help": CHANNELS[kind].help,
                      "wakes": CHANNELS[kind].wakes} for kind in channels],
        "rules": [
            given.get(f"rules_{urgency}") or _rules_form(person, urgency, usable)
            for urgency in Urgency.values
        ],
        "quiet": given.get("quiet") or QuietForm(windows=_windows(person)),
        "has_usable": bool(usable),
        "can_be_woken": notifications.can_be_woken(person),
    }  # fmt: skip
    return render(request, "portal/profile/profile.html", context)


def _shown(methods: list[ContactMethod], now: datetime) -> list[dict[str, Any]]:
    """Rows for the contact_method component."""
    tested = notifications.tested_at(methods)
    rows = []
    for method in methods:
        channel = CHANNELS.get(method.channel)
        verified = bool(method.verified_at)
        args = {"pk": method.pk}
        rows.append(
            {
                "kind": method.label or (channel.label if channel else method.channel),
                "icon": ICONS.get(Channel(method.channel), "chat"),
                "address": method.address_hint,
                "verified": verified,
                "note": _note(bool(channel and channel.wakes), tested.get(method.pk), now),
                "verify_url": "" if verified else reverse("profile_method", kwargs=args),
                "test_url": reverse("profile_test", kwargs=args) if verified else "",
                "remove_url": reverse("profile_remove", kwargs=args),
            }
        )
    return rows


def _note(wakes: bool, tested_at: datetime | None, now: datetime) -> str:
    text = "Wakes you" if wakes else "Does not wake anybody"
    answered = f". Test page answered {formats.relative(tested_at, now)}" if tested_at else ""
    return text + answered


def _method_form(
    person: Person, methods: list[ContactMethod], channels: list[str], data: Any = None
) -> MethodForm:
    """The first method offered is the address that one signs in with."""
    has_email = any(method.channel == Channel.EMAIL for method in methods)
    if Channel.EMAIL in channels and not has_email:
        initial = {"channel": Channel.EMAIL.value, "address": person.email}
    else:
        initial = {"channel": next((kind for kind in channels if CHANNELS[kind].wakes), "")}
    return MethodForm(data, channels=channels, initial=initial)


def _rules_form(
    person: Person, urgency: str, usable: list[ContactMethod], data: Any = None
) -> RulesForm:
    rows = NotificationRule.objects.filter(person=person, urgency=urgency)
    known = [(rule.method_id, rule.delay_minutes) for rule in rows.order_by("delay_minutes", "pk")]
    return RulesForm(data, urgency=urgency, methods=usable, rows=known)


def _windows(person: Person) -> list[dict[str, Any]]:
    row = QuietHours.objects.filter(person=person).first()
    return list(row.windows) if row else []


# -- contact methods


@_own
def add_method(request: HttpRequest) -> HttpResponse:
    """Add a way to be reached; a code goes there."""
    person, channels = viewer(request), offered_channels()
    form = _method_form(person, _methods(person), channels, request.POST)
    made = submit(form, lambda values: _add(person, values))
    if made is None:
        return _page(request, method=form)
    return redirect("profile_method", pk=made.pk)


def _add(person: Person, values: dict[str, Any]) -> ContactMethod:
    try:
        return notifications.add_method(person=person, now=clock.now(), **values)
    except AddressError as error:  # a channel does not know which field of ours it read
        raise Invalid(error.message, fields={"address": [error.message]}) from error


@granted(Grant.SEE)
@require_http_methods(["GET", "POST"])
def method(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter the code; says what became of the message that carries it."""
    row = _method(request, pk)
    if row.verified_at:
        return redirect("profile")
    form = CodeForm(request.POST if request.method == "POST" else None)
    done = submit(
        form,
        lambda values: notifications.confirm(method=row, code=values["code"], now=clock.now()),
    )
    if done is not None:
        messages.success(request, f"{row} is confirmed. Pages can reach you there.")
        return redirect("profile")
    sent = (
        Message.objects.about("contact_method", str(row.pk)).filter(what="code")
        .order_by("-pk").first()
    )  # fmt: skip
    context = {"row": row, "form": form, "sent": sent, "now": clock.now(),
               "channel": CHANNELS.get(row.channel)}  # fmt: skip
    return render(request, "portal/profile/method.html", context)


@_own
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Another code, at most one a minute."""
    row = _method(request, pk)
    notifications.send_code(method=row, now=clock.now())
    messages.success(request, f"A new code is on its way to {row}.")
    return redirect("profile_method", pk=row.pk)


@_own
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop using a way to be reached."""
    row = _method(request, pk)
    notifications.remove_method(method=row, now=clock.now())
    messages.success(request, f"{row} was removed. No page goes there any more.")
    return redirect("profile")


@_own
def send_test(request: HttpRequest, pk: int) -> HttpResponse:
    """A page that looks like a real one and says that it is a test."""
    row = _method(request, pk)
    notifications.send_test_page(method=row, now=clock.now())
    messages.success(
        request, f"A test page is on its way to {row}. Press the button behind its link."
    )
    return redirect("profile")


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def test_page(request: HttpRequest, token: str) -> HttpResponse:
    """Behind the link of a test page: one button, no login; only its POST says that it works."""
    now = clock.now()
    if request.method == "POST":
        found = notifications.answer_test_page(token=token, now=now)
    else:
        found = notifications.read_test_page(token=token, now=now)
    context = {"found": found, "person": found.method.person, "now": now}
    return render(request, "portal/profile/test_page.html", context)


# -- when by which


@_own
def rules(request: HttpRequest, urgency: str) -> HttpResponse:
    """At once by this, after five minutes by that."""
    if urgency not in Urgency.values:
        raise NotFound("There are rules for urgent and for low pages only.")
    person = viewer(request)
    usable = list(ContactMethod.objects.visible_to(person).usable())
    form = _rules_form(person, urgency, usable, request.POST)
    if not form.is_valid():
        return _page(request, **{f"rules_{urgency}": form})
    notifications.set_rules(person=person, urgency=urgency, rows=form.chosen)
    messages.success(request, "Saved.")
    return redirect("profile")


@_own
def quiet(request: HttpRequest) -> HttpResponse:
    """Weekly windows in which low urgency waits."""
    person = viewer(request)
    form = QuietForm(request.POST, windows=_windows(person))
    if not form.is_valid():
        return _page(request, quiet=form)
    notifications.set_quiet_hours(person=person, windows=form.windows)
    messages.success(request, "Saved.")
    return redirect("profile")
