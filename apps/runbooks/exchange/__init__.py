"""Runbooks as files: YAML and Markdown, out and in again. Pure.

What comes in is a stranger's: bounded before it is built, and every error names its line or step.
"""

from __future__ import annotations

from apps.runbooks.exchange.markdownfile import read_markdown, write_markdown
from apps.runbooks.exchange.model import MOST_BYTES, Document, Unreadable
from apps.runbooks.exchange.yamlfile import read_yaml, write_yaml

__all__ = [
    "FORMATS",
    "MOST_BYTES",
    "Document",
    "Unreadable",
    "guess",
    "read",
    "read_markdown",
    "read_yaml",
    "write",
    "write_markdown",
    "write_yaml",
]
FORMATS = ("yaml", "markdown")
_KEYS = ("steps:", "title:", "key:")


def read(text: str, *, form: str = "") -> Document:
    """A runbook from the text of a file; `form` is yaml or markdown, guessed when empty.

    Raises Unreadable, whose sentence names the line or the step.
    """
    if (form or guess(text)) == "markdown":
        return read_markdown(text)
    return read_yaml(text)


def guess(text: str) -> str:
    """Markdown begins with a heading; in YAML that is a comment, and a key follows."""
    lines = text[:20_000].removeprefix("\ufeff").splitlines()
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("# ") and not any(line.startswith(_KEYS) for line in lines):
        return "markdown"
    return "yaml"


def write(document: Document, *, form: str) -> str:
    """The text of a runbook's file; reading it gives the same document again."""
    return write_markdown(document) if form == "markdown" else write_yaml(document)
