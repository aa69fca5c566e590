"""API keys: shown once when made, rotated with an overlap, revoked, never deleted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from apps.accounts import services
from apps.accounts.models import ApiKey
from apps.accounts.roles import Scope
from apps.accounts.services import NewKey
from apps.core import clock
from apps.core.admin_base import ModelAdmin, act, become, display, register, when
from apps.core.admin_base.forms import Choices, Form
from apps.core.admin_base.lists import Filter, shown_once

SCOPE_HELP = {
    Scope.EVENTS_WRITE: "for monitoring tools that send alerts",
    Scope.EVENTS_READ: "for dashboards that show what came in",
    Scope.ROTATIONS_READ: "for chat bots and status pages",
    Scope.ROTATIONS_WRITE: "for tools that swap and override",
    Scope.INCIDENTS_READ: "for reports",
    Scope.INCIDENTS_WRITE: "for chat bots that acknowledge and resolve",
    Scope.OWNERSHIP_READ: "for catalogs",
    Scope.OWNERSHIP_WRITE: "for catalogs that are the source of truth",
    Scope.ADMIN: "give it to nobody who would not get a manager's role",
}
OVERLAPS = [("0", "none: the old key stops at once"), ("1", "1 hour"), ("24", "1 day"),
            ("168", "1 week"), ("720", "30 days")]  # fmt: skip


class KeyForm(Form):
    scopes = Choices(
        choices=Scope.choices, helps=SCOPE_HELP, help_text="Give a tool no more than it needs."
    )

    class Meta:
        model = ApiKey
        fields = ["name", "scopes", "team", "rate", "expires_at"]


class RotateForm(forms.Form):
    overlap = forms.ChoiceField(
        choices=OVERLAPS,
        initial="24",
        label="The old key works for",
        help_text="Long enough to give the new one to the tool.",
    )


class StateFilter(Filter):
    title = "state"
    parameter_name = "state"
    choices_offered = [("usable", "Usable"), ("revoked", "Revoked"), ("expired", "Expired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = clock.now()
        match self.value():
            case "usable":
                return queryset.filter(revoked_at=None).filter(
                    Q(expires_at=None) | Q(expires_at__gt=now)
                )
            case "revoked":
                return queryset.exclude(revoked_at=None)
            case "expired":
                return queryset.filter(revoked_at=None, expires_at__lte=now)
        return queryset


@register(ApiKey)
class ApiKeyAdmin(ModelAdmin[ApiKey]):
    form = KeyForm
    shows_secret = True
    intro = (
        "A key lets a tool talk to the API. Its text is shown once, when it is made; "
        "here only its first characters are kept."
    )
    empty_text = "No key yet. A monitoring tool needs one with the scope “Post events”."
    list_display = [
        "name", "shown_prefix", "state", "shown_scopes", "team",
        when("expires_at", "expires", "never"), when("last_used_at", "last used", "never"),
    ]  # fmt: skip
    list_filter = [StateFilter, "team"]
    list_select_related = ["team"]
    search_fields = ["name", "prefix"]
    fields = ["name", "scopes", "team", "rate", "expires_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """What a key may do is fixed when it is made; another right is another key."""
        fixed = ["state", "shown_prefix", "shown_scopes", "scopes", "team", "rate", "expires_at"]
        return [*fixed, *_TIMES] if obj else []

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.fields
        return ["name", "state", "shown_prefix", "shown_scopes", "team", "rate", *_TIMES]

    def enrich(self, rows: list[ApiKey], now: datetime) -> None:
        for row in rows:
            row.state_words = _state(row, now)  # type: ignore[attr-defined] # read by `state`

    @display(description="state")
    def state(self, obj: Any) -> str:
        return str(getattr(obj, "state_words", "") or _state(obj, clock.now()))

    @display(description="key", ordering="prefix")
    def shown_prefix(self, obj: ApiKey) -> str:
        return f"{obj.prefix}…" if obj.prefix else ""

    @display(description="scopes")
    def shown_scopes(self, obj: ApiKey) -> str:
        return ", ".join(str(Scope(scope).label) for scope in obj.scopes if scope in Scope.values)

    def save_model(self, request: Any, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        chosen = {name: form.cleaned_data[name] for name in ("name", "scopes", "team", "rate")}
        made = services.create_key(
            **chosen, expires_at=form.cleaned_data["expires_at"],
            created_by=request.user, now=clock.now(),
        )  # fmt: skip
        become(obj, made.row)
        request.made = made

    def response_add(self, request: Any, obj: ApiKey, post_url_continue: Any = None) -> Any:
        return self._show(request, request.made)

    def _show(self, request: HttpRequest, made: NewKey) -> HttpResponse:
        return shown_once(
            self, request, made.row, title="The new key", secrets=[("Key", made.text)],
            usage=f'curl -H "Authorization: Bearer {made.text}" …',
        )  # fmt: skip

    @act(
        "Rotate",
        form=RotateForm,
        about="Makes a new key with the same rights and shows it once.",
        offered=lambda key: key.revoked_at is None,
    )
    def rotate(self, request: Any, obj: ApiKey, values: dict[str, Any]) -> HttpResponse:
        made = services.rotate_key(
            key=obj, overlap=timedelta(hours=int(values["overlap"])), by=request.user,
            now=clock.now(),
        )  # fmt: skip
        return self._show(request, made)

    @act(
        "Revoke",
        about="The key stops at once, and so does every tool that still uses it. "
        "This cannot be taken back.",
        danger=True,
        offered=lambda key: key.revoked_at is None,
    )
    def revoke(self, request: HttpRequest, obj: ApiKey, values: dict[str, Any]) -> str:
        services.revoke_key(key=obj, now=clock.now())
        return f"{obj.name} is revoked."


_TIMES = [
    when("expires_at", "expires", "never"),
    when("created_at", "made"),
    when("last_used_at", "last used", "never"),
    when("revoked_at", "revoked", "no"),
]


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at:
        return "Revoked"
    if key.expires_at and key.expires_at <= now:
        return "Expired"
    return "Usable"
