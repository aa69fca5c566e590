"""Bringing tickets along from another desk: keep a file, look at it, then do it in batches.

The file lies beside the files of tickets until the import is over; how far it is stands in a row
(`Heartbeat`), so that the page may be closed. A batch that is done again finds its tickets there.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.accounts.models import Person
from apps.core import audit, jobs
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.models import Heartbeat
from apps.customers.models import Contact
from apps.ownership.models import Surface
from apps.support import importing
from apps.support.importing import Export, Imported
from apps.support.models import Attachment, RequestType, StoredFile, Ticket
from apps.support.services.importing import import_tickets

AT_ONCE = 200  # tickets that are brought along while the request waits, about two seconds
BATCH = 500  # tickets of one task
SHOWN = 20  # first rows of a dry run
PROBLEMS = 2_000  # that are kept in words
KEEP = timedelta(days=1)  # how long a file waits for somebody who looked at it
TASK = "apps.portal.tasks.bring_tickets"
CHECKED, RUNNING, DONE = "checked", "running", "done"
_NAME = "ticket-import:"


@dataclass(frozen=True)
class Import:
    """One file and how far it is. `problems` are (row or number in the file, ref, why)."""

    digest: str
    state: str
    kind: str
    source: str
    file: str
    by: str
    total: int
    done: int
    fresh: int  # a dry run's: that are not here yet
    known: int
    created: int
    contacts: int
    over: int  # of the fresh: resolved or closed there
    refused: int
    problems: Sequence[tuple[int, str, str]]
    unknown: Mapping[str, Sequence[tuple[str, int]]]
    first: Sequence[Mapping[str, Any]]
    at: datetime | None = None

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 100


# -- reading


@transaction.atomic
def check(*, raw: bytes, kind: str, source: str, file: str, actor: Actor, now: datetime) -> Import:
    """Read a file and say what importing it would do; it is kept, nothing else is.

    `kind` is a key of `importing.KINDS`, `source` names where it comes from: with its own number
    it tells a ticket from every other. A file may be gzipped. Raises Invalid for no export.
    """
    _forget_old(now)
    raw = _unpacked(raw)
    try:
        export = importing.read(kind, raw)
    except ValueError as error:
        raise Invalid(str(error), fields={"file": [str(error)]}) from error
    content = hashlib.sha256(raw).hexdigest()
    digest = hashlib.sha256(f"{kind}:{source}:{content}".encode()).hexdigest()[:24]
    known = _known(export.tickets, source)
    fresh = [one for one in export.tickets if one.ref not in known]
    detail = {
        "state": CHECKED,
        "kind": kind,
        "source": source,
        "file": file[:120],
        "content": content,
        "by": actor.label,
        "by_id": actor.person_id,
        "total": len(export.tickets),
        "done": 0,
        "fresh": len(fresh),
        "known": len(known),
        "created": 0,
        "contacts": _new_contacts(fresh),
        "over": sum(one.status in {"resolved", "closed"} for one in fresh),
        "refused": len(export.problems),
        "problems": [list(asdict(one).values()) for one in export.problems[:PROBLEMS]],
        "unknown": _unknown(fresh),
        "first": [_shown(one) for one in fresh[:SHOWN]],
    }
    if _running(digest):
        raise Conflict("This file is being imported just now.")
    StoredFile.objects.bulk_create([StoredFile(sha256=content, content=raw)], ignore_conflicts=True)
    _write(digest, detail, now)
    return _read(digest)


def _unpacked(raw: bytes) -> bytes:
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as packed:
            return packed.read(importing.MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        text = "This gzip file is broken."
        raise Invalid(text, fields={"file": [text]}) from error


def _known(tickets: Iterable[Imported], source: str) -> set[str]:
    refs = [one.ref for one in tickets]
    found: set[str] = set()
    for start in range(0, len(refs), 5_000):
        some = Ticket.objects.filter(source=source, source_ref__in=refs[start : start + 5_000])
        found |= set(some.values_list("source_ref", flat=True))
    return found


def _new_contacts(tickets: Sequence[Imported]) -> int:
    wanted = {one.requester_email.lower() for one in tickets}
    here = Contact.objects.filter(email__in=wanted).values_list("email", flat=True)
    return len(wanted - set(here))


def _unknown(tickets: Sequence[Imported]) -> dict[str, list[tuple[str, int]]]:
    """Names of types, surfaces and owners that are not here, with how many tickets have them."""
    types = set(RequestType.objects.filter(archived_at=None).values_list("key", flat=True))
    surfaces = set(Surface.objects.current().values_list("key", flat=True))
    people = {email.lower() for email in Person.objects.active().values_list("email", flat=True)}
    found = {
        "types": Counter(t.request_type for t in tickets if t.request_type not in types),
        "surfaces": Counter(t.surface for t in tickets if t.surface not in surfaces),
        "owners": Counter(t.owner_email for t in tickets if t.owner_email.lower() not in people),
    }
    return {
        name: [(word, n) for word, n in counted.most_common(20) if word]
        for name, counted in found.items()
    }


def _shown(one: Imported) -> dict[str, Any]:
    """A row of the dry run as the page shows it."""
    return {
        "ref": one.ref,
        "subject": one.subject[:120],
        "requester": one.requester_email,
        "status": "closed" if one.status in {"resolved", "closed"} else "open",
        "priority": one.priority,
        "type": one.request_type,
        "owner": one.owner_email,
        "created_at": one.created_at.isoformat() if one.created_at else "",
        "comments": len(one.comments),
    }


# -- doing


def start(*, digest: str, actor: Actor, now: datetime) -> Import:
    """Import a file that was looked at: a small one at once, a larger one in the background."""
    with transaction.atomic():
        detail = _locked(digest)
        if detail["state"] == RUNNING:
            raise Conflict("This file is being imported just now.")
        if detail["state"] == DONE:
            return _read(digest)
        detail |= {"state": RUNNING, "done": 0, "known": 0, "created": 0, "contacts": 0}
        detail |= {"by": actor.label, "by_id": actor.person_id}
        _write(digest, detail, now)
        if detail["total"] > AT_ONCE:
            transaction.on_commit(lambda: jobs.enqueue(TASK, digest=digest))
    if detail["total"] <= AT_ONCE:
        step(digest=digest, now=now)
    return _read(digest)


@transaction.atomic
def step(*, digest: str, now: datetime) -> bool:
    """The next batch; whether there is more. Two at once wait for each other."""
    detail = _locked(digest)
    if detail["state"] != RUNNING:
        return False
    row = StoredFile.objects.filter(pk=detail["content"]).first()
    if row is None:
        raise NotFound("The file is gone. Upload it again.")
    export = importing.read(detail["kind"], bytes(row.content))
    first = detail["done"]
    part = Export(export.tickets[first : first + BATCH], [])
    result = import_tickets(
        export=part, source=detail["source"], actor=_by(detail), now=now, dry_run=False
    )
    problems = [[first + one.row, one.ref, one.text] for one in result.problems]
    detail["done"] = min(first + BATCH, detail["total"])
    detail["created"] += result.created
    detail["known"] += result.known
    detail["contacts"] += result.contacts
    detail["refused"] += len(problems)
    detail["problems"] = [*detail["problems"], *problems][:PROBLEMS]
    over = detail["done"] >= detail["total"]
    if over:
        detail["state"] = DONE
    _write(digest, detail, now)
    if over:
        _drop(detail["content"])
    return not over


def _by(detail: Mapping[str, Any]) -> Actor:
    """Who pressed the button, also hours later."""
    person = Person.objects.get_queryset().filter(pk=detail["by_id"]).first()
    return audit.person(person) if person else audit.system("Import")


# -- the row


def find(digest: str) -> Import:
    """How far an import is; NotFound for one that nobody started, or that was forgotten."""
    return _read(digest)


def latest(limit: int = 5) -> list[Import]:
    """The last imports, the newest first."""
    rows = Heartbeat.objects.filter(name__startswith=_NAME).exclude(detail__state=CHECKED)
    return [_of(row) for row in rows.order_by("-beat_at")[:limit]]


def _read(digest: str) -> Import:
    row = Heartbeat.objects.filter(name=f"{_NAME}{digest}").first()
    if row is None:
        raise NotFound("There is no such import.")
    return _of(row)


def _of(row: Heartbeat) -> Import:
    names = set(Import.__dataclass_fields__) - {"digest", "at"}
    values = {name: row.detail[name] for name in names}
    return Import(digest=row.name.removeprefix(_NAME), at=row.beat_at, **values)


def _locked(digest: str) -> dict[str, Any]:
    row = Heartbeat.objects.select_for_update().filter(name=f"{_NAME}{digest}").first()
    if row is None:
        raise NotFound("There is no such import.")
    return dict(row.detail)


def _running(digest: str) -> bool:
    return Heartbeat.objects.filter(name=f"{_NAME}{digest}", detail__state=RUNNING).exists()


def _write(digest: str, detail: Mapping[str, Any], now: datetime) -> None:
    values = {"beat_at": now, "detail": dict(detail)}
    Heartbeat.objects.update_or_create(name=f"{_NAME}{digest}", defaults=values)


def _forget_old(now: datetime) -> None:
    """Files that were looked at and never imported go after a day."""
    old = Heartbeat.objects.filter(
        name__startswith=_NAME, detail__state=CHECKED, beat_at__lt=now - KEEP
    )
    for row in old:
        row.delete()
        _drop(row.detail["content"])


def _drop(content: str) -> None:
    """The file's bytes, unless a ticket or another import has the same."""
    shared = Attachment.objects.filter(stored_id=content).exists()
    waiting = Heartbeat.objects.filter(
        name__startswith=_NAME, detail__content=content, detail__state__in=[CHECKED, RUNNING]
    )
    if not shared and not waiting.exists():
        StoredFile.objects.filter(pk=content).delete()
