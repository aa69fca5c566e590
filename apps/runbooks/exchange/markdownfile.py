"""A runbook as Markdown: a heading for its title, one for each step, and below each a list of
what the form has fields for.

    # Snowflake profiling times out
    - Key: rb-snowflake-timeouts
    - Review every: 90 days

    When to use it.

    ## 1. Confirm the scope
    - Kind: check
    - If not: go to step 5

    What to do.

    ### Expected
    What one sees then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from apps.runbooks.exchange.model import (
    MOST_LISTED,
    TRIGGERS,
    Document,
    Unreadable,
    check_size,
    checked,
)
from apps.runbooks.steps import MOST_STEPS, StepIn

MOST_LINES = 20_000
_HEADING = re.compile(r"(#{1,3})[ \t]+(.*)")
_ESCAPED = re.compile(r"\\+#{1,3}[ \t]")
_HEADLIKE = re.compile(r"\\*#{1,3}[ \t]")
_ITEM = re.compile(r"[-*][ \t]+([A-Za-z ]{1,30}):[ \t]*(.*)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_NUMBER = re.compile(r"[0-9]{1,4}[.)](?:[ \t]+|$)")
_GOTO = re.compile(r"go ?to(?: step)? ([0-9]{1,4})", re.IGNORECASE)
_DAYS = re.compile(r"([0-9]{1,4})(?: days?)?", re.IGNORECASE)
_MINUTES = re.compile(r"([0-9]{1,5})(?: min(?:utes?)?)?", re.IGNORECASE)
_TOP = ("key", "review every", "surfaces", "trigger", "change")
_STEP = ("kind", "takes", "role", "irreversible", "if not")
_PARTS = {"expected": "expected", "if not": "on_fail_text"}


@dataclass
class _Block:
    """What stands under one heading."""

    title: str
    line: int
    items: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    parts: dict[str, list[str]] = field(default_factory=lambda: {"": []})

    def one(self, name: str) -> tuple[int, str]:
        found = self.items.get(name, [])
        if len(found) > 1:
            raise Unreadable(f"“{name.capitalize()}” stands here a second time.", line=found[1][0])
        return found[0] if found else (self.line, "")

    def part(self, name: str) -> str:
        return "\n".join(self.parts.get(name, [])).strip("\n")


# -- in


def read_markdown(text: str) -> Document:
    """A runbook from Markdown. Raises Unreadable, whose sentence names the line or the step."""
    check_size(text)
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > MOST_LINES:
        raise Unreadable(f"The file has more than {MOST_LINES:,} lines.", line=MOST_LINES + 1)
    top, steps = _blocks(lines)
    if not steps:
        raise Unreadable("There is no step. Each begins with “## ” and what to do.")
    return checked(_document(top, steps))


def _blocks(lines: list[str]) -> tuple[_Block, list[_Block]]:
    top: _Block | None = None
    steps: list[_Block] = []
    part = ""
    for number, line, level in _marked(lines):
        block = steps[-1] if steps else top
        if level == 0:
            if block is not None:
                _take(block, part, number, line, _STEP if steps else _TOP)
            elif line.strip():
                raise Unreadable("Begin with “# ” and the title of the runbook.", line=number)
            continue
        title = _title(line)
        if level == 1:
            if top is not None:
                raise Unreadable("A second title. One file holds one runbook.", line=number)
            top, part = _Block(title, number), ""
        elif top is None:
            raise Unreadable("Begin with “# ” and the title of the runbook.", line=number)
        elif level == 2:
            steps.append(_Block(_bare(title), number))
            part = ""
            if len(steps) > MOST_STEPS:
                raise Unreadable(f"At most {MOST_STEPS} steps.", line=number)
        else:
            part = _part(block, title, number, in_step=bool(steps))
    if top is None:
        raise Unreadable("The file is empty. Begin with “# ” and the title of the runbook.")
    return top, steps


def _marked(lines: list[str]) -> Iterator[tuple[int, str, int]]:
    """Each line with its number and the level of its heading; 0 for text and inside fences."""
    fence = ""
    for number, line in enumerate(lines, 1):
        if fence:
            fence = "" if _closes(line, fence) else fence
            yield number, line, 0
            continue
        opened = _FENCE.fullmatch(line)
        if opened and not (opened[1][0] == "`" and "`" in opened[2]):
            fence = opened[1]
            yield number, line, 0
            continue
        heading = _HEADING.fullmatch(line)
        if heading:
            yield number, line, len(heading[1])
        else:
            yield number, line[1:] if _ESCAPED.match(line) else line, 0


def _closes(line: str, fence: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(fence) and not bare.strip(fence[0]) and bare[:1] == fence[0]


def _title(line: str) -> str:
    found = _HEADING.fullmatch(line)
    return found[2].strip() if found else ""


def _bare(title: str) -> str:
    """A step's title without its number, which the order gives anyway."""
    number = _NUMBER.match(title)
    return title[number.end() :] if number else title


def _part(block: _Block | None, title: str, line: int, *, in_step: bool) -> str:
    name = _PARTS.get(title.strip().rstrip(":").lower())
    if name is None or not in_step or block is None:
        raise Unreadable(
            f"“{title[:60]}” is not known here. A step has the parts “Expected” and “If not”; put "
            "a backslash before a heading that is part of the text.",
            line=line,
        )
    if name in block.parts:
        raise Unreadable(f"“{title[:60]}” stands here a second time.", line=line)
    block.parts[name] = []
    return name


