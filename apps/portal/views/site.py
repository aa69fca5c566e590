"""The site's own settings, and the end of the demo world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from apps.accounts.roles import Grant
from apps.core import clock
from apps.core.errors import NotFound
from apps.notifications import services as notifications
from apps.notifications.channels import CHANNELS
from apps.notifications.layout import Reader
from apps.notifications.services.site import ACCOUNT_FIELDS
from apps.portal import services
from apps.portal.access import acts, granted, viewer
from apps.portal.forms_setup import AccountForm, MailForm, SiteForm


@dataclass(frozen=True)
class MailTest:
    """What came of a test mail, in words."""

    ok: bool
    text: str
    detail: str = ""


def test_mail(
    to: str, values: Mapping[str, Any], *, now: datetime, reader: Reader | None = None
) -> MailTest:
    """Send a test mail with settings as they were typed, and say what the mail server said."""
    reader = reader or Reader(name=to, zone=ZoneInfo(str(values.get("time_zone") or "UTC")))
    result = notifications.send_test_mail(to=to, reader=reader, values=values, now=now)
    if result.ok:
        text = (
            f"The mail server took a test mail for {to}. Look for it in that inbox, and among the "
            "spam: taken is not yet delivered."
        )
        return MailTest(True, text, result.provider_id)
    return MailTest(False, result.error.partition(": ")[2] or result.error)


def only_mail_errors(form: MailForm, *others: str) -> None:
    """Before a test mail only the mail server's own fields matter."""
    for name in set(form.errors) - {*MailForm.base_fields, *others}:
        del form.errors[name]
    if not form.cleaned_data.get("smtp_host") and "smtp_host" not in form.errors:
        form.add_error("smtp_host", "Write the name of the mail server to test it.")


@granted(Grant.ADMIN)
@never_cache
def site(request: HttpRequest) -> HttpResponse:
    """Address, mail server, and the accounts of channels that need one."""
    row = notifications.site()
    initial = {name: getattr(row, name, "") for name in SiteForm.base_fields}
    if request.method != "POST":
        return _page(request, SiteForm(initial=initial))
    form = SiteForm(request.POST)
    form.full_clean()
    if request.POST.get("do") == "test":
        return _test(request, form)
    if not form.is_valid():
        return _page(request, form)
    notifications.save_site(values=form.cleaned_data, now=clock.now())
    messages.success(request, "Saved. New mails use these settings.")
    return redirect("site")


def _test(request: HttpRequest, form: SiteForm) -> HttpResponse:
    person = viewer(request)
    only_mail_errors(form)
    if form.errors:
        return _page(request, form)
    reader = Reader(name=person.name, zone=ZoneInfo(person.time_zone))
    result = test_mail(person.email, form.cleaned_data, now=clock.now(), reader=reader)
    return _page(request, form, result=result)


def _page(
    request: HttpRequest,
    form: forms.Form,
    *,
    result: MailTest | None = None,
    account: AccountForm | None = None,
) -> HttpResponse:
    row = notifications.site()
    accounts = [
        account if account and account.channel == channel else _account(channel)
        for channel in ACCOUNT_FIELDS
    ]
    context = {
        "form": form,
        "result": result,
        "accounts": [
            {"form": one, "label": CHANNELS[one.channel].label, "set": _is_set(one.channel)}
            for one in accounts
        ],
        "open_account": account.channel if account else "",
        "has_password": bool(row.smtp_password_sealed),
        "fixed_address": settings.SITE_URL,
        "address": notifications.absolute(""),
        "demo": services.is_demo_present(),
    }
    return render(request, "portal/site/site.html", context)


def _account(channel: str, data: Any = None) -> AccountForm:
    return AccountForm(data, channel=channel, known=notifications.site_config(channel))


def _is_set(channel: str) -> bool:
    known = notifications.site_config(channel)
    return any(known.get(name) for name in ACCOUNT_FIELDS[channel])


@acts(Grant.ADMIN, page=lambda channel: reverse("site"))
def save_account(request: HttpRequest, channel: str) -> HttpResponse:
    """Store or remove the account of one channel."""
    if channel not in ACCOUNT_FIELDS:
        raise NotFound("There is no such channel.")
    if request.POST.get("do") == "remove":
        notifications.save_accounts(channel=channel, values={})
        messages.success(request, f"The account of {CHANNELS[channel].label} was removed.")
        return redirect("site")
    form = _account(channel, request.POST)
    if not form.is_valid():
        row = notifications.site()
        initial = {name: getattr(row, name, "") for name in SiteForm.base_fields}
        return _page(request, SiteForm(initial=initial), account=form)
    notifications.save_accounts(channel=channel, values=form.values)
    messages.success(request, f"The account of {CHANNELS[channel].label} was saved.")
    return redirect("site")


# -- demo


@granted(Grant.ADMIN)
def demo(request: HttpRequest) -> HttpResponse:
    """What removing the demo data would do, counted; POST does it."""
    if request.method == "POST":
        return _remove(request)
    present = services.is_demo_present()
    plan = services.plan_removal() if present else None
    return render(request, "portal/site/demo.html", {"plan": plan, "person": viewer(request)})


def _remove(request: HttpRequest) -> HttpResponse:
    if not services.is_demo_present():
        messages.info(request, "There are no demo data here any more.")
        return redirect("site")
    removal = services.remove_demo(now=clock.now())
    if viewer(request).is_demo:
        logout(request)
    messages.success(request, f"The demo data are gone: {removal.total:,} rows.")
    if removal.kept:
        names = ", ".join(f"{kept.noun} {kept.name}" for kept in removal.kept[:20])
        more = f" and {len(removal.kept) - 20} more" if len(removal.kept) > 20 else ""
        messages.info(request, f"Archived, because real rows refer to it: {names}{more}.")
    if services.is_first_run():
        return redirect("welcome")
    return redirect("setup" if request.user.is_authenticated else "account_login")
