"""Support's furniture: queues, prepared replies, views, a mailbox without a server, a webhook.

The mailbox has no IMAP server and the webhook is paused, so that nothing is fetched or sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from apps.accounts.models import Person, Team
from apps.core import secrets
from apps.customers.models import Connection, Contact
from apps.notifications.channels.webhook import new_secret
from apps.notifications.models import WebhookEndpoint
from apps.support.models import Macro, Mailbox, Queue, RequestType, SavedView, Ticket, TicketMessage
from apps.support.seeds import ensure_support
from apps.support.services import desk as desks

ADDRESS = "help@dataface.example"
HOOK = "https://hooks.dataface.example/opsportal/3f7c"


@dataclass
class Desk:
    """What the stories of support need, and the tickets that they have logged, by name."""

    types: Mapping[str, RequestType]
    queues: Mapping[str, Queue]
    contacts: Mapping[str, Contact]
    connections: Mapping[str, Connection]
    made: Mapping[str, list[int]]
    tickets: dict[str, Ticket] = field(default_factory=dict)
    heard: dict[int, TicketMessage] = field(default_factory=dict)  # the last words from outside


@dataclass(frozen=True)
class Prepared:
    """A macro; `then` is wait or resolve:<code>."""

    name: str
    body: str
    then: str = ""
    tags: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    public: bool = True


MACROS = (
    Prepared(
        "Ask for version and code",
        "Hello {requester},\n\nthank you for writing. Two things help us most:\n\n"
        "- what `dft --version` prints,\n- the ERR- or WARN- code at the end of the output.\n\n"
        "With these we can tell at once whether it is known.\n\n{agent}",
        "wait",
    ),
    Prepared(
        "Profiles are delayed (incident)",
        "Hello {requester},\n\nprofiles on some connections are delayed at the moment. Nothing is "
        "lost: earlier results stay visible and carry their date. We write again as soon as new "
        "profiles run.\n\n{agent}",
        tags=("delayed-profiles",),
        types=("stale_profile", "failed_report"),
    ),
    Prepared(
        "Warehouse is suspended",
        "Hello {requester},\n\nthe run waited for your warehouse, which is suspended. As soon as "
        "it is resumed the next run goes through; there is nothing to change on our side.\n\n"
        "{agent}",
        "resolve:not_ours",
        types=("stale_profile", "connectivity"),
    ),
    Prepared(
        "Pin the package version",
        "Hello {requester},\n\nuntil the fix is out, pin the version before:\n\n"
        "```\npip install 'dataface==2.13.1'\n```\n\nProfiles that were made since can stay; the "
        "next run replaces them.\n\n{agent}",
        tags=("pinned",),
        types=("stale_profile", "wrong_column_type", "failed_report"),
    ),
    Prepared(
        "Hand over to the owner",
        "{surface}: taken as far as support can. What is known stands above, what is missing is a "
        "decision about the product.",
        public=False,
    ),
)
# Name, filters, and whose it is: empty for everybody's.
VIEWS = (
    ("Missed promises", "sla=breached", ""),
    ("Snowflake", "surface=inspect.profiler.snowflake&surface=inspect.profiler", ""),
    ("Waiting for somebody else", "status=waiting_third_party", "hannah"),
    ("Bramble and Ostra", "account=bramble-foods&account=ostra-bank", "luis"),
)


def furnish(
    cast: Mapping[str, Person],
    teams: Mapping[str, Team],
    contacts: Mapping[str, Contact],
    *,
    since: datetime,
) -> Desk:
    """Set support up as it stood at `since`. What ships with the product is not demo."""
    ensure_support(now=since)
    standard = Queue.objects.get(is_default=True)
    disputes = Queue.objects.create(
        key="billing-disputes", name="Billing disputes", team=teams["platform"], is_private=True
    )
    types = RequestType.objects.in_bulk(field_name="key")
    mailbox = Mailbox.objects.create(
        name="Help", address=ADDRESS, queue=standard, request_type=types["other"]
    )
    # Without the service, which proves an address by asking the network about it.
    endpoint = WebhookEndpoint.objects.create(
        description="Customer success dashboard",
        url_sealed=secrets.seal(HOOK),
        url_hint="hooks.dataface.example",
        patterns=["ticket.*"],
        secret_sealed=secrets.seal(new_secret()),
        is_active=False,
        created_by=cast["nora"],
        created_at=since,
    )
    made = {
        "queues": [disputes.pk],
        "mailboxes": [mailbox.pk],
        "endpoints": [endpoint.pk],
        "macros": _prepare(types),
        "views": _keep_views(cast, since),
    }
    queues = {"support": standard, "disputes": disputes}
    connections = {row.name: row for row in Connection.objects.all()}
    return Desk(types, queues, contacts, connections, made)


def _prepare(types: Mapping[str, RequestType]) -> list[int]:
    made = []
    for position, one in enumerate(MACROS, start=1):
        then, _, code = one.then.partition(":")
        row = Macro.objects.create(
            name=one.name,
            body=one.body,
            is_public=one.public,
            then=then,
            resolution_code=code,
            add_tags=list(one.tags),
            position=position,
        )
        row.request_types.set(types[key] for key in one.types)
        made.append(row.pk)
    return made


def _keep_views(cast: Mapping[str, Person], now: datetime) -> list[int]:
    rows: list[SavedView] = [
        desks.save_view(
            view=None,
            person=cast[whose or "nora"],
            name=name,
            query=query,
            shared=not whose,
            now=now,
        )
        for name, query, whose in VIEWS
    ]
    return [row.pk for row in rows]
