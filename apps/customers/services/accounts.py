"""Accounts: whom we promised something to."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.core import events
from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.customers import addresses
from apps.customers.events import TierChanged
from apps.customers.models import Account
from apps.customers.services.rows import RESERVED, Fields, clean, locked, refuse_taken, save


@transaction.atomic
def save_account(
    *, account: Account | None, fields: Fields, actor: Actor, now: datetime
) -> Account:
    """Create or change an account. Without a `key` a new one gets a free one from its name.

    Whoever promises something by its tier hears of another one.
    """
    given = clean(fields)
    if given.get("key") in RESERVED:
        why = f"“{given['key']}” is a page's own word. Choose another key."
        raise Invalid(why, fields={"key": [why]})
    if given.get("domain"):
        given["domain"] = _domain(given["domain"])
        refuse_taken(Account, account, "domain", given["domain"])
    was = locked(Account, account).tier
    row = save(Account, account, given, now)
    if account is not None and row.tier != was:
        events.publish(TierChanged(account_id=row.pk, was=was, tier=row.tier, at=now))
    return row


def _domain(text: str) -> str:
    try:
        found = addresses.domain(text)
    except ValueError as error:
        raise Invalid(str(error), fields={"domain": [str(error)]}) from error
    if found in addresses.SHARED:
        why = f"People of many companies write from {found}; leave the domain empty."
        raise Invalid(why, code="shared_domain", fields={"domain": [why]})
    return found


@transaction.atomic
def archive_account(*, account: Account, actor: Actor, now: datetime) -> Account:
    """Take a customer out of the lists with its orgs and contacts; their tickets stay readable."""
    account.archived_at = now
    account.save(update_fields=["archived_at"])
    account.orgs.filter(archived_at=None).update(archived_at=now)
    account.contacts.filter(archived_at=None).update(archived_at=now)
    return account


@transaction.atomic
def bring_back_account(*, account: Account, actor: Actor, now: datetime) -> Account:
    """Bring a customer back, with the orgs and contacts that were archived together with it."""
    since = account.archived_at
    account.archived_at = None
    account.save(update_fields=["archived_at"])
    if since is not None:
        account.orgs.filter(archived_at=since).update(archived_at=None)
        account.contacts.filter(archived_at=since).update(archived_at=None)
    return account
