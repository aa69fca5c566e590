"""The facts of a ticket in a pasted text: versions, codes, columns, runs, invoices."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from apps.intake.mailtext import one_line
from apps.support.pasting import patterns, rules
from apps.support.pasting.model import URL, Finding, finding

PRODUCTS: Final = ("dataface", "dft", "dbt-charts", "dbt_charts", "dbt charts", "dct")


def fields(text: str, words: rules.Words, products: Collection[str]) -> dict[str, Finding]:
    """The facts that any type may have."""
    busy = [match.span() for match in URL.finditer(text)][:5000]
    found = {
        "diagnostic_code": _code(text),
        "url": _url(text),
        "package_version": _version(text, products),
        "run_id": _run(text),
        "column": _column(text, busy),
        "profiled_at": _time(text),
        "invoice": _invoice(text),
        "connection": _connection(text),
        "environment": _environment(text, words),
        "warehouse_type": _known(text, words, rules.WAREHOUSES),
        "report": _known(text, words, rules.REPORTS),
    }
    found["shown_type"], found["expected_type"] = _types(text)
    return {key: finding for key, finding in found.items() if finding is not None}


def fields_of(kind: str, text: str, words: rules.Words) -> dict[str, Finding]:
    """Facts that mean something in some types alone: “Stripe” in a billing question is no pack."""
    found: dict[str, Finding | None] = {}
    if kind in ("billing", "cost_surprise"):
        found["amount"] = _match(text, patterns.AMOUNT.search(text))
    if kind == "pack":
        found["connector"] = _connector(text, words)
    return {key: finding for key, finding in found.items() if finding is not None}


def _match(text: str, match: re.Match[str] | None, group: int = 0) -> Finding | None:
    return finding(text, match.start(group), match.end(group)) if match else None


def _known(text: str, words: rules.Words, labels: Mapping[str, str]) -> Finding | None:
    """The known phrase that stands first in the text, by its label."""
    spans = [(*words[phrase], label) for phrase, label in labels.items() if phrase in words]
    if not spans:
        return None
    start, end, label = min(spans)
    return finding(text, start, end, label)


def _code(text: str) -> Finding | None:
    """The first error's code; without errors the first warning's."""
    warning = None
    for match in patterns.CODE.finditer(text):
        if match[1] == "ERR":
            return _match(text, match)
        warning = warning or match
    return _match(text, warning)


def _url(text: str) -> Finding | None:
    """The first address that names a run; else the first."""
    first: Finding | None = None
    for match in URL.finditer(text):
        clean = match[0].rstrip(".,;:!?)]}*>")
        found = Finding(one_line(clean, 2000), match.start(), match.start() + len(clean))
        if patterns.RUN_PATH.search(clean):
            return found
        first = first or found
    return first


def _version(text: str, products: Collection[str]) -> Finding | None:
    """Our package's own version where it is named; else what is just called a version."""
    names = "|".join(re.escape(name) for name in products if name)
    if names:
        ours = re.compile(
            rf"(?<![\w.-])(?:{names})(?:,? version)?[ \t]{{0,3}}[=@/:]{{0,2}}[ \t]{{0,3}}v?"
            + patterns.NUMBER,
            re.IGNORECASE,
        )
        if match := ours.search(text):
            return _match(text, match, 1)
    for match in patterns.VERSION.finditer(text):
        if (match[1] or "").lower() not in patterns.NOT_OURS:
            return _match(text, match, 2)
    return None


def _run(text: str) -> Finding | None:
    """A run by its label, by the address of its page, or any UUID."""
    for pattern in (patterns.RUN, patterns.RUN_PATH):
        for match in pattern.finditer(text):
            if any(letter.isdigit() for letter in match[1]):
                return _match(text, match, 1)
    return _match(text, patterns.UUID.search(text))


def _column(text: str, busy: list[tuple[int, int]]) -> Finding | None:
    """`schema.table.column`; neither a host, nor a file, nor a module of a program."""
    if match := patterns.LABELED_COLUMN.search(text):
        return _as_column(text, match.start(1), match.end(1))
    place = 0
    for match in patterns.COLUMN.finditer(text):
        while place < len(busy) and busy[place][1] <= match.start():
            place += 1
        inside = place < len(busy) and busy[place][0] < match.end()
        if not inside and _is_column(match[0]):
            return _as_column(text, match.start(), match.end())
    return None


def _is_column(name: str) -> bool:
    parts = name.replace('"', "").replace("`", "").split(".")
    last = parts[-1]
    camel = last[0].isupper() and not last.isupper()
    foreign = (
        parts[0].lower() in patterns.NO_COLUMN_ROOTS or last.lower() in patterns.NO_COLUMN_ENDS
    )
    return not camel and not foreign


def _as_column(text: str, start: int, end: int) -> Finding | None:
    parts = text[start:end].replace('"', "").replace("`", "").split(".")
    return finding(text, start, end, ".".join(parts[-3:]))


def _types(text: str) -> tuple[Finding | None, Finding | None]:
    """How a column is shown and what it should be, from sentences that say one of the two."""
    shown = _type_words(text, patterns.SHOWN.search(text))
    expected = _type_words(text, patterns.EXPECTED.search(text)) if shown else None
    if shown is None and (match := re.search(r"(?<!\w)[Ee]xpected ", text)):
        wanted = patterns.EXPECTED.match(text, match.start())
        got = patterns.GOT.search(text, wanted.end(), wanted.end() + 80) if wanted else None
        if got is None and wanted:
            got = patterns.GOT.search(text, wanted.start(1), wanted.end() + 80)
        if got:
            return _type_words(text, got), _type_words(text, wanted)
    return shown, expected


def _type_words(text: str, match: re.Match[str] | None) -> Finding | None:
    """The words of a type up to the first one that goes on with the sentence."""
    if match is None:
        return None
    end = match.start(1)
    for word in re.finditer(r"[\w-]+", match[1]):
        if word[0].lower() in patterns.STOPS:
            break
        end = match.start(1) + word.end()
    return finding(text, match.start(1), end)


def _time(text: str) -> Finding | None:
    for match in patterns.TIME.finditer(text):
        try:
            datetime.fromisoformat(match[1][:10])
        except ValueError:
            continue
        return _match(text, match, 1)
    return None


def _invoice(text: str) -> Finding | None:
    match = patterns.INVOICE.search(text)
    return _match(text, match, 1 if match and match[1] else 0)


def _connection(text: str) -> Finding | None:
    for match in patterns.CONNECTION.finditer(text):
        if match[1].lower().rstrip(".") not in patterns.NO_CONNECTION:
            start, end = match.span(1)
            return finding(text, start, end - (match[1][-1] == "."))
    return None


def _environment(text: str, words: rules.Words) -> Finding | None:
    """What stands behind “environment:”, else the first word that gives the place away."""
    for match in patterns.ENVIRONMENT.finditer(text):
        value = match[1].lower()
        label = rules.ENVIRONMENTS.get(value) or rules.ENVIRONMENTS.get(value.split(" ")[0])
        if label:
            return finding(text, match.start(1), match.end(1), label)
    return _known(text, words, rules.ENVIRONMENTS)


def _connector(text: str, words: rules.Words) -> Finding | None:
    for match in patterns.CONNECTOR.finditer(text):
        group = 1 if match[1] else 2
        if match[group].lower() not in patterns.NO_CONNECTOR:
            return finding(text, match.start(group), match.end(group), match[group].lower())
    return _known(text, words, rules.CONNECTORS)
