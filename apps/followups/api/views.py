"""The ledger of follow-ups: opened, read, changed, done, verified."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.fields import person_of
from apps.accounts.authentication import actor_of
from apps.accounts.roles import Grant, Scope
from apps.core import clock
from apps.core.api.problems import renamed
from apps.core.api.views import ListView, View, find, idempotent
from apps.core.errors import NotAllowed
from apps.followups import selectors, services
from apps.followups.api.fields import number_of
from apps.followups.api.filters import FollowUpFilter
from apps.followups.api.serializers import (
    EvidenceIn,
    EvidenceSerializer,
    FollowUpIn,
    FollowUpNoteSerializer,
    FollowUpPatch,
    FollowUpRowSerializer,
    FollowUpSerializer,
    NoteIn,
    StepIn,
    WithdrawIn,
)
from apps.followups.models import Evidence, FollowUp, FollowUpNote

SCOPES = {"read": Scope.INCIDENTS_READ, "write": Scope.INCIDENTS_WRITE}
PROMISE = OpenApiExample(
    "From an incident",
    value={
        "title": "Sample wide text with a budget",
        "acceptance": "p95 on the XS fixture stays below 300 s",
        "aim": "prevent",
        "priority": "P0",
        "owner": "ravi@example.org",
        "due_on": "2026-10-08",
        "surface": "inspect.profiler",
        "factor": "limit-or-quota",
        "source": {"kind": "incident", "ref": "INC-42", "url": "/incidents/INC-42/"},
    },
    request_only=True,
)
FAILED = OpenApiExample(
    "The fix did not hold",
    value={"to": "open", "did_not_hold": True, "note": "The time-outs are back since Tuesday."},
    request_only=True,
)


def by(request: Request) -> dict[str, Any]:
    """Who acts, and when."""
    return {"actor": actor_of(request.user), "now": clock.now()}


def follow_up_by(user: Any, ref: str) -> FollowUp:
    """A follow-up that the asker may see, by its reference FUP-7; 404."""
    return find(selectors.rows(user), number_of(ref))


def shown(pk: int) -> dict[str, Any]:
    rows = FollowUp.objects.select_related(
        "owner", "surface", "factor", "done_by", "verified_by"
    ).prefetch_related(Prefetch("evidence", Evidence.objects.order_by("at", "pk")))
    return dict(FollowUpSerializer(rows.get(pk=pk)).data)


class FollowUpList(ListView):
    """What was promised, newest first."""

    scopes = SCOPES
    serializer_class = FollowUpRowSerializer
    filterset_class = FollowUpFilter

    def get_queryset(self) -> QuerySet[FollowUp]:
        return selectors.rows(self.request.user)

    @extend_schema(request=FollowUpIn, responses={201: FollowUpSerializer}, examples=[PROMISE])
    @idempotent
    def post(self, request: Request) -> Response:
        """Promise something. Its owner hears of it, and is reminded until it is done."""
        given = self.body(FollowUpIn)
        came = given.pop("source", None) or {}
        source = (
            came.get("kind") or services.HAND[0],
            came.get("ref", ""),
            came.get("url", ""),
            came.get("label", ""),
        )
        made = services.open_follow_up(source=source, **given, **by(request))
        return Response(shown(made.pk), status=201)


class FollowUpDetail(View):
    scopes = SCOPES

    @extend_schema(responses=FollowUpSerializer)
    def get(self, request: Request, ref: str) -> Response:
        """One follow-up by its reference, with its evidence."""
        return Response(shown(follow_up_by(request.user, ref).pk))

    @extend_schema(request=FollowUpPatch, responses=FollowUpSerializer)
    def patch(self, request: Request, ref: str) -> Response:
        """Change what is named, all or none. A later day or a lower priority takes a reason."""
        row = follow_up_by(request.user, ref)
        given = self.body(FollowUpPatch)
        seen = given.pop("version", None)
        services.edit(follow_up=row, seen_version=seen, **given, **by(request))
        return Response(shown(row.pk))


class FollowUpTransition(View):
    """Take the next step. `verified` needs evidence that fits the aim (409 `no_evidence`), and for
    P0 and P1 a person other than its owner and whoever did it (403)."""

    scopes = SCOPES

    @extend_schema(request=StepIn, responses={200: FollowUpSerializer}, examples=[FAILED])
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        row = follow_up_by(request.user, ref)
        given = self.body(StepIn)
        with renamed(reason="note"):
            _step(request, row, given)
        return Response(shown(row.pk))


def _step(request: Request, row: FollowUp, given: dict[str, Any]) -> None:
    to, note, person = given["to"], given.get("note", ""), person_of(request.user)
    common = {"follow_up": row, "seen_version": given.get("version"), **by(request)}
    if to == FollowUp.Status.IN_PROGRESS:
        services.start(person=person, note=note, **common)
    elif to == FollowUp.Status.DONE:
        services.mark_done(person=person, note=note, **common)
    elif to == FollowUp.Status.VERIFIED:
        services.verify(person=person, note=note, **common)
    elif to == FollowUp.Status.WONT_DO:
        user: Any = request.user
        if not user.may(Grant.EDIT_OWNERSHIP):
            raise NotAllowed("Only a manager decides that a follow-up won't be done.")
        services.wont_do(person=person, reason=note, **common)
    elif given["did_not_hold"]:
        services.not_held(reason=note, **common)
    else:
        services.reopen(reason=note, **common)


class FollowUpEvidence(ListView):
    """What shows that it holds, in the order in which it was brought; withdrawn pieces, too."""

    scopes = SCOPES
    ordering = ("at", "id")
    serializer_class = EvidenceSerializer

    def get_queryset(self) -> QuerySet[Evidence]:
        if "ref" not in self.kwargs:  # while the document is written
            return Evidence.objects.none()
        return Evidence.objects.filter(
            follow_up=follow_up_by(self.request.user, self.kwargs["ref"])
        )

    @extend_schema(request=EvidenceIn, responses={201: EvidenceSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Bring a piece of evidence."""
        row = follow_up_by(request.user, ref)
        made = services.add_evidence(follow_up=row, **self.body(EvidenceIn), **by(request))
        return Response(EvidenceSerializer(made).data, status=201)


class FollowUpEvidenceWithdraw(View):
    scopes = SCOPES

    @extend_schema(request=WithdrawIn, responses={200: EvidenceSerializer})
    @idempotent
    def post(self, request: Request, ref: str, pk: str) -> Response:
        """Take a piece back, and say why."""
        rows = Evidence.objects.filter(follow_up=follow_up_by(request.user, ref))
        piece = find(rows.select_related("follow_up"), pk)
        services.withdraw(piece=piece, **self.body(WithdrawIn), **by(request))
        return Response(EvidenceSerializer(piece).data)


class FollowUpNotes(ListView):
    """What happened, in its order; comments among it."""

    scopes = SCOPES
    ordering = ("at", "id")
    serializer_class = FollowUpNoteSerializer

    def get_queryset(self) -> QuerySet[FollowUpNote]:
        if "ref" not in self.kwargs:  # while the document is written
            return FollowUpNote.objects.none()
        return FollowUpNote.objects.filter(
            follow_up=follow_up_by(self.request.user, self.kwargs["ref"])
        )

    @extend_schema(request=NoteIn, responses={201: FollowUpNoteSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Comment on it."""
        row = follow_up_by(request.user, ref)
        note = services.comment(follow_up=row, **self.body(NoteIn), **by(request))
        return Response(FollowUpNoteSerializer(note).data, status=201)
