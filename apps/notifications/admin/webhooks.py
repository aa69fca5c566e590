"""Outgoing webhooks: made with a secret shown once, and the log of what they were told."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from apps.core import audit, clock
from apps.core.admin_base import (
    ModelAdmin,
    ReadOnly,
    act,
    action,
    become,
    display,
    local_time,
    register,
    say_domain_errors,
    when,
)
from apps.core.admin_base.forms import Choices, Form
from apps.core.admin_base.lists import Archived, chip, edit_link, link, shown_once
from apps.notifications import catalog, services
from apps.notifications.models import WebhookDelivery, WebhookEndpoint
from apps.notifications.services import NewEndpoint

Status = WebhookDelivery.Status
TONES = {
    Status.DELIVERED: "success", Status.FAILED: "danger", Status.PENDING: "info",
    Status.SENDING: "info", Status.CANCELLED: "",
}  # fmt: skip
OVER = frozenset({Status.DELIVERED, Status.FAILED, Status.CANCELLED})
PATTERNS = [
    ("*", "Everything"), ("ticket.*", "Everything about tickets"),
    *((name, name) for name in catalog.EVENTS),
]  # fmt: skip
HELPS = {
    "*": "also kinds of events that come with a later version",
    "ticket.*": "also kinds that come with a later version",
    **{one.name: one.about.replace("`", "") for one in catalog.EVENTS.values()},
}
OVERLAPS = [("0", "not at all: it stops at once"), ("1", "1 hour"), ("24", "1 day"),
            ("168", "1 week"), ("720", "30 days")]  # fmt: skip


class EndpointForm(Form):
    url = forms.CharField(
        max_length=2048, label="Address",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Public and https, such as https://crm.example.com/hooks/ops.",
    )  # fmt: skip
    patterns = Choices(choices=PATTERNS, helps=HELPS, label="Told of")

    class Meta:
        model = WebhookEndpoint
        fields = ["description", "url", "patterns"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["description"].help_text = "What it is for: the name in lists and mails."
        if self.instance.pk:
            self.initial.setdefault("url", services.shown_url(self.instance))


class RotateForm(forms.Form):
    overlap = forms.ChoiceField(
        choices=OVERLAPS, initial="24", label="The old secret signs beside the new one for",
        help_text="Long enough to give the new one to the receiver.",
    )  # fmt: skip


@register(WebhookEndpoint)
class WebhookEndpointAdmin(ModelAdmin[WebhookEndpoint]):
    form = EndpointForm
    shows_secret = True
    intro = (
        "A program that is told when something happens here. Every request is signed, tried again "
        "when it fails, and kept in the log for a month."
    )
    empty_text = "No program is told of anything yet."
    list_display = ["description", "url_hint", "told_of", "state", "last_told"]
    list_filter = [Archived]
    search_fields = ["description", "url_hint"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = ["description", "url", "patterns"]
        if obj is None:
            return [(None, {"fields": fields})]
        return [(None, {"fields": fields}), ("Known", {"fields": list(_FACTS)})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return _FACTS

    @display(description="told of")
    def told_of(self, obj: WebhookEndpoint) -> str:
        return ", ".join(obj.patterns)

    @display(description="state")
    def state(self, obj: WebhookEndpoint) -> object:
        if obj.archived_at:
            return chip("Archived")
        if obj.disabled_at:
            return chip("Switched off", "danger")
        if not obj.is_active:
            return chip("Paused", "warning")
        return chip("Failing", "warning") if obj.failing_since else chip("On", "success")

    @display(description="switched off because")
    def why_off(self, obj: WebhookEndpoint) -> str:
        return obj.disabled_reason or "–"

    @display(description="secrets")
    def secrets_known(self, obj: WebhookEndpoint) -> str:
        until = obj.previous_valid_until
        if until and until > clock.now():
            return f"two: the one before signs as well until {local_time(until)}"
        return "one"

    def enrich(self, rows: list[WebhookEndpoint], now: datetime) -> None:
        newest = _newest(rows)
        for row in rows:
            row.newest = newest.get(row.pk)  # type: ignore[attr-defined] # read by the column

    @display(description="last told")
    def last_told(self, obj: Any) -> object:
        newest = obj.newest if hasattr(obj, "newest") else _newest([obj]).get(obj.pk)
        if newest is None:
            return "nothing yet"
        words = f"{newest.event}, {local_time(newest.created_at)}"
        tone = TONES.get(Status(newest.status), "")
        return format_html("{} {}", words, chip(newest.get_status_display(), tone))

    @display(description="log")
    def log(self, obj: WebhookEndpoint) -> object:
        where = f"/admin/notifications/webhookdelivery/?endpoint__id__exact={obj.pk}"
        return link(where, "What it was told")

    def save_model(self, request: Any, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        given, actor, now = form.cleaned_data, audit.person(request.user), clock.now()
        values: dict[str, Any] = {"url": given["url"], "description": given["description"]}
        values["events"] = given["patterns"]
        if change:
            stored = WebhookEndpoint.objects.get(pk=obj.pk)
            if values["url"] == services.shown_url(stored):
                del values["url"]
            saved = services.change_endpoint(endpoint=stored, fields=values, actor=actor, now=now)
            become(obj, saved)
            return
        request.made = services.create_endpoint(**values, actor=actor, now=now)
        become(obj, request.made.row)

    def response_add(self, request: Any, obj: Any, post_url_continue: Any = None) -> Any:
        return self._show(request, request.made)

    def _show(self, request: HttpRequest, made: NewEndpoint) -> HttpResponse:
        return shown_once(
            self, request, made.row, title="The signing secret",
            secrets=[("Secret", made.secret)],
            usage="Give it to the receiver, which checks with it that a request is ours:\n"
            "docs/integrations.md, “Outgoing webhooks”.",
        )  # fmt: skip

    @act(
        "Rotate the secret",
        form=RotateForm,
        about="Makes a new signing secret and shows it once.",
        offered=lambda row: row.archived_at is None,
    )
    def rotate(self, request: Any, obj: WebhookEndpoint, values: dict[str, Any]) -> HttpResponse:
        made = services.rotate_secret(
            endpoint=obj, overlap=timedelta(hours=int(values["overlap"])),
            actor=audit.person(request.user), now=clock.now(),
        )  # fmt: skip
        return self._show(request, made)

    @act(
        "Send a test",
        about="Sends the event “test” at once. What came of it stands in the log.",
        offered=lambda row: _is_live(row),
    )
    def test(self, request: Any, obj: WebhookEndpoint, values: dict[str, Any]) -> str:
        services.send_test(endpoint=obj, actor=audit.person(request.user), now=clock.now())
        return f"A test is on its way to {obj}."

    @act(
        "Pause",
        about="It is told nothing until it is resumed. What waits now is sent then; what happens "
        "meanwhile it never hears of.",
        offered=lambda row: _is_live(row),
    )
    def pause(self, request: Any, obj: WebhookEndpoint, values: dict[str, Any]) -> str:
        _set_active(request, obj, active=False)
        return f"{obj} is paused."

    @act(
        "Resume",
        about="It is told of what happens from now on. What it missed while it was switched off "
        "can be sent again from the log.",
        offered=lambda row: row.archived_at is None and not _is_live(row),
    )
    def resume(self, request: Any, obj: WebhookEndpoint, values: dict[str, Any]) -> str:
        _set_active(request, obj, active=True)
        return f"{obj} is told again."

    @act(
        "Archive",
        about="It is told nothing any more. Its log stays for its time.",
        danger=True,
        offered=lambda row: row.archived_at is None,
    )
    def archive(self, request: Any, obj: WebhookEndpoint, values: dict[str, Any]) -> str:
        services.archive_endpoint(endpoint=obj, actor=audit.person(request.user), now=clock.now())
        return f"{obj} is archived."


_FACTS = (
    "state", "why_off", when("failing_since", "failing since", "no"), "secrets_known", "last_told",
    "log", when("created_at", "made"), "created_by",
)  # fmt: skip


def _newest(rows: list[WebhookEndpoint]) -> dict[int, WebhookDelivery]:
    """The newest delivery of each endpoint, by the endpoint's id; one query."""
    theirs = WebhookDelivery.objects.filter(endpoint=OuterRef("pk")).order_by("-pk")
    endpoints = WebhookEndpoint.objects.filter(pk__in=[row.pk for row in rows])
    ids = endpoints.annotate(newest_id=Subquery(theirs.values("pk")[:1])).values("newest_id")
    found = WebhookDelivery.objects.filter(pk__in=ids).defer("payload")
    return {row.endpoint_id: row for row in found}


