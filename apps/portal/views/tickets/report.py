"""“Report a problem”: the form for a customer's analysts, on its own page and in a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.core import clock
from apps.core.errors import Conflict, NotFound
from apps.core.middleware import client_ip
from apps.portal.forms import submit
from apps.portal.forms_ticket import fact_field
from apps.portal.forms_tickets import FilesField, ManyFiles
from apps.portal.views.tickets.requests import LOOKS, gone, traceless
from apps.support import tokens
from apps.support.models import RequestField, RequestType, Ticket
from apps.support.models.sla import Metric, TicketClock
from apps.support.services import report_form, requester
from apps.support.services.files import MAX_FILE, MAX_FILES
from apps.support.services.report_form import Prefill
from apps.support.services.settings import current

MAX_WORDS = 20_000  # characters; what is longer is a file


class ReportForm(forms.Form):
    """One column; nothing is needed but what, and who."""

    subject = forms.CharField(label="In a few words", max_length=200)
    body = forms.CharField(
        label="What do you see, and what did you expect?",
        max_length=MAX_WORDS,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    blocks = forms.ChoiceField(
        label="Does it block your work?",
        required=False,
        choices=[("yes", "Yes, I cannot go on"), ("no", "No, I can go on")],
        widget=forms.RadioSelect,
    )
    email = forms.EmailField(
        label="Your e-mail address", help_text="We answer there.", max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )  # fmt: skip
    name = forms.CharField(
        label="Your name", required=False, max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )  # fmt: skip
    attachments = FilesField(
        label="Files",
        required=False,
        widget=ManyFiles,
        help_text=f"Up to {MAX_FILES}, {MAX_FILE // 1024 // 1024} MB each. A picture says a lot.",
    )
    website = forms.CharField(required=False, max_length=200)  # no person sees it

    def __init__(
        self,
        *args: Any,
        asked: Sequence[RequestField] = (),
        known: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.asked = [one for one in asked if one.key not in (known or {})]
        for one in self.asked:
            field = fact_field(one, required=one.is_required)
            if one.kind == RequestField.Kind.CHOICE:
                field = forms.ChoiceField(
                    label=one.label,
                    required=one.is_required,
                    help_text=one.help_text,
                    choices=[("", "I do not know"), *((c, c) for c in one.choices)],
                )
            self.fields[f"fact-{one.key}"] = field

    @property
    def questions(self) -> list[Any]:
        return [self[f"fact-{one.key}"] for one in self.asked]

    def clean_website(self) -> str:
        if self.cleaned_data["website"]:
            raise forms.ValidationError("Leave the field “Website” empty.")
        return ""

    def facts(self) -> dict[str, str]:
        return {one.key: str(self.cleaned_data[f"fact-{one.key}"]) for one in self.asked}


@login_not_required  # customers have no account here; limits stand in the service
@csrf_exempt  # nobody is signed in, and a frame on another site has no cookie
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    return _form(request, "report")


@login_not_required  # as above
@csrf_exempt  # as above
@require_http_methods(["GET", "HEAD", "POST"])
def report_embed(request: HttpRequest) -> HttpResponse:
    """The same without anything around it, for a frame on the sites that the settings name."""
    return _framed(_form(request, "report_embed"))


def _framed(response: HttpResponse) -> HttpResponse:
    ancestors = list(settings.REPORT_FRAME_ANCESTORS)
    if ancestors:
        response._csp_replace = {"frame-ancestors": ancestors}  # type: ignore[attr-defined] # read by django-csp
        response.xframe_options_exempt = True  # Django's own header knows one site at most
    return response


def _form(request: HttpRequest, where: str) -> HttpResponse:
    if not LOOKS.take(client_ip(request)):
        return gone(request, "This was asked too often. Wait a minute and try again.", 429)
    now = clock.now()
    if not report_form.is_open():
        status = 403 if request.method == "POST" else 200
        return _render(request, "closed", where, {"now": now}, status)
    params = {name: str(value) for name, value in request.GET.items()}
    prefill = report_form.read(params, now)
    types = report_form.public_types()
    wanted = request.POST.get("type") or prefill.values.get("type", "") or params.get("about", "")
    chosen = next((one for one in types if one.key == wanted), None)
    if chosen is None:
        context = {"now": now, "types": _tiles(request, types, where), "prefill": prefill}
        return _render(request, "types", where, context)
    if request.method == "POST":
        return _take(request, where, chosen, prefill, now)
    form = _empty(chosen, prefill)
    return _filled(request, where, chosen, prefill, form, report_form.stamp(now), now)


def _tiles(
    request: HttpRequest, types: Sequence[RequestType], where: str
) -> list[dict[str, object]]:
    """Each type with the address that goes on with it, keeping what the link brought."""
    rest = [(name, value) for name, value in request.GET.items() if name != "about"]
    return [
        {"type": one, "url": f"{reverse(where)}?{urlencode([*rest, ('about', one.key)])}"}
        for one in types
    ]


def _empty(chosen: RequestType, prefill: Prefill) -> ReportForm:
    values = dict(prefill.values)
    for name, fact in report_form.FACTS.items():
        if name in values:
            values[f"fact-{fact}"] = values[name]
    asked = [one for one in chosen.fields.all() if one.is_public]
    return ReportForm(initial=values, asked=asked, known=_known(prefill))


def _known(prefill: Prefill) -> dict[str, str]:
    """What a signed link answered: it is shown and not asked."""
    facts = report_form.FACTS
    return {facts[name]: value for name, value in prefill.signed.items() if name in facts}


def _filled(
    request: HttpRequest,
    where: str,
    chosen: RequestType,
    prefill: Prefill,
    form: ReportForm,
    opened: str,
    now: datetime,
    status: int = 200,
) -> HttpResponse:
    labels = {"report": "Report", "column": "Column", "job": "Job", "connection": "Connection"}
    context = {
        "now": now,
        "type": chosen,
        "form": form,
        "opened": opened,
        "query": request.GET.urlencode(),
        "trouble": prefill.trouble,
        "known": [(labels[n], v) for n, v in prefill.signed.items() if n in labels],
        "change_url": reverse(where),
    }
    return _render(request, "form", where, context, status)


def _take(
    request: HttpRequest, where: str, chosen: RequestType, prefill: Prefill, now: datetime
) -> HttpResponse:
    asked = [one for one in chosen.fields.all() if one.is_public]
    form = ReportForm(request.POST, request.FILES, asked=asked, known=_known(prefill))
    opened = request.POST.get("opened", "")[:300]
    try:
        made = submit(form, lambda values: _submit(request, chosen, prefill, form, opened, now))
    except Conflict as error:
        form.add_error(None, error.message)
        if error.code == "stamp_over":  # a fresh one, old enough to be sent at once
            opened = report_form.stamp(now - report_form.QUICKEST)
        return _filled(request, where, chosen, prefill, form, opened, now, error.status)
    if made is None:
        return _filled(request, where, chosen, prefill, form, opened, now, 400)
    token = tokens.make_receipt(made.pk, made.access_version)
    name = "report_sent" if where == "report" else "report_embed_sent"
    return traceless(redirect(name, token=token))


def _submit(
    request: HttpRequest,
    chosen: RequestType,
    prefill: Prefill,
    form: ReportForm,
    opened: str,
    now: datetime,
) -> Ticket:
    values = form.cleaned_data
    return report_form.submit(
        request_type=chosen,
        subject=values["subject"],
        body=values["body"],
        email=values["email"],
        name=values["name"],
        opened=opened,
        blocks_work={"yes": True, "no": False}.get(values["blocks"]),
        fields=form.facts(),
        signed=prefill.signed,
        files_=values["attachments"] or (),
        sender=report_form.sender_mark(client_ip(request)),
        now=now,
    )


# -- the receipt


@login_not_required  # the signed token says which report
@require_http_methods(["GET", "HEAD"])
def report_sent(request: HttpRequest, token: str) -> HttpResponse:
    return _sent(request, token, "report")


@login_not_required  # as above
@require_http_methods(["GET", "HEAD"])
def report_embed_sent(request: HttpRequest, token: str) -> HttpResponse:
    return _framed(_sent(request, token, "report_embed"))


def _sent(request: HttpRequest, token: str, where: str) -> HttpResponse:
    """The number, and by when we answer. The way to the ticket's own page goes by mail alone:
    here anybody could have written anybody's address."""
    if not LOOKS.take(client_ip(request)):
        return gone(request, "This was asked too often. Wait a minute and try again.", 429)
    try:
        ticket = requester.receipt_of(token)
    except NotFound as error:
        return gone(request, error.message)
    clocks = TicketClock.objects.filter(ticket=ticket, metric=Metric.FIRST_REPLY)
    context = {
        "request": SimpleNamespace(user=ticket.requester, GET=request.GET),
        "now": clock.now(),
        "ticket": ticket,
        "due_at": clocks.values_list("due_at", flat=True).first(),
        "again_url": reverse(where),
    }
    return _render(request, "sent", where, context)


def _render(
    request: HttpRequest, name: str, where: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    framed = where == "report_embed"
    shell = "frame" if framed else "outside"
    context = {
        **context,
        "framed": framed,
        "shell_of": f"portal/requests/{shell}.html",
        "team": current().sender_name,
    }
    path = f"portal/requests/report_{name}.html"
    return traceless(render(request, path, context, status=status))
