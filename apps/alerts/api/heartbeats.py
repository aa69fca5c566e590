"""Heartbeats over the API: listed, made, changed, paused and resumed; their pings."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.fields import bound_team
from apps.accounts.authentication import KeyPrincipal, actor_of
from apps.accounts.models import Person
from apps.accounts.roles import Grant, Scope
from apps.alerts.models import Heartbeat, Ping, Severity
from apps.alerts.services import heartbeats as services
from apps.core import clock
from apps.core.api.fields import IdField, InstantField, SurfaceKeyField, TextOrNull
from apps.core.api.views import ListView, View, find, idempotent
from apps.core.errors import Invalid, NotAllowed
from apps.notifications.services import absolute
from apps.ownership.models import Surface
from apps.runbooks.models import Runbook

SCOPES = {"read": Scope.EVENTS_READ, "write": Scope.EVENTS_WRITE}


class HeartbeatSerializer(serializers.ModelSerializer[Heartbeat]):
    """A job that pings when it has run. Either `period_seconds` or `cron` is set."""

    id = IdField()
    surface = SurfaceKeyField()
    owner = TextOrNull(source="owner.email", default=None, help_text="Mail address of a person.")
    runbook = TextOrNull(source="runbook.key", default=None, help_text="A runbook's key.")
    integration = serializers.CharField(source="integration_id", help_text="The integration's id.")
    own_job = TextOrNull(help_text="The schedule of OpsPortal's own that this watches.")
    last_ping_at = InstantField(allow_null=True)
    last_start_at = InstantField(allow_null=True, help_text="Of a run that has not ended.")
    due_at = InstantField(allow_null=True, help_text="Down unless it pings by then.")
    created_at = InstantField()

    class Meta:
        model = Heartbeat
        fields = ["id", "name", "slug", "status", "severity", "surface", "owner", "runbook"]
        fields += ["integration", "period_seconds", "cron", "time_zone", "grace_seconds"]
        fields += ["last_ping_at", "last_start_at", "last_duration_ms", "due_at", "own_job"]
        fields += ["created_at"]


class HeartbeatDetailSerializer(HeartbeatSerializer):
    ping_url = serializers.SerializerMethodField(
        help_text="What the job calls. Only for who may change heartbeats: it is a credential."
    )

    class Meta(HeartbeatSerializer.Meta):
        fields = [*HeartbeatSerializer.Meta.fields, "ping_url"]

    def get_ping_url(self, row: Heartbeat) -> str | None:
        shown = self.context["may_write"] and not row.own_job and row.archived_at is None
        return absolute(f"/ping/{row.uuid}") if shown else None


class PingSerializer(serializers.ModelSerializer[Ping]):
    """One ping with what the job printed, of which 10,000 bytes are kept."""

    id = IdField()
    at = InstantField()
    run = TextOrNull(source="run_ref", help_text="`rid`: pairs a start with its end.")

    class Meta:
        model = Ping
        fields = ["id", "at", "kind", "exit_status", "run", "duration_ms", "body"]


class HeartbeatPatch(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, max_length=120)
    period_seconds = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=2**31 - 1
    )
    cron = serializers.CharField(required=False, allow_blank=True, max_length=100)
    time_zone = serializers.CharField(required=False, max_length=64)
    grace_seconds = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    severity = serializers.ChoiceField(required=False, choices=Severity.choices)
    surface = serializers.CharField(required=False, allow_null=True, max_length=120)
    owner = serializers.EmailField(required=False, allow_null=True, max_length=254)
    runbook = serializers.CharField(required=False, allow_null=True, max_length=60)


class HeartbeatIn(HeartbeatPatch):
    name = serializers.CharField(max_length=120)
    slug = serializers.SlugField(required=False, max_length=80)


class HeartbeatFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter has no types
    status = django_filters.ChoiceFilter(choices=Heartbeat.Status.choices)
    slug = django_filters.CharFilter(field_name="slug")
    surface = django_filters.CharFilter(field_name="surface__key", help_text="A surface's key.")

    class Meta:
        model = Heartbeat
        fields = ["status", "slug", "surface"]


def heartbeats(user: Any) -> QuerySet[Heartbeat]:
    """The heartbeats that the asker may see, ready to be shown."""
    rows = Heartbeat.objects.visible_to(user).current()
    return rows.select_related("surface", "owner", "runbook")


def may_write(user: Any) -> bool:
    """Whether the asker may change heartbeats, by a key's scopes or a person's roles."""
    if isinstance(user, KeyPrincipal):
        return bool({Scope.EVENTS_WRITE, Scope.ADMIN} & set(user.key.scopes))
    return bool(user.may(Grant.EDIT_INTEGRATIONS))


def is_mine(user: Any, surface: Surface | None) -> bool:
    """Whether a surface's heartbeats are the asker's to change: a key of a team has its own."""
    team = bound_team(user)
    return team is None or (surface is not None and surface.team_id == team.pk)


def check_mine(user: Any, *surfaces: Surface | None) -> None:
    """Raises NotAllowed: what has no surface, our own jobs among it, is no single team's."""
    if not all(is_mine(user, surface) for surface in surfaces):
        raise NotAllowed("A key of a team changes the heartbeats of its own surfaces alone.")


