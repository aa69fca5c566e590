"""Following the status page: the form, the yes, and the way out. No login: mails carry tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.core import clock
from apps.core.errors import Conflict, NotFound
from apps.core.middleware import client_ip
from apps.core.secrets import unseal
from apps.incidents.models import Subscription
from apps.incidents.services import subscriptions
from apps.incidents.statuspage import Page
from apps.portal import statusshow
from apps.portal.forms import submit
from apps.portal.limits import Limit
from apps.portal.statusboard import board
from apps.portal.views.tickets.requests import traceless

ASKS = Limit(20, 3600)  # addresses that one client may type in
LOOKS = Limit(120, 60)  # at any of these pages, from one client
BROKEN = "This link does not open"
TOO_OFTEN = "This was asked too often from your network. Wait a while and try again."


class FollowForm(forms.Form):
    address = forms.CharField(
        label="Your e-mail address, or a webhook's",
        max_length=2000,
        help_text="You get one message with a link. Nothing else comes before you have said yes.",
        widget=forms.TextInput(attrs={"autocomplete": "email"}),
    )
    components = forms.MultipleChoiceField(
        label="Only about", required=False, widget=forms.CheckboxSelectMultiple
    )
    website = forms.CharField(required=False, max_length=200)  # no person sees it

    def __init__(self, page: Page, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(one.key, one.name) for one in page.components]
        self.fields["components"].choices = choices  # type: ignore[attr-defined] # a choice field


@login_not_required  # it is for the public; limits stand here and in the service
@csrf_exempt  # nobody is signed in, and the form stands on a page that everybody shares
@require_http_methods(["GET", "HEAD", "POST"])
def status_subscribe(request: HttpRequest) -> HttpResponse:
    page = board.current().page
    if not LOOKS.take(client_ip(request)):
        return _say(page, "Not now", TOO_OFTEN, 429)
    if request.method == "POST":
        return _subscribe(request, page)
    if "sent" in request.GET:
        text = (
            "If this address can get our mails, there is one with a link now. Open it to say yes."
        )
        return _say(page, "Look into your mailbox", text)
    return _form(page, FollowForm(page), 200)


def _subscribe(request: HttpRequest, page: Page) -> HttpResponse:
    form = FollowForm(page, request.POST)
    sent = f"{reverse('status_subscribe')}?sent=1"
    if form.is_valid() and form.cleaned_data["website"]:
        return redirect(sent)  # a machine that fills in everything
    if form.is_valid() and not ASKS.take(client_ip(request)):
        form.add_error(None, TOO_OFTEN)
        return _form(page, form, 429)
    try:
        done = submit(form, lambda values: _ask(values))
    except Conflict as error:
        form.add_error(None, error.message)
        return _form(page, form, error.status)
    return redirect(sent) if done else _form(page, form, 400)


def _ask(values: dict[str, Any]) -> bool:
    hook = values["address"].lower().startswith(("https:", "http:"))
    subscriptions.subscribe(
        address=values["address"],
        channel=Subscription.Channel.WEBHOOK if hook else Subscription.Channel.EMAIL,
        components=values["components"],
        now=clock.now(),
    )
    return True


def _form(page: Page, form: FollowForm, status: int) -> HttpResponse:
    return _render(page, "subscribe", {"form": form}, status)


@login_not_required  # the signed token says whose yes it is
@csrf_exempt  # nobody is signed in; the token is what counts
@require_http_methods(["GET", "HEAD", "POST"])
def status_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows, POST acts: mail scanners open every link."""
    page = board.current().page
    if not LOOKS.take(client_ip(request)):
        return _say(page, "Not now", TOO_OFTEN, 429)
    now = clock.now()
    try:
        if request.method == "POST":
            row = subscriptions.confirm(token=token, now=now)
            secret = unseal(row.secret_sealed)  # whoever reads the webhook checks with it
            context = {"row": row, "leave": subscriptions.leave_token(row), "secret": secret}
            return _render(page, "confirmed", context)
        row, components = subscriptions.asked_by(token=token, now=now)
    except NotFound as error:
        return _say(page, BROKEN, error.message.removeprefix(f"{BROKEN}. "), 404)
    return _render(page, "confirm", {"row": row, "components": components})


@login_not_required  # the signed token says who leaves
@csrf_exempt  # mail programs post here by themselves (RFC 8058)
@require_http_methods(["GET", "HEAD", "POST"])
def status_unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    page = board.current().page
    if not LOOKS.take(client_ip(request)):
        return _say(page, "Not now", TOO_OFTEN, 429)
    try:
        if request.method == "POST":
            subscriptions.unsubscribe(token=token, now=clock.now())
            return _say(page, "You hear no more from us", "This address was taken off.")
        row = subscriptions.followed_by(token=token)
    except NotFound as error:
        return _say(page, BROKEN, error.message.removeprefix(f"{BROKEN}. "), 404)
    return _render(page, "unsubscribe", {"row": row})


def _say(page: Page, title: str, text: str, status: int = 200) -> HttpResponse:
    return _render(page, "said", {"title": title, "text": text}, status)


def _render(page: Page, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    text = render_to_string(f"portal/status/{name}.html", {**statusshow.frame(page), **context})
    return traceless(HttpResponse(text, status=status))
