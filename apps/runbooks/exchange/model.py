"""What a runbook's file holds, and what is wrong with one that does not."""

from __future__ import annotations

from dataclasses import dataclass, replace

from apps.core.safe_json import scrub_text
from apps.runbooks.steps import StepIn, faults, plain, tidy
from apps.runbooks.triggers import SORTS as TRIGGERS

__all__ = [
    "MOST_BYTES",
    "MOST_LISTED",
    "TRIGGERS",
    "Document",
    "Unreadable",
    "check_size",
    "checked",
]
MOST_BYTES = 256 * 1024
MOST_LISTED = 100  # surfaces, triggers


@dataclass(frozen=True, kw_only=True)
class Document:
    """A runbook without its history: surfaces by key, triggers as pairs of sort and value."""

    key: str
    title: str
    summary: str = ""
    cadence_days: int = 90
    change_note: str = ""
    surfaces: tuple[str, ...] = ()
    triggers: tuple[tuple[str, str], ...] = ()
    steps: tuple[StepIn, ...] = ()


class Unreadable(ValueError):
    """A file that is no runbook. `line` counts from 1, `step` too; either may be unknown."""

    def __init__(self, text: str, *, line: int | None = None, step: int | None = None) -> None:
        place = f"Line {line}: " if line else ""
        place += f"Step {step}: " if step else ""
        super().__init__(place + text)
        self.line = line
        self.step = step


def check_size(text: str) -> None:
    """Refuse what is too large before anything is made of it."""
    if len(text) > MOST_BYTES or len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise Unreadable(f"The file is larger than {MOST_BYTES // 1024} KiB.")


def checked(document: Document) -> Document:
    """The document in its one spelling; Unreadable for the first fault of a step."""
    steps = tuple(tidy(step) for step in document.steps)
    found = faults(steps, most=1)
    if found:
        raise Unreadable(found[0].text, step=found[0].position or None)
    return replace(
        document,
        key=document.key.strip(),
        title=" ".join(scrub_text(document.title).split()),
        summary=plain(document.summary).strip(),
        change_note=" ".join(scrub_text(document.change_note).split()),
        steps=steps,
    )
