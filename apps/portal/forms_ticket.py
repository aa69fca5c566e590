"""Forms of one ticket's page. They check shapes; the services say what may be done."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, cast

from django import forms
from django.db.models import Q

from apps.accounts.models import Person
from apps.core.api.fields import FIRST_YEAR, LAST_YEAR
from apps.ownership.models import Surface
from apps.portal.forms import SurfaceKey, _surface
from apps.portal.forms_tickets import SNOOZES, FilesField, ManyFiles
from apps.support.models import (
    Level,
    Priority,
    Queue,
    RequestField,
    RequestType,
    Ticket,
    TicketLink,
)
from apps.support.services.tickets import MAX_BODY, MAX_FIELD

REPLY, NOTE = "reply", "note"
STAY, NEXT = "stay", "next"
_REF = re.compile(r"(?:TCK-|#)?(\d{1,15})", re.IGNORECASE | re.ASCII)
CODES = [("", "How did it end?"), *Ticket.Resolution.choices]
LINK_KINDS = [("", "Told by the reference"), *TicketLink.Kind.choices]


class TicketForm(forms.Form):
    """A form of the ticket's page: knows the ticket, who looks, and in which zone."""

    def __init__(
        self, *args: Any, ticket: Ticket, viewer: Person, zone: tzinfo, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.ticket, self.viewer, self.zone = ticket, viewer, zone
        self.shape()

    def shape(self) -> None:
        """What depends on the ticket."""

    def instant(self, name: str) -> datetime | None:
        """A time as it was written, read where the viewer is."""
        at = self.cleaned_data.get(name)
        return cast("datetime", at).replace(tzinfo=self.zone) if at else None


def local_time(label: str, *, required: bool, help: str = "") -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        required=required,
        help_text=help,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        validators=[_of_our_time],
    )


def _of_our_time(at: datetime) -> None:
    """Further away, a time of one zone has no year in another, and nobody could read it again."""
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise forms.ValidationError(f"Use a time between the years {FIRST_YEAR} and {LAST_YEAR}.")


class ReadsTime(TicketForm):
    """A form whose times are written in the viewer's zone; Django would read them as UTC."""

    times: tuple[str, ...] = ()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        for name in self.times:
            values[name] = self.instant(name)
        return values


class SayForm(TicketForm):
    """The composer: a public reply or an internal note, and what happens to the ticket with it."""

    kind = forms.ChoiceField(choices=[(REPLY, "Public reply"), (NOTE, "Internal note")])
    body = forms.CharField(label="Text", required=False, max_length=MAX_BODY, strip=False)
    attachments = FilesField(label="Files", required=False, widget=ManyFiles)
    then = forms.ChoiceField(required=False, choices=[("", ""), ("wait", ""), ("resolve", "")])
    code = forms.ChoiceField(label="How did it end?", required=False, choices=CODES)
    override = forms.BooleanField(required=False)
    seen = forms.IntegerField(required=False, min_value=0)
    after = forms.ChoiceField(required=False, choices=[(STAY, STAY), (NEXT, NEXT)])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("kind") == NOTE and values.get("then"):
            raise forms.ValidationError(
                "A note is not seen by the customer. Reply publicly to wait or to resolve."
            )
        if values.get("then") == "resolve" and not values.get("code"):
            self.add_error("code", "Say how it ended.")
        return values


class AssignForm(TicketForm):
    """`me`, an address, a name, or nothing for nobody."""

    owner = forms.CharField(
        label="Owner",
        required=False,
        max_length=200,
        help_text="A name or an address. Empty: nobody.",
        widget=forms.TextInput(attrs={"list": "agents", "autocomplete": "off"}),
    )

    def clean_owner(self) -> Person | None:
        text = self.cleaned_data["owner"].strip()
        if not text:
            return None
        if text == "me":
            return self.viewer
        exact = Q(email__iexact=text) | Q(name__iexact=text)
        people = list(Person.objects.active().filter(exact | Q(name__istartswith=text))[:3])
        same = [p for p in people if text.lower() in {p.name.lower(), p.email.lower()}]
        if len(same) == 1 or len(people) == 1:
            return (same or people)[0]
        many = "Several people are called so. Choose one from the list."
        raise forms.ValidationError(many if people else f"There is nobody called {text}.")


