"""What a new installation starts with: a queue, the request types with their fields, settings.

Nothing that somebody changed is written again; what was archived stays archived.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.ownership.models import Surface
from apps.support.models import Queue, RequestField, RequestType, SavedView, SupportSettings
from apps.support.seeds_sla import ensure_sla

Kind = RequestField.Kind


@dataclass(frozen=True)
class Field:
    key: str
    label: str
    kind: str = Kind.TEXT
    help_text: str = ""
    public: bool = True
    choices: tuple[str, ...] = ()


VERSION = Field("package_version", "Package version", help_text="As “dft --version” says it.")
ENVIRONMENT = Field(
    "environment", "Where it ran", Kind.CHOICE,
    choices=("CLI", "IDE", "CI", "Hosted", "MCP"),
)  # fmt: skip
CODE = Field("diagnostic_code", "Diagnostic code", help_text="ERR-… or WARN-…, from the output.")
WAREHOUSE = Field(
    "warehouse_type", "Warehouse", Kind.CHOICE,
    choices=("Snowflake", "BigQuery", "Postgres", "Redshift", "Databricks", "DuckDB", "Other"),
)  # fmt: skip
CONNECTION = Field("connection", "Connection")
RUN = Field("run_id", "Run")
COLUMN = Field("column", "Column", Kind.COLUMN, "schema.table.column")
REPRODUCTION = Field("reproduction", "How to see it again")
REPORT = Field(
    "report", "Report", Kind.CHOICE,
    choices=("Model", "Quality", "Numeric", "Categorical", "Date", "String"),
)  # fmt: skip
CONNECTOR = Field("connector", "Connector", help_text="salesforce, stripe, zendesk, hubspot, …")


@dataclass(frozen=True)
class Type:
    """A request type as it ships; `surface` is bound when a surface of that key exists."""

    key: str
    name: str
    public_name: str
    help_text: str
    surface: str
    impact: str
    urgency: str
    icon: str
    fields: tuple[Field, ...]


TYPES = (
    Type(
        "stale_profile", "Stale profile", "My profile is out of date",
        "A page shows an old profile, or a run never ended.", "inspect.profiler",
        "medium", "medium", "clock",
        (CONNECTION, WAREHOUSE, Field("profiled_at", "Profiled at", Kind.TIME), RUN, CODE, VERSION,
         ENVIRONMENT),
    ),
    Type(
        "wrong_column_type", "Wrong column type", "A column has the wrong type",
        "An email column that reads as plain text, an id that reads as a phone number.",
        "inspect.semantic-types", "medium", "medium", "columns",
        (COLUMN, Field("shown_type", "Shown as"), Field("expected_type", "Should be"),
         Field("database_type", "Type in the database"), VERSION, CODE),
    ),
    Type(
        "failed_report", "Failed report", "A report cannot be made",
        "An inspector page stays empty, or ends with an error.", "inspect.reports",
        "medium", "high", "report",
        (REPORT, CODE, VERSION, ENVIRONMENT, REPRODUCTION),
    ),
    Type(
        "billing", "Billing", "A question about billing",
        "An invoice, a payment, a plan that is not active.", "platform.billing",
        "medium", "high", "card",
        (Field("invoice", "Invoice"), Field("charged_on", "Charged on"), Field("amount", "Amount")),
    ),
    Type(
        "connectivity", "Connectivity", "A connection does not work",
        "A connection test fails, or a source cannot be reached.", "platform.connectivity",
        "medium", "high", "plug",
        (CONNECTION, WAREHOUSE, CODE, ENVIRONMENT, VERSION),
    ),
    Type(
        "pack", "Pack issue", "A dashboard pack is broken",
        "A board of a connector pack is empty, wrong, or does not compile.", "",
        "medium", "medium", "pack",
        (CONNECTOR, Field("board", "Board"), Field("pack_version", "Pack version"), CODE,
         WAREHOUSE),
    ),
    Type(
        "cost_surprise", "Cost surprise", "It cost more than expected",
        "A profile or a panel read more of the warehouse than anybody asked for.",
        "inspect.profiler", "high", "medium", "coins",
        (WAREHOUSE, Field("amount", "Amount"), RUN, COLUMN, ENVIRONMENT, VERSION),
    ),
    Type(
        "other", "Something else", "Something else",
        "Whatever fits none of the others.", "", "low", "medium", "message",
        (VERSION, ENVIRONMENT, CODE),
    ),
)  # fmt: skip

VIEWS = (
    ("Stale profiles", "type=stale_profile"),
    ("Billing escalations", "type=billing"),
)


@transaction.atomic
def ensure_support(*, now: datetime) -> None:
    """Make what is missing; safe to call again and again."""
    SupportSettings.objects.get_or_create(pk=1)
    queue = Queue.objects.filter(is_default=True).first()
    if queue is None:
        queue, _ = Queue.objects.get_or_create(
            key="support", defaults={"name": "Support", "is_default": True}
        )
    known = set(RequestType.objects.values_list("key", flat=True))
    for position, one in enumerate(TYPES, start=1):
        if one.key not in known:
            _make(one, position, queue)
    if not known and not SavedView.objects.exists():
        for position, (name, query) in enumerate(VIEWS):
            SavedView.objects.create(name=name, query=query, position=position, created_at=now)
    ensure_sla(now)


def _make(one: Type, position: int, queue: Queue) -> None:
    made = RequestType.objects.create(
        key=one.key,
        name=one.name,
        public_name=one.public_name,
        help_text=one.help_text,
        icon=one.icon,
        position=position,
        queue=queue,
        surface=Surface.objects.current().filter(key=one.surface).first() if one.surface else None,
        impact=one.impact,
        urgency=one.urgency,
    )
    RequestField.objects.bulk_create(
        RequestField(
            request_type=made,
            key=field.key,
            label=field.label,
            kind=field.kind,
            help_text=field.help_text,
            choices=list(field.choices),
            position=number,
            is_public=field.public,
        )
        for number, field in enumerate(one.fields)
    )


@transaction.atomic
def bind_surfaces(*, now: datetime) -> int:
    """Give the shipped types their surfaces once these exist; what was chosen by hand stays."""
    bound = 0
    for one in TYPES:
        surface = Surface.objects.current().filter(key=one.surface).first() if one.surface else None
        if surface is not None:
            free = RequestType.objects.filter(key=one.key, surface=None)
            bound += free.update(surface=surface)
    return bound
