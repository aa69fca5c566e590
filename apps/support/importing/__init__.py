"""Exports of other help desks as tickets. Pure: bytes in, rows and their errors out.

Read are our own CSV, Zendesk's JSON export (one ticket a line, a list, or {"tickets": […]}) and
its view CSV, Jira's search answer ({"issues": […]}) and its issue CSV.
"""

from __future__ import annotations

from apps.support.importing.model import MAX_BYTES, MAX_ROWS, Comment, Export, Imported, Problem
from apps.support.importing.reading import KINDS, read

__all__ = ["KINDS", "MAX_BYTES", "MAX_ROWS", "Comment", "Export", "Imported", "Problem", "read"]