def _is_live(row: WebhookEndpoint) -> bool:
    return row.is_active and row.disabled_at is None and row.archived_at is None


def _set_active(request: Any, row: WebhookEndpoint, *, active: bool) -> None:
    services.change_endpoint(
        endpoint=row, fields={"is_active": active}, actor=audit.person(request.user),
        now=clock.now(),
    )  # fmt: skip


@register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnly[WebhookDelivery]):
    intro = "What programs outside were told, and what they answered. Rows go after a month."
    empty_text = "No program was told of anything yet."
    list_display = [
        when("created_at", "written"), "event", "endpoint", "about", "state", "attempts",
        "last_status", "duration_ms", "next_attempt",
    ]  # fmt: skip
    list_display_links = ["event"]
    list_filter = ["status", "endpoint", "event"]
    list_select_related = ["endpoint"]
    search_fields = ["webhook_id", "subject_ref"]
    ordering = ["-pk"]
    actions = ["send_again"]
    fields = [
        "event", "told", "about", "state", "last_error", "last_status", "duration_ms", "attempts",
        "next_attempt", when("created_at", "written"), when("delivered_at", "delivered"),
        "webhook_id", "shown_payload",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        rows: QuerySet[WebhookDelivery] = super().get_queryset(request)
        return rows.defer("payload")

    @display(description="webhook")
    def told(self, obj: WebhookDelivery) -> object:
        return edit_link(obj.endpoint)

    @display(description="about")
    def about(self, obj: WebhookDelivery) -> str:
        return f"{obj.subject_kind} {obj.subject_ref}"

    @display(description="state", ordering="status")
    def state(self, obj: WebhookDelivery) -> object:
        return chip(obj.get_status_display(), TONES.get(Status(obj.status), ""))

    @display(description="next attempt", ordering="next_at")
    def next_attempt(self, obj: WebhookDelivery) -> str:
        return local_time(obj.next_at) if obj.status == Status.PENDING else "–"

    @display(description="body")
    def shown_payload(self, obj: WebhookDelivery) -> object:
        text = json.dumps(json.loads(obj.payload), indent=2, ensure_ascii=False)
        return format_html('<pre class="ops-pre">{}</pre>', text)

    @action(description="Send again")
    def send_again(self, request: Any, queryset: QuerySet[WebhookDelivery]) -> None:
        now, actor, sent = clock.now(), audit.person(request.user), 0
        for delivery in queryset.select_related("endpoint"):
            with say_domain_errors(request, delivery):
                services.redeliver(delivery=delivery, actor=actor, now=now)
                sent += 1
        rows = "1 delivery goes" if sent == 1 else f"{sent} deliveries go"
        self.message_user(request, f"{rows} out again.")

    @act(
        "Send again",
        about="Sends the same body under the same webhook-id, with the whole schedule of attempts.",
        offered=lambda row: row.status in OVER,
    )
    def redeliver(self, request: Any, obj: WebhookDelivery, values: dict[str, Any]) -> str:
        services.redeliver(delivery=obj, actor=audit.person(request.user), now=clock.now())
        return "It goes out again."
