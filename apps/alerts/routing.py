"""Which surface an event belongs to: pure first-match over globs. No regular expressions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True)
class Rule:
    """One rule; an empty pattern matches everything. Patterns ignore case."""

    name: str
    surface_id: int
    integration_id: int | None = None
    source: str = ""
    component: str = ""
    class_name: str = ""
    summary: str = ""
    label: str = ""


@dataclass(frozen=True)
class Facts:
    """What a rule may look at."""

    integration_id: int
    source: str = ""
    component: str = ""
    class_name: str = ""
    summary: str = ""
    details: Mapping[str, Any] | None = None


def first_match(rules: Iterable[Rule], facts: Facts) -> Rule | None:
    """The first rule, in their order, that matches all its patterns."""
    return next((rule for rule in rules if matches(rule, facts)), None)


def matches(rule: Rule, facts: Facts) -> bool:
    if rule.integration_id is not None and rule.integration_id != facts.integration_id:
        return False
    return (
        glob(rule.source, facts.source)
        and glob(rule.component, facts.component)
        and glob(rule.class_name, facts.class_name)
        and glob(rule.summary, facts.summary)
        and _label(rule.label, facts.details or {})
    )


def glob(pattern: str, value: str) -> bool:
    """Whether `value` fits a pattern of `*` and `?`, whatever its case; an empty one fits all."""
    # Square brackets are ordinary characters here: alert names are full of them.
    escaped = pattern.lower().replace("[", "[[]")
    return not pattern or fnmatchcase(value.lower(), escaped)


def literal(text: str) -> str:
    """`text` as a pattern that matches it, and at most what differs where it has a star."""
    return text.replace("*", "?")


def _label(wanted: str, details: Mapping[str, Any]) -> bool:
    if not wanted:
        return True
    name, _, pattern = wanted.partition("=")
    labels = details.get("labels")
    found = (labels or {}).get(name) if isinstance(labels, Mapping) else None
    found = details.get(name) if found is None else found
    return isinstance(found, str | int | float | bool) and glob(pattern or "*", str(found))
