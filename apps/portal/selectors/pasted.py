"""What a pasted text gives away, by the names of the quick-log form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.accounts.models import Person
from apps.customers.addresses import SHARED
from apps.portal.forms_tickets import fact_name
from apps.support import pasting
from apps.support.models import Mailbox, RequestField, RequestType


@dataclass(frozen=True)
class Found:
    """A value for one field of the form, and what the field is called."""

    name: str
    value: str
    label: str


def pasted(text: str, types: Sequence[RequestType], *, chosen: str, person: Person) -> list[Found]:
    """Everything that could be read, in the order of the form. `chosen` is the type that is
    picked already: then its questions are answered, whatever the text speaks for."""
    read = pasting.read(text, own_domains=_ours(person))
    kind = next((one for one in types if one.key == (chosen or read.request_type)), None)
    found = []
    if read.subject:
        found.append(Found("subject", read.subject.value, "subject"))
    if kind is not None and not chosen:
        found.append(Found("type", kind.key, f"type {kind.name}"))
    if read.requester:
        name, address = read.requester_name, read.requester.value
        found.append(Found("requester", f"{name} <{address}>" if name else address, "requester"))
    for asked in kind.fields.all() if kind else ():
        finding = read.fields.get(asked.key)
        if finding and (value := _fitting(asked, finding.value)):
            found.append(Found(fact_name(asked), value, asked.label.lower()))
    if body := text[read.body_start :].strip():
        found.append(Found("body", body, "what they said"))
    return found


def _fitting(asked: RequestField, value: str) -> str:
    """The value, or of a choice the one that is written so; nothing where there is none."""
    if asked.kind != RequestField.Kind.CHOICE:
        return value
    return next((one for one in asked.choices if one.lower() == value.lower()), "")


def _ours(person: Person) -> set[str]:
    """Mail domains of ours: the reader's own and those of the mailboxes, unless everybody's."""
    addresses = [person.email, *Mailbox.objects.values_list("address", flat=True)[:50]]
    return {address.rpartition("@")[2].lower() for address in addresses} - SHARED