def _take(block: _Block, part: str, number: int, line: str, names: tuple[str, ...]) -> None:
    """A line belongs to the list right under the heading, or to the text of the part."""
    text = block.parts[part]
    if part == "" and not text:
        if not line.strip() and not block.items:
            return
        item = _ITEM.fullmatch(line.strip())
        if item:
            name = item[1].strip().lower()
            if name in names:
                block.items.setdefault(name, []).append((number, item[2].strip()))
                return
            if not block.items:
                known = ", ".join(one.capitalize() for one in names)
                raise Unreadable(
                    f"“{item[1][:30]}” is not known. Use {known}; before a list that is part of "
                    "the text put one of them and an empty line.",
                    line=number,
                )
    text.append(line.rstrip())


def _document(top: _Block, steps: list[_Block]) -> Document:
    line, key = top.one("key")
    if not key:
        raise Unreadable("“- Key: rb-…” is missing below the title.", line=line)
    if not top.title:
        raise Unreadable("The title is empty.", line=top.line)
    line, surfaces = top.one("surfaces")
    named = tuple(one.strip() for one in surfaces.split(",") if one.strip())
    if len(named) > MOST_LISTED:
        raise Unreadable(f"At most {MOST_LISTED} surfaces.", line=line)
    triggers = top.items.get("trigger", [])
    if len(triggers) > MOST_LISTED:
        raise Unreadable(f"At most {MOST_LISTED} triggers.", line=triggers[MOST_LISTED][0])
    return Document(
        key=key,
        title=top.title,
        summary=top.part(""),
        cadence_days=_figure(top.one("review every"), _DAYS, "days") or 90,
        change_note=top.one("change")[1],
        surfaces=named,
        triggers=tuple(_trigger(line, text) for line, text in triggers),
        steps=tuple(_step(block, number) for number, block in enumerate(steps, 1)),
    )


def _trigger(line: int, text: str) -> tuple[str, str]:
    sort, _, value = text.partition(" ")
    if sort not in TRIGGERS or not value.strip():
        raise Unreadable(f"Write a trigger as one of {', '.join(TRIGGERS)} and a value.", line=line)
    return sort, value.strip()


def _figure(found: tuple[int, str], shape: re.Pattern[str], unit: str) -> int | None:
    line, text = found
    if not text:
        return None
    match = shape.fullmatch(text)
    if match is None:
        raise Unreadable(f"“{text[:40]}” is no number of {unit}.", line=line)
    return int(match[1])


def _step(block: _Block, number: int) -> StepIn:
    if not block.title:
        raise Unreadable("Say in one line what to do.", line=block.line, step=number)
    on_fail, goto = _way_out(block.one("if not"), number)
    return StepIn(
        title=block.title,
        kind=block.one("kind")[1].lower() or "action",
        instruction=block.part(""),
        expected=block.part("expected"),
        on_fail=on_fail,
        on_fail_step=goto,
        on_fail_text=block.part("on_fail_text"),
        minutes=_figure(block.one("takes"), _MINUTES, "minutes"),
        role=block.one("role")[1],
        is_irreversible=_truth(block.one("irreversible")),
    )


def _truth(found: tuple[int, str]) -> bool:
    line, text = found
    if text.lower() not in {"", "yes", "no"}:
        raise Unreadable("Irreversible is “yes” or “no”.", line=line)
    return text.lower() == "yes"


def _way_out(found: tuple[int, str], number: int) -> tuple[str, int | None]:
    line, text = found
    goto = _GOTO.fullmatch(text)
    if goto:
        return "goto", int(goto[1])
    if text.lower() in {"", "note", "escalate", "stop"}:
        return text.lower() or "note", None
    raise Unreadable(
        "“If not” is note, escalate, stop or “go to step 3”; more of it goes under a heading "
        "“### If not”.",
        line=line,
        step=number,
    )


# -- out


def write_markdown(document: Document) -> str:
    """The document as Markdown, readable by itself on any page that shows Markdown."""
    lines = [f"# {document.title}", f"- Key: {document.key}"]
    lines += [f"- Review every: {document.cadence_days} days"]
    if document.surfaces:
        lines += [f"- Surfaces: {', '.join(document.surfaces)}"]
    lines += [f"- Trigger: {sort} {value}" for sort, value in document.triggers]
    if document.change_note:
        lines += [f"- Change: {document.change_note}"]
    lines += ["", *_escaped(document.summary)]
    for number, step in enumerate(document.steps, 1):
        lines += _lines_of(step, number)
    return "\n".join(lines).rstrip("\n") + "\n"


def _lines_of(step: StepIn, number: int) -> list[str]:
    lines = [f"## {number}. {step.title}", f"- Kind: {step.kind}"]
    if step.minutes is not None:
        lines += [f"- Takes: {step.minutes} min"]
    if step.role:
        lines += [f"- Role: {step.role}"]
    if step.is_irreversible:
        lines += ["- Irreversible: yes"]
    if step.on_fail == "goto":
        lines += [f"- If not: go to step {step.on_fail_step}"]
    elif step.on_fail != "note":
        lines += [f"- If not: {step.on_fail}"]
    lines += ["", *_escaped(step.instruction)]
    if step.expected:
        lines += ["### Expected", *_escaped(step.expected)]
    if step.on_fail_text:
        lines += ["### If not", *_escaped(step.on_fail_text)]
    return lines


def _escaped(text: str) -> list[str]:
    """Lines of a text that stay text: what looks like a heading of ours gets a backslash, and a
    fence that nobody closed is closed."""
    if not text:
        return []
    found, fence = [], ""
    for line in text.split("\n"):
        opened = None if fence else _FENCE.fullmatch(line)
        if fence:
            fence = "" if _closes(line, fence) else fence
        elif opened and not (opened[1][0] == "`" and "`" in opened[2]):
            fence = opened[1]
        is_text = not fence and not opened and _HEADLIKE.match(line)
        found.append(f"\\{line}" if is_text else line)
    return [*found, *([fence] if fence else []), ""]
