"""What brings a runbook up, as lines that people write: `alert: snowflake timeout`. Pure."""

from __future__ import annotations

from collections.abc import Iterable

SORTS = ("alert", "code", "incident_type", "request_type", "factor")
EXAMPLE = "alert: snowflake timeout"
HELP = (
    f"One a line, such as “{EXAMPLE}”. Sorts: {', '.join(SORTS)}. An alert brings it up when its "
    "summary or name holds all the words."
)


def read_lines(text: str) -> list[tuple[str, str]]:
    """Pairs of sort and value; ValueError that names the line otherwise."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        by, colon, value = (part.strip() for part in line.partition(":"))
        if not line.strip():
            continue
        if not colon or not value or by not in SORTS:
            raise ValueError(
                f"Line {number}: write a sort, a colon and a value, such as “{EXAMPLE}”."
            )
        if len(value) > 120:
            raise ValueError(f"Line {number}: at most 120 characters.")
        found.append((by, value))
    return found


def write_lines(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"{by}: {value}" for by, value in pairs)