def mine(request: Request, pk: str) -> Heartbeat:
    """A heartbeat that the asker may change; 404 for one that the asker does not see."""
    row = find(heartbeats(request.user), pk)
    check_mine(request.user, row.surface)
    return row


def shown(request: Request, row: Heartbeat) -> dict[str, Any]:
    found = heartbeats(request.user).filter(pk=row.pk).first() or row
    context = {"may_write": may_write(request.user) and is_mine(request.user, found.surface)}
    return dict(HeartbeatDetailSerializer(found, context=context).data)


def meant(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """The fields with the rows that their keys name; Invalid by field where one is not seen."""
    found = dict(given)
    sources: dict[str, QuerySet[Any]] = {
        "surface": Surface.objects.visible_to(request.user).current(),
        "owner": Person.objects.active(),
        "runbook": Runbook.objects.visible_to(request.user).current(),
    }
    for name, rows in sources.items():
        if given.get(name) is None:
            continue
        by = "email__iexact" if name == "owner" else "key"
        row = rows.filter(**{by: given[name].strip().lower()}).first()
        if row is None:
            raise Invalid(f"There is no such {name}.", fields={name: ["Not found."]})
        found[name] = row
    return found


class HeartbeatList(ListView):
    """Heartbeats, newest first."""

    scopes = SCOPES
    serializer_class = HeartbeatSerializer
    filterset_class = HeartbeatFilter

    def get_queryset(self) -> QuerySet[Heartbeat]:
        return heartbeats(self.request.user)

    @extend_schema(request=HeartbeatIn, responses={201: HeartbeatDetailSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        """Wait for a job from now on. Give either `period_seconds` or `cron`."""
        fields = meant(request, self.body(HeartbeatIn))
        check_mine(request.user, fields.get("surface"))
        row = services.create_heartbeat(
            **fields,
            actor=actor_of(request.user),
            now=clock.now(),
        )
        return Response(shown(request, row), status=201)


class HeartbeatDetail(View):
    """One heartbeat."""

    scopes = SCOPES

    @extend_schema(responses=HeartbeatDetailSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(shown(request, find(heartbeats(request.user), pk)))

    @extend_schema(request=HeartbeatPatch, responses=HeartbeatDetailSerializer)
    def patch(self, request: Request, pk: str) -> Response:
        """Change it; another rhythm is waited for from now on."""
        row = mine(request, pk)
        fields = meant(request, self.body(HeartbeatPatch))
        check_mine(request.user, fields.get("surface", row.surface))
        if fields.get("cron") and "period_seconds" not in fields:
            fields["period_seconds"] = None
        elif fields.get("period_seconds") and "cron" not in fields:
            fields["cron"] = ""
        saved = services.change_heartbeat(
            heartbeat=row, fields=fields, actor=actor_of(request.user), now=clock.now()
        )
        return Response(shown(request, saved))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Archive it: its address takes no more pings, an alert of it ends."""
        row = mine(request, pk)
        services.archive_heartbeat(
            heartbeat=row, actor=actor_of(request.user), now=clock.now()
        )  # fmt: skip
        return Response(status=204)


class HeartbeatPause(View):
    """Wait for nothing: pings are kept, silence and failures tell nobody."""

    scopes = SCOPES

    @extend_schema(request=None, responses={200: HeartbeatDetailSerializer})
    @idempotent
    def post(self, request: Request, pk: str) -> Response:
        row = mine(request, pk)
        saved = services.pause_heartbeat(
            heartbeat=row, actor=actor_of(request.user), now=clock.now()
        )
        return Response(shown(request, saved))


class HeartbeatResume(View):
    """Wait again, from now on."""

    scopes = SCOPES

    @extend_schema(request=None, responses={200: HeartbeatDetailSerializer})
    @idempotent
    def post(self, request: Request, pk: str) -> Response:
        row = mine(request, pk)
        saved = services.resume_heartbeat(
            heartbeat=row, actor=actor_of(request.user), now=clock.now()
        )
        return Response(shown(request, saved))


class PingList(ListView):
    """The pings of a heartbeat, newest first; the last 500 are kept."""

    scopes = {"read": Scope.EVENTS_READ}
    ordering = ("-at", "-id")
    serializer_class = PingSerializer

    def get_queryset(self) -> QuerySet[Ping]:
        if getattr(self, "swagger_fake_view", False):  # the schema is made without a request
            return Ping.objects.none()
        return find(heartbeats(self.request.user), self.kwargs["pk"]).pings.all()
