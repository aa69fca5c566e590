"""What an agent has on the desk: unfinished words, who reads along, views that were kept."""

from __future__ import annotations

from django.db import models

from apps.accounts.models import Person
from apps.support.models.tickets import Ticket


class Draft(models.Model):
    """Words that are not sent yet: one for each person, ticket and kind of message."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="drafts")
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    is_public = models.BooleanField()
    body = models.TextField()
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "person", "is_public"], name="support_draft_once"
            )
        ]

    def __str__(self) -> str:
        return self.body[:80]


class Presence(models.Model):
    """Who has a ticket open just now, and whether they are writing."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="presences")
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    is_writing = models.BooleanField(default=False)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket", "person"], name="support_presence_once")
        ]
        indexes = [models.Index(fields=["seen_at"], name="support_presence_seen")]

    def __str__(self) -> str:
        return f"{self.person} on TCK-{self.ticket_id}"


class SavedView(models.Model):
    """A filter with a name. Without a person it is everybody's."""

    person = models.ForeignKey(
        Person, models.CASCADE, null=True, blank=True, related_name="ticket_views"
    )
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, blank=True)  # as in the address: status=open&tag=x
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name
