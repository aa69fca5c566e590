"""Follow-ups come to be and are edited."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.models import Kind
from apps.core.providers import ask
from apps.followups.models import Factor, FollowUp
from apps.followups.notices import shown
from apps.followups.ports import SourceAccess
from apps.followups.querysets import ENDED
from apps.followups.services import log, reminding, telling
from apps.followups.services.checking import (
    LEAST_REASON,
    MAX_TEXT,
    MAX_TITLE,
    MAX_URL,
    Wrong,
    locked,
)
from apps.ownership.models import Surface

Source = tuple[str, str, str, str]  # kind, reference, address, label
HAND: Source = ("hand", "", "", "")
EDITABLE = (
    *("title", "details", "acceptance", "aim", "priority", "owner", "due_on"),
    *("surface", "factor", "is_restricted"),
)
_NAMES = {"due_on": "Due", "is_restricted": "Restricted"}
_LONG = {"details", "acceptance"}  # said to have changed, not shown


@transaction.atomic
def open_follow_up(
    *,
    title: str,
    acceptance: str,
    aim: str,
    priority: str,
    owner: Person | None,
    due_on: date | None,
    source: Source,
    actor: Actor,
    now: datetime,
    details: str = "",
    surface: Surface | None = None,
    factor: Factor | None = None,
    kind: str = Kind.REAL,
    is_restricted: bool = False,
) -> FollowUp:
    """Promise something: what, who, by which day, and how somebody else can see that it works.

    `source` is (kind, reference, address, label) of what it comes from; `HAND` for nothing. A
    `kind` other than real is part of the play: it counts nowhere and nobody is reminded. What a
    drill finds is real. Raises Invalid with all that is wrong, by field.
    """
    given: dict[str, Any] = {
        "title": title, "acceptance": acceptance, "aim": aim, "priority": priority,
        "owner": owner, "due_on": due_on, "details": details,
    }  # fmt: skip
    wrong = Wrong()
    clean = _checked(wrong, given, now)
    named = _source(wrong, source)
    wrong.choice("kind", kind, Kind.values)
    wrong.raise_any("This follow-up cannot be kept as it is.")
    made = FollowUp.objects.create(
        **clean, **named, surface=surface, factor=factor, kind=kind, created_at=now,
        is_restricted=is_restricted or _comes_from_restricted(source),
    )  # fmt: skip
    text = f"{made.owner.name} will do it by {shown(made.due_on)}."
    log.write(follow_up=made, what="opened", text=text, actor=actor, now=now)
    reminding.pass_over(follow_up=made, now=now)
    telling.given(follow_up=made, actor=actor, now=now)
    return made


def _checked(wrong: Wrong, given: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The values that are given, cleaned; what is wrong with them goes into `wrong`."""
    clean = dict(given)
    if "title" in given:
        clean["title"] = wrong.line(
            "title", given["title"], empty="Say in a few words what will be done.",
            most=MAX_TITLE, least=3,
        )  # fmt: skip
    if "acceptance" in given:
        clean["acceptance"] = wrong.text(
            "acceptance", given["acceptance"],
            empty="Say how somebody else can see that it works.", most=MAX_TEXT, least=3,
        )  # fmt: skip
    if "details" in given:
        clean["details"] = wrong.text(
            "details", given["details"], empty="Details are text.", most=MAX_TEXT, least=0
        )
    if "aim" in given:
        clean["aim"] = wrong.choice("aim", given["aim"], FollowUp.Aim.values)
    if "priority" in given:
        clean["priority"] = wrong.choice("priority", given["priority"], FollowUp.Priority.values)
    if "owner" in given:
        wrong.owner("owner", given["owner"])
    if "due_on" in given:
        wrong.day("due_on", given["due_on"], now)
    return clean


