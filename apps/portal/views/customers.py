"""Customers: the list, one customer with people and connections, and the forms that change them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.customers import services
from apps.customers.models import Account, Contact
from apps.portal import listing
from apps.portal.access import acts, granted, viewer, why_not
from apps.portal.context import link
from apps.portal.forms_customers import AccountForm, ContactForm, given, submit
from apps.portal.selectors import customers as selectors
from apps.portal.selectors.tickets import of_account

SHOW = {
    "all": "All",
    "none": "Without a customer",
    "blocked": "Blocked",
    "archived": "Archived",
}


def page_of(key: str) -> str:
    return reverse("customer", kwargs={"key": key})


def contact_page(pk: int) -> str:
    return reverse("contact", kwargs={"pk": pk})


def _typed(request: HttpRequest) -> str:
    return " ".join(request.GET.get("q", "").split())[:120]


def _by(request: HttpRequest) -> dict[str, Any]:
    return {"actor": audit.person(viewer(request)), "now": clock.now()}


# -- customers


@granted(Grant.SEE)
def customers(request: HttpRequest) -> HttpResponse:
    """Every customer by name; every filter stands in the address."""
    person, params, text = viewer(request), request.GET, _typed(request)
    state = listing.choice(params, "state", selectors.STATES, "current")
    tier = listing.choice(params, "tier", Account.Tier.values)
    rows = selectors.listed(person, text=text, tier=tier, state=state)
    page = selectors.cut(rows, by="name", params=params)
    tier_name = str(Account.Tier(tier).label) if tier else ""
    context = {
        "now": clock.now(),
        "page": page,
        "rows": selectors.rows_of(page.rows),
        "tabs": listing.tabs(request, "state", selectors.STATES, state),
        "chips": listing.chips(request, {"q": ("Has", text), "tier": ("Tier is", tier_name)}),
        "text": text,
        "state": state,
        "tier": tier,
        "tiers": Account.Tier.choices,
        "may": person.may(Grant.SUPPORT),
    }
    return render(request, "portal/customers/list.html", context)


def _find(request: HttpRequest, key: str) -> Account:
    seen = Account.objects.visible_to(viewer(request)).select_related("owner")
    found: Account = get_object_or_404(seen, key=key)
    return found


@granted(Grant.SEE)
def customer(request: HttpRequest, key: str) -> HttpResponse:
    """One customer: its people, its orgs with what they connect, and who of us looks after it."""
    person, found, now = viewer(request), _find(request, key), clock.now()
    context = {
        "now": now,
        "account": found,
        "rows": of_account(found, person, now=now),
        "whole": selectors.whole(found),
        "why_support": why_not(person, Grant.SUPPORT),
        "edit_url": link("admin:customers_account_change", object_id=found.pk)
        if person.may(Grant.ADMIN)
        else "",
    }
    return render(request, "portal/customers/detail.html", context)


@granted(Grant.SUPPORT)
def customer_new(request: HttpRequest) -> HttpResponse:
    form = AccountForm(request.POST or None)
    if request.method == "POST":
        made = submit(
            form, lambda values: services.save_account(account=None, fields=values, **_by(request))
        )
        if made is not None:
            messages.success(request, f"{made.name} is here. Now add who writes to you.")
            return redirect(page_of(made.key))
    context = {"now": clock.now(), "form": form, "account": None}
    return _form_page(request, "portal/customers/account.html", context)


@granted(Grant.SUPPORT)
def customer_edit(request: HttpRequest, key: str) -> HttpResponse:
    found = _find(request, key)
    before = {name: getattr(found, name) for name in ("name", "tier", "owner", "domain", "note")}
    form = AccountForm(request.POST or None, account=found, initial=before)
    if request.method == "POST":
        saved = submit(
            form, lambda values: services.save_account(account=found, fields=values, **_by(request))
        )
        if saved is not None:
            messages.success(request, f"{saved.name} is saved.")
            return redirect(page_of(saved.key))
    context = {"now": clock.now(), "form": form, "account": found}
    return _form_page(request, "portal/customers/account.html", context)


@acts(Grant.SUPPORT, page=page_of)
def customer_archive(request: HttpRequest, key: str) -> HttpResponse:
    """Out of the lists with its orgs and contacts, or back with those that went with it."""
    found = _find(request, key)
    if found.archived_at is None:
        services.archive_account(account=found, **_by(request))
        messages.success(request, f"{found.name} is archived, with its orgs and contacts.")
    else:
        services.bring_back_account(account=found, **_by(request))
        messages.success(request, f"{found.name} is back.")
    return redirect(page_of(key))


def _form_page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, context, status=400 if context["form"].errors else 200)


# -- contacts


@granted(Grant.SEE)
def contacts(request: HttpRequest) -> HttpResponse:
    """Everybody who writes to us, by address."""
    person, params, text = viewer(request), request.GET, _typed(request)
    show = listing.choice(params, "show", SHOW, "all")
    account = params.get("account", "")[:60]
    rows = selectors.contacts(person, text=text, show=show, account=account)
    context = {
        "now": clock.now(),
        "page": selectors.cut(rows, by="email", params=params),
        "tabs": listing.tabs(request, "show", SHOW, show),
        "chips": listing.chips(request, {"q": ("Has", text), "account": ("Customer is", account)}),
        "text": text,
        "show": show,
        "account": account,
        "may": person.may(Grant.SUPPORT),
    }
    return render(request, "portal/customers/contacts.html", context)


@granted(Grant.SUPPORT)
def contact_new(request: HttpRequest) -> HttpResponse:
    """Add somebody, for one customer when the address names it."""
    person = viewer(request)
    key = request.GET.get("account", "")[:60]
    account = Account.objects.visible_to(person).current().filter(key=key).first()
    before = {
        "account": account.key if account else "",
        "email": request.GET.get("email", "")[:254],
    }
    form = ContactForm(request.POST or None, viewer=person, account=account, initial=before)
    if request.method == "POST":
        made = submit(
            form,
            lambda values: services.save_contact(
                contact=None, fields=given(form, values), **_by(request)
            ),
        )
        if made is not None:
            messages.success(request, f"{made} is here.")
            return redirect(page_of(made.account.key) if made.account else contact_page(made.pk))
    return _contact_page(request, form, None, account)


@granted(Grant.SEE)
def contact(request: HttpRequest, pk: int) -> HttpResponse:
    """One contact; those who support change it here."""
    person = viewer(request)
    seen = Contact.objects.visible_to(person).select_related("account", "org")
    found = get_object_or_404(seen, pk=pk)
    names = ("email", "name", "org", "phone", "time_zone", "note")
    before = {name: getattr(found, name) for name in names}
    before["account"] = found.account.key if found.account else ""
    posted = request.POST if request.method == "POST" and person.may(Grant.SUPPORT) else None
    form = ContactForm(posted, viewer=person, account=found.account, contact=found, initial=before)
    if posted is not None:
        saved = submit(
            form,
            lambda values: services.save_contact(
                contact=found, fields=given(form, values), **_by(request)
            ),
        )
        if saved is not None:
            messages.success(request, f"{saved} is saved.")
            return redirect(contact_page(saved.pk))
    return _contact_page(request, form, found, found.account)


def _contact_page(
    request: HttpRequest, form: ContactForm, contact: Contact | None, account: Account | None
) -> HttpResponse:
    person = viewer(request)
    context = {
        "now": clock.now(),
        "form": form,
        "contact": contact,
        "account": account,
        "offered": selectors.offered(person),
        "why_support": why_not(person, Grant.SUPPORT),
    }
    return _form_page(request, "portal/customers/contact.html", context)


@acts(Grant.SUPPORT, page=contact_page)
def contact_block(request: HttpRequest, pk: int) -> HttpResponse:
    """Mail from this address opens nothing any more, or does again."""
    found = get_object_or_404(Contact.objects.visible_to(viewer(request)), pk=pk)
    if found.blocked_at is None:
        services.block_contact(contact=found, **_by(request))
        messages.success(request, f"Mail from {found.email} is kept and opens nothing.")
    else:
        services.unblock_contact(contact=found, **_by(request))
        messages.success(request, f"Mail from {found.email} opens tickets again.")
    return redirect(contact_page(pk))


@acts(Grant.SUPPORT, page=contact_page)
def contact_archive(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Contact.objects.visible_to(viewer(request)), pk=pk)
    if found.archived_at is None:
        services.archive(row=found, **_by(request))
        messages.success(request, f"{found} is archived.")
    else:
        services.bring_back(row=found, **_by(request))
        messages.success(request, f"{found} is back.")
    return redirect(contact_page(pk))
