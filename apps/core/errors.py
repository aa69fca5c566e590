"""Errors that speak to people. Every door shows `message`; tools read `code`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class DomainError(Exception):
    """A rule of the product says no.

    `code` is stable and machine readable, `message` says what is wrong and what to do,
    `fields` maps a field's name to its own sentences, `status` is the HTTP status a door answers.
    """

    code = "refused"
    status = 400

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        fields: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.fields = {name: list(texts) for name, texts in (fields or {}).items()}


class Invalid(DomainError):
    """What was sent cannot be taken as it is; `fields` says where."""

    code = "invalid"


class Conflict(DomainError):
    """Somebody else was faster, or the state does not allow it any more."""

    code = "conflict"
    status = 409


class IllegalTransition(Conflict):
    """The state machine has no such step."""

    code = "illegal_transition"


class NotAllowed(DomainError):
    """The person or key may see the object but not do this to it."""

    code = "not_allowed"
    status = 403


class NotFound(DomainError):
    """There is no such object, or none that the asker may see."""

    code = "not_found"
    status = 404


# -- the database's own trouble, told apart by SQLSTATE

BUSY = frozenset({"40001", "40P01", "53200", "53300", "55P03", "57014"})


def is_away(error: BaseException | None) -> bool:
    """No connection, or it broke: as opposed to a statement that failed."""
    state = getattr(getattr(error, "__cause__", None), "sqlstate", None)
    return state is None or state.startswith(("08", "57P"))


def is_busy(error: BaseException | None) -> bool:
    """A deadlock, a lock or statement that took too long, no room: trying again helps."""
    return getattr(getattr(error, "__cause__", None), "sqlstate", None) in BUSY