def _source(wrong: Wrong, source: Source) -> dict[str, str]:
    kind, ref, url, label = source
    return {
        "source_kind": wrong.line(
            "source_kind", kind, empty="Say what kind of thing it comes from.", most=30
        ),
        "source_ref": wrong.line("source_ref", ref, empty="A reference is text.", most=60, least=0),
        "source_url": wrong.url("source_url", url, most=MAX_URL),
        "source_label": wrong.line(
            "source_label", label[:MAX_TITLE], empty="A label is text.", most=MAX_TITLE, least=0
        ),
    }


def _comes_from_restricted(source: Source) -> bool:
    kind, ref, _, _ = source
    known = ask(SourceAccess)  # type: ignore[type-abstract] # a port is its protocol
    return any(one.kind == kind and one.is_restricted(ref=ref) for one in known)


# -- edited


@transaction.atomic
def edit(
    *,
    follow_up: FollowUp,
    actor: Actor,
    now: datetime,
    reason: str = "",
    seen_version: int | None = None,
    **changes: Any,
) -> FollowUp:
    """Change what is named (`EDITABLE`), all or nothing; what stays the same is not noted.

    A later day or a lower priority takes a `reason`. What has ended is reopened first. Raises
    Conflict `stale` when `seen_version` is not the row's.
    """
    row = locked(follow_up, seen_version)
    if row.status in ENDED:
        is_ = row.get_status_display().lower()
        raise Conflict(f"{row.ref} has ended ({is_}). Reopen it before you change it.")
    wrong = Wrong()
    for name in set(changes) - set(EDITABLE):
        wrong.add(name, "This cannot be edited.")
    given = {name: value for name, value in changes.items() if name in EDITABLE}
    changed = {
        name: value
        for name, value in _checked(wrong, _moved(row, given), now).items()
        if value != getattr(row, name)
    }
    _insist(wrong, row, changed, reason)
    wrong.raise_any("This follow-up cannot be changed so.")
    if not changed:
        return row
    text = " ".join(_said(row, name, value) for name, value in changed.items())
    _save(row, changed)
    if reason.strip():
        text = f"{text} {reason.strip()}"
    log.write(follow_up=row, what="edited", text=text, actor=actor, now=now)
    if "due_on" in changed:
        reminding.pass_over(follow_up=row, now=now)
    if "owner" in changed:
        telling.given(follow_up=row, actor=actor, now=now)
    return row


def _moved(row: FollowUp, given: dict[str, Any]) -> dict[str, Any]:
    """Without a day or owner that stays: what was right when it was set is not checked again."""
    return {
        name: value
        for name, value in given.items()
        if name not in {"due_on", "owner"} or value != getattr(row, name)
    }


def _insist(wrong: Wrong, row: FollowUp, changed: dict[str, Any], reason: str) -> None:
    if "due_on" in wrong.fields or len(reason.strip()) >= LEAST_REASON:
        return
    later = changed.get("due_on")
    if later is not None and later > row.due_on:
        wrong.add("reason", "Say why it will be later.")
    elif changed.get("priority", row.priority) > row.priority:
        wrong.add("reason", "Say why it matters less than before.")


def _said(row: FollowUp, name: str, value: Any) -> str:
    """`Due: Mon 9 Mar 2026 → Mon 16 Mar 2026.`"""
    label = _NAMES.get(name, name.replace("_", " ").capitalize())
    if name in _LONG:
        return f"{label} changed."
    return f"{label}: {_word(row, name, getattr(row, name))} → {_word(row, name, value)}."


def _word(row: FollowUp, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return shown(value)
    if name == "aim":
        return FollowUp.Aim(value).label.partition(":")[0]
    return str(value) if value is not None else "none"


def _save(row: FollowUp, changed: dict[str, Any]) -> None:
    changed = {**changed, "version": row.version + 1}
    FollowUp.objects.filter(pk=row.pk).update(**changed)
    for name, value in changed.items():
        setattr(row, name, value)


def by_key(key: str) -> Factor:
    """A factor in use; Invalid for any other name."""
    found = Factor.objects.current().filter(key=key.strip().lower()).first()
    if found is None:
        raise Invalid("There is no such factor.", fields={"factor": ["There is no such factor."]})
    return found
