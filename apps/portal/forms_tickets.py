"""Forms of tickets: logging one, and what is done to many. Services say what may be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.core.files.uploadedfile import UploadedFile

from apps.accounts.models import Person
from apps.core.errors import Invalid
from apps.ownership.models import Surface
from apps.portal.forms import SurfaceKey, _surface
from apps.support.models import Level, Priority, RequestField, RequestType, Ticket
from apps.support.services import files
from apps.support.services.files import Accepted
from apps.support.services.tickets import MAX_BODY

CHANNELS = [
    (Ticket.Channel.PORTAL, "Somewhere else"),
    (Ticket.Channel.PHONE, "On the phone"),
    (Ticket.Channel.CHAT, "In a chat"),
]
MORNING = 9  # o'clock, where the reader is
SNOOZES = [
    ("1h", "For an hour"),
    ("4h", "For four hours"),
    ("tomorrow", "Until tomorrow, 09:00"),
    ("monday", "Until Monday, 09:00"),
]


class Tiles(forms.RadioSelect):
    """Request types as tiles; the template draws them."""


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files, each checked as `support.services.files` says."""

    def clean(self, data: Any, initial: Any = None) -> list[Accepted]:
        given = cast("Sequence[UploadedFile[Any]]", data or ())
        try:
            return files.accept_all(_read(given))
        except Invalid as error:
            raise forms.ValidationError(error.message) from error


def _read(given: Iterable[UploadedFile[Any]]) -> Iterable[tuple[str, bytes]]:
    """Names and bytes; of a file that is too large, no more than shows it."""
    for one in given:
        yield one.name or "file", one.read(files.MAX_FILE + 1)


class LogForm(forms.Form):
    """What somebody told an agent. Subject, type and requester are needed, nothing else."""

    subject = forms.CharField(label="Subject", max_length=200)
    type = forms.ChoiceField(label="Type", widget=Tiles)
    requester = forms.CharField(
        label="Requester",
        max_length=400,
        help_text="An address. One that is new here makes a new contact.",
    )
    body = forms.CharField(
        label="What they said",
        required=False,
        max_length=MAX_BODY,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    surface = SurfaceKey(
        label="Surface", required=False, help_text="Empty: the one of the request type."
    )
    impact = forms.ChoiceField(
        label="Impact", required=False, choices=[("", "As the type says"), *Level.choices]
    )
    urgency = forms.ChoiceField(
        label="Urgency", required=False, choices=[("", "As the type says"), *Level.choices]
    )
    channel = forms.ChoiceField(label="How it came", required=False, choices=CHANNELS)
    tags = forms.CharField(
        label="Tags", required=False, max_length=400, help_text="Separated by spaces."
    )
    answered = forms.BooleanField(
        label="Answered on the spot",
        required=False,
        help_text="They have their first answer already; that promise is kept.",
    )
    incident = forms.RegexField(r"^INC-[0-9]{1,15}$", required=False, widget=forms.HiddenInput)
    attachments = FilesField(
        label="Files",
        required=False,
        widget=ManyFiles,
        help_text=f"Up to {files.MAX_FILES} files, {files.MAX_FILE // 1024 // 1024} MB each.",
    )

    def __init__(
        self, *args: Any, viewer: Person, types: Sequence[RequestType], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.viewer = viewer
        self.types = {one.key: one for one in types}
        kinds = cast("forms.ChoiceField", self.fields["type"])
        kinds.choices = [(one.key, one.name) for one in types]

    def clean_type(self) -> RequestType:
        return self.types[self.cleaned_data["type"]]

    def clean_surface(self) -> Surface | None:
        return _surface(self.viewer, self.cleaned_data["surface"])

    def clean_tags(self) -> list[str]:
        return str(self.cleaned_data["tags"]).replace(",", " ").split()

    def facts(self, asked: Sequence[RequestField]) -> dict[str, str]:
        """The answers to the chosen type's own questions, by key."""
        given = {one.key: self.data.get(fact_name(one), "") for one in asked}
        return {key: str(value)[:2000] for key, value in given.items()}


def fact_name(asked: RequestField) -> str:
    """How a question of a type is called in the form; other types may ask by the same key."""
    return f"fact-{asked.request_type_id}-{asked.key}"


# -- many tickets


class BulkForm(forms.Form):
    """The fields of all bulk actions, which share one form with the rows; `do` says which."""

    do = forms.ChoiceField(
        choices=[(name, name) for name in ("assign", "priority", "tag", "snooze", "resolve")]
        + [(name, name) for name in ("merge", "reply", "note")]
    )
    owner = forms.CharField(required=False, max_length=20)
    priority = forms.ChoiceField(choices=Priority.choices, required=False)
    reason = forms.CharField(required=False, max_length=300)
    tag = forms.CharField(required=False, max_length=200)
    snooze = forms.CharField(required=False, max_length=20)
    until = forms.DateTimeField(required=False)
    code = forms.ChoiceField(choices=Ticket.Resolution.choices, required=False)
    no_reply_needed = forms.BooleanField(required=False)
    into = forms.CharField(required=False, max_length=20)
    reply = forms.CharField(required=False, max_length=200_000)
    note = forms.CharField(required=False, max_length=200_000)


def until(values: Mapping[str, Any], zone: ZoneInfo | Any, now: datetime) -> datetime | None:
    """When a snooze ends: the button's word, or else the time written, read in the zone."""
    word, at = values["snooze"], values["until"]
    if word in {"1h", "4h"}:
        return now + timedelta(hours=int(word[0]))
    today = now.astimezone(zone).replace(hour=MORNING, minute=0, second=0, microsecond=0)
    if word == "tomorrow":
        return today + timedelta(days=1)
    if word == "monday":
        return today + timedelta(days=7 - today.weekday())
    if at is None:
        return None
    return cast("datetime", at.replace(tzinfo=zone))
