"""What incidents asks the apps above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from apps.incidents.models import Incident
    from apps.ownership.models import Surface


class CloseBlocker(Protocol):
    """Whatever must be done elsewhere before an incident is closed."""

    def blockers(self, *, incident: Incident) -> list[str]:
        """One sentence for each thing that holds the incident open, empty when nothing does."""
        ...


@dataclass(frozen=True)
class Hint:
    """Something that may belong to an incident that somebody is about to declare.

    `kind`, `ref`, `url`, `label` and `relation` are a link's; `why` says in a sentence why it is
    offered; `score` ranks it, 0 to 1.
    """

    kind: str
    ref: str
    url: str
    label: str
    why: str
    relation: str
    score: float


class DeclareHint(Protocol):
    """Knows what may belong to an incident: open tickets that sound like it, for one."""

    def hints(
        self, *, user: Any, surface: Surface | None, words: str, now: datetime
    ) -> Sequence[Hint]:
        """What `user` may see and might want to link, the likeliest first."""
        ...
