"""Sources of events: the list, and one of them with its address, set-up, deliveries and trial."""

from __future__ import annotations

import time
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from apps.accounts.roles import Grant
from apps.core import audit, clock, secrets
from apps.intake import services
from apps.intake.models import Delivery, Integration
from apps.notifications.services import absolute
from apps.portal import listing
from apps.portal.access import acts, granted, viewer, why_not
from apps.portal.forms import submit
from apps.portal.forms_setup import OwnerForm, SecretForm
from apps.portal.selectors import integrations as selectors
from apps.portal.templatetags._vocabulary import look

SECRET_SHOWN_FOR = 600  # seconds in which a reload still shows a new key
SHOWN = "new_integration"  # in the session, sealed
Kind = Integration.Kind


def page_of(pk: int, *_: Any, **__: Any) -> str:
    return reverse("integration", kwargs={"pk": pk})


@granted(Grant.SEE)
def integrations(request: HttpRequest) -> HttpResponse:
    """What sends events here, and how each of them does."""
    view = listing.choice(request.GET, "view", selectors.VIEWS, "current")
    now = clock.now()
    context = {
        "now": now,
        "view": view,
        "tabs": listing.tabs(request, "view", selectors.VIEWS, view),
        "rows": selectors.rows(view, now=now),
        "why_edit": why_not(viewer(request), Grant.EDIT_INTEGRATIONS),
    }
    return render(request, "portal/integrations/list.html", context)


@granted(Grant.SEE)
@never_cache
def integration(request: HttpRequest, pk: int) -> HttpResponse:
    """One source; its credential is shown once, and only to who may make one."""
    return render(request, "portal/integrations/page.html", _context(request, _find(pk)))


def _find(pk: int) -> Integration:
    rows = Integration.objects.select_related("surface", "owner", "team", "api_key")
    return get_object_or_404(rows.exclude(kind=Kind.INTERNAL), pk=pk)


def _context(request: HttpRequest, row: Integration, **forms: Any) -> dict[str, Any]:
    now, why = clock.now(), why_not(viewer(request), Grant.EDIT_INTEGRATIONS)
    key = "" if why else shown_key(request, row.pk)
    page, taken = selectors.deliveries(row, request.GET)
    setup = selectors.set_up(row, key, now=now)
    return {
        "row": row,
        "now": now,
        "key": key,
        "setup": setup,
        "kind": row.kind,
        "url": setup.url,
        "base": absolute(""),
        "page": page,
        "taken": taken,
        "status": listing.choice(request.GET, "status", Delivery.Status.values),
        "statuses": [(value, look("delivery", value).text) for value in Delivery.Status.values],
        "why_edit": why,
        "secret_form": SecretForm(),
        "owner_form": OwnerForm(initial={"owner": row.owner_id}),
        **forms,
    }


def show_once(request: HttpRequest, pk: int, key: str) -> None:
    """Keep a new credential for the next page: sealed, since anybody could use it as it is."""
    shown = {"key": secrets.seal(key), "until": int(time.time()) + SECRET_SHOWN_FOR}
    request.session[SHOWN] = {str(pk): shown}


def shown_key(request: HttpRequest, pk: int) -> str:
    """The credential that was made a moment ago; empty when it was shown long enough."""
    kept = request.session.get(SHOWN, {}).get(str(pk))
    if not kept or kept["until"] < time.time():
        return ""
    return secrets.unseal(kept["key"])


@acts(Grant.EDIT_INTEGRATIONS, page=page_of)
def integration_act(request: HttpRequest, pk: int, do: str) -> HttpResponse:
    """One of the page's buttons: a trial, a new credential or secret, an owner, an end."""
    row = _find(pk)
    if do in FORMS:
        return _with_form(request, row, do)
    if do not in DO:
        raise Http404
    messages.success(request, DO[do](request, row))
    return redirect(page_of(pk))


def _with_form(request: HttpRequest, row: Integration, do: str) -> HttpResponse:
    make, name, act = FORMS[do]
    form = make(request.POST)
    said = submit(form, lambda values: act(row, values))
    if said is None:
        context = _context(request, row, **{name: form})
        return render(request, "portal/integrations/page.html", context, status=400)
    messages.success(request, said)
    return redirect(page_of(row.pk))


def _test(request: HttpRequest, row: Integration) -> str:
    services.send_test(integration=row, now=clock.now())
    return "A trial delivery is on its way; it shows below in a second and pages nobody."


def _rotate(request: HttpRequest, row: Integration) -> str:
    made = services.rotate_token(integration=row, now=clock.now())
    show_once(request, row.pk, made.token)
    return "The old address stopped. The new one is shown below, this once."


def _end_old(request: HttpRequest, row: Integration) -> str:
    services.end_old_secret(integration=row)
    return "Only the new secret is valid now."


def _archive(request: HttpRequest, row: Integration) -> str:
    services.archive_integration(integration=row, now=clock.now())
    return f"{row.name} is archived: what it sends is refused from now on."


def _restore(request: HttpRequest, row: Integration) -> str:
    services.restore_integration(integration=row)
    return f"{row.name} is back, under the address that it had."


def _set_secret(row: Integration, values: dict[str, Any]) -> str:
    services.set_secret(integration=row, secret=values["secret"])
    return "The new secret is valid, and the one before until you end it."


def _set_owner(row: Integration, values: dict[str, Any]) -> str:
    services.set_owner(integration=row, owner=values["owner"])
    return "Saved." if values["owner"] else "Managers are told now, since it has no owner."


DO = {
    "test": _test,
    "rotate": _rotate,
    "end-old-secret": _end_old,
    "archive": _archive,
    "restore": _restore,
}
FORMS = {
    "secret": (SecretForm, "secret_form", _set_secret),
    "owner": (OwnerForm, "owner_form", _set_owner),
}


@acts(Grant.EDIT_INTEGRATIONS, page=page_of)
def delivery_replay(request: HttpRequest, pk: int, delivery: int) -> HttpResponse:
    """Read a delivery that was set aside once more."""
    found = get_object_or_404(
        Delivery.objects.visible_to(viewer(request)), integration_id=pk, pk=delivery
    )
    services.replay(delivery=found, actor=audit.person(viewer(request)), now=clock.now())
    messages.success(request, "It is read again now.")
    return redirect(page_of(pk))
