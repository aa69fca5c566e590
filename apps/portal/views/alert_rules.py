"""Rules: the list, one of them, its replay, and the switches on its page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from apps.accounts.roles import Grant
from apps.alerts import services
from apps.alerts.models import AlertRule
from apps.alerts.rules.params import KINDS
from apps.core import audit, clock
from apps.core.errors import Invalid
from apps.portal import forms_alert_rules as shapes
from apps.portal import listing
from apps.portal.access import acts, granted, reader, viewer, why_not
from apps.portal.context import link
from apps.portal.forms import submit
from apps.portal.selectors import alert_rules as selectors
from apps.portal.selectors import rule_replay

Status = AlertRule.Status


def page_of(key: str) -> str:
    return reverse("alert_rule", kwargs={"key": key})


def list_page() -> str:
    return reverse("alert_rules")


def find(request: HttpRequest, key: str) -> AlertRule:
    rows = AlertRule.objects.visible_to(viewer(request))
    related = rows.select_related("surface", "owner", "runbook", "slo", "slo__surface")
    return get_object_or_404(related, key=key)


def by(request: HttpRequest) -> dict[str, Any]:
    """Who acts, and when."""
    return {"actor": audit.person(viewer(request)), "now": clock.now()}


@granted(Grant.SEE)
def alert_rules(request: HttpRequest) -> HttpResponse:
    """What every rule says now; the ones that need somebody first."""
    person, now, params = viewer(request), clock.now(), request.GET
    view = listing.choice(params, "view", selectors.VIEWS, "all")
    number = int(listing.choice(params, "page", map(str, range(1, 100)), "1"))
    rows, more = selectors.page(selectors.of_view(selectors.listed(person), view, now), number, now)
    counted = selectors.counts(person, now)
    context = {
        "now": now,
        "view": view,
        "tabs": listing.tabs(request, "view", selectors.VIEWS, view, **counted),
        "total": counted["all"],
        "rows": rows,
        "previous": listing.address(params, page=str(number - 1)) if number > 1 else "",
        "next": listing.address(params, page=str(number + 1)) if more else "",
        "why_edit": why_not(person, Grant.EDIT_POLICIES),
        "meanings": selectors.LOOKS.values(),
    }
    return render(request, "portal/alert_rules/list.html", context)


@granted(Grant.SEE)
def alert_rule(request: HttpRequest, key: str) -> HttpResponse:
    """One rule: its condition, where it stands, what it raised."""
    return _page(request, find(request, key), None)


def _page(request: HttpRequest, rule: AlertRule, bound: forms.Form | None) -> HttpResponse:
    person, now = viewer(request), clock.now()
    context = {
        "now": now,
        "rule": rule,
        "story": selectors.story(rule, person, now),
        "params": shapes.shown_params(rule.kind, rule.params),
        "kind": KINDS[rule.kind],
        "days": rule_replay.DAYS,
        "why": bound or shapes.WhyForm(auto_id="off-%s"),
        "why_edit": why_not(person, Grant.EDIT_POLICIES) or _archived(rule),
        "why_silence": why_not(person, Grant.RESPOND) or _archived(rule),
        "runbook_url": _runbook(rule),
        "admin_url": link("admin:alerts_alertrule_change", object_id=rule.pk)
        if person.may(Grant.ADMIN)
        else "",
    }
    status = 400 if bound else 200
    return render(request, "portal/alert_rules/page.html", context, status=status)


def _archived(rule: AlertRule) -> str:
    return "It is archived." if rule.archived_at else ""


def _runbook(rule: AlertRule) -> str:
    return reverse("runbook", args=[rule.runbook.key]) if rule.runbook else ""


@granted(Grant.SEE)
def alert_rule_replay(request: HttpRequest, key: str) -> HttpResponse:
    """What it would have said of the days before. The page comes at once and fetches the result,
    which may take some seconds; without scripts `?run=1` brings both."""
    rule, person, now = find(request, key), viewer(request), clock.now()
    wanted = listing.choice(request.GET, "days", map(str, rule_replay.DAYS), "28")
    runs = request.headers.get("HX-Request") == "true" or request.GET.get("run") == "1"
    context: dict[str, Any] = {
        "now": now,
        "rule": rule,
        "condition": selectors.condition(rule.kind, rule.params),
        "days": int(wanted),
        "spans": rule_replay.DAYS,
        "runs": runs,
    }
    if runs:
        try:
            context["shown"] = rule_replay.shown(
                rule, int(wanted), person, now, reader(request).zone
            )
        except Invalid as error:
            context["why_not"] = error.message
    return render(request, "portal/alert_rules/replay.html", context)


@acts(Grant.EDIT_POLICIES, page=page_of)
def alert_rule_on(request: HttpRequest, key: str) -> HttpResponse:
    rule = find(request, key)
    try:
        services.switch_on(rule=rule, **by(request))
    except Invalid as error:
        messages.error(request, " ".join(text for row in error.fields.values() for text in row))
        return redirect(page_of(key))
    messages.success(request, "The rule is on. Its first look comes within a minute.")
    return redirect(page_of(key))


@acts(Grant.EDIT_POLICIES, page=page_of)
def alert_rule_off(request: HttpRequest, key: str) -> HttpResponse:
    rule = find(request, key)
    form = shapes.WhyForm(request.POST, auto_id="off-%s")
    done = submit(
        form, lambda values: services.switch_off(rule=rule, reason=values["reason"], **by(request))
    )
    if done is None:
        return _page(request, rule, form)
    messages.success(request, "The rule is off. What it had raised is resolved.")
    return redirect(page_of(key))


@acts(Grant.EDIT_POLICIES, page=page_of)
def alert_rule_archive(request: HttpRequest, key: str) -> HttpResponse:
    services.archive_rule(rule=find(request, key), **by(request))
    messages.success(request, "The rule is out of the lists. What it said stays.")
    return redirect(page_of(key))


@acts(Grant.EDIT_POLICIES, page=list_page)
def alert_rules_starter(request: HttpRequest) -> HttpResponse:
    """Drafts of the rules that most teams begin with."""
    made = services.starter_rules(**by(request))
    if made:
        said = f"{len(made)} drafts. Each needs an owner and a runbook before it is switched on."
        messages.success(request, said)
    else:
        messages.info(request, "The starter rules are all here already.")
    return redirect(f"{list_page()}?view=draft")
