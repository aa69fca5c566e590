"""What is done to one ticket beside changing it: said, merged, split, linked, escalated."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Person
from apps.core.api.fields import as_id
from apps.core.api.views import ListView, View, find, idempotent
from apps.support.api.fields import accepted
from apps.support.api.inputs import (
    EscalateIn,
    MergeIn,
    MessageIn,
    SplitIn,
    TicketLinkIn,
    WatcherIn,
)
from apps.support.api.rows import (
    SCOPES,
    by,
    check_seen,
    messages_of,
    shown,
    shown_message,
    ticket_by,
)
from apps.support.api.serializers import (
    CsatSerializer,
    EscalatedSerializer,
    MessageSerializer,
    TicketEventSerializer,
    TicketLinkSerializer,
    TicketSerializer,
    WatcherSerializer,
)
from apps.support.models import (
    Attachment,
    Csat,
    Ticket,
    TicketEvent,
    TicketLink,
    TicketMessage,
    TicketWatcher,
)
from apps.support.services import conversation, escalate, links, merging, unblocking
from apps.support.services import files as attachments
from apps.support.services import tickets as services

REPLY = OpenApiExample(
    "A reply that resolves",
    value={
        "body": "The profile runs again; the page shows today's numbers.",
        "public": True,
        "then": "resolve",
        "resolution_code": "fixed",
    },
    request_only=True,
)


# -- words


class TicketMessages(ListView):
    """What was said, in its order; also what was said on tickets that were merged into this one."""

    scopes = SCOPES
    ordering = ("at", "id")
    serializer_class = MessageSerializer

    def get_queryset(self) -> QuerySet[TicketMessage]:
        if "ref" not in self.kwargs:  # while the document is written
            return TicketMessage.objects.none()
        user = self.request.user
        return messages_of(user, ticket_by(user, self.kwargs["ref"]))

    @extend_schema(request=MessageIn, responses={201: MessageSerializer}, examples=[REPLY])
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Say something. A public message is an agent's reply: it goes out at once, meets the
        promises of replying, and takes the step of `then`; another is a note among us."""
        ticket = ticket_by(request.user, ref)
        given = self.body(MessageIn)
        files = attachments.accept_all(accepted(given.get("files")))
        if not given["public"]:
            note = conversation.note(ticket=ticket, body=given["body"], files_=files, **by(request))
            return Response(shown_message(note, request), status=201)
        reply = conversation.reply(
            ticket=ticket,
            body=given["body"],
            then=given.get("then", ""),
            resolution_code=given.get("resolution_code", ""),
            remind_at=given.get("remind_at"),
            override_blocking=given.get("override_blocking", False),
            seen_message=_seen(given.get("seen_message", "")),
            files_=files,
            **by(request),
        )
        return Response(shown_message(reply, request), status=201)


def _seen(text: str) -> int | None:
    if text and as_id(text) is None:
        raise serializers.ValidationError({"seen_message": ["This is not an id."]})
    return as_id(text)


class TicketFile(View):
    """A file of a message. It is only ever served as a download."""

    scopes = SCOPES

    @extend_schema(
        operation_id="tickets_files_read",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, ref: str, pk: str) -> HttpResponse:
        ticket = ticket_by(request.user, ref)
        rows = Attachment.objects.filter(message__in=messages_of(request.user, ticket).values("pk"))
        row = find(rows.select_related("stored"), pk)
        return HttpResponse(
            bytes(row.stored.content),
            content_type=row.content_type,
            headers={
                "Content-Disposition": content_disposition_header(True, row.name) or "attachment",
                "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": "sandbox; default-src 'none'",
            },
        )


# -- one, two


