"""Runs of runbooks: begun, recorded step by step, ended."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.fields import person_of
from apps.accounts.authentication import actor_of
from apps.core import clock
from apps.core.api.fields import as_id
from apps.core.api.views import ListView, View, find, idempotent
from apps.runbooks import selectors, services
from apps.runbooks.api.filters import ExecutionFilter
from apps.runbooks.api.serializers import (
    ExecutionIn,
    ExecutionRowSerializer,
    ExecutionSerializer,
    ExecutionTransitionIn,
    StepRecordedSerializer,
    StepResultIn,
    StepWrongIn,
    StepWrongSerializer,
)
from apps.runbooks.api.views import SCOPES
from apps.runbooks.models import Execution, Runbook, RunbookVersion
from apps.runbooks.ports import Context

_REF = re.compile(r"RUN-([0-9]{1,18})", re.IGNORECASE)


def execution_by(user: Any, ref: str) -> Execution:
    """A run that the asker may see, by its reference RUN-7; 404."""
    match = _REF.fullmatch(ref)
    return find(selectors.executions(user), match[1] if match else "")


def shown(user: Any, ref: str) -> dict[str, Any]:
    return dict(ExecutionSerializer(execution_by(user, ref)).data)


def position_of(text: str) -> int:
    position = as_id(text)
    if position is None or position > 10_000:
        raise Http404
    return position


def version_to_run(user: Any, given: dict[str, Any]) -> RunbookVersion:
    """The version that is asked for, else the approved one; an unknown name is refused."""
    runbook = Runbook.objects.visible_to(user).filter(key=given["runbook"].lower()).first()
    if runbook is None:
        raise serializers.ValidationError({"runbook": ["There is no such runbook."]})
    if "version" in given:
        version = runbook.versions.filter(number=given["version"]).first()
    else:
        version = selectors.current_version(runbook)
    if version is None:
        name = "version" if "version" in given else "runbook"
        raise serializers.ValidationError({name: ["It has no such version to run."]})
    return version


def context_named(user: Any, named: dict[str, str]) -> Context:
    """What a run is for, as the body names it; nothing for a run by itself."""
    if not named:
        return Context("", "")
    return services.context_of(
        user=user, sort=named["kind"], ref=named["ref"], url=named.get("url", "")
    )


class ExecutionList(ListView):
    """Runs, newest first."""

    scopes = SCOPES
    serializer_class = ExecutionRowSerializer
    filterset_class = ExecutionFilter

    def get_queryset(self) -> QuerySet[Execution]:
        return selectors.executions(self.request.user)

    @extend_schema(request=ExecutionIn, responses={201: ExecutionSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        """Begin a run of a runbook, for an incident or alone. Only a drill may run a draft."""
        given = self.body(ExecutionIn)
        named = given.get("context") or {}
        found = context_named(request.user, named)
        run = services.start(
            version=version_to_run(request.user, given),
            person=person_of(request.user),
            actor=actor_of(request.user),
            now=clock.now(),
            context=(named.get("kind", ""), found.ref, found.url),
            kind=given.get("kind", found.kind),
            is_restricted=given["restricted"] or found.is_restricted,
            watchers=found.watchers,
        )
        return Response(ExecutionSerializer(run).data, status=201)


class ExecutionDetail(View):
    """One run with every step."""

    scopes = SCOPES

    @extend_schema(responses=ExecutionSerializer)
    def get(self, request: Request, ref: str) -> Response:
        return Response(shown(request.user, ref))


class ExecutionStep(View):
    """Record a step. What cannot be undone answers 409 `confirm_needed` until `confirmed` is sent;
    a failed step answers what its author wants done."""

    scopes = SCOPES

    @extend_schema(
        operation_id="executions_steps_record",
        request=StepResultIn,
        responses={200: StepRecordedSerializer},
    )
    @idempotent
    def post(self, request: Request, ref: str, position: str) -> Response:
        recorded = services.record_step(
            execution=execution_by(request.user, ref),
            step_position=position_of(position),
            person=person_of(request.user),
            actor=actor_of(request.user),
            now=clock.now(),
            **self.body(StepResultIn),
        )
        return Response(StepRecordedSerializer(recorded).data)


class ExecutionStepWrong(View):
    """Say that a step of the runbook is wrong: opens a follow-up and marks the version."""

    scopes = SCOPES

    @extend_schema(request=StepWrongIn, responses={201: StepWrongSerializer})
    @idempotent
    def post(self, request: Request, ref: str, position: str) -> Response:
        follow_up = services.say_wrong(
            execution=execution_by(request.user, ref),
            step_position=position_of(position),
            note=self.body(StepWrongIn)["note"],
            person=person_of(request.user),
            actor=actor_of(request.user),
            now=clock.now(),
        )
        return Response(StepWrongSerializer(follow_up).data, status=201)


class ExecutionTransition(View):
    """Pause, resume (`running`), complete or abandon a run. What is left answers `steps_left`."""

    scopes = SCOPES

    @extend_schema(request=ExecutionTransitionIn, responses={200: ExecutionSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        run = execution_by(request.user, ref)
        given = self.body(ExecutionTransitionIn)
        services.transition(
            execution=run,
            to=given["to"],
            reason=given.get("reason", ""),
            actor=actor_of(request.user),
            now=clock.now(),
        )
        return Response(shown(request.user, ref))
