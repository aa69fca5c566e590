"""Slack user groups that follow who is on call.

Each minute what Slack was last told is compared with who is on call now; a difference is told. So
it does not matter which handoff, override or mapping made it, nor how often one was missed.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django.db import transaction

from apps.alerts.models import SlackGroup, SlackMember
from apps.alerts.services import slack_calls
from apps.core.audit import Actor
from apps.core.errors import Invalid
from apps.intake import services as intake
from apps.intake.models import Integration
from apps.notifications import services as notifications
from apps.notifications.channels import slack_api
from apps.rotations import selectors as rotations
from apps.rotations.models import Schedule

AGAIN = timedelta(hours=1)  # told once more all the same: somebody may have changed it in Slack
NOBODY = "Nobody on call has a Slack member ID here, and Slack keeps no empty group."
_GROUP = re.compile(r"S[A-Z0-9]{2,19}")


@transaction.atomic
def follow_schedule(
    *,
    integration: Integration,
    schedule: Schedule,
    slack_group_id: str,
    actor: Actor,
    now: datetime,
) -> SlackGroup:
    """From now on the user group holds who is on call in the schedule. Raises Invalid by field."""
    name = slack_group_id.strip().upper()
    Integration.objects.select_for_update(no_key=True).get(pk=integration.pk)
    said = ""
    if not _GROUP.fullmatch(name):
        said = "A user group's ID looks like S0614TZR7: at the end of its link in Slack."
    elif SlackGroup.objects.filter(integration=integration, slack_group_id=name).exists():
        said = f"{name} follows a schedule already."
    if said:
        raise Invalid(said, fields={"slack_group_id": [said]})
    return SlackGroup.objects.create(
        integration=integration, schedule=schedule, slack_group_id=name
    )


def unfollow(*, group: SlackGroup, actor: Actor, now: datetime) -> None:
    """The group stays in Slack as it is, and is not changed any more."""
    _tell(group, "resolve", "No longer followed.", key=f"ended:{group.pk}", now=now)
    group.delete()


def sync_slack_groups(*, now: datetime) -> int:
    """Tell Slack where who is on call differs; answers how many groups were told."""
    rows = SlackGroup.objects.filter(
        integration__archived_at=None, schedule__archived_at=None
    ).exclude(integration__config_sealed="")
    rows = rows.select_related("integration", "schedule").order_by("integration_id", "pk")
    return sum(_sync(row, now) for row in rows)


def _sync(row: SlackGroup, now: datetime) -> bool:
    wanted = _members(row, now)
    fresh = row.synced_at is not None and now - row.synced_at < AGAIN
    if wanted and wanted == row.members and fresh and not row.error:
        return False
    if not wanted:
        _failed(row, NOBODY, now)
        return False
    answer = slack_api.call(
        "usergroups.users.update",
        {"usergroup": row.slack_group_id, "users": ",".join(wanted)},
        slack_calls.config_of(row.integration),
    )
    if not answer.ok:
        _failed(row, answer.error, now)
        return False
    had_error = bool(row.error)
    SlackGroup.objects.filter(pk=row.pk).update(members=wanted, synced_at=now, error="")
    if had_error:
        _tell(row, "resolve", "Slack took it.", key=f"up:{now.isoformat()}", now=now)
    return True


def _members(row: SlackGroup, now: datetime) -> list[str]:
    """The Slack IDs of who is on call now, in a fixed order."""
    people = rotations.on_call(row.schedule, at=now)
    ids = SlackMember.objects.filter(integration_id=row.integration_id, person__in=people)
    return sorted(ids.values_list("slack_user_id", flat=True))


def _failed(row: SlackGroup, error: str, now: datetime) -> None:
    """Keep the reason. From the second time in a row on it is an alert, told once a day."""
    known = bool(row.error)
    SlackGroup.objects.filter(pk=row.pk).update(error=error[:300])
    if known:
        said = f"Slack group {row.slack_group_id} does not follow {row.schedule.name}: {error}"
        _tell(row, "trigger", said, key=f"down:{now:%Y-%m-%d}:{error}", now=now)


def _tell(row: SlackGroup, action: str, said: str, *, key: str, now: datetime) -> None:
    named = f"slack-group:{row.pk}"
    url = notifications.absolute(f"/integrations/{row.integration_id}/slack/")
    surface = row.integration.surface
    body = {
        "action": action, "dedup_key": named, "summary": said, "severity": "warning",
        "source": "opsportal", "class": "SlackGroup", "links": [{"href": url, "text": "Slack"}],
        **({"surface": surface.key} if surface else {}),
    }  # fmt: skip
    intake.receive(
        integration=intake.internal_integration(now=now),
        body=body, delivery_key=f"{named}:{key}"[:300], now=now,
    )  # fmt: skip
