"""Stripe's webhooks: failed payments and disputes alert billing, and end when they are settled.

Stripe delivers in any order and more than once: the event's id makes a delivery, and its own time
decides, so a failure that arrives after the payment opens nothing. Test mode is a test. Names and
mail addresses of customers are left out; other types are stored and ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from apps.intake.canonical import (
    Action,
    Body,
    CanonicalEvent,
    Headers,
    Link,
    Severity,
    epoch_time,
    fit_key,
    make_event,
    mapping_of,
    missing,
    read_object,
    refuse,
    source_clock,
    text_of,
    web_link,
)

KIND: Final[str] = "stripe"
ROUTE: Final = "billing_escalation"  # for a routing rule: `route=billing_escalation`

_RULES: Final[dict[str, tuple[Action, Severity | None]]] = {
    **dict.fromkeys(
        ("invoice.payment_failed", "charge.failed", "payment_intent.payment_failed"),
        ("trigger", "warning"),
    ),
    "charge.dispute.created": ("trigger", "error"),
    **dict.fromkeys(
        ("invoice.paid", "invoice.payment_succeeded", "invoice.voided", "charge.succeeded"),
        ("resolve", None),
    ),
    **dict.fromkeys(
        ("invoice.marked_uncollectible", "payment_intent.succeeded", "charge.dispute.closed"),
        ("resolve", None),
    ),
    **dict.fromkeys(("charge.dispute.updated", "charge.dispute.funds_withdrawn"), ("note", "info")),
    "charge.dispute.funds_reinstated": ("note", "info"),
}
_FACTS: Final = (
    "amount", "amount_due", "amount_remaining", "attempt_count", "charge", "currency", "customer",
    "failure_code", "invoice", "next_payment_attempt", "number", "payment_intent", "reason",
    "status", "subscription",
)  # fmt: skip
_PAGES: Final = {
    "invoice": "invoices", "dispute": "disputes", "charge": "payments",
    "payment_intent": "payments",
}  # fmt: skip


def normalise(
    body: Body, headers: Headers, *, received_at: datetime, fallback_key: str | None = None
) -> list[CanonicalEvent]:
    """The one event of a type that says something; none for the others."""
    data = read_object(body)
    name = text_of(data.get("type"))
    refuse(missing({"id": data.get("id"), "type": name}))
    if name not in _RULES:
        return []
    found = mapping_of(mapping_of(data.get("data")).get("object"))
    refuse(missing({"data.object.id": found.get("id")}))
    return [_event(data, name, found, received_at)]


def delivery_key(body: Body, headers: Headers) -> str | None:
    """The event's id: the same on every attempt."""
    return fit_key(text_of(read_object(body).get("id")))


def _event(
    data: Mapping[str, Any], name: str, found: Mapping[str, Any], received_at: datetime
) -> CanonicalEvent:
    action, severity = _RULES[name]
    moment, test = epoch_time(data.get("created")), data.get("livemode") is False
    what = text_of(found.get("object")) or name.rsplit(".", 1)[0].rpartition(".")[2]
    facts = {fact: found[fact] for fact in _FACTS if found.get(fact) is not None}
    due = mapping_of(found.get("evidence_details")).get("due_by")
    return make_event(
        kind="alert",
        action=action,
        dedup_key=_key(what, found),
        severity=severity,
        summary=_summary(name, found, told=action == "trigger"),
        source="stripe",
        component=what,
        class_=name,
        occurred_at=moment,
        links=_links(what, found, test=test),
        details={"type": name, "route": ROUTE, **facts, **({"due_by": due} if due else {})},
        test=test,
        source_ts=source_clock(moment, received_at),
    )


def _key(what: str, found: Mapping[str, Any]) -> str:
    """What is owed, not the attempt to collect it: an invoice or payment has many attempts."""
    if what in ("charge", "payment_intent"):
        for owner in ("invoice", "payment_intent"):
            if owned := text_of(found.get(owner)):
                return f"{owner}:{owned}"
    return f"{what}:{text_of(found.get('id'))}"


def _summary(name: str, found: Mapping[str, Any], *, told: bool) -> str:
    """`Stripe invoice.payment_failed ABC-0001 (9900 usd, attempt 2)`, in the currency's cents."""
    title = f"Stripe {name} {text_of(found.get('number'), found.get('id'))}"
    amount = text_of(found.get("amount_due"), found.get("amount"))
    attempt = text_of(found.get("attempt_count"))
    facts = [
        " ".join(part for part in (amount, text_of(found.get("currency"))) if part),
        f"attempt {attempt}" if attempt else None,
        text_of(found.get("reason"), found.get("failure_code")),
    ]
    listed = ", ".join(fact for fact in facts if fact)
    return f"{title} ({listed})" if told and listed else title


def _links(what: str, found: Mapping[str, Any], *, test: bool) -> list[Link]:
    """Its page in Stripe's dashboard, which asks for a sign-in; the hosted invoice does not."""
    page = _PAGES.get(what)
    site = f"https://dashboard.stripe.com/{'test/' if test else ''}"
    return web_link(f"{site}{page}/{text_of(found.get('id'))}", "Stripe") if page else []
