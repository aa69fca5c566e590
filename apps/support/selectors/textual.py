"""Searching words in a million tickets: rare words by the text index, common ones by walking back.

The planner cannot tell a word that stands in ten tickets from one that stands in two thousand, as
its statistics hold only the commonest; it then walks the whole table to find the ten. So the text
index is asked first for a few more than a page could need: if that is all, the ids are known.
"""

from __future__ import annotations

import re
from typing import Any

from django.contrib.postgres.search import SearchQuery

from apps.support.models import Ticket, TicketText
from apps.support.querysets import TicketQuerySet
from apps.support.selectors.search import search

FEW = 1_000  # so many ids are handed on; counts stop at as many
_NUMBER = re.compile(r"(?:TCK-|#)?([0-9]{1,15})", re.IGNORECASE)


def saying(user: Any, text: str) -> TicketQuerySet:
    """The visible tickets that `search` finds, cheap for rare and for common words alike."""
    words = text.strip()[:200].replace("\x00", "")
    ids = few(words) if words else []
    if len(ids) > FEW:
        return search(user, words)
    if named := _NUMBER.fullmatch(words):
        ids.append(int(named[1]))
    return Ticket.objects.visible_to(user).filter(pk__in=ids)


def few(words: str) -> list[int]:
    """Ids of tickets that hold every word, in no order: all of them, or FEW + 1."""
    query = SearchQuery(words, config="simple", search_type="websearch") | SearchQuery(
        words, config="english", search_type="websearch"
    )
    found = TicketText.objects.filter(vector=query).order_by()
    return list(found.values_list("pk", flat=True)[: FEW + 1])
