"""What managers set up: queues, request types with their facts, macros, mailboxes and their hooks.

Keys stay once they are given, because tools and saved filters name rows by them. What tickets refer
to is archived, never deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model, Q

from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.text import one_line
from apps.intake import services as intake
from apps.intake.models import Integration
from apps.intake.services import NewIntegration
from apps.support.models import (
    Macro,
    Mailbox,
    Queue,
    RequestField,
    RequestType,
    SlaPolicy,
    SupportSettings,
    Ticket,
)
from apps.support.services import mailboxes
from apps.support.services.tickets import clean_tags

MOST_FIELDS = 30
M = TypeVar("M", bound=Model)


# -- queues


@transaction.atomic
def save_queue(*, queue: Queue | None, fields: Mapping[str, Any], actor: Actor) -> Queue:
    """Create or change a queue. A new default takes that from the old one; there is always one."""
    row = Queue.objects.get(pk=queue.pk) if queue else Queue()
    given = _kept_key(row, fields)
    if row.is_default and given.get("is_default") is False:
        text = "Tickets need a queue to fall into: make another the default instead."
        raise Invalid(text, fields={"is_default": [text]})
    if given.get("is_default"):
        Queue.objects.exclude(pk=row.pk).filter(is_default=True).update(is_default=False)
    return _save(row, given)


@transaction.atomic
def archive_queue(*, queue: Queue, actor: Actor, now: datetime) -> None:
    """Take a queue out of the choices; its tickets stay. Refused while something fills it."""
    row = Queue.objects.select_for_update().get(pk=queue.pk)
    if row.is_default:
        raise Conflict("This is the default queue. Make another the default first.")
    _refuse_used(row, {
        "request type": RequestType.objects.filter(queue=row, archived_at=None),
        "mailbox": Mailbox.objects.filter(queue=row, archived_at=None),
        "SLA policy": SlaPolicy.objects.filter(match_queue=row, is_active=True),
    })  # fmt: skip
    _archive(row, now)


# -- request types


@dataclass(frozen=True)
class Fact:
    """One fact that a request type asks for; without a key it gets one from its label."""

    label: str
    key: str = ""
    kind: str = RequestField.Kind.TEXT
    choices: tuple[str, ...] = ()
    help_text: str = ""
    is_public: bool = True
    is_required: bool = False


@transaction.atomic
def save_request_type(
    *,
    request_type: RequestType | None,
    fields: Mapping[str, Any],
    facts: Sequence[Fact],
    actor: Actor,
) -> RequestType:
    """Create or change a request type with all its facts, in their order.

    A fact keeps its row as long as its key stays; what tickets hold under a key that is gone is
    still shown there. Raises Invalid for facts with the same key, or choices that are none.
    """
    row = RequestType.objects.get(pk=request_type.pk) if request_type else RequestType()
    wanted = _checked(facts)
    row = _save(row, _kept_key(row, fields))
    known = {field.key: field for field in row.fields.all()}
    row.fields.exclude(key__in=[fact.key for fact in wanted]).delete()
    for place, fact in enumerate(wanted):
        field = known.get(fact.key) or RequestField(request_type=row, key=fact.key)
        values = {
            "label": fact.label, "kind": fact.kind, "choices": list(fact.choices),
            "help_text": fact.help_text, "position": place, "is_public": fact.is_public,
            "is_required": fact.is_required,
        }  # fmt: skip
        if field._state.adding or any(getattr(field, n) != v for n, v in values.items()):
            _save(field, values)
    return row


def _checked(facts: Sequence[Fact]) -> list[Fact]:
    found: dict[str, Fact] = {}
    wrong: list[str] = []
    for number, fact in enumerate(facts[:MOST_FIELDS], start=1):
        key = fact.key.strip() or _key_of(fact.label)
        if key in found:
            wrong.append(f"Fact {number}: there is one called {key} already.")
        if fact.kind == RequestField.Kind.CHOICE and not fact.choices:
            wrong.append(f"Fact {number}: say what can be chosen.")
        found[key] = Fact(**{**fact.__dict__, "key": key})
    if len(facts) > MOST_FIELDS:
        wrong.append(f"At most {MOST_FIELDS} facts.")
    if wrong:
        raise Invalid(wrong[0], fields={"facts": wrong})
    return list(found.values())


def _key_of(label: str) -> str:
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in label.lower()).split()
    key = "_".join(words)[:40].strip("_")
    return key if key[:1].isalpha() else f"fact_{key}"[:40].strip("_")


@transaction.atomic
def archive_request_type(*, request_type: RequestType, actor: Actor, now: datetime) -> None:
    """Take a type out of the choices; its tickets keep it. Refused while mail opens it."""
    row = RequestType.objects.select_for_update().get(pk=request_type.pk)
    if not RequestType.objects.filter(archived_at=None).exclude(pk=row.pk).exists():
        raise Conflict("This is the last request type. Add another first.")
    _refuse_used(row, {
        "mailbox": Mailbox.objects.filter(request_type=row, archived_at=None),
        "SLA policy": SlaPolicy.objects.filter(match_type=row, is_active=True),
    })  # fmt: skip
    _archive(row, now)


# -- macros


@transaction.atomic
def save_macro(*, macro: Macro | None, fields: Mapping[str, Any], actor: Actor) -> Macro:
    """Create or change a macro. One that resolves says how it ended; a note does nothing more."""
    row = Macro.objects.get(pk=macro.pk) if macro else Macro()
    given = dict(fields)
    types = given.pop("request_types", None)
    if "add_tags" in given:
        try:
            given["add_tags"] = clean_tags(given["add_tags"])
        except Invalid as error:
            raise Invalid(error.message, fields={"add_tags": [error.message]}) from error
    then, code = given.get("then", row.then), given.get("resolution_code", row.resolution_code)
    if then and not given.get("is_public", row.is_public):
        text = "Only a public reply does more."
        raise Invalid(text, fields={"then": [text]})
    if then == Macro.Then.RESOLVE and code not in Ticket.Resolution.values:
        text = "Say how it ended."
        raise Invalid(text, fields={"resolution_code": [text]})
    if then != Macro.Then.RESOLVE:
        given["resolution_code"] = ""
    row = _save(row, given)
    if types is not None:
        row.request_types.set(types)
    return row


# -- mailboxes


@transaction.atomic
def save_mailbox(
    *, mailbox: Mailbox | None, fields: Mapping[str, Any], actor: Actor, password: str = ""
) -> Mailbox:
    """Create or change a mailbox; an empty password keeps what is there. Another server or folder
    is read from its beginning, where every known mail is known by its Message-ID."""
    row = Mailbox.objects.get(pk=mailbox.pk) if mailbox else Mailbox()
    place = ("imap_host", "imap_port", "imap_user", "folder")
    before = [getattr(row, name) for name in place]
    given = {**fields, "address": str(fields.get("address", row.address)).strip().lower()}
    row = _save(row, given)
    if [getattr(row, name) for name in place] != before:
        values: dict[str, Any] = {"uid_validity": None, "last_uid": 0}
        Mailbox.objects.filter(pk=row.pk).update(**values, failing_since=None, last_error="")
    mailboxes.set_password(mailbox=row, password=password)
    row.refresh_from_db()
    return row


@transaction.atomic
def make_hook(*, mailbox: Mailbox, actor: Actor, now: datetime) -> NewIntegration:
    """A new address to which a mail server posts raw mail of this mailbox; an old one ends."""
    row = Mailbox.objects.select_for_update(of=("self",)).get(pk=mailbox.pk)
    old = Integration.objects.filter(pk=row.hook_integration_id or 0, archived_at=None).first()
    if old is not None:
        intake.archive_integration(integration=old, now=now)
    made = intake.create_integration(kind="mail", name=f"Mail to {row.address}"[:80], now=now)
    row.hook_integration_id = made.row.pk
    row.save(update_fields=["hook_integration_id"])
    return made


# -- settings


@transaction.atomic
def save_settings(*, fields: Mapping[str, Any], actor: Actor) -> SupportSettings:
    """Change the one row of numbers."""
    row, _ = SupportSettings.objects.select_for_update().get_or_create(pk=1)
    return _save(row, dict(fields))


# -- shared


def archive(*, row: Macro | Mailbox, actor: Actor, now: datetime) -> None:
    """Take it out of the lists and choices; what refers to it stays readable."""
    _archive(row, now)


def bring_back(*, row: Queue | RequestType | Macro | Mailbox, actor: Actor) -> None:
    """Undo an archiving. A type needs its queue."""
    if isinstance(row, RequestType | Mailbox) and row.queue.archived_at:
        raise Conflict(f"Its queue, {row.queue}, is archived. Bring that back first.")
    row.archived_at = None
    row.save(update_fields=["archived_at"])


def _archive(row: Any, now: datetime) -> None:
    if row.archived_at is None:
        row.archived_at = now
        row.save(update_fields=["archived_at"])


def _refuse_used(row: Model, users: Mapping[str, Any]) -> None:
    for noun, rows in users.items():
        names = [str(one) for one in rows[:3]]
        if names:
            raise Conflict(f"{row} is still used by the {noun} {', '.join(names)}.")


def _kept_key(row: Any, fields: Mapping[str, Any]) -> dict[str, Any]:
    given = dict(fields)
    if row.pk is not None:
        given.pop("key", None)
    elif isinstance(row, RequestType) and not given.get("key"):
        given["key"] = _free_key(_key_of(given.get("name", "")))
    return given


def _free_key(base: str) -> str:
    taken = set(
        RequestType.objects.filter(Q(key=base) | Q(key__startswith=f"{base[:36]}_")).values_list(
            "key", flat=True
        )
    )
    return next(k for n in range(1, 1000) if (k := base if n == 1 else f"{base[:36]}_{n}")
                not in taken)  # fmt: skip


def _save(row: M, values: Mapping[str, Any]) -> M:
    """Write these columns after the model's own checks; ValidationError names the fields."""
    for name, value in values.items():
        setattr(row, name, one_line(value) if name in {"name", "label"} else value)
    row.full_clean()
    row.save()
    return row
