"""django-q2 entry points. The rows are the truth; a task that runs twice or late does no harm."""

from __future__ import annotations

from apps.alerts import services
from apps.alerts.services import arriving, slack_calls, slack_groups
from apps.core import clock


def maintenance() -> int:
    """Every minute: announced work begins and ends, and for whom it muted alerts is paged then."""
    now = clock.now()
    return services.maintain_due(now=now) + services.unmute_due(now=now)


def heartbeats() -> int:
    """Every minute: jobs that are silent for too long are raised, our own among them."""
    return arriving.sweep_all(now=clock.now())


def evaluate() -> int:
    """Every minute: rules that are due look at telemetry, fire and resolve."""
    return services.evaluate_due(now=clock.now())


def slack_sync() -> int:
    """Every minute: Slack's user groups hold who is on call."""
    return slack_groups.sync_slack_groups(now=clock.now())


def slack_page(page_id: int) -> int:
    """Post a page to Slack, with the button that acknowledges it."""
    return slack_calls.post_page(page_id=page_id)


def slack_answer(integration: int, url: str, text: str) -> bool:
    """Tell whoever pressed a button in Slack what came of it."""
    return slack_calls.answer_button(integration_id=integration, url=url, text=text)
