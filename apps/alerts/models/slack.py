"""Who is who in Slack, and which user groups follow who is on call."""

from __future__ import annotations

import pghistory
from django.db import models

from apps.accounts.models import Person
from apps.intake.models import Integration
from apps.rotations.models import Schedule


@pghistory.track()
class SlackMember(models.Model):
    """A person's account in one Slack workspace: buttons and commands act as that person."""

    integration = models.ForeignKey(Integration, models.CASCADE, related_name="slack_members")
    person = models.ForeignKey(Person, models.CASCADE, related_name="slack_members")
    slack_user_id = models.CharField("Slack member ID", max_length=20)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "slack_user_id"], name="alerts_slack_member_once"
            ),
            models.UniqueConstraint(
                fields=["integration", "person"], name="alerts_slack_person_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} is {self.slack_user_id}"


@pghistory.track(exclude=["members", "synced_at", "error"])
class SlackGroup(models.Model):
    """A Slack user group whose members are who is on call on a schedule now."""

    integration = models.ForeignKey(Integration, models.CASCADE, related_name="slack_groups")
    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="slack_groups")
    slack_group_id = models.CharField("Slack user group ID", max_length=20)
    members = models.JSONField(default=list, editable=False)  # as last told to Slack
    synced_at = models.DateTimeField(null=True, editable=False)
    error = models.CharField(max_length=300, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "slack_group_id"], name="alerts_slack_group_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.slack_group_id} follows {self.schedule}"
