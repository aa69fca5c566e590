"""Rules over the API: drafted, changed, switched, and replayed before they wake anybody."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.fields import bound_team, person_of
from apps.accounts.authentication import actor_of
from apps.accounts.roles import Grant, Scope
from apps.alerts import services
from apps.alerts.api.rule_serializers import (
    ReplayIn,
    ReplaySerializer,
    RuleFilter,
    RuleIn,
    RulePatch,
    RuleRowSerializer,
    RuleSerializer,
    SwitchIn,
)
from apps.alerts.models import AlertRule
from apps.core import clock
from apps.core.api.views import ListView, View, find, idempotent
from apps.core.errors import NotAllowed

SCOPES = {"read": Scope.EVENTS_READ, "write": Scope.INCIDENTS_WRITE}


def rules(user: Any) -> QuerySet[AlertRule]:
    """The rules that the asker may see."""
    rows = AlertRule.objects.visible_to(user)
    return rows.select_related("surface", "owner", "runbook", "slo", "slo__surface")


def rule_by(user: Any, key: str) -> AlertRule:
    """A rule by its key; 404."""
    return find(rules(user), key.lower(), by="key")


def shown(rule: AlertRule) -> dict[str, Any]:
    """A rule with where each of its groups stands."""
    rows = AlertRule.objects.select_related("surface", "owner", "runbook", "slo")
    return dict(RuleSerializer(rows.prefetch_related("groups").get(pk=rule.pk)).data)


def check_may_write(user: Any) -> None:
    """People need the grant that the pages ask for."""
    person = person_of(user)
    if person is not None and not person.may(Grant.EDIT_POLICIES):
        raise NotAllowed("Your role does not include rules. A manager can change roles.")
    check_may_look(user)


def check_may_look(user: Any) -> None:
    """A rule looks at the telemetry of all teams, so a team's key neither makes nor tries one."""
    if bound_team(user) is not None:
        raise NotAllowed("A rule looks at all teams: a key that is bound to a team has none.")


class RuleList(ListView):
    """Rules by key."""

    scopes = SCOPES
    ordering = ("key",)
    serializer_class = RuleRowSerializer
    filterset_class = RuleFilter

    def get_queryset(self) -> QuerySet[AlertRule]:
        return rules(self.request.user)

    @extend_schema(operation_id="rules_draft", request=RuleIn, responses={201: RuleSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        """Draft a rule. It looks at nothing until it is switched on."""
        check_may_write(request.user)
        rule = services.create_rule(
            **self.body(RuleIn), actor=actor_of(request.user), now=clock.now()
        )
        return Response(shown(rule), status=201)


class RuleDetail(View):
    """One rule and where each of its groups stands."""

    scopes = SCOPES

    @extend_schema(operation_id="rules_read", responses=RuleSerializer)
    def get(self, request: Request, key: str) -> Response:
        return Response(shown(rule_by(request.user, key)))

    @extend_schema(request=RulePatch, responses=RuleSerializer)
    def patch(self, request: Request, key: str) -> Response:
        """Change what is named; key and kind stay. 409 for an archived rule."""
        rule = rule_by(request.user, key)
        check_may_write(request.user)
        services.change_rule(
            rule=rule,
            fields=self.body(RulePatch),
            actor=actor_of(request.user),
            now=clock.now(),
        )
        return Response(shown(rule))


class RuleSwitch(View):
    """Switch a rule on, or off with a reason. On needs an owner and a runbook. As it is: 409."""

    scopes = SCOPES

    @extend_schema(request=SwitchIn, responses={200: RuleSerializer})
    @idempotent
    def post(self, request: Request, key: str) -> Response:
        rule = rule_by(request.user, key)
        check_may_write(request.user)
        given, actor, now = self.body(SwitchIn), actor_of(request.user), clock.now()
        if given["on"]:
            services.switch_on(rule=rule, actor=actor, now=now)
        else:
            services.switch_off(rule=rule, reason=given["reason"], actor=actor, now=now)
        return Response(shown(rule))


class RuleReplay(View):
    """What a rule would have done over stored history. Nothing is written."""

    scopes = SCOPES

    @extend_schema(request=ReplayIn, responses={200: ReplaySerializer})
    def post(self, request: Request, key: str) -> Response:
        """`moments` are when somebody else noticed: each is answered with how much earlier the
        rule would have fired."""
        rule = rule_by(request.user, key)
        check_may_look(request.user)
        given = self.body(ReplayIn)
        done = services.replay(
            draft=services.draft_of(rule), since=given["since"], until=given["until"]
        )
        ahead = done.ahead_of(given["moments"])
        return Response(ReplaySerializer(done, context={"ahead": ahead}).data)
