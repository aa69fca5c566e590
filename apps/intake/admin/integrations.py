"""Integrations: made with their credential shown once, rotated, archived."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Max
from django.http import HttpRequest, HttpResponse

from apps.core import clock
from apps.core.admin_base import ModelAdmin, act, become, display, local_time, register, when
from apps.core.admin_base.forms import Form
from apps.core.admin_base.lists import Archived, chip, edit_link, shown_once
from apps.intake import services
from apps.intake.models import Delivery, Integration
from apps.intake.services import HOOKS, KEYED, SIGNED, NewIntegration
from apps.notifications import services as notifications

Kind = Integration.Kind
LOOKED_AT = 10_000  # deliveries that “last delivery” looks at: the table may be long
OFFERED = [(str(kind), str(kind.label)) for kind in (*HOOKS, *KEYED)]
SIGNERS = ", ".join(sorted(str(kind.label) for kind in SIGNED))
SIGNING_HELP = (
    f"{SIGNERS} sign what they send: the same secret here and there. Shown to nobody, not even "
    "here."
)


class IntegrationForm(Form):
    kind = forms.ChoiceField(
        choices=OFFERED,
        help_text="For the events API (native, CloudEvents) make an API key instead.",
    )
    secret = forms.CharField(
        required=False, max_length=200, label="Signing secret", help_text=SIGNING_HELP,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip

    class Meta:
        model = Integration
        fields = ["kind", "name", "surface", "team", "owner", "rate"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.pk:
            self.fields["name"].required = False
            self.fields["name"].help_text = "Empty: the kind, and the surface."


class SecretForm(forms.Form):
    secret = forms.CharField(
        max_length=200, label="New signing secret", help_text=SIGNING_HELP,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip


@register(Integration)
class IntegrationAdmin(ModelAdmin[Integration]):
    form = IntegrationForm
    shows_secret = True
    intro = (
        "A source of events: the address that a tool posts to, and the surface that it speaks for."
    )
    empty_text = (
        "Nothing sends events yet. Add Alertmanager, Grafana, Stripe, Sentry, GitHub or another."
    )
    list_display = ["name", "kind", "surface", "team", "credential", "last_delivery"]
    list_filter = [Archived, "kind", "team"]
    list_select_related = ["surface", "team", "api_key"]
    search_fields = ["name", "surface__key", "token_hint"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = ["kind", "name", "surface", "team", "owner", "rate"]
        if obj is None:
            return [(None, {"fields": [*fields, "secret"]})]
        facts = ["address", "credential", "signed", when("created_at", "made"), "last_delivery"]
        return [(None, {"fields": fields}), ("Known", {"fields": facts})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        facts = ["address", "credential", "signed", when("created_at", "made"), "last_delivery"]
        return ["kind", *facts] if obj else facts

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        own = obj is not None and obj.kind == Kind.INTERNAL
        return not own and super().has_change_permission(request, obj)

    def enrich(self, rows: list[Integration], now: datetime) -> None:
        last = _last_deliveries()
        for row in rows:
            row.last_at = last.get(row.pk)  # type: ignore[attr-defined] # read by the column

    @display(description="credential")
    def credential(self, obj: Integration) -> object:
        if obj.archived_at:
            return chip("Archived")
        if obj.kind == Kind.INTERNAL:
            return "none: OpsPortal itself"
        return edit_link(obj.api_key) if obj.api_key_id else f"{obj.token_hint}…"

    @display(description="posts to")
    def address(self, obj: Integration) -> str:
        shown = NewIntegration(obj, f"{obj.token_hint}…")
        return "" if obj.kind == Kind.INTERNAL else notifications.absolute(shown.path)

    @display(description="signing secret")
    def signed(self, obj: Integration) -> str:
        if obj.kind not in SIGNED:
            return "this kind does not sign"
        if not obj.secret_sealed:
            return "not set: requests are taken unsigned"
        return "set, and the one before it" if obj.secret_old_sealed else "set"

    @display(description="last delivery")
    def last_delivery(self, obj: Any) -> object:
        if not hasattr(obj, "last_at"):
            obj.last_at = _last_deliveries().get(obj.pk)
        return local_time(obj.last_at) or chip("None lately", "warning")

    def save_model(self, request: Any, obj: Integration, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        names = ("kind", "name", "surface", "team", "owner", "rate", "secret")
        values = {name: form.cleaned_data[name] for name in names}
        request.made = services.create_integration(**values, now=clock.now())
        become(obj, request.made.row)

    def response_add(self, request: Any, obj: Integration, post_url_continue: Any = None) -> Any:
        return self._show(request, request.made)

    def _show(self, request: HttpRequest, made: NewIntegration) -> HttpResponse:
        url = notifications.absolute(made.path)
        key = "API key" if made.row.kind == Kind.OPSGENIE else "Routing key"
        shown = [("Address", url), *([(key, made.token)] if made.row.kind in KEYED else [])]
        return shown_once(
            self, request, made.row, title="The new credential", secrets=shown,
            usage=_USAGE.get(Kind(made.row.kind), "").format(url=url, token=made.token),
        )  # fmt: skip

    @act(
        "Rotate the credential",
        about="Makes a new address or routing key and shows it once. The old one stops at once.",
        danger=True,
        offered=lambda row: row.kind in {*HOOKS, *KEYED} and row.archived_at is None,
    )
    def rotate(
        self, request: HttpRequest, obj: Integration, values: dict[str, Any]
    ) -> HttpResponse:
        return self._show(request, services.rotate_token(integration=obj, now=clock.now()))

    @act(
        "Set the signing secret",
        form=SecretForm,
        about="The secret before stays valid until the next change, so nothing is lost meanwhile.",
        offered=lambda row: row.kind in SIGNED and row.archived_at is None,
    )
    def set_secret(self, request: HttpRequest, obj: Integration, values: dict[str, Any]) -> str:
        services.set_secret(integration=obj, secret=values["secret"])
        return "The new secret is in force."

    @act(
        "Archive",
        about="What this source sends is no longer taken. Its deliveries and alerts stay.",
        danger=True,
        offered=lambda row: row.archived_at is None and row.kind != Kind.INTERNAL,
    )
    def archive(self, request: HttpRequest, obj: Integration, values: dict[str, Any]) -> str:
        services.archive_integration(integration=obj, now=clock.now())
        return f"{obj.name} is archived."

    @act("Bring back", offered=lambda row: row.archived_at is not None)
    def restore(self, request: HttpRequest, obj: Integration, values: dict[str, Any]) -> str:
        services.restore_integration(integration=obj)
        return f"{obj.name} is back."


def _last_deliveries() -> dict[int, datetime]:
    """When each integration last sent something, among the newest deliveries alone."""
    newest = Delivery.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    recent = Delivery.objects.filter(pk__gt=newest - LOOKED_AT).values_list("integration_id")
    return dict(recent.annotate(last=Max("received_at")))


_USAGE = {
    Kind.ALERTMANAGER: "receivers:\n  - name: opsportal\n    webhook_configs:\n"
    "      - url: {url}\n",
    Kind.FIVETRAN: "Account settings → Webhooks: {url}\nEvents: sync_end, dbt_run_*\n",
    Kind.GCP: "Monitoring → Alerting → Notification channels → Webhooks: {url}\n",
    Kind.GITHUB: "Settings → Webhooks: {url}\nContent type: application/json\n"
    "Events: deployment statuses, releases, issues\n",
    Kind.GRAFANA: "Alerting → Contact points → Webhook: {url}\n",
    Kind.HEARTBEAT: "curl -fsS -m 10 --retry 5 '{url}/nightly-profile?create=1'\n",
    Kind.MAIL: "curl {url} -H 'Content-Type: message/rfc822' --data-binary @message.eml\n",
    Kind.OPSGENIE: "curl {url} -H 'Authorization: GenieKey {token}' "
    "-H 'Content-Type: application/json' -d '{{\"message\": \"Trial\"}}'\n",
    Kind.PAGERDUTY: "pd_events_v2_url: {url}\nrouting_key: {token}\n",
    Kind.SENTRY: "Settings → Developer settings → Internal integration: {url}\nWebhooks: issue\n",
    Kind.SLACK: "Interactivity and slash command, request URL: {url}\n",
    Kind.STRIPE: "Developers → Webhooks → Add endpoint: {url}\n"
    "Events: invoice.payment_failed, invoice.paid, charge.dispute.*\n",
}