class TicketMerge(View):
    scopes = SCOPES

    @extend_schema(request=MergeIn, responses={200: TicketSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Let this ticket go into another. Its promises stop counting; `/unmerge` undoes it."""
        ticket = ticket_by(request.user, ref)
        merging.merge(ticket=ticket, **self.body(MergeIn), **by(request))
        return Response(shown(ticket.pk))


class TicketUnmerge(View):
    scopes = SCOPES

    @extend_schema(request=None, responses={200: TicketSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Undo a merge: the ticket is what it was, with its promises."""
        ticket = ticket_by(request.user, ref)
        merging.unmerge(ticket=ticket, **by(request))
        return Response(shown(ticket.pk))


class TicketSplit(View):
    scopes = SCOPES

    @extend_schema(request=SplitIn, responses={201: TicketSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Open a ticket of its own for a message of the requester. Its promises run from now."""
        ticket = ticket_by(request.user, ref)
        given = self.body(SplitIn)
        number = as_id(given["message"])
        message = ticket.messages.said().filter(pk=number).first() if number is not None else None
        if message is None:
            raise serializers.ValidationError({"message": ["No such message on this ticket."]})
        fresh = merging.split(
            message=message, subject=given["subject"], request_type=given["type"], **by(request)
        )
        return Response(shown(fresh.pk), status=201)


# -- links


class TicketLinks(ListView):
    """What the ticket has to do with."""

    scopes = SCOPES
    ordering = ("id",)
    serializer_class = TicketLinkSerializer

    def get_queryset(self) -> QuerySet[TicketLink]:
        if "ref" not in self.kwargs:  # while the document is written
            return TicketLink.objects.none()
        return TicketLink.objects.filter(ticket=ticket_by(self.request.user, self.kwargs["ref"]))

    @extend_schema(request=TicketLinkIn, responses={201: TicketLinkSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Link the ticket to something by its reference; a second time changes the relation."""
        ticket = ticket_by(request.user, ref)
        given = self.body(TicketLinkIn)
        check_seen(request.user, given["kind"], given["ref"])
        row = links.link(ticket=ticket, **given, **by(request))
        return Response(TicketLinkSerializer(row).data, status=201)


class TicketLinkDetail(View):
    scopes = SCOPES

    @extend_schema(responses={204: None})
    def delete(self, request: Request, ref: str, pk: str) -> Response:
        """Take a link away. A ticket that waited for nothing else returns to open."""
        ticket = ticket_by(request.user, ref)
        row = find(TicketLink.objects.filter(ticket=ticket), pk)
        unblocking.unlink(link=row, **by(request))
        return Response(status=204)


# -- people


class TicketEscalate(View):
    scopes = SCOPES

    @extend_schema(request=EscalateIn, responses={201: EscalatedSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Page the surface's people at once. A page that waits already is not doubled."""
        ticket = ticket_by(request.user, ref)
        page = escalate.escalate_now(
            ticket=ticket, reason=self.body(EscalateIn)["reason"], **by(request)
        )
        found = {"ref": ticket.ref, "page": str(page.pk), "status": page.status}
        return Response(found, status=201)


class TicketWatchers(ListView):
    """Who of us hears of news beside the owner."""

    scopes = SCOPES
    ordering = ("id",)
    serializer_class = WatcherSerializer

    def get_queryset(self) -> QuerySet[TicketWatcher]:
        if "ref" not in self.kwargs:  # while the document is written
            return TicketWatcher.objects.none()
        ticket = ticket_by(self.request.user, self.kwargs["ref"])
        return TicketWatcher.objects.filter(ticket=ticket).select_related("person")

    @extend_schema(request=WatcherIn, responses={201: WatcherSerializer})
    @idempotent
    def post(self, request: Request, ref: str) -> Response:
        """Let somebody hear of news. A second time changes nothing."""
        ticket = ticket_by(request.user, ref)
        person = self.body(WatcherIn)["person"]
        if not Ticket.objects.visible_to(person).filter(pk=ticket.pk).exists():
            text = f"{person.email} may not see this ticket."
            raise serializers.ValidationError({"person": [text]})
        services.watch(ticket=ticket, person=person, **by(request))
        row = TicketWatcher.objects.select_related("person").get(ticket=ticket, person=person)
        return Response(WatcherSerializer(row).data, status=201)


class TicketWatcherDetail(View):
    scopes = SCOPES

    @extend_schema(responses={204: None})
    def delete(self, request: Request, ref: str, email: str) -> Response:
        """Somebody hears no more of it."""
        ticket = ticket_by(request.user, ref)
        person = find(Person.objects.all(), email.strip().lower(), by="email")
        services.unwatch(ticket=ticket, person=person, **by(request))
        return Response(status=204)


# -- records


class TicketEvents(ListView):
    """What happened beside the words, in its order."""

    scopes = SCOPES
    ordering = ("at", "id")
    serializer_class = TicketEventSerializer

    def get_queryset(self) -> QuerySet[TicketEvent]:
        if "ref" not in self.kwargs:  # while the document is written
            return TicketEvent.objects.none()
        return TicketEvent.objects.filter(ticket=ticket_by(self.request.user, self.kwargs["ref"]))


class TicketCsat(ListView):
    """What the requester thought of each resolution."""

    scopes = SCOPES
    ordering = ("id",)
    serializer_class = CsatSerializer

    def get_queryset(self) -> QuerySet[Csat]:
        if "ref" not in self.kwargs:  # while the document is written
            return Csat.objects.none()
        return Csat.objects.filter(ticket=ticket_by(self.request.user, self.kwargs["ref"]))
