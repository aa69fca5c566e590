"""Finding who writes to us, and what a customer has of the product."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.db.models.functions import Collate, Upper

from apps.customers.models import Account, Connection, Contact, Org, Project, Source

LIMIT = 8  # rows of a typeahead
WORDS = 4  # of what was typed that are looked at
INSIDE = 3  # letters from which on a word may stand anywhere: trigrams need three
CANDIDATES = 200  # rows inside which is looked; past that, who types on finds sooner


def account_of(contact: Contact) -> Account | None:
    """Whose contact this is: the account's own, else the one of their org."""
    if contact.account is not None:
        return contact.account
    return contact.org.account if contact.org is not None else None


def search_contacts(user: Any, text: str, limit: int = LIMIT) -> list[Contact]:
    """Current contacts for what somebody types: address, name or account, best first.

    One or two letters are beginnings; from three on every word may stand anywhere. Ranked are
    the address that begins so, the name that does, then the rest, each in order. At most
    CANDIDATES rows are looked at, so that a common word costs little more than a rare one:
    with 100,000 contacts 3 ms for a beginning, 4 ms for a rare word, 15 ms for one that all have.
    """
    words = text.split()[:WORDS]
    if not words or "\x00" in text:
        return []
    rows = Contact.objects.visible_to(user).current().select_related("account", "org__account")
    first = " ".join(text.split())
    begins = [*_begins(rows, "address", first, limit), *_begins(rows, "called", first, limit)]
    found = {row.pk: row for row in begins}
    if len(found) < limit:
        found |= {row.pk: row for row in _inside(rows, words, limit)}
    return list(found.values())[:limit]


def _begins(rows: QuerySet[Any], column: str, text: str, limit: int) -> list[Contact]:
    """Rows whose address or name begins with the text, read in order from one index."""
    ordered = rows.annotate(address=Collate("email", "C"), called=Collate(Upper("name"), "C"))
    wanted = text.lower() if column == "address" else text.upper()
    return list(ordered.filter(**{f"{column}__startswith": wanted}).order_by(column)[:limit])


def _inside(rows: QuerySet[Any], words: list[str], limit: int) -> list[Contact]:
    every = Q()
    for word in words:
        accounts = _accounts(word)
        here = Q(account_id__in=accounts) if accounts else Q(pk__in=[])
        if len(word) >= INSIDE:
            here |= Q(email__icontains=word) | Q(name__icontains=word)
        every &= here
    found = list(rows.filter(every).order_by()[:CANDIDATES])
    return sorted(found, key=lambda row: (not row.name, row.name.lower(), row.email))[:limit]


def _accounts(word: str) -> list[int]:
    how = "icontains" if len(word) >= INSIDE else "istartswith"
    named = Account.objects.current().filter(**{f"name__{how}": word})
    return list(named.values_list("pk", flat=True)[:CANDIDATES])


def org_tree(account: Account) -> list[Org]:
    """The account's current orgs with what they have: four queries whatever the number."""
    orgs = Org.objects.filter(account=account, archived_at=None).order_by("name", "pk")
    return list(with_tree(orgs))


def with_tree(orgs: QuerySet[Org]) -> QuerySet[Org]:
    """Orgs with `projects`, their `sources` and those's `connections`, archived ones left out."""
    connections = Connection.objects.current().order_by("name", "pk")
    sources = Source.objects.current().order_by("name", "pk")
    projects = Project.objects.current().order_by("name", "pk")
    sources = sources.prefetch_related(Prefetch("connections", connections))
    projects = projects.prefetch_related(Prefetch("sources", sources))
    return orgs.prefetch_related(Prefetch("projects", projects))
