"""What was given, made fit to keep; everything that is wrong is said at once, by field."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from apps.accounts.models import Person
from apps.core.errors import Conflict, Invalid
from apps.followups.models import FollowUp

MAX_TITLE = 200
MAX_TEXT = 10_000
MAX_URL = 300
LONGEST = timedelta(days=5 * 366)  # further than this is no promise
LEAST_REASON = 5
ANYWHERE = timedelta(hours=12)  # the last zone in which a day still goes on


class Wrong:
    """Collects sentences by field; `raise_any` says them all in one refusal."""

    def __init__(self) -> None:
        self.fields: dict[str, list[str]] = {}

    def add(self, field: str, sentence: str) -> None:
        self.fields.setdefault(field, []).append(sentence)

    def text(self, field: str, value: object, *, empty: str, most: int, least: int = 1) -> str:
        """Stripped text of `least` to `most` characters; `empty` says what is missing."""
        if not isinstance(value, str):
            self.add(field, empty)
            return ""
        given = value.strip()
        if len(given) < least:
            self.add(field, empty)
        elif len(given) > most:
            self.add(field, f"At most {most:,} characters fit; this has {len(given):,}.")
        elif "\x00" in given:
            self.add(field, "This text has a character that cannot be kept (NUL).")
        return given

    def line(self, field: str, value: object, *, empty: str, most: int, least: int = 1) -> str:
        """The same, made one line."""
        text = self.text(field, value, empty=empty, most=most, least=least)
        return " ".join(text.split())

    def choice(self, field: str, value: object, allowed: Iterable[str]) -> str:
        known = list(allowed)
        if value not in known:
            self.add(field, f"Choose one of {', '.join(known)}.")
        return str(value)

    def day(self, field: str, value: object, now: datetime) -> None:
        """A day to come (today counts, wherever somebody is), within five years."""
        if not isinstance(value, date) or isinstance(value, datetime):
            self.add(field, "Say by which day it will be done.")
            return
        first, last = (now - ANYWHERE).date(), (now + LONGEST).date()
        if value < first:
            self.add(field, "This day is over. Choose today or a later one.")
        elif value > last:
            self.add(field, f"This is too far ahead. Choose a day before {last.year}.")

    def owner(self, field: str, value: object) -> None:
        if not isinstance(value, Person):
            self.add(field, "Say who answers for it.")
        elif not value.is_active or value.archived_at:
            self.add(field, f"{value.name} is no longer active. Choose somebody who is here.")

    def url(self, field: str, value: str, *, most: int = 500) -> str:
        given = value.strip()
        if not given:
            return ""
        is_path = given.startswith("/") and not given.startswith("//")
        if not is_path and not given.startswith(("https://", "http://")):
            self.add(field, "An address begins with https://.")
        elif len(given) > most:
            self.add(field, f"An address has at most {most} characters.")
        elif not given.isprintable() or " " in given:
            self.add(field, "An address has no spaces and no line breaks.")
        return given

    def raise_any(self, message: str) -> None:
        if self.fields:
            raise Invalid(message, fields=self.fields)


def reason(value: str, *, empty: str, field: str = "reason") -> str:
    """A reason that says something; refused with `empty`."""
    wrong = Wrong()
    given = wrong.text(field, value, empty=empty, most=MAX_TEXT, least=LEAST_REASON)
    wrong.raise_any(wrong.fields.get(field, [""])[0])
    return given


def locked(follow_up: FollowUp, seen_version: int | None = None) -> FollowUp:
    """The row, held until the end of the transaction; 409 `stale` when another version was read.

    Always the first lock that a service here takes; evidence and notes come after it.
    """
    rows = FollowUp.objects.select_related("owner", "surface__team__lead", "factor", "done_by")
    row = rows.select_for_update(of=("self",), no_key=True).get(pk=follow_up.pk)
    if seen_version is not None and seen_version != row.version:
        raise Conflict(
            f"Somebody changed {row.ref} meanwhile. Reload to see what is new, then do it again.",
            code="stale",
        )
    return row
