"""What runbooks ask of higher apps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from apps.accounts.models import Person


@dataclass(frozen=True)
class Context:
    """What a run is for: its reference and page, whether it is real or a drill, and who sees it.

    `kind` is one of `core.models.Kind`; `watchers` see a restricted run beside managers.
    """

    ref: str
    url: str
    kind: str = "real"
    is_restricted: bool = False
    watchers: Sequence[Person] = ()


class RunContext(Protocol):
    """Knows what runs of one sort are for, such as incidents.

    Without a provider for a sort, the reference and address are taken as they were given.
    """

    sort: str

    def find(self, *, user: Any, ref: str) -> Context | None:
        """What `ref` is, None when there is none that `user` may see."""
