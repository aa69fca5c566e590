"""Prepared words with placeholders, `{{ name }}` and nothing else. Pure.

There is no logic to run and nothing to call: a name is replaced by a value, once. What a value
holds is text, so a placeholder inside one stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_SUBJECT = 200  # characters
MAX_BODY = 20_000

_NAME = re.compile(r"\{\{[ \t]*([a-z][a-z0-9_]{0,39})[ \t]*\}\}")
_ANY = re.compile(r"\{\{(.{0,80}?)(?:\}\}|$)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Placeholder:
    """A name that templates may use. `outside` ones may stand in what people outside read; `hint`
    says what to do where it has no value. One that is `by_hand` never has a value: whoever writes
    the message puts their own words in its place, and without them it is not sent."""

    name: str
    about: str
    hint: str = ""
    outside: bool = True
    by_hand: bool = False


PLACEHOLDERS: Mapping[str, Placeholder] = {
    one.name: one
    for one in (
        Placeholder("product", "The product's name, from the site settings."),
        Placeholder("ref", "The incident's number: INC-42."),
        Placeholder("affected", "The parts that are hurt, by the names that customers know."),
        Placeholder("started_at", "When it began to hurt, else when it was noticed; in UTC."),
        Placeholder("ended_at", "When it was over; in UTC.", "Say first that it is over."),
        Placeholder("duration", "From the beginning to the end, or until now: 1 h 40 m."),
        Placeholder(
            "impact", "The impact summary of the incident.", "Write the impact summary first."
        ),
        Placeholder(
            "mitigation", "What was done so that customers are fine.",
            "Write the mitigation note first.",
        ),
        Placeholder(
            "next_update", "When the next update comes; in UTC.", "Promise the next update first."
        ),
        Placeholder("status_page", "The address of the public page about it."),
        Placeholder(
            "seen", "What customers see of it, in your words.",
            "Put in its place what customers see.", by_hand=True,
        ),
        Placeholder(
            "progress", "What is new since the last message, in your words.",
            "Put in its place what is new since the last message.", by_hand=True,
        ),
        Placeholder(
            "data_effect", "What became of data: what was lost or wrong, or that nothing was.",
            "Put in its place what became of data: what was lost or wrong, or that nothing was.",
            by_hand=True,
        ),
        Placeholder("title", "The title as people here wrote it.", outside=False),
        Placeholder("severity", "SEV2, with the team's own name for it.", outside=False),
        Placeholder("state", "Investigating, Identified, Mitigated …", outside=False),
        Placeholder(
            "commander", "Who leads it.", "Name a commander first.", outside=False
        ),
        Placeholder("surface", "The surface it is on.", "Give it a surface first.", outside=False),
        Placeholder("customers", "How many customers are known to be hurt.", outside=False),
        Placeholder("link", "The address of the incident's page.", outside=False),
    )
}  # fmt: skip


class TemplateError(ValueError):
    """A template or what it becomes cannot be used; `name` is the placeholder at fault, if one."""

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.name = name


def allowed(*, outside: bool) -> list[Placeholder]:
    """What a text for people outside, or for people here, may use."""
    return [one for one in PLACEHOLDERS.values() if one.outside or not outside]


def used(text: str) -> list[str]:
    """The names in a text, each once, in their order."""
    return list(dict.fromkeys(_NAME.findall(text)))


def check(text: str, *, outside: bool, limit: int = MAX_BODY, strict: bool = True) -> None:
    """Raises TemplateError for a name that is not known or not for outside, and for too much.

    `strict` (templates) also refuses every other pair of braces; without it (a message that
    somebody writes) `{{ ref('orders') }}` is a piece of code that stays as it is.
    """
    if len(text) > limit:
        raise TemplateError(f"This has {len(text):,} characters; {limit:,} is the most.")
    for name in used(text):
        _check_name(name, outside)
    if not strict:
        return
    for match in _ANY.finditer(text):
        if not _NAME.match(text, match.start()):
            inside = " ".join(match[1].split())[:40]
            raise TemplateError(
                f"“{{{{ {inside} }}}}” is not a placeholder. One is a plain name between double "
                f"braces: {_names(outside)}.",
                inside,
            )


def _check_name(name: str, outside: bool) -> None:
    known = PLACEHOLDERS.get(name)
    if known is None:
        text = f"There is no placeholder “{name}”. There are: {_names(outside)}."
        raise TemplateError(text, name)
    if outside and not known.outside:
        raise TemplateError(
            f"“{name}” is an internal word and cannot stand in a message for people outside.", name
        )


def _names(outside: bool) -> str:
    return ", ".join(one.name for one in allowed(outside=outside))


def render(text: str, values: Mapping[str, str], *, outside: bool, limit: int = MAX_BODY) -> str:
    """The text with every placeholder filled; raises TemplateError naming one that has no value."""
    check(text, outside=outside, limit=limit, strict=False)
    for name in used(text):
        if not values.get(name, "").strip():
            hint = PLACEHOLDERS[name].hint
            raise TemplateError(f"“{name}” has no value yet. {hint}".strip(), name)
    made = _NAME.sub(lambda match: values[match[1]], text)
    if len(made) > limit:
        raise TemplateError(f"Filled in, this has {len(made):,} characters; {limit:,} is the most.")
    return made


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with what has a value filled in; the rest stays to be filled when it is sent."""

    def one(match: re.Match[str]) -> str:
        value = values.get(match[1], "")
        return value if value.strip() else match[0]

    return _NAME.sub(one, text)
