"""Tickets: the queue, logging one, saved views, and many at once."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse


def page_of(ref: str) -> str:
    """The address of a ticket's page."""
    return f"/tickets/{ref}/"


def queue_again(request: HttpRequest) -> str:
    """The queue as it stood when a form was sent from it (`back`, a query string of its own)."""
    query = request.POST.get("back", "")[:2000]
    clean = "".join(c for c in query if c.isprintable())
    return f"{reverse('tickets')}?{clean}" if clean else reverse("tickets")
