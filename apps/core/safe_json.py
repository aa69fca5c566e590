"""JSON from strangers, made safe to keep: bounded, and free of what PostgreSQL chokes on.

What comes in through one of these functions can be stored as `jsonb` and sent out again:

- NUL and lone surrogates in text or keys become U+FFFD, or are refused where the door says so;
- infinities and NaN (also `1e400000`) become null, an integer of 2^63 or more becomes its text;
- nesting deeper than 64 and more than 20,000 values are refused;
- a key that occurs twice keeps its last value, as in every common parser.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, Literal, overload

import msgspec

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 20_000
REPLACEMENT: Final = "\ufffd"

_BIG: Final = 1 << 63
_BOM: Final = b"\xef\xbb\xbf"
_POISON: Final = re.compile("[\x00\ud800-\udfff]")
_LONG_NUMBER: Final = re.compile(rb"[0-9]{19}")

_Mode = Literal["clean", "refuse_text", "refuse"]


class UnsafeJson(ValueError):
    """The input cannot be taken; `code` is for tools, `message` for people.

    Codes: `empty`, `too_large`, `bad_encoding`, `not_json`, `not_an_object`, `too_deep`,
    `too_many_values`, `unsafe_text`, `unsafe_number`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@overload
def loads_object(
    raw: bytes,
    *,
    max_bytes: int,
    allow_array: Literal[False] = False,
    refuse_poison: bool = False,
    max_values: int = MAX_VALUES,
) -> dict[str, Any]: ...


@overload
def loads_object(
    raw: bytes,
    *,
    max_bytes: int,
    allow_array: bool,
    refuse_poison: bool = False,
    max_values: int = MAX_VALUES,
) -> dict[str, Any] | list[dict[str, Any]]: ...


def loads_object(
    raw: bytes,
    *,
    max_bytes: int,
    allow_array: bool = False,
    refuse_poison: bool = False,
    max_values: int = MAX_VALUES,
) -> dict[str, Any] | list[dict[str, Any]]:
    """Parse one JSON object, or with `allow_array` also an array of objects, from UTF-8 bytes.

    With `refuse_poison` NUL and lone surrogates raise `UnsafeJson("unsafe_text")` instead of being
    replaced; numbers are tamed either way. A byte order mark is skipped.
    """
    if len(raw) > max_bytes:
        raise UnsafeJson("too_large", f"The body is larger than {max_bytes:,} bytes.")
    raw = raw.removeprefix(_BOM)
    if not raw or raw.isspace():
        raise UnsafeJson("empty", "The body is empty; send a JSON object.")
    value, clean = _parse(raw)
    _require_objects(value, allow_array=allow_array)
    if not (clean and _needs_no_walk(raw, max_values)):
        value = _Walker("refuse_text" if refuse_poison else "clean", max_values).walk(value, 1)
    return value  # type: ignore[no-any-return]  # _require_objects has narrowed what Any hides


def scrub(value: Any, *, max_values: int = MAX_VALUES) -> Any:
    """A cleaned copy of a value that was parsed elsewhere; the original is left as it is.

    Raises `UnsafeJson` for what cannot be mended: too deep, too many values, not a JSON type.
    """
    return _Walker("clean", max_values).walk(value, 1)


def check(value: Any, *, max_values: int = MAX_VALUES) -> None:
    """Raise `UnsafeJson` for anything in a parsed value that `scrub` would change or refuse."""
    _Walker("refuse", max_values).walk(value, 1)


def scrub_text(text: str) -> str:
    """`text` with NUL and lone surrogates replaced by U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    return _POISON.sub(REPLACEMENT, text)


def _parse(raw: bytes) -> tuple[Any, bool]:
    """The value, and whether the strict parser took it: then no infinities or surrogates are in."""
    try:
        return msgspec.json.decode(raw), True
    except UnicodeDecodeError as error:
        raise _bad_encoding() from error
    except RecursionError as error:
        raise _too_deep() from error
    except msgspec.DecodeError:
        return _parse_leniently(raw), False


def _parse_leniently(raw: bytes) -> Any:
    """For what the strict parser refuses: lone surrogates, infinities, giant numbers, no JSON."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise _bad_encoding() from error
    try:
        return json.loads(text, parse_int=_integer, parse_constant=_no_number)
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise UnsafeJson("not_json", f"The body is not JSON: {error}.") from error