class PriorityForm(TicketForm):
    priority = forms.ChoiceField(label="Priority", choices=Priority.choices)
    reason = forms.CharField(
        label="Why", required=False, max_length=300,
        help_text="Needed where it differs from impact and urgency.",
    )  # fmt: skip


class EditForm(TicketForm):
    """The facts by which a ticket is routed and its promises are chosen."""

    subject = forms.CharField(label="Subject", max_length=200)
    type = forms.ModelChoiceField(
        RequestType.objects.none(), to_field_name="key", label="Type", empty_label=None
    )
    queue = forms.ModelChoiceField(
        Queue.objects.none(), to_field_name="key", label="Queue", empty_label=None
    )
    surface = SurfaceKey(label="Surface", required=False)
    impact = forms.ChoiceField(label="Impact", choices=Level.choices)
    urgency = forms.ChoiceField(label="Urgency", choices=Level.choices)

    def shape(self) -> None:
        types = RequestType.objects.filter(Q(archived_at=None) | Q(pk=self.ticket.request_type_id))
        queues = Queue.objects.visible_to(self.viewer).filter(
            Q(archived_at=None) | Q(pk=self.ticket.queue_id)
        )
        cast("forms.ModelChoiceField[RequestType]", self.fields["type"]).queryset = types
        cast("forms.ModelChoiceField[Queue]", self.fields["queue"]).queryset = queues

    def clean_surface(self) -> Surface | None:
        return _surface(self.viewer, self.cleaned_data["surface"])


class FactsForm(TicketForm):
    """The facts that the ticket's type asks for, and those that came with it besides."""

    def __init__(self, *args: Any, asked: Sequence[RequestField] = (), **kwargs: Any) -> None:
        self.asked = asked
        super().__init__(*args, **kwargs)

    def shape(self) -> None:
        for one in self.asked:
            self.fields[f"fact-{one.key}"] = fact_field(one, required=False)
        known = {one.key for one in self.asked}
        for key in self.ticket.fields:
            if key not in known:
                label = key.replace("_", " ").capitalize()
                self.fields[f"fact-{key}"] = forms.CharField(
                    label=label, required=False, max_length=MAX_FIELD
                )
        for name, field in self.fields.items():
            field.initial = self.ticket.fields.get(name.removeprefix("fact-"), "")

    def facts(self) -> dict[str, str]:
        return {name.removeprefix("fact-"): str(v) for name, v in self.cleaned_data.items()}


def fact_field(asked: RequestField, *, required: bool) -> forms.Field:
    """The control of a question; a choice that was answered otherwise stays possible as text."""
    kwargs: dict[str, Any] = {
        "label": asked.label,
        "required": required,
        "help_text": asked.help_text,
        "max_length": MAX_FIELD,
    }
    if asked.kind == RequestField.Kind.CHOICE:
        attrs = {"list": f"choices-{asked.pk}", "autocomplete": "off"}
        return forms.CharField(**kwargs, widget=forms.TextInput(attrs=attrs))
    if asked.kind == RequestField.Kind.COLUMN:
        attrs = {"spellcheck": "false", "autocapitalize": "off", "placeholder": asked.help_text}
        return forms.CharField(**kwargs, widget=forms.TextInput(attrs=attrs))
    return forms.CharField(**kwargs)


class WaitForm(ReadsTime):
    times = ("remind_at",)
    remind_at = local_time(
        "Back by", required=False, help="Empty: after three working days, or as the settings say."
    )


