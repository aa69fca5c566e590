"""What a step says, checked and fingerprinted. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from apps.core.safe_json import scrub_text

MOST_STEPS = 200
MOST_TITLE = 160
MOST_TEXT = 10_000  # characters of one text of one step
MOST_MINUTES = 1_440
KINDS = ("check", "action", "decision", "comms", "rollback", "verify")
ON_FAIL = ("note", "goto", "escalate", "stop")
_BREAKS = dict.fromkeys(map(ord, "\r\v\f\x85\u2028\u2029"), "\n")
_TEXTS = ("instruction", "expected", "on_fail_text")


@dataclass(frozen=True, kw_only=True)
class StepIn:
    """A step as somebody wrote it; its position is its place in the list, counted from 1.

    `minutes` is how long it takes; `on_fail_step` the position to go to when `on_fail` is `goto`.
    """

    title: str
    kind: str = "action"
    instruction: str = ""
    expected: str = ""
    on_fail: str = "note"
    on_fail_step: int | None = None
    on_fail_text: str = ""
    minutes: int | None = None
    role: str = ""
    is_irreversible: bool = False


@dataclass(frozen=True)
class Fault:
    """What is wrong with a step: its position (0: with all of them), its field, a sentence."""

    position: int
    field: str
    text: str

    def __str__(self) -> str:
        return f"Step {self.position}: {self.text}" if self.position else self.text


def tidy(step: StepIn) -> StepIn:
    """The same step in its one spelling: one-line title, line feeds, nothing PostgreSQL refuses."""
    return replace(
        step,
        title=" ".join(plain(step.title).split()),
        role=" ".join(plain(step.role).split()),
        on_fail_step=step.on_fail_step if step.on_fail == "goto" else None,
        instruction=plain(step.instruction),
        expected=plain(step.expected),
        on_fail_text=plain(step.on_fail_text),
    )


def plain(text: str) -> str:
    """A text with line feeds alone, no spaces at line ends, no empty lines around it."""
    lines = scrub_text(text).replace("\r\n", "\n").translate(_BREAKS).split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def faults(steps: Sequence[StepIn], *, most: int = 20) -> list[Fault]:
    """Everything that keeps these steps from being a runbook, up to `most`, in their order."""
    if not steps:
        return [Fault(0, "steps", "A runbook has at least one step.")]
    if len(steps) > MOST_STEPS:
        return [Fault(0, "steps", f"{len(steps)} steps are too many: at most {MOST_STEPS}.")]
    found: list[Fault] = []
    for position, step in enumerate(steps, 1):
        found += _faults_of(position, step, len(steps))
    return found[:most]


def _faults_of(position: int, step: StepIn, count: int) -> list[Fault]:
    said: list[tuple[str, str]] = []
    if not step.title:
        said.append(("title", "Say in one line what to do."))
    elif len(step.title) > MOST_TITLE:
        said.append(("title", f"The title is longer than {MOST_TITLE} characters."))
    if step.kind not in KINDS:
        said.append(("kind", f"“{step.kind[:40]}” is no kind. Use one of {', '.join(KINDS)}."))
    for name in _TEXTS:
        if len(getattr(step, name)) > MOST_TEXT:
            said.append((name, f"{name} is longer than {MOST_TEXT:,} characters."))
    if len(step.role) > 20:
        said.append(("role", "The role is longer than 20 characters."))
    if step.minutes is not None and not 1 <= step.minutes <= MOST_MINUTES:
        said.append(("minutes", f"A step takes 1 to {MOST_MINUTES} minutes."))
    said += _way_out(position, step, count)
    return [Fault(position, name, text) for name, text in said]


def _way_out(position: int, step: StepIn, count: int) -> list[tuple[str, str]]:
    if step.on_fail not in ON_FAIL:
        ways = ", ".join(ON_FAIL)
        return [("on_fail", f"“{step.on_fail[:40]}” is no way out. Use one of {ways}.")]
    if step.on_fail != "goto":
        return []
    if step.on_fail_step is None:
        return [("on_fail_step", "Say which step to go to.")]
    if step.on_fail_step == position:
        return [("on_fail_step", "A step cannot send people to itself.")]
    if not 1 <= step.on_fail_step <= count:
        return [("on_fail_step", f"There is no step {step.on_fail_step} to go to.")]
    return []


def digest(steps: Sequence[StepIn]) -> str:
    """SHA-256 of what the steps say, in hexadecimal: the same steps, the same fingerprint."""
    rows = [asdict(step) for step in steps]
    text = json.dumps(rows, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
