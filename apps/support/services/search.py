"""Keeping the text that search reads: one row for each ticket, in the change's own transaction."""

from __future__ import annotations

from django.db import connection

from apps.support.models import Ticket

# The words of a ticket beyond this add nothing to finding it, and tsvector has a limit of 1 MB.
MAX_TEXT = 100_000

_INDEX = """
INSERT INTO support_tickettext (ticket_id, vector)
SELECT t.id,
       setweight(to_tsvector('simple', left(t.subject || ' TCK-' || t.id || ' ' || t.id, 400)), 'A')
    || setweight(to_tsvector('simple', coalesce(c.name, '') || ' ' || c.email || ' '
         || coalesce(a.name, '') || ' ' || array_to_string(t.tags, ' ')), 'B')
    || setweight(to_tsvector('simple', left(t.fields::text, 8000)), 'C')
    || setweight(to_tsvector('english', left(coalesce((
         SELECT string_agg(left(m.body, 20000), ' ' ORDER BY m.at)
         FROM support_ticketmessage m WHERE m.ticket_id = t.id AND m.status <> 'withdrawn'
       ), ''), %s)), 'D')
    || setweight(to_tsvector('english', t.subject), 'A')
FROM support_ticket t
JOIN customers_contact c ON c.id = t.requester_id
LEFT JOIN customers_account a ON a.id = t.account_id
WHERE t.id = ANY(%s)
ON CONFLICT (ticket_id) DO UPDATE SET vector = excluded.vector
"""


def index(*, ticket: Ticket) -> None:
    """Read the ticket's text again."""
    index_all(pks=[ticket.pk])


def index_all(*, pks: list[int]) -> None:
    """The same for many, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_INDEX, [MAX_TEXT, pks])
