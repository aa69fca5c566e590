"""Contacts: who writes to us, one row for each address."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.core.text import one_line
from apps.customers import addresses
from apps.customers.models import Account, Contact
from apps.customers.services.rows import Fields, clean, refuse_taken, save


@transaction.atomic
def save_contact(
    *,
    contact: Contact | None,
    fields: Fields,
    blocked: bool | None = None,
    actor: Actor,
    now: datetime,
) -> Contact:
    """Create or change a contact; `blocked` keeps mail from opening anything, None leaves that.

    The account follows from the org, else from the mail domain of a new contact that names
    neither. Raises Invalid for an org of another account.
    """
    given = clean(fields)
    if "email" in given or contact is None:
        given["email"] = _address(given.get("email", ""))[1]
        refuse_taken(Contact, contact, "email", given["email"])
    _follow_org(contact, given)
    if contact is None and "account" not in given:
        given["account"] = _account_of(given["email"])
    row = save(Contact, contact, given, now)
    if blocked is None:
        return row
    change = block_contact if blocked else unblock_contact
    return change(contact=row, actor=actor, now=now)


def _follow_org(contact: Contact | None, given: dict[str, Any]) -> None:
    """Account and org of a contact go together: an org that has an account decides it."""
    org = given.get("org", contact.org if contact else None)
    if org is None or org.account_id is None or not {"org", "account"} & set(given):
        return
    if "account" in given and given["account"] not in (None, org.account):
        why = f"{org.name} belongs to {org.account}, not to {given['account']}."
        raise Invalid(why, fields={"org": [why]})
    given["account"] = org.account


@transaction.atomic
def find_or_create_contact(
    *, email: str, name: str = "", actor: Actor, now: datetime
) -> tuple[Contact, bool]:
    """The contact who writes from `email`, and whether they are new.

    `email` is an address or `Name <address>`, in any case. A new contact belongs to the account
    whose mail domain it is. One who is known gets the name if they had none, and is brought back
    if they were archived. Two callers at once get the same row. Raises Invalid for rubbish.
    """
    said, address = _address(email)
    name = one_line(name)[:120] or said
    found = Contact.objects.select_related("account").filter(email=address).first()
    if found is None:
        fields = {"email": address, "name": name, "account": _account_of(address)}
        try:
            with transaction.atomic():
                return Contact.objects.create(**fields, created_at=now), True
        except IntegrityError:
            found = Contact.objects.select_related("account").get(email=address)
    return _returning(found, name), False


def _returning(contact: Contact, name: str) -> Contact:
    changed = {}
    if name and not contact.name:
        changed["name"] = name
    if contact.archived_at is not None:
        changed["archived_at"] = None  # type: ignore[assignment] # a column each
    if contact.account_id is None and (account := _account_of(contact.email)):
        changed["account"] = account  # type: ignore[assignment] # a column each
    for column, value in changed.items():
        setattr(contact, column, value)
    if changed:
        contact.save(update_fields=list(changed))
    return contact


def _address(text: str) -> tuple[str, str]:
    try:
        return addresses.split(text)
    except ValueError as error:
        raise Invalid(str(error), code="not_an_address", fields={"email": [str(error)]}) from error


def _account_of(address: str) -> Account | None:
    """The account whose mail domain is the address's own, or the nearest above it."""
    domains = addresses.domains_of(address)
    rows = {row.domain: row for row in Account.objects.current().filter(domain__in=domains)}
    return next((rows[domain] for domain in domains if domain in rows), None)


def block_contact(*, contact: Contact, actor: Actor, now: datetime) -> Contact:
    """Mail from this address is kept but opens nothing any more."""
    contact.blocked_at = contact.blocked_at or now
    contact.save(update_fields=["blocked_at"])
    return contact


def unblock_contact(*, contact: Contact, actor: Actor, now: datetime) -> Contact:
    contact.blocked_at = None
    contact.save(update_fields=["blocked_at"])
    return contact
