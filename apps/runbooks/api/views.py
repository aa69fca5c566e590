"""Runbooks: read, brought as files, approved, reviewed."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.fields import person_of
from apps.accounts.authentication import actor_of
from apps.accounts.roles import Scope
from apps.core import clock
from apps.core.api.fields import as_id
from apps.core.api.views import ListView, View, find, idempotent
from apps.ownership.models import Surface
from apps.runbooks import exchange, selectors, services
from apps.runbooks.api.filters import RunbookFilter
from apps.runbooks.api.serializers import (
    ExportQuery,
    RunbookFileIn,
    RunbookFileSerializer,
    RunbookPatch,
    RunbookRetireIn,
    RunbookReturnIn,
    RunbookReviewIn,
    RunbookReviewSerializer,
    RunbookRowSerializer,
    RunbookSerializer,
    RunbookVersionDetailSerializer,
)
from apps.runbooks.models import Runbook, RunbookVersion

SCOPES = {"read": Scope.INCIDENTS_READ, "write": Scope.INCIDENTS_WRITE}
ENDINGS = {"yaml": "yaml", "markdown": "md"}


def runbooks(user: Any) -> QuerySet[Runbook]:
    """The runbooks that the asker may see, ready to be shown in a list."""
    rows = Runbook.objects.visible_to(user).select_related("owner", "backup")
    return rows.prefetch_related("surfaces", "triggers")


def furnished(rows: list[Any]) -> list[Any]:
    """Rows with their approved version and how fresh they are."""
    fresh = selectors.freshness_of(rows, now=clock.now())
    current = selectors.current_versions(rows)
    for row in rows:
        row.fresh, row.current = fresh[row.pk], current.get(row.pk)
    return rows


def runbook_by(user: Any, key: str) -> Runbook:
    """A runbook that the asker may see, by its key; 404."""
    return find(runbooks(user), key.lower(), by="key")


def version_by(user: Any, key: str, number: str) -> RunbookVersion:
    """A version of a runbook by its number; 404."""
    rows = RunbookVersion.objects.filter(runbook=runbook_by(user, key), number=as_id(number) or 0)
    row = rows.select_related("runbook", "author", "approved_by").first()
    if row is None:
        raise Http404
    return row


def shown(user: Any, key: str) -> dict[str, Any]:
    (row,) = furnished([runbook_by(user, key)])
    return dict(RunbookSerializer(row).data)


class RunbookList(ListView):
    """Runbooks by key, with how fresh they are."""

    scopes = SCOPES
    ordering = ("key",)
    serializer_class = RunbookRowSerializer
    filterset_class = RunbookFilter

    def get_queryset(self) -> QuerySet[Runbook]:
        return runbooks(self.request.user)

    def paginate_queryset(self, queryset: Any) -> Any:
        return furnished(super().paginate_queryset(queryset) or [])

    @extend_schema(request=RunbookFileIn, responses={201: RunbookSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        """Bring a runbook as YAML or Markdown. It becomes a draft; what is wrong names its line."""
        given = self.body(RunbookFileIn)
        version = services.bring(
            text=given["text"],
            form=given.get("format", ""),
            author=person_of(request.user),
            surfaces=Surface.objects.visible_to(request.user).current(),
            actor=actor_of(request.user),
            now=clock.now(),
        )
        return Response(shown(request.user, version.runbook.key), status=201)


class RunbookDetail(View):
    """One runbook by its key."""

    scopes = SCOPES

    @extend_schema(responses=RunbookSerializer)
    def get(self, request: Request, key: str) -> Response:
        return Response(shown(request.user, key))

    @extend_schema(request=RunbookPatch, responses=RunbookSerializer)
    def patch(self, request: Request, key: str) -> Response:
        """Change owner, backup, cadence, surfaces, triggers, title or summary."""
        changes = self.body(RunbookPatch)
        if "triggers" in changes:
            changes["triggers"] = [(row["by"], row["value"]) for row in changes["triggers"]]
        services.edit(
            runbook=runbook_by(request.user, key),
            actor=actor_of(request.user),
            now=clock.now(),
            **changes,
        )
        return Response(shown(request.user, key))


class RunbookExport(View):
    """The runbook as a file's text: of the approved version, else of the draft."""

    scopes = SCOPES
    query = ExportQuery

    @extend_schema(responses=RunbookFileSerializer)
    def get(self, request: Request, key: str) -> Response:
        runbook = runbook_by(request.user, key)
        form = self.asked().get("as", "yaml")
        version = selectors.current_version(runbook) or selectors.version_at_work(runbook)
        text = exchange.write(selectors.document_of(runbook, version), form=form)
        return Response({"filename": f"{runbook.key}.{ENDINGS[form]}", "text": text})


class RunbookReviews(View):
    """Say what you found when you read the approved version."""

    scopes = SCOPES

    @extend_schema(request=RunbookReviewIn, responses={201: RunbookReviewSerializer})
    @idempotent
    def post(self, request: Request, key: str) -> Response:
        row = services.review(
            runbook=runbook_by(request.user, key),
            actor=actor_of(request.user),
            now=clock.now(),
            **self.body(RunbookReviewIn),
        )
        return Response(RunbookReviewSerializer(row).data, status=201)


class RunbookRetire(View):
    """Take a runbook out of use."""

    scopes = SCOPES

    @extend_schema(request=RunbookRetireIn, responses={200: RunbookSerializer})
    @idempotent
    def post(self, request: Request, key: str) -> Response:
        services.retire(
            runbook=runbook_by(request.user, key),
            reason=self.body(RunbookRetireIn)["reason"],
            person=person_of(request.user),
            actor=actor_of(request.user),
            now=clock.now(),
        )
        return Response(shown(request.user, key))


class VersionDetail(View):
    """One version with its steps."""

    scopes = SCOPES

    @extend_schema(operation_id="runbooks_versions_read", responses=RunbookVersionDetailSerializer)
    def get(self, request: Request, key: str, number: str) -> Response:
        return Response(RunbookVersionDetailSerializer(version_by(request.user, key, number)).data)


class VersionSubmit(View):
    """Ask for a review of a draft."""

    scopes = SCOPES

    @extend_schema(request=None, responses={200: RunbookVersionDetailSerializer})
    @idempotent
    def post(self, request: Request, key: str, number: str) -> Response:
        row = services.submit(
            version=version_by(request.user, key, number),
            actor=actor_of(request.user),
            now=clock.now(),
        )
        return Response(RunbookVersionDetailSerializer(row).data)


class VersionReturn(View):
    """Send a version back to its author."""

    scopes = SCOPES

    @extend_schema(request=RunbookReturnIn, responses={200: RunbookVersionDetailSerializer})
    @idempotent
    def post(self, request: Request, key: str, number: str) -> Response:
        row = services.return_to_draft(
            version=version_by(request.user, key, number),
            comment=self.body(RunbookReturnIn)["comment"],
            actor=actor_of(request.user),
            now=clock.now(),
        )
        return Response(RunbookVersionDetailSerializer(row).data)


class VersionApprove(View):
    """Approve what is in review. Its author cannot, and a key cannot: answers 403."""

    scopes = SCOPES

    @extend_schema(request=None, responses={200: RunbookVersionDetailSerializer})
    @idempotent
    def post(self, request: Request, key: str, number: str) -> Response:
        row = services.approve(
            version=version_by(request.user, key, number),
            person=person_of(request.user),
            actor=actor_of(request.user),
            now=clock.now(),
        )
        return Response(RunbookVersionDetailSerializer(row).data)
