"""Searching words in a million tickets: rare words by the text index, common ones by walking back.

The planner cannot tell a word that stands in ten tickets from one that stands in two thousand, as
its statistics hold only the commonest; it then walks the whole table to find the ten. So the text
index is asked first for a few more than a page could need: if that is all, the ids are known, and
if not, they still prove that there are many.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import SearchQuery

from apps.support.models import Ticket, TicketText
from apps.support.querysets import TicketQuerySet
from apps.support.selectors.search import search

FEW = 1_500  # ids that are handed on; above what a count counts to, as some may be filtered
_NUMBER = re.compile(r"(?:TCK-|#)?([0-9]{1,15})", re.IGNORECASE)


@dataclass(frozen=True)
class Said:
    """The visible tickets that say something: all of them, and some that are cheap to count
    (the same, where there are few)."""

    all: TicketQuerySet
    some: TicketQuerySet


def said(user: Any, text: str) -> Said:
    """What `search` finds, cheap for rare and for common words alike."""
    words = text.strip()[:200].replace("\x00", "")
    ids = few(words) if words else []
    some = Ticket.objects.visible_to(user)
    if len(ids) > FEW:
        return Said(search(user, words), some.filter(pk__in=ids))
    if named := _NUMBER.fullmatch(words):
        ids.append(int(named[1]))
    some = some.filter(pk__in=ids)
    return Said(some, some)


def few(words: str) -> list[int]:
    """Ids of tickets that hold every word, in no order: all of them, or FEW + 1."""
    query = SearchQuery(words, config="simple", search_type="websearch") | SearchQuery(
        words, config="english", search_type="websearch"
    )
    found = TicketText.objects.filter(vector=query).order_by()
    return list(found.values_list("pk", flat=True)[: FEW + 1])
