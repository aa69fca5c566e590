"""Changes of customers: accounts, their orgs and connections, and the people who write to us.

Each `save_…` creates a row (None) or changes one; `fields` are columns out of its EDITABLE set, and
what is not named stays. All raise Invalid, ValidationError for columns, Conflict when somebody else
was faster.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from apps.core.audit import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.text import one_line
from apps.customers import addresses
from apps.customers.cadence import LEAST, MOST
from apps.customers.models import Account, Connection, Contact, Org, Project, Source

Fields = Mapping[str, Any]
Row = TypeVar("Row", Account, Org, Project, Source, Connection, Contact)
Named = TypeVar("Named", Project, Source)
EDITABLE: Mapping[type[models.Model], frozenset[str]] = {
    Account: frozenset({"key", "name", "tier", "owner", "domain", "note"}),
    Org: frozenset({"key", "name", "account", "external_id"}),
    Project: frozenset({"key", "name", "org", "repository_url"}),
    Source: frozenset({"key", "name", "project", "warehouse_type", "size"}),
    Connection: frozenset({"key", "name", "source", "connector", "cadence_seconds"}),
    Contact: frozenset({"email", "name", "account", "org", "phone", "time_zone", "note"}),
}
RESERVED = frozenset(
    {"new", "import", "contacts"}
)  # words that stand in addresses where an account's key does


# -- accounts


@transaction.atomic
def save_account(
    *, account: Account | None, fields: Fields, actor: Actor, now: datetime
) -> Account:
    """Create or change an account. Without a `key` a new one gets a free one from its name."""
    given = _clean(fields)
    if given.get("key") in RESERVED:
        why = f"“{given['key']}” is a page's own word. Choose another key."
        raise Invalid(why, fields={"key": [why]})
    if given.get("domain"):
        given["domain"] = _domain(given["domain"])
        _refuse_taken(Account, account, "domain", given["domain"])
    return _save(Account, account, given, now)


def _domain(text: str) -> str:
    try:
        found = addresses.domain(text)
    except ValueError as error:
        raise Invalid(str(error), fields={"domain": [str(error)]}) from error
    if found in addresses.SHARED:
        why = f"People of many companies write from {found}; leave the domain empty."
        raise Invalid(why, code="shared_domain", fields={"domain": [why]})
    return found


# -- what they have of the product


@transaction.atomic
def save_org(*, org: Org | None, fields: Fields, actor: Actor, now: datetime) -> Org:
    """Create or change an org. Its contacts move along when it goes to another account."""
    given = _clean(fields)
    row = _save(Org, org, given, now)
    if org is not None and "account" in given:
        Contact.objects.filter(org=row).exclude(account=row.account).update(account=row.account)
    return row


@transaction.atomic
def import_org(
    *, external_id: str, fields: Fields, actor: Actor, now: datetime
) -> tuple[Org, bool]:
    """The org that a tool knows under `external_id`, and whether it is new.

    One that exists takes what `fields` names, so that an importer may say the same twice.
    """
    external_id = external_id.strip()
    if not external_id:
        raise Invalid("An external id is needed.", fields={"external_id": ["It is empty."]})
    known = Org.objects.filter(external_id=external_id).first()
    wanted = {**fields, "external_id": external_id}
    try:
        return save_org(org=known, fields=wanted, actor=actor, now=now), known is None
    except (Conflict, ValidationError):
        other = Org.objects.filter(external_id=external_id).first()
        if known is not None or other is None:
            raise
        return other, False


@transaction.atomic
def save_project(
    *, project: Project | None, fields: Fields, actor: Actor, now: datetime
) -> Project:
    return _save(Project, project, _clean(fields), now)


@transaction.atomic
def save_source(*, source: Source | None, fields: Fields, actor: Actor, now: datetime) -> Source:
    """Create or change a source. The warehouse's type is open text, kept in lower case."""
    given = _clean(fields)
    if given.get("warehouse_type"):
        given["warehouse_type"] = given["warehouse_type"].lower()
    return _save(Source, source, given, now)


@transaction.atomic
def save_connection(
    *,
    connection: Connection | None,
    fields: Fields,
    paused: bool | None = None,
    warehouse_type: str | None = None,
    actor: Actor,
    now: datetime,
) -> Connection:
    """Create or change a connection; `paused` stops or resumes it, None leaves that as it is.

    `cadence_seconds` is how often it is meant to be fresh, None where nothing runs by itself.
    `warehouse_type` is that of its source, and so of the source's other connections.
    """
    given = _clean(fields)
    cadence = given.get("cadence_seconds")
    if cadence is not None and not LEAST <= cadence <= MOST:
        why = "A cadence is between a minute and a year."
        raise Invalid(why, fields={"cadence_seconds": [why]})
    row = _locked(Connection, connection)
    if paused is not None:
        given["paused_at"] = (row.paused_at or now) if paused else None
    saved = _save(Connection, connection, given, now)
    if warehouse_type and saved.source.warehouse_type != warehouse_type.strip().lower():
        wanted = {"warehouse_type": warehouse_type}
        saved.source = save_source(source=saved.source, fields=wanted, actor=actor, now=now)
    return saved


