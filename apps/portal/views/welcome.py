"""The first run, and the list of what is still to be done after it."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

import structlog
from allauth.account.views import login as login_page
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.roles import Grant
from apps.core import clock
from apps.core.errors import Conflict
from apps.portal import checklist, services
from apps.portal.access import granted, viewer
from apps.portal.forms_setup import MailForm, WelcomeForm
from apps.portal.views.site import MailTest, only_mail_errors, test_mail

log = structlog.get_logger("opsportal.portal")
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
_FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto")
_announced: set[str] = set()


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def welcome(request: HttpRequest) -> HttpResponse:
    """Open only while nobody is here. Who does not sit at the machine must know the code."""
    if not services.is_first_run():
        return redirect("account_login")
    stranger = not is_local(request)
    if stranger:
        announce_code()
    if request.method == "GET":
        form = WelcomeForm(initial={"address": _address(request)})
        return _page(request, form, stranger=stranger)
    form = WelcomeForm(request.POST)
    form.full_clean()
    if stranger and not services.is_setup_code(request.POST.get("setup_code", "")):
        form.add_error("setup_code", "This is not the code that the server's log shows.")
    if request.POST.get("do") == "test":
        return _test(request, form, stranger=stranger)
    if not form.is_valid():
        return _page(request, form, stranger=stranger)
    return _finish(request, form)


@login_not_required
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page; while nobody is here there is nobody to sign in, and the first run is."""
    if services.is_first_run():
        return redirect("welcome")
    response: HttpResponse = login_page(request)
    return response


def _finish(request: HttpRequest, form: WelcomeForm) -> HttpResponse:
    values = form.cleaned_data
    site = {name: values[name] for name in (*MailForm.base_fields, "address")}
    if not values["smtp_host"]:
        site["mail_from"] = ""
    try:
        person = services.first_run(
            name=values["name"],
            email=values["email"],
            password=values["password"],
            time_zone=values["time_zone"],
            site=site,
            now=clock.now(),
        )
    except Conflict as error:
        messages.info(request, error.message)
        return redirect("account_login")
    login(request, person, backend=BACKEND)
    return redirect("setup")


def _test(request: HttpRequest, form: WelcomeForm, *, stranger: bool) -> HttpResponse:
    """The code is checked first: a stranger must not make this server talk to others."""
    only_mail_errors(form, "email", "setup_code")
    if form.errors:
        return _page(request, form, stranger=stranger)
    result = test_mail(form.cleaned_data["email"], form.cleaned_data, now=clock.now())
    return _page(request, form, stranger=stranger, result=result)


def _page(
    request: HttpRequest, form: WelcomeForm, *, stranger: bool, result: MailTest | None = None
) -> HttpResponse:
    context = {
        "form": form,
        "stranger": stranger,
        "result": result,
        "fixed_address": settings.SITE_URL,
    }
    return render(request, "portal/welcome/welcome.html", context)


def _address(request: HttpRequest) -> str:
    return settings.SITE_URL or f"{request.scheme}://{request.get_host()}"


# -- who may do it


def is_local(request: HttpRequest) -> bool:
    """Whether the browser runs on this machine: the peer and the name it asked for are loopback,
    and no proxy stands between, which would make every stranger look local."""
    host = request.get_host().rsplit(":", 1)[0].strip("[]")
    proxied = any(name in request.headers for name in _FORWARDED)
    return _is_loopback(request.META.get("REMOTE_ADDR", "")) and _is_loopback(host) and not proxied


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def announce_code() -> None:
    """Tell whoever runs the server: once a process in its log, and in the data folder."""
    code = services.setup_code()
    if code in _announced:
        return
    _announced.add(code)
    path = settings.DATA_DIR / "setup_code"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(f"{code}\n", encoding="utf-8")
    log.warning(f"First run: the set-up code is {code}", code=code, file=str(path))


# -- afterwards


@granted(Grant.EDIT_PEOPLE)
def setup(request: HttpRequest) -> HttpResponse:
    """What is still to be done until a page reaches a real person; asks again by itself."""
    now = clock.now()
    items = checklist.items(viewer(request), now=now)
    done = sum(item.done for item in items)
    context = {
        "items": items,
        "done": done,
        "total": len(items),
        "complete": done == len(items),
        "now": now,
        "demo": services.is_demo_present(),
    }
    return render(request, "portal/welcome/setup.html", context)