def _integer(digits: str) -> int | str:
    """Short integers are numbers; Python itself refuses to read more than 4,300 digits."""
    return int(digits) if len(digits) < 19 else _small_integer(digits)


def _small_integer(digits: str) -> int | str:
    if len(digits) > 20:
        return digits
    number = int(digits)
    return number if -_BIG < number < _BIG else digits


def _no_number(_name: str) -> None:
    return None


def _require_objects(value: Any, *, allow_array: bool) -> None:
    if isinstance(value, dict):
        return
    if not allow_array:
        raise UnsafeJson("not_an_object", "The body must be a JSON object.")
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UnsafeJson("not_an_object", "The body must be a JSON object or an array of objects.")


def _needs_no_walk(raw: bytes, max_values: int) -> bool:
    """Whether the bytes alone prove that nothing has to be mended: true of most events.

    So few brackets cannot nest too deep, so few commas cannot hold too many values, and without
    the escape there is no NUL. The strict parser has already refused lone surrogates.
    """
    brackets = raw.count(b"{") + raw.count(b"[")
    return (
        brackets <= MAX_DEPTH
        and brackets + raw.count(b",") <= max_values
        and b"\\u0000" not in raw
        and _LONG_NUMBER.search(raw) is None
    )


class _Walker:
    """One pass over a value: bounds it, and replaces or refuses what is unsafe."""

    __slots__ = ("left", "limit", "mode")

    def __init__(self, mode: _Mode, max_values: int) -> None:
        self.mode = mode
        self.limit = max_values
        self.left = max_values

    def walk(self, value: Any, depth: int) -> Any:
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int):
            return self._integer(value)
        if isinstance(value, float):
            return self._float(value)
        if depth > MAX_DEPTH:
            raise _too_deep()
        if isinstance(value, dict):
            self._spend(len(value))
            return {self._key(k): self.walk(v, depth + 1) for k, v in value.items()}
        if isinstance(value, list | tuple):
            self._spend(len(value))
            return [self.walk(item, depth + 1) for item in value]
        raise UnsafeJson("not_json", f"{type(value).__name__} is not a JSON type.")

    def _spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise UnsafeJson("too_many_values", f"There are more than {self.limit:,} values.")

    def _key(self, key: Any) -> str:
        if not isinstance(key, str):
            raise UnsafeJson("not_json", "The keys of a JSON object are text.")
        return self._text(key)

    def _text(self, text: str) -> str:
        clean = scrub_text(text)
        if self.mode != "clean" and clean is not text and clean != text:
            raise UnsafeJson("unsafe_text", "Text holds a NUL or half of a character pair.")
        return clean

    def _integer(self, number: int) -> int | str:
        if -_BIG < number < _BIG:
            return number
        self._refuse_number()
        return _digits(number)

    def _float(self, number: float) -> float | None:
        if math.isfinite(number):
            return number
        self._refuse_number()
        return None

    def _refuse_number(self) -> None:
        if self.mode == "refuse":
            raise UnsafeJson("unsafe_number", "A number is infinite, undefined or 2^63 or more.")


def _digits(number: int) -> str:
    """Decimal text; past Python's limit of 4,300 digits the hexadecimal, which has no limit."""
    try:
        return str(number)
    except ValueError:
        return hex(number)


def _bad_encoding() -> UnsafeJson:
    return UnsafeJson("bad_encoding", "The body is not valid UTF-8.")


def _too_deep() -> UnsafeJson:
    return UnsafeJson("too_deep", f"The JSON is nested deeper than {MAX_DEPTH} levels.")
