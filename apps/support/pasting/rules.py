"""Words that speak for a request type, and words that name a warehouse or a place. All of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from apps.support.pasting.model import Finding

_WORD: Final = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
Words = Mapping[str, tuple[int, int]]

# Phrase → how much it counts. The type with the highest sum is suggested; the first one of a tie.
RULES: Final[dict[str, dict[str, int]]] = {
    "cost_surprise": {
        "cost surprise": 5, "warehouse bill": 4, "bytes billed": 4, "bytes scanned": 3,
        "expensive": 3, "cost": 2, "costs": 2, "costed": 2, "credits": 2, "spend": 2,
        "full scan": 2, "full table scan": 3, "slot hours": 3, "unexpected": 1, "bill": 1,
        "teuer": 3, "kosten": 2,
    },
    "billing": {
        "invoice": 3, "invoices": 3, "refund": 3, "billing": 3, "payment": 2, "charged": 2,
        "charge": 2, "subscription": 2, "credit card": 2, "receipt": 2, "overcharged": 3,
        "entitlement": 2, "upgrade our plan": 2, "rechnung": 3, "abrechnung": 3, "zahlung": 2,
    },
    "wrong_column_type": {
        "wrong column type": 5, "wrong type": 4, "column type": 2, "semantic type": 3,
        "shown as": 2, "displayed as": 2, "detected as": 3, "classified as": 3,
        "recognized as": 3, "recognised as": 3, "reads as": 2, "misclassified": 4, "inferred as": 3,
        "should be": 1, "falscher typ": 4, "erkannt als": 3,
    },
    "stale_profile": {
        "stale": 3, "stale profile": 3, "outdated": 3, "out of date": 3, "old profile": 3,
        "not updated": 2, "not refreshed": 3, "not been refreshed": 3, "not been updated": 3,
        "last profiled": 2, "profiled_at": 1, "days old": 2, "hours old": 2, "profile": 1,
        "profiles": 1, "profiling": 1, "never finished": 2, "never ended": 2, "still running": 1,
        "stuck": 1, "err query duration exceeded": 2, "veraltet": 3, "nicht aktualisiert": 3,
    },
    "connectivity": {
        "connection refused": 4, "cannot connect": 4, "can not connect": 4, "can t connect": 4,
        "could not connect": 4, "unable to connect": 4, "connection failed": 4,
        "connection test": 3, "connection timed out": 4, "connection lost": 4, "lost connection": 4,
        "authentication failed": 3, "password authentication": 3, "permission denied": 2,
        "access denied": 2, "credentials": 2, "unreachable": 3, "firewall": 2, "timed out": 1,
        "timeout": 1, "connection": 1, "ssl": 1, "connectivity": 3, "err warehouse auth": 4,
        "err warehouse connection": 4, "err access denied": 3, "err source config invalid": 3,
        "err source not found": 3, "err adapter not installed": 2, "err adapter unavailable": 2,
        "verbindung": 2, "zugangsdaten": 2,
    },
    "pack": {
        "pack": 2, "packs": 2, "dashboard pack": 4, "connector pack": 4, "quickstart": 2,
        "dashboard": 1, "dashboards": 1, "board": 1, "boards": 1, "connector": 1,
        "does not compile": 2, "err dbt model column missing": 2, "err dbt manifest missing": 2,
    },
    "failed_report": {
        "report failed": 4, "failed report": 4, "report fails": 4, "report": 1, "reports": 1,
        "failed to generate": 3, "cannot be generated": 3, "could not be generated": 3,
        "generation failed": 3, "blank page": 2, "empty page": 2, "inspector": 1, "template": 1,
        "render": 1, "rendering": 1, "err chart painted no marks": 3,
        "err binder unknown column": 2, "err binder unknown relation": 2, "err internal": 1,
        "err warehouse runtime": 2, "bericht": 1,
    },
}  # fmt: skip
_POINTS: Final = {
    phrase: (kind, points) for kind, rules in RULES.items() for phrase, points in rules.items()
}
WAREHOUSES: Final = {
    **dict.fromkeys(("snowflake", "snowflakecomputing"), "Snowflake"),
    **dict.fromkeys(("bigquery", "big query"), "BigQuery"),
    **dict.fromkeys(("postgres", "postgresql", "psycopg", "psycopg2"), "Postgres"),
    "redshift": "Redshift",
    "databricks": "Databricks",
    "duckdb": "DuckDB",
    **dict.fromkeys(("mysql", "mariadb", "clickhouse", "sql server", "mssql", "trino"), "Other"),
    **dict.fromkeys(("athena", "synapse", "oracle", "presto"), "Other"),
}
ENVIRONMENTS: Final = {
    **dict.fromkeys(("vs code", "vscode", "cursor", "ide", "extension", "editor"), "IDE"),
    **dict.fromkeys(("github actions", "gitlab ci", "ci", "ci job", "pipeline", "runner"), "CI"),
    **dict.fromkeys(("mcp", "mcp server"), "MCP"),
    **dict.fromkeys(("cli", "terminal", "command line", "shell"), "CLI"),
    **dict.fromkeys(("hosted", "cloud app", "web app", "cloud"), "Hosted"),
}
REPORTS: Final = {
    f"{kind} report": kind.capitalize()
    for kind in ("model", "quality", "numeric", "categorical", "date", "string")
}
CONNECTORS: Final = {
    name: name
    for name in (
        *("salesforce", "stripe", "zendesk", "hubspot", "shopify", "netsuite", "jira"),
        *("github", "marketo", "quickbooks", "xero", "intercom", "mailchimp"),
    )
}
_PHRASES: Final = frozenset({*_POINTS, *WAREHOUSES, *ENVIRONMENTS, *REPORTS, *CONNECTORS})
_LONGEST: Final = max(phrase.count(" ") + 1 for phrase in _PHRASES)


def phrases(text: str) -> Words:
    """Every phrase that some rule knows, and where it stands first."""
    found: dict[str, tuple[int, int]] = {}
    window: list[tuple[str, int]] = []
    for match in _WORD.finditer(text):
        window = [*window[-(_LONGEST - 1) :], (match[0].lower(), match.start())]
        phrase = ""
        for word, start in reversed(window):
            phrase = f"{word} {phrase}" if phrase else word
            if phrase in _PHRASES:
                found.setdefault(phrase, (start, match.end()))
    return found


def request_type(words: Words, fields: Mapping[str, Finding]) -> tuple[str, tuple[Finding, ...]]:
    """The type with the most points, and what they were given for; `other` when there are none."""
    points = dict.fromkeys(RULES, 0)
    why: dict[str, list[Finding]] = {kind: [] for kind in RULES}
    for phrase, (start, end) in words.items():
        if phrase in _POINTS:
            kind, count = _POINTS[phrase]
            points[kind] += count
            why[kind].append(Finding(phrase, start, end))
    for kind, key, count in (
        ("billing", "invoice", 3),
        ("wrong_column_type", "shown_type", 2),
        ("wrong_column_type", "expected_type", 1),
        ("wrong_column_type", "column", 1),
        ("failed_report", "report", 2),
        ("stale_profile", "profiled_at", 1),
    ):
        if key in fields:
            points[kind] += count
            why[kind].append(fields[key])
    best = max(points, key=lambda kind: points[kind])
    if not points[best]:
        return "other", ()
    return best, tuple(sorted(why[best], key=lambda one: one.start))
