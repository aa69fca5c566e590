"""The ledger: what was promised, by whom, by when, and whether it holds; one page of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import clock
from apps.followups import selectors as ledger
from apps.followups.evidence import FITTING
from apps.followups.models import Factor, FollowUp
from apps.portal import forms_followups as shapes
from apps.portal import listing
from apps.portal.access import granted, reader, viewer, why_not
from apps.portal.context import link
from apps.portal.selectors import followups as selectors
from apps.portal.selectors.now import surfaces_to_route_to

_REF = re.compile(r"fup-(\d{1,18})", re.IGNORECASE | re.ASCII)


def page_of(ref: str, *_: Any, **__: Any) -> str:
    return reverse("followup", kwargs={"ref": ref})


def find(request: HttpRequest, ref: str) -> FollowUp:
    """The follow-up of a reference, if its reader may see it; else 404."""
    match = _REF.fullmatch(ref)
    if match is None:
        raise Http404
    rows = ledger.rows(viewer(request)).select_related("done_by", "verified_by")
    return get_object_or_404(rows, pk=int(match[1]))


# -- the list


@granted(Grant.SEE)
def followups(request: HttpRequest) -> HttpResponse:
    """What is to be done, by its day; every filter stands in the address."""
    person, now, params = viewer(request), clock.now(), request.GET
    today = selectors.today_of(now, reader(request).zone)
    view = listing.choice(params, "view", selectors.VIEWS, "mine")
    counted = selectors.counts(person, today)
    context: dict[str, Any] = {
        "now": now,
        "view": view,
        "tabs": listing.tabs(request, "view", selectors.VIEWS, view, **counted),
        "why_respond": why_not(person, Grant.RESPOND),
    }
    if view == "figures":
        context["drawn"] = selectors.drawn(person, now=now)
        return render(request, "portal/followups/figures.html", context)
    rows, chosen = _filtered(request, selectors.of_view(person, view, today))
    page = selectors.page(rows, view, params)
    context |= {
        "page": page,
        "rows": [selectors.row_of(row, today) for row in page.rows],
        "chosen": chosen,
        "chips": listing.chips(request, _words(chosen)),
        "aims": FollowUp.Aim.choices,
        "priorities": FollowUp.Priority.values,
        "factors": Factor.objects.current(),
        "surfaces": surfaces_to_route_to(person),
        "plain_url": f"{reverse('followups')}?view={view}",
        "people": Person.objects.active().order_by("name", "pk"),
    }
    return render(request, "portal/followups/list.html", context)


def _filtered(request: HttpRequest, rows: Any) -> tuple[Any, dict[str, str]]:
    """The rows that the address asks for, and what it asks for."""
    params = request.GET
    chosen = {
        "aim": listing.choice(params, "aim", FollowUp.Aim.values),
        "priority": listing.choice(params, "priority", FollowUp.Priority.values),
        "surface": params.get("surface", "").strip().lower()[:80],
        "factor": params.get("factor", "").strip().lower()[:60],
        "owner": params.get("owner", "").strip().lower()[:254],
        "q": " ".join(params.get("q", "").split())[:120],
    }
    columns = {
        "aim": "aim", "priority": "priority", "surface": "surface__key",
        "factor": "factor__key", "owner": "owner__email", "q": "title__icontains",
    }  # fmt: skip
    asked = {columns[name]: value for name, value in chosen.items() if value}
    return rows.filter(**asked), chosen


def _words(chosen: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    labels = {
        "q": "Has", "aim": "Aim is", "priority": "Priority is", "surface": "Surface is",
        "factor": "Factor is", "owner": "Owner is",
    }  # fmt: skip
    return {name: (label, chosen[name]) for name, label in labels.items()}


# -- one of them

FORMS: Mapping[str, type[forms.Form]] = {
    "start": shapes.NoteForm,
    "done": shapes.NoteForm,
    "verify": shapes.NoteForm,
    "drop": shapes.ReasonForm,
    "fail": shapes.ReasonForm,
    "reopen": shapes.ReasonForm,
    "comment": shapes.CommentForm,
    "evidence": shapes.EvidenceForm,
    "withdraw": shapes.WithdrawForm,
}


def form_of(do: str, found: FollowUp, data: Any = None) -> forms.Form:
    begins = {"version": found.version, "type": FITTING[found.aim][0]}
    return FORMS[do](data, auto_id=f"{do}-%s", initial=begins)


def context(
    request: HttpRequest, found: FollowUp, bound: Mapping[str, forms.Form]
) -> dict[str, Any]:
    """The whole page; `bound` holds a form that was sent and is shown again, by what it does."""
    person, now = viewer(request), clock.now()
    facts = selectors.facts(found, today=selectors.today_of(now, reader(request).zone))
    steps = selectors.acts(found, person, facts.missing)
    return {
        "now": now,
        "found": found,
        "facts": facts,
        "steps": [(step, bound.get(step.do) or form_of(step.do, found)) for step in steps],
        "open": next(iter(bound), ""),
        "primary": next((step for step in steps if not step.why), None),
        "evidence": bound.get("evidence") or form_of("evidence", found),
        "withdraw": bound.get("withdraw"),
        "comment": bound.get("comment") or form_of("comment", found),
        "why_respond": why_not(person, Grant.RESPOND),
        "is_mine": found.owner_id == person.pk,
        "edit_url": link("admin:followups_followup_change", object_id=found.pk)
        if person.may(Grant.ADMIN)
        else "",
    }


@granted(Grant.SEE)
def followup(request: HttpRequest, ref: str) -> HttpResponse:
    found = find(request, ref)
    if ref != found.ref:
        return redirect(page_of(found.ref))
    return render(request, "portal/followups/page.html", context(request, found, {}))
