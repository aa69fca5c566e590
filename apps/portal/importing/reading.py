"""From pasted text to lines of facts: which separator, which columns, which table. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from apps.portal.importing.facts import PEOPLE, SURFACES

MAX_LINES = 2000
MAX_CELL = 100_000  # checked here, not by the csv module, whose limit is one for the whole process
MAX_BYTES = 1024 * 1024
_ALIASES: Mapping[str, str] = {
    "e_mail": "email",
    "mail": "email",
    "email_address": "email",
    "e_mail_address": "email",
    "full_name": "name",
    "person": "name",
    "surface_name": "name",
    "role": "roles",
    "timezone": "time_zone",
    "zone": "time_zone",
    "tz": "time_zone",
    "key": "surface",
    "surface_key": "surface",
    "owner": "primary",
    "primary_owner": "primary",
    "secondary": "backup",
    "backup_owner": "backup",
    "team_lead": "lead",
}
EMPTY = frozenset({"", "-", "–", "—", "n/a", "none"})
_SURFACE = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")


class PasteError(ValueError):
    """The whole paste cannot be read; the message says why."""


@dataclass(frozen=True)
class Line:
    """A line of facts: of which table, and its cells by column. `problem` when it is neither."""

    number: int
    table: Literal["people", "surfaces", ""]
    cells: Mapping[str, str]
    problem: str = ""


def read(text: str) -> tuple[list[Line], list[str]]:
    """The lines of facts, and remarks about the columns. Raises PasteError past the limits."""
    if len(text.encode()) > MAX_BYTES:
        raise PasteError("This is more than 1 MiB. Import it in parts.")
    text = text.removeprefix("\ufeff")
    lines: list[Line] = []
    remarks: list[str] = []
    columns: tuple[str, ...] | None = None
    for number, cells in cells_of(text):
        if not any(cells):
            continue
        header = _header(cells)
        if header is not None:
            columns = header
            remarks += _unknown(number, cells, header)
            continue
        lines.append(_line(number, cells, columns))
        if len(lines) > MAX_LINES:
            raise PasteError(f"More than {MAX_LINES:,} lines. Import them in parts.")
    return lines, remarks


def cells_of(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of every line, blanks made single. Raises PasteError."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator(text), skipinitialspace=True, strict=True
    )
    try:
        start = 1
        for row in reader:
            if any(len(cell) > MAX_CELL for cell in row):
                raise csv.Error("a cell is too long")
            yield start, [" ".join(cell.split()) for cell in row]
            start = reader.line_num + 1
    except csv.Error as error:
        raise PasteError(
            f"Line {reader.line_num} cannot be read: a quotation mark is not closed, or a cell is "
            "far too long."
        ) from error


def separator(text: str) -> str:
    """Tab where there is one, as spreadsheets copy; else what the first line uses more."""
    if "\t" in text:
        return "\t"
    first = next((line for line in text.splitlines() if line.strip()), "")
    unquoted = re.sub(r'"[^"]*"', "", first)
    return ";" if unquoted.count(";") > unquoted.count(",") else ","


def _column(cell: str) -> str:
    word = re.sub(r"[^a-z0-9]+", "_", cell.lower()).strip("_")
    return _ALIASES.get(word, word)


def _header(cells: Sequence[str]) -> tuple[str, ...] | None:
    """The columns that a line of names stands for; None when it is a line of facts."""
    names = tuple(_column(cell) for cell in cells)
    swap = {"teams": "team"} if "surface" in names else {"team": "teams"}
    names = tuple(swap.get(name, name) for name in names)
    known = {"email", "surface"} & set(names)
    facts = any("@" in cell for cell in cells)
    if not known or facts or len(set(names) & {*PEOPLE, *SURFACES}) < min(2, len(cells)):
        return None
    return names


def _unknown(number: int, cells: Sequence[str], names: Sequence[str]) -> list[str]:
    wanted = SURFACES if "surface" in names else PEOPLE
    extra = [c for c, name in zip(cells, names, strict=True) if c and name not in wanted]
    quoted = ", ".join(f"“{cell}”" for cell in extra)
    return [f"Line {number}: {quoted} is no column of this table and is left out."] if extra else []


def _line(number: int, cells: Sequence[str], columns: tuple[str, ...] | None) -> Line:
    if columns is None:
        columns, cells = _guess(cells)
        if not columns:
            why = "This is neither a person (name, e-mail) nor a surface (key, name)."
            return Line(number, "", {"name": " · ".join(filter(None, cells))[:80]}, why)
    table: Literal["people", "surfaces"] = "surfaces" if "surface" in columns else "people"
    wanted = SURFACES if table == "surfaces" else PEOPLE
    if any(cells[len(columns) :]):
        return Line(number, table, _by_name(columns, cells, wanted), "More cells than columns.")
    return Line(number, table, _by_name(columns, cells, wanted))


def _by_name(
    columns: Sequence[str], cells: Sequence[str], wanted: Sequence[str]
) -> Mapping[str, str]:
    pairs = zip(columns, cells, strict=False)
    return {name: "" if cell.lower() in EMPTY else cell for name, cell in pairs if name in wanted}


def _guess(cells: Sequence[str]) -> tuple[tuple[str, ...], Sequence[str]]:
    """Columns for a line under no header: an address in the first two cells makes a person."""
    if len(cells) > 1 and "@" in cells[0] and "@" not in cells[1]:
        return PEOPLE, [cells[1], cells[0], *cells[2:]]
    if len(cells) > 1 and "@" in cells[1]:
        return PEOPLE, cells
    if len(cells) > 1 and _SURFACE.fullmatch(cells[0].lower()):
        return SURFACES, cells
    return (), cells
