"""How the fields of a line are read: one reader for each sort of value, with words for a refusal.

A reader takes a value that has passed `safe_json` and is not None; it answers what is stored, or
raises `Wrong` with what the value must be. `take` goes over a line once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from apps.intake.canonical import FieldError, InvalidEvent, cut, parse_time
from apps.intake.readings import personal
from apps.intake.redaction import redact_text

Read = Callable[[Any], Any]
Fields = Mapping[str, tuple[str, Read]]  # name as sent → name as stored, and how it is read

AHEAD: Final = timedelta(minutes=10)  # how far a sender's clock may run ahead
OLDEST: Final = timedelta(days=400)
LONGEST_MS: Final = 400 * 86_400_000  # what ran for longer would have begun before time began
MAX_INT: Final = 2**31 - 1
MAX_BIG: Final = 2**63 - 1
MOST_READ: Final = 1e30  # sums of readings stay numbers
MOST_TOLD: Final = 20  # errors of one line: an answer is not many times what was sent
LONGEST_NAME: Final = 400  # characters of a text that is remembered
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


class Wrong(ValueError):
    """What a value must be: the rest of a sentence that begins with the field's name."""


def take(data: Mapping[str, Any], fields: Fields) -> tuple[dict[str, Any], list[FieldError]]:
    """The known fields by their stored names, and what is wrong with the others.

    A field's own name outweighs its aliases; null is the same as absent; names that are not known
    are left out, but one that may hold personal data raises `InvalidEvent("personal_data")`.
    """
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, value in data.items():
        known = fields.get(name)
        if known is None:
            if (key := personal.found(name, value)) is not None:
                error = FieldError(field=key[:60], message="may hold personal data")
                raise InvalidEvent(personal.CODE, personal.sentence(key), [error])
            continue
        if value is None:
            continue
        target, read = known
        if target in values and name != target:
            continue
        try:
            values[target] = read(value)
        except Wrong as wrong:
            errors.append(FieldError(field=name, message=str(wrong)))
    return values, errors


def refuse(what: str, errors: Iterable[FieldError]) -> None:
    """Raise `InvalidEvent("invalid")` if there is anything to refuse; `what`: "run", "label"."""
    if found := list(errors):
        told = found[:MOST_TOLD]
        listed = "; ".join(f"'{error['field']}' {error['message']}" for error in told)
        more = f"; and {len(found) - len(told)} more" if len(found) > len(told) else ""
        raise InvalidEvent("invalid", f"This {what} is not valid: {listed}{more}.", told)


def missing(values: Mapping[str, Any], *names: str) -> list[FieldError]:
    """One error for each name without a value."""
    absent = [name for name in names if values.get(name) in (None, "")]
    return [FieldError(field=name, message="is missing or blank") for name in absent]


def within(moment: datetime | None, name: str, received_at: datetime) -> list[FieldError]:
    """What is wrong with the time that a line counts for: in the future, or too old to count."""
    if moment is None:
        return []
    if moment > received_at + AHEAD:
        words = "is more than 10 minutes in the future; check the sender's clock"
        return [FieldError(field=name, message=words)]
    if moment < received_at - OLDEST:
        return [FieldError(field=name, message="is more than 400 days ago")]
    return []


# -- text


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise Wrong("must be text")


def _one_line(text: str) -> str:
    return text.strip() if text.isprintable() else _CONTROL.sub(" ", text).strip()


def _clean(text: str) -> str:
    """As `_known`, which is never asked to remember what is as long as a line may be."""
    return _known(text) if len(text) <= LONGEST_NAME else redact_text(_one_line(text))


@lru_cache(maxsize=8192)  # names repeat from line to line; what makes each line unique does not
def _known(text: str) -> str:
    return redact_text(_one_line(text))


def text(limit: int) -> Read:
    """One line without secrets, cut to `limit` characters."""

    def read(value: Any) -> str:
        return cut(_clean(_as_text(value)), limit)

    return read


def word(limit: int) -> Read:
    """As `text`, in lower case: kinds that senders write as they like."""

    def read(value: Any) -> str:
        return cut(_clean(_as_text(value)).lower(), limit)

    return read


def name(limit: int) -> Read:
    """As `text`, but never cut: two things must not become one by their first letters."""

    def read(value: Any) -> str:
        return _bounded(_clean(_as_text(value)), limit)

    return read


def reference(limit: int) -> Read:
    """As `name`, for what is another in every line."""

    def read(value: Any) -> str:
        return _bounded(_one_line(_as_text(value)), limit)

    return read


def identity(limit: int) -> Read:
    """A sender's id; a longer one than `limit` becomes its SHA-256."""

    def read(value: Any) -> str:
        return fit(_one_line(_as_text(value)), limit)

    return read


def fit(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _bounded(text: str, limit: int) -> str:
    if len(text) > limit:
        raise Wrong(f"is longer than {limit} characters")
    return text


def one_of(words: Mapping[str, Any], shown: str) -> Read:
    """What a word means, whatever its case; hyphens and spaces are underscores."""

    def read(value: Any) -> Any:
        known = words.get(value) if isinstance(value, str) else None
        if known is None and isinstance(value, str):
            known = words.get(value.strip().lower().replace("-", "_").replace(" ", "_"))
        if known is None:
            raise Wrong(f"must be one of {shown}")
        return known

    return read


# -- numbers and times


def whole(most: int = MAX_INT, least: int = 0) -> Read:
    """A whole number from `least` to `most`; 12.0 is one."""

    def read(value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Wrong("must be a whole number")
        if not least <= value <= most:
            raise Wrong(f"must be between {least} and {most}")
        return value

    return read


def milliseconds(value: Any) -> int:
    """A duration; a broken one is rounded."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong("must be a number of milliseconds")
    if value < 0:
        raise Wrong("must not be below 0")
    if value > LONGEST_MS:
        raise Wrong("must not be more than 400 days")
    return round(value)


def number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong("must be a number")
    if not -MOST_READ <= value <= MOST_READ:
        raise Wrong("must be between -1e30 and 1e30")
    return float(value)


def share(value: Any) -> float:
    read = number(value)
    if not 0 <= read <= 1:
        raise Wrong("must be between 0 and 1")
    return read


def money(value: Any) -> Decimal:
    """Dollars with four places."""
    try:
        amount = Decimal(str(value)) if not isinstance(value, bool) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite():
        raise Wrong("must be a number of dollars")
    if not 0 <= amount <= 99_999_999:
        raise Wrong("must be between 0 and 99999999")
    return amount.quantize(Decimal("0.0001"))


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong("must be true or false")
    return value


def time(value: Any) -> datetime:
    moment = parse_time(value)
    if moment is None:
        raise Wrong("must be an RFC 3339 time with an offset, after 1970")
    return moment


def elapsed(started: datetime, finished: datetime) -> int:
    """Milliseconds between two times."""
    return round((finished - started) / timedelta(milliseconds=1))


def fields(own: Mapping[str, Read], aliases: Mapping[str, str]) -> Fields:
    """The table for `take`: every field under its stored name, and what else it may be called."""
    table = {target: (target, read) for target, read in own.items()}
    return {**table, **{alias: (target, own[target]) for alias, target in aliases.items()}}
