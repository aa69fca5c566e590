"""A runbook as YAML. The file is looked through event by event before anything is built of it:
no anchors, aliases or tags, at most 20 levels, at most 20,000 values. Nothing is ever constructed
but text, numbers of ours and lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import yaml

from apps.runbooks.exchange.model import (
    MOST_LISTED,
    TRIGGERS,
    Document,
    Unreadable,
    check_size,
    checked,
)
from apps.runbooks.steps import MOST_STEPS, StepIn

MOST_DEPTH = 20
MOST_EVENTS = 20_000
T = TypeVar("T")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TRUE, _FALSE = {"true", "yes", "on"}, {"false", "no", "off"}
_TOP = ("key", "title", "summary", "cadence_days", "change_note", "surfaces", "triggers", "steps")
_STEP = (
    *("title", "kind", "instruction", "expected", "on_fail", "on_fail_step", "on_fail_text"),
    *("minutes", "role", "irreversible"),
)


# -- in


def read_yaml(text: str) -> Document:
    """A runbook from YAML. Raises Unreadable, whose sentence names the line."""
    check_size(text)
    try:
        _look_through(yaml.parse(text, Loader=_Loader))
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = (error.problem or "it cannot be read").rstrip(".")
        raise Unreadable(
            f"This is not YAML: {said}.", line=mark.line + 1 if mark else None
        ) from error
    except (
        yaml.YAMLError,
        UnicodeError,
    ) as error:  # characters that YAML does not take: those have no line
        raise Unreadable("This is not YAML: it holds characters that no text has.") from error
    if not isinstance(root, yaml.MappingNode):
        raise Unreadable("A runbook's file is a list of names and values: key, title, steps.")
    return checked(_document(_fields(root, _TOP, "a runbook")))


def _look_through(found: Iterable[Any]) -> None:
    depth = documents = 0
    for count, event in enumerate(found, 1):
        line = event.start_mark.line + 1 if event.start_mark else None
        if count > MOST_EVENTS:
            raise Unreadable("The file holds too many values for a runbook.", line=line)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Unreadable(
                "Anchors and aliases (& and *) are not taken. Write it out.", line=line
            )
        tag = getattr(event, "tag", None)
        if tag and tag not in {"!", "?"}:
            raise Unreadable(f"The tag {str(tag)[:60]} is not taken.", line=line)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise Unreadable("One file holds one runbook; a second one begins here.", line=line)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise Unreadable(f"It is nested deeper than {MOST_DEPTH} levels.", line=line)


@dataclass(frozen=True)
class _Value:
    """A value of a name, with the line that it stands on."""

    name: str
    node: Any
    step: int | None = None

    @property
    def line(self) -> int:
        return int(self.node.start_mark.line) + 1

    def wrong(self, text: str) -> Unreadable:
        return Unreadable(f"{self.name}: {text}", line=self.line, step=self.step)

    @property
    def is_null(self) -> bool:
        return isinstance(self.node, yaml.ScalarNode) and str(self.node.tag).endswith(":null")

    def text(self) -> str:
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.wrong("write text here, not a list.")
        return "" if self.is_null else str(self.node.value)

    def number(self) -> int | None:
        if self.is_null:
            return None
        text = self.text().strip()
        if not (text.isascii() and text.isdigit() and len(text) <= 6):
            raise self.wrong("write a whole number here.")
        return int(text)

    def truth(self) -> bool:
        text = self.text().strip().lower()
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        raise self.wrong("write true or false here.")

    def items(self) -> list[_Value]:
        if self.is_null:
            return []
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.wrong("write a list here, each line with a dash.")
        return [_Value(self.name, node) for node in self.node.value]


def _fields(
    node: Any, names: tuple[str, ...], of: str, step: int | None = None
) -> dict[str, _Value]:
    """The values of a mapping by name; unknown names and names that occur twice are refused."""
    found: dict[str, _Value] = {}
    for key, value in node.value:
        line = int(key.start_mark.line) + 1
        name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
        if name not in names:
            said = f"“{name[:60]}” is not known" if name else "a name has to be plain text"
            raise Unreadable(
                f"{said}. {of.capitalize()} has {', '.join(names)}.", line=line, step=step
            )
        if name in found:
            raise Unreadable(f"{name} stands here a second time.", line=line, step=step)
        found[name] = _Value(name, value, step)
    return found


def _get(fields: dict[str, _Value], name: str, read: Callable[[_Value], T], default: T) -> T:
    return read(fields[name]) if name in fields else default


def _document(fields: dict[str, _Value]) -> Document:
    for name in ("key", "title", "steps"):
        if name not in fields:
            raise Unreadable(f"{name} is missing.")
    return Document(
        key=fields["key"].text(),
        title=fields["title"].text(),
        summary=_get(fields, "summary", _Value.text, ""),
        cadence_days=_get(fields, "cadence_days", _Value.number, None) or 90,
        change_note=_get(fields, "change_note", _Value.text, ""),
        surfaces=tuple(one.text().strip() for one in _listed(fields, "surfaces")),
        triggers=tuple(_trigger(one) for one in _listed(fields, "triggers")),
        steps=_steps(fields["steps"]),
    )


def _listed(fields: dict[str, _Value], name: str) -> list[_Value]:
    found = fields[name].items() if name in fields else []
    if len(found) > MOST_LISTED:
        raise fields[name].wrong(f"at most {MOST_LISTED}.")
    return found


def _trigger(value: _Value) -> tuple[str, str]:
    """`- alert: snowflake timeout`: one sort, one value."""
    if not isinstance(value.node, yaml.MappingNode) or len(value.node.value) != 1:
        raise value.wrong("write each as a sort and a value, such as “- alert: words of it”.")
    sort, text = next(iter(_fields(value.node, TRIGGERS, "a trigger").items()))
    return sort, text.text().strip()


def _steps(value: _Value) -> tuple[StepIn, ...]:
    found = value.items()
    if len(found) > MOST_STEPS:
        raise value.wrong(f"{len(found)} steps are too many: at most {MOST_STEPS}.")
    return tuple(_step(one, number) for number, one in enumerate(found, 1))


def _step(value: _Value, number: int) -> StepIn:
    if not isinstance(value.node, yaml.MappingNode):
        raise Unreadable(
            "a step has a title and more; write “- title: …”.", line=value.line, step=number
        )
    fields = _fields(value.node, _STEP, "a step", number)
    if "title" not in fields:
        raise Unreadable("title is missing.", line=value.line, step=number)
    return StepIn(
        title=fields["title"].text(),
        kind=_get(fields, "kind", _Value.text, "action").strip(),
        instruction=_get(fields, "instruction", _Value.text, ""),
        expected=_get(fields, "expected", _Value.text, ""),
        on_fail=_get(fields, "on_fail", _Value.text, "note").strip(),
        on_fail_step=_get(fields, "on_fail_step", _Value.number, None),
        on_fail_text=_get(fields, "on_fail_text", _Value.text, ""),
        minutes=_get(fields, "minutes", _Value.number, None),
        role=_get(fields, "role", _Value.text, ""),
        is_irreversible=_get(fields, "irreversible", _Value.truth, False),
    )


# -- out


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block, as people would."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def write_yaml(document: Document) -> str:
    """The document as YAML; what is empty or as usual is left out."""
    body: dict[str, Any] = {"key": document.key, "title": document.title}
    if document.summary:
        body["summary"] = document.summary
    body["cadence_days"] = document.cadence_days
    if document.change_note:
        body["change_note"] = document.change_note
    if document.surfaces:
        body["surfaces"] = list(document.surfaces)
    if document.triggers:
        body["triggers"] = [{sort: value} for sort, value in document.triggers]
    body["steps"] = [_row(step) for step in document.steps]
    written: str = yaml.dump(
        body,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=96,
        default_flow_style=False,
    )
    return written


def _row(step: StepIn) -> dict[str, Any]:
    row: dict[str, Any] = {"title": step.title, "kind": step.kind}
    if step.instruction:
        row["instruction"] = step.instruction
    if step.expected:
        row["expected"] = step.expected
    if step.on_fail != "note" or step.on_fail_text:
        row["on_fail"] = step.on_fail
    if step.on_fail_step is not None:
        row["on_fail_step"] = step.on_fail_step
    if step.on_fail_text:
        row["on_fail_text"] = step.on_fail_text
    if step.minutes is not None:
        row["minutes"] = step.minutes
    if step.role:
        row["role"] = step.role
    if step.is_irreversible:
        row["irreversible"] = True
    return row
