"""One adapter for each kind of source: a module that turns its bodies into canonical events.

A new kind is a new module with `KIND`, `normalise` and `delivery_key`, listed here, and with its
payloads under `tests/vectors/payloads/`. Where a door has to answer with the dedup key or refuse a
bad event, the module has `validate` as well.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol

from apps.intake.adapters import (
    alertmanager,
    cloudevents,
    fivetran,
    gcp,
    github,
    grafana,
    mail,
    native,
    opsgenie,
    pagerduty,
    ping,
    sentry,
    slack,
    stripe,
)
from apps.intake.canonical import Body, CanonicalEvent, Headers


class Adapter(Protocol):
    """Pure functions of one delivery: the same body and headers always give the same events."""

    KIND: str

    def normalise(
        self,
        body: Body,
        headers: Headers,
        *,
        received_at: datetime,
        fallback_key: str | None = None,
    ) -> list[CanonicalEvent]:
        """The events of the body, none when there is nothing to do.

        `fallback_key` is the dedup key that the answer gave because the sender had none. Raises
        `InvalidEvent` for a body that is no event of this kind.
        """
        ...

    def delivery_key(self, body: Body, headers: Headers) -> str | None:
        """What makes a delivery the same as an earlier one; None where each one counts.

        May raise `InvalidEvent` when the key stands in a body that cannot be read.
        """
        ...


class CheckedAdapter(Adapter, Protocol):
    """An adapter whose events are checked before the answer."""

    def validate(self, body: Body, headers: Headers, *, fallback_key: str) -> list[str | None]:
        """The dedup key of every event, for the answer; raises `InvalidEvent` naming the fields."""
        ...


CHECKED: Final[dict[str, CheckedAdapter]] = {
    native.KIND: native,
    cloudevents.KIND: cloudevents,
    opsgenie.KIND: opsgenie,
    pagerduty.KIND: pagerduty,
}
ADAPTERS: Final[dict[str, Adapter]] = {
    **CHECKED,
    alertmanager.KIND: alertmanager,
    fivetran.KIND: fivetran,
    gcp.KIND: gcp,
    github.KIND: github,
    grafana.KIND: grafana,
    mail.KIND: mail,
    ping.KIND: ping,
    sentry.KIND: sentry,
    slack.KIND: slack,
    stripe.KIND: stripe,
}

# Their deliveries are handed on whole as this kind, also when they hold no event.
WHOLE: Final[dict[str, str]] = {ping.KIND: "heartbeat"}


def checked_adapter_for(headers: Headers) -> CheckedAdapter:
    """The adapter for `POST /api/v1/events`: CloudEvents if the headers say so, else native."""
    return cloudevents if cloudevents.is_cloudevent(headers) else native