class ThirdPartyForm(ReadsTime):
    """What the ticket waits for, until when. A blocking link that stands already is enough."""

    times = ("expected_by",)
    ref = forms.CharField(
        label="What it waits for",
        required=False,
        max_length=300,
        help_text="INC-42, a change's reference, or a vendor's name. Empty: what blocks it now.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    kind = forms.ChoiceField(label="Kind", required=False, choices=LINK_KINDS)
    expected_by = local_time("Expected by", required=True, help="Then it comes back by itself.")


class SnoozeForm(ReadsTime):
    times = ("until",)
    snooze = forms.ChoiceField(
        label="Until", required=False, choices=[("", "Another time"), *SNOOZES]
    )
    until = local_time("Another time", required=False)


class ResolveForm(TicketForm):
    code = forms.ChoiceField(label="How did it end?", choices=CODES)
    no_reply_needed = forms.BooleanField(
        label="No reply is needed", required=False,
        help_text="Otherwise answer the customer with “Send and resolve”.",
    )  # fmt: skip
    override = forms.BooleanField(label="Resolve although something blocks it", required=False)


class MergeForm(TicketForm):
    into = forms.CharField(
        label="Merge into",
        max_length=20,
        help_text="TCK-412. What was said here then stands there, and the requester of this one "
        "gets every answer that is given there. You can undo it.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "TCK-"}),
    )
    both_customers = forms.BooleanField(
        label="Answers may go to both, if they are two customers", required=False
    )

    def clean_into(self) -> Ticket:
        found = ticket_of(self.cleaned_data["into"], self.viewer)
        if found is None:
            raise forms.ValidationError(f"There is no ticket {self.cleaned_data['into']}.")
        return found


def ticket_of(text: str, viewer: Person) -> Ticket | None:
    """The visible ticket of a reference: TCK-7, #7 or 7."""
    match = _REF.fullmatch(text.strip())
    if match is None:
        return None
    return Ticket.objects.visible_to(viewer).filter(pk=int(match[1])).first()


class SplitForm(TicketForm):
    message = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    subject = forms.CharField(label="Subject of the new ticket", max_length=200)
    type = forms.ModelChoiceField(
        RequestType.objects.filter(archived_at=None), to_field_name="key", label="Type",
        empty_label=None,
    )  # fmt: skip


class EscalateForm(TicketForm):
    reason = forms.CharField(
        label="Why it cannot wait",
        max_length=300,
        help_text="Whoever is woken reads this first.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class TagForm(TicketForm):
    add = forms.CharField(label="Add tags", required=False, max_length=400)
    remove = forms.CharField(required=False, max_length=60)

    def words(self) -> list[str]:
        return cast("str", self.cleaned_data["add"]).replace(",", " ").split()


class CopiedForm(TicketForm):
    add = forms.CharField(label="Copy somebody in", required=False, max_length=400)
    remove = forms.IntegerField(required=False, min_value=1)


class WaiveForm(TicketForm):
    clock = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    reason = forms.CharField(label="Why it does not count", max_length=300)


class PlainForm(TicketForm):
    """An action that needs nothing more than being asked for."""


# -- links


class LinkForm(TicketForm):
    ref = forms.CharField(
        label="Reference",
        max_length=300,
        help_text="INC-42, TCK-7, a release, a defect, or an address.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    kind = forms.ChoiceField(label="Kind", required=False, choices=LINK_KINDS)
    relation = forms.ChoiceField(
        label="How it relates",
        choices=TicketLink.Relation.choices,
        initial=TicketLink.Relation.RELATED,
    )
    label = forms.CharField(label="What it is", required=False, max_length=300)


def link_target(values: Mapping[str, Any]) -> dict[str, str]:
    """Kind, reference and address of what somebody named; the kind is told by its look."""
    ref = str(values.get("ref", "")).strip()
    kind = str(values.get("kind", ""))
    if not kind:
        head = ref.upper()
        for start, known in (("INC-", "incident"), ("TCK-", "ticket"), ("HTTP", "url")):
            if head.startswith(start):
                kind = known
    if not kind:
        kind = TicketLink.Kind.VENDOR if " " in ref or not any(map(str.isdigit, ref)) else "change"
    if kind in {"incident", "ticket"}:
        ref = ref.upper()
    return {"kind": kind, "ref": ref, "url": ref if ref.lower().startswith("http") else ""}
