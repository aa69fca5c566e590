"""A rule is drafted or changed by hand, and tried before it is kept."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from apps.accounts.roles import Grant
from apps.alerts import services
from apps.alerts.models import AlertRule
from apps.alerts.rules import looks
from apps.alerts.rules import params as parameters
from apps.alerts.rules.params import KINDS
from apps.core import clock
from apps.core.errors import Conflict, DomainError
from apps.portal.access import granted, viewer
from apps.portal.forms import submit
from apps.portal.forms_alert_rules import RuleForm
from apps.portal.selectors.alert_rules import LOOKS
from apps.portal.selectors.now import surfaces_to_route_to
from apps.portal.views.alert_rules import by, find, page_of

SHOWN = 25  # groups of a trial


@granted(Grant.EDIT_POLICIES)
def alert_rule_new(request: HttpRequest) -> HttpResponse:
    """Which kind of rule it is to be."""
    kinds = [(kind, KINDS[kind.value].about) for kind in AlertRule.Kind]
    return render(request, "portal/alert_rules/new.html", {"now": clock.now(), "kinds": kinds})


@granted(Grant.EDIT_POLICIES)
def alert_rule_draft(request: HttpRequest, kind: str) -> HttpResponse:
    """A new rule of a kind: a draft, which looks at nothing until it is switched on."""
    if kind not in KINDS:
        raise Http404
    begins = {
        "surface": request.GET.get("surface", "")[:80], "slo": _slo(request),
        "owner": viewer(request).pk,
    }  # fmt: skip
    form = RuleForm(request.POST or None, kind=kind, viewer=viewer(request), initial=begins)
    trial = None
    if request.method == "POST" and request.POST.get("do") == "look":
        trial = _trial(form, kind)
    elif request.method == "POST":
        made = submit(
            form,
            lambda _: services.create_rule(
                key=form.rule_key(), kind=kind, **form.values(), **by(request)
            ),
        )
        if made is not None:
            messages.success(request, "The draft is kept. Replay it, then switch it on.")
            return redirect(page_of(made.key))
    return _form_page(request, form, kind, None, trial)


def _slo(request: HttpRequest) -> int | None:
    text = request.GET.get("slo", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


@granted(Grant.EDIT_POLICIES)
def alert_rule_edit(request: HttpRequest, key: str) -> HttpResponse:
    rule = find(request, key)
    if rule.archived_at is not None:
        raise Conflict("This rule is archived.")
    form = RuleForm(request.POST or None, kind=rule.kind, viewer=viewer(request), rule=rule)
    trial = None
    if request.method == "POST" and request.POST.get("do") == "look":
        trial = _trial(form, rule.kind)
    elif request.method == "POST":
        saved = submit(
            form, lambda _: services.change_rule(rule=rule, fields=form.values(), **by(request))
        )
        if saved is not None:
            messages.success(request, "The rule is changed.")
            return redirect(page_of(key))
    return _form_page(request, form, rule.kind, rule, trial)


def _form_page(
    request: HttpRequest, form: RuleForm, kind: str, rule: AlertRule | None, trial: Any
) -> HttpResponse:
    context = {
        "now": clock.now(),
        "form": form,
        "kind": AlertRule.Kind(kind),
        "about": KINDS[kind].about,
        "rule": rule,
        "trial": trial,
        "surfaces": surfaces_to_route_to(viewer(request)),
    }
    status = 400 if form.errors else 200
    return render(request, "portal/alert_rules/form.html", context, status=status)


# -- what it would say now


def _trial(form: RuleForm, kind: str) -> dict[str, Any] | None:
    """The condition in words and what a look says now, of a form that is not kept."""
    if not form.is_valid():
        return None
    given = form.values()
    try:
        whole = parameters.check(kind, given["params"])
    except parameters.BadParams as error:
        for name, texts in error.fields.items():
            form.add_error(name if name in form.fields else None, texts)
        return None
    if kind == AlertRule.Kind.BURN_RATE and given.get("slo") is None:
        form.add_error("slo", "Choose the SLO whose budget it watches.")
        return None
    found: dict[str, Any] = {"condition": looks.describe(kind, whole)}
    draft = AlertRule(key="draft", kind=kind, **{**given, "params": whole})
    try:
        seen = services.look_now(rule=draft, now=clock.now())
    except DomainError as error:
        return {**found, "error": error.message}
    rows = [(one, LOOKS.get(one.look)) for one in seen[:SHOWN]]
    return {**found, "rows": rows, "count": len(seen)}
