"""What follow-ups ask of higher apps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from apps.accounts.models import Person


@dataclass(frozen=True)
class Checked:
    """What a piece of evidence is: its name and page, and what keeps it from showing anything.

    An empty `problem` means that it shows what it claims: a run was completed, an alert fired.
    """

    label: str
    url: str
    problem: str = ""


class EvidenceSource(Protocol):
    """Knows evidence of some types by its reference. A type that nobody knows is taken as an
    address with a note."""

    types: frozenset[str]

    def check(self, *, type: str, ref: str) -> Checked | None:
        """What `ref` is, None when there is none. Asked again when a follow-up is verified."""


class SourceAccess(Protocol):
    """Knows which sources of `kind` are restricted, and who is on them: those see its follow-ups,
    which are restricted with it."""

    kind: str

    def refs(self, *, person: Person) -> Iterable[str]:
        """References such as INC-42; a lazy queryset of them is taken as a subquery."""

    def is_restricted(self, *, ref: str) -> bool:
        """Whether what comes from it is to be restricted; no for what does not exist."""
