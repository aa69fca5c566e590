"""A runbook comes from a file: a new one, or a new draft of one that stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.ownership.models import Surface
from apps.runbooks import exchange
from apps.runbooks.exchange import Document
from apps.runbooks.models import Runbook, RunbookVersion
from apps.runbooks.services import writing


class BadFile(Invalid):
    """The file is no runbook; the sentence names the line or the step."""

    code = "bad_file"


@transaction.atomic
def bring(
    *,
    text: str,
    author: Person | None,
    surfaces: QuerySet[Surface],
    actor: Actor,
    now: datetime,
    form: str = "",
) -> RunbookVersion:
    """Take a file as a draft; `form` is yaml, markdown or empty (guessed).

    A key that is known gets its title, summary, cadence, surfaces and triggers at once and its
    steps as a draft; a new one belongs to `author`. `surfaces` are those that may be named.
    Raises BadFile with the line or step, Conflict while a version is in review.
    """
    document = _read(text, form)
    named = _surfaces(document, surfaces)
    about: dict[str, Any] = {
        "title": document.title,
        "summary": document.summary,
        "cadence_days": document.cadence_days,
        "surfaces": named,
        "triggers": document.triggers,
    }
    known = Runbook.objects.filter(key=document.key.lower()).first()
    if known is None:
        runbook = writing.create(key=document.key, owner=author, actor=actor, now=now, **about)
    else:
        runbook = writing.edit(runbook=known, actor=actor, now=now, **about)
    return writing.save_draft(
        runbook=runbook,
        steps=document.steps,
        change_note=document.change_note or "From a file.",
        author=author,
        actor=actor,
        now=now,
    )


def _read(text: str, form: str) -> Document:
    try:
        return exchange.read(text, form=form)
    except exchange.Unreadable as error:
        raise BadFile(str(error), fields={"text": [str(error)]}) from error


def _surfaces(document: Document, allowed: QuerySet[Surface]) -> list[Surface]:
    wanted = {key.lower() for key in document.surfaces}
    found = list(allowed.filter(key__in=wanted))
    missing = sorted(wanted - {surface.key for surface in found})
    if missing:
        said = f"There is no surface {', '.join(missing)[:200]}, or none that you may see."
        raise BadFile(said, fields={"text": [said]})
    return found
