"""What an export holds, whatever wrote it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 50_000
MAX_COMMENTS = 500  # of one ticket; the newest are kept


@dataclass(frozen=True)
class Comment:
    """Something that was said: `public` false is a note of the team."""

    author_name: str
    author_email: str
    body: str
    at: datetime | None
    public: bool = True


@dataclass(frozen=True)
class Imported:
    """One ticket of an export, in our words where there is a word for it."""

    ref: str  # the source's own number or key
    subject: str
    requester_email: str
    requester_name: str = ""
    body: str = ""
    status: str = "closed"  # open, waiting_customer, waiting_third_party, resolved, closed
    priority: str = ""  # P1 to P4, empty where the export has none
    request_type: str = ""
    surface: str = ""
    owner_email: str = ""
    tags: tuple[str, ...] = ()
    created_at: datetime | None = None
    resolved_at: datetime | None = None
    url: str = ""
    comments: tuple[Comment, ...] = ()


@dataclass(frozen=True)
class Problem:
    """A row that cannot be taken, and why, in words. `row` counts from 1, as people do."""

    row: int
    ref: str
    text: str


@dataclass(frozen=True)
class Export:
    """All that was read."""

    tickets: list[Imported] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
