"""The six invented customers: what each has of the product, and who writes for it.

Names, addresses and numbers are nobody's; the warehouses and packs are those of the stories.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from apps.accounts.models import Person
from apps.core import audit
from apps.customers import services
from apps.customers.models import Account, Contact, Org

HOUR, DAY = 3_600, 86_400  # seconds


@dataclass(frozen=True)
class Link:
    """A connection: its project and source, and how often it is meant to be fresh (seconds)."""

    name: str
    project: str
    source: str
    warehouse: str
    size: str = ""
    connector: str = ""
    cadence: int | None = None
    paused: bool = False


@dataclass(frozen=True)
class Customer:
    """One customer; `people` are (name, mailbox, zone), the first the one who writes most."""

    name: str
    tier: str
    owner: str
    domain: str
    orgs: Mapping[str, tuple[Link, ...]]
    people: tuple[tuple[str, str, str], ...]
    note: str = ""


CUSTOMERS: tuple[Customer, ...] = (
    Customer(
        "Bramble Foods", "premium", "hannah", "bramble.example",
        {"Bramble Foods": (
            Link("Bramble nightly profile", "Supply boards", "Bramble warehouse", "snowflake",
                 "L", cadence=DAY),
            Link("Bramble support desk", "Service boards", "Bramble warehouse", "snowflake",
                 "L", "zendesk", 6 * HOUR),
        )},
        (("Ana Ruiz", "ana", "Europe/Madrid"), ("Owen Pell", "owen", "Europe/London")),
        "Reads the row counts every Monday at seven.",
    ),
    Customer(
        "Ostra Bank", "premium", "hannah", "ostra.example",
        {"Ostra Bank": (
            Link("Ostra core profile", "Risk boards", "Ostra vault", "snowflake", "XS",
                 cadence=DAY),
            Link("Ostra CRM", "Branch boards", "Ostra vault", "snowflake", "XS", "salesforce",
                 12 * HOUR),
        )},
        (("Mikkel Dahl", "mikkel.dahl", "Europe/Copenhagen"),
         ("Ostra Data Office", "data-office", "Europe/Copenhagen")),
        "Personal data is masked by the type of a column: types come first here.",
    ),
    Customer(
        "Kite Logistics", "standard", "luis", "kite.example",
        {"Kite Logistics": (
            Link("Kite trips", "Fleet boards", "Kite lake", "bigquery", cadence=6 * HOUR),
            Link("Kite depots, old", "Fleet boards", "Kite lake", "bigquery", paused=True),
        )},
        (("Jomo Achieng", "jomo", "Africa/Nairobi"),),
        "Pays for each scan: ask before anything that reads a whole table.",
    ),
    Customer(
        "Fjord Apparel", "standard", "luis", "fjord.example",
        {"Fjord Apparel": (
            Link("Fjord orders", "Shop boards", "Fjord shop", "postgres", cadence=4 * HOUR),
            Link("Fjord service desk", "Shop boards", "Fjord shop", "postgres", "", "zendesk",
                 6 * HOUR),
        )},
        (("Signe Lund", "signe", "Europe/Oslo"), ("Fjord Reports", "reports", "Europe/Oslo")),
    ),
    Customer(
        "Lumen Clinics", "standard", "luis", "lumen.example",
        {
            "Lumen Clinics": (
                Link("Lumen visits", "Clinic boards", "Lumen cluster", "redshift", "ra3.4xlarge",
                     cadence=DAY),
            ),
            "Lumen Research": (
                Link("Lumen trials", "Trial boards", "Lumen research", "redshift", "ra3.xlplus"),
            ),
        },
        (("Tara Quill", "tara.quill", "Europe/Dublin"),),
        "Their nightly workflow runs in their own CI.",
    ),
    Customer(
        "Peakline SaaS", "partner", "hannah", "peakline.example",
        {"Peakline SaaS": (
            Link("Peakline billing", "Revenue boards", "Peakline warehouse", "snowflake", "S",
                 "stripe", HOUR),
            Link("Peakline marketing", "Growth boards", "Peakline warehouse", "snowflake", "S",
                 "hubspot", 6 * HOUR),
        )},
        (("Cleo Marsh", "cleo", "America/Denver"), ("Finance desk", "finance", "America/Denver")),
        "Design partner: uses the Stripe and HubSpot packs before anybody else.",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Settled:
    """What was made: accounts by name, contacts by address, and the ids for the marker."""

    accounts: Mapping[str, Account]
    contacts: Mapping[str, Contact]
    made: Mapping[str, list[int]]


def settle(cast: Mapping[str, Person], *, since: datetime) -> Settled:
    """Make the six customers, one a day from `since`, each by whoever looks after it."""
    accounts: dict[str, Account] = {}
    contacts: dict[str, Contact] = {}
    orgs: list[Org] = []
    for number, customer in enumerate(CUSTOMERS):
        owner = cast[customer.owner]
        by: dict[str, Any] = {"actor": audit.person(owner), "now": since + timedelta(days=number)}
        account = _account(customer, owner, by)
        accounts[customer.name] = account
        orgs += _orgs(customer, account, by)
        for name, mailbox, zone in customer.people:
            email = f"{mailbox}@{customer.domain}"
            fields = {"email": email, "name": name, "time_zone": zone, "org": orgs[-1]}
            contacts[email] = services.save_contact(contact=None, fields=fields, **by)
    made = {
        "accounts": [row.pk for row in accounts.values()],
        "orgs": [row.pk for row in orgs],
        "contacts": [row.pk for row in contacts.values()],
    }
    return Settled(accounts, contacts, made)


def _account(customer: Customer, owner: Person, by: dict[str, Any]) -> Account:
    fields = {
        "name": customer.name,
        "tier": customer.tier,
        "owner": owner,
        "domain": customer.domain,
        "note": customer.note,
    }
    return services.save_account(account=None, fields=fields, **by)


def _orgs(customer: Customer, account: Account, by: dict[str, Any]) -> list[Org]:
    """The customer's orgs with all they have; the main one last, whose people write."""
    made = []
    for name, links in reversed(list(customer.orgs.items())):
        org = services.save_org(org=None, fields={"name": name, "account": account}, **by)
        made.append(org)
        for link in links:
            connection = services.connect(
                org=org,
                project=link.project,
                source=link.source,
                warehouse_type=link.warehouse,
                fields={
                    "name": link.name,
                    "connector": link.connector,
                    "cadence_seconds": link.cadence,
                },
                paused=link.paused,
                **by,
            )
            services.save_source(source=connection.source, fields={"size": link.size}, **by)
    return made