@transaction.atomic
def connect(
    *,
    org: Org,
    project: str,
    source: str,
    warehouse_type: str | None,
    fields: Fields,
    paused: bool | None = None,
    connection: Connection | None = None,
    actor: Actor,
    now: datetime,
) -> Connection:
    """A connection where the org's project and source are named by their keys or names.

    Those that are not there yet are made; a new source needs a warehouse type, one that is given
    changes an old one's. `connection` is one to change, which moves there.
    """
    by: dict[str, Any] = {"actor": actor, "now": now}
    home = _named(Project.objects.filter(org=org), project)
    home = home or save_project(project=None, fields={"org": org, "name": project}, **by)
    row = _named(Source.objects.filter(project=home), source)
    if row is None:
        if not warehouse_type:
            why = f"{source} is new: say which warehouse it is, such as snowflake."
            raise Invalid(why, fields={"warehouse_type": [why]})
        given = {"project": home, "name": source, "warehouse_type": warehouse_type}
        row = save_source(source=None, fields=given, **by)
    by |= {"fields": {**fields, "source": row}, "paused": paused}
    return save_connection(connection=connection, warehouse_type=warehouse_type, **by)


def _named(rows: models.QuerySet[Named], text: str) -> Named | None:
    """The row that is called so, by its key first."""
    text = text.strip()
    return rows.filter(key=text.lower()).first() or rows.filter(name__iexact=text).first()


# -- contacts


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
    given = _clean(fields)
    if "email" in given or contact is None:
        given["email"] = _address(given.get("email", ""))[1]
        _refuse_taken(Contact, contact, "email", given["email"])
    _follow_org(contact, given)
    if contact is None and "account" not in given:
        given["account"] = _account_of(given["email"])
    row = _save(Contact, contact, given, now)
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


# -- out of use and back


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


def archive(*, row: Row, actor: Actor, now: datetime) -> Row:
    """Take an org, project, source, connection or contact out of the lists."""
    row.archived_at = now
    row.save(update_fields=["archived_at"])
    return row


def bring_back(*, row: Row, actor: Actor, now: datetime) -> Row:
    row.archived_at = None
    row.save(update_fields=["archived_at"])
    return row


# -- rows


def _clean(fields: Fields) -> dict[str, Any]:
    """Texts without the blanks around them; keys and domains in lower case."""
    given = {name: value.strip() if isinstance(value, str) else value
             for name, value in fields.items()}  # fmt: skip
    if "key" in given:
        given["key"] = given["key"].lower()
    return given


def _locked(table: type[Row], row: Row | None) -> Row:
    if row is None:
        return table()
    rows: models.QuerySet[Row] = table._default_manager.select_for_update()
    return rows.get(pk=row.pk)


def _refuse_taken(table: type[Row], before: Row | None, column: str, value: str) -> None:
    rows = table._default_manager.filter(**{column: value})
    other = rows.exclude(pk=before.pk if before else None).first()
    if other is not None:
        why = f"{value} already belongs to {other}."
        raise Conflict(why, code=f"{column}_taken", fields={column: [why]})


def _save(table: type[Row], before: Row | None, fields: Fields, now: datetime) -> Row:
    unknown = sorted(set(fields) - EDITABLE[table] - {"paused_at"})
    assert not unknown, unknown
    row = _locked(table, before)
    for name, value in fields.items():
        setattr(row, name, value)
    if before is None:
        row.created_at = now
        if not isinstance(row, Contact) and not row.key:
            row.key = _free_key(row)
    row.full_clean()
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Conflict("Somebody else saved the same just now. Look again.") from error
    return row


def _free_key(row: Account | Org | Project | Source | Connection) -> str:
    """A key from the name that nobody beside it has yet: bramble-foods, bramble-foods-2, …"""
    plain = unicodedata.normalize("NFKD", row.name).encode("ascii", "ignore").decode().lower()
    word = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-")
    base = word or type(row).__name__.lower()
    beside = type(row)._default_manager.filter(key__startswith=base)
    if isinstance(row, Project):
        beside = beside.filter(org_id=row.org_id)
    if isinstance(row, Source):
        beside = beside.filter(project_id=row.project_id)
    taken = {*beside.values_list("key", flat=True), *RESERVED}
    names = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)
