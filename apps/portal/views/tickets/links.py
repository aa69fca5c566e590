"""What a ticket has to do with: adding a link by its reference, and taking one away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.core.errors import Invalid
from apps.incidents.models import Incident
from apps.portal.access import acts, viewer
from apps.portal.forms import submit
from apps.portal.forms_ticket import link_target, ticket_of
from apps.portal.views.tickets import page as pages
from apps.portal.views.tickets.page import again, find
from apps.support.models import TicketLink
from apps.support.services import links, unblocking


def _page(ref: str, *_: Any, **__: Any) -> str:
    return reverse("ticket", kwargs={"ref": ref})


def check_seen(named: Mapping[str, str], person: Person) -> None:
    """Refuse what the person may not see in the words of what does not exist."""
    ref, seen = named["ref"], True
    digits = ref.rpartition("-")[2]
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else 0
    if named["kind"] == TicketLink.Kind.INCIDENT:
        seen = Incident.objects.visible_to(person).filter(pk=number).exists()
    elif named["kind"] == TicketLink.Kind.TICKET:
        seen = ticket_of(ref, person) is not None
    if not seen:
        text = f"There is no {ref}."
        raise Invalid(text, fields={"ref": [text]})


@acts(Grant.SUPPORT, page=_page)
def ticket_link(request: HttpRequest, ref: str) -> HttpResponse:
    """Link an incident, a ticket, a change, a release, a defect, a vendor or a page."""
    found, person, now = find(request, ref), viewer(request), clock.now()
    form = pages.make_form(request, found, "link", request.POST)

    def act(values: dict[str, Any]) -> str:
        named = link_target(values)
        check_seen(named, person)
        row = links.link(
            ticket=found,
            **named,
            label=values["label"],
            relation=values["relation"],
            actor=audit.person(person),
            now=now,
        )
        return f"{row.ref} is linked."

    said = submit(form, act)
    if said is None:
        return again(request, found, "link", form)
    messages.success(request, said)
    return redirect(_page(found.ref))


@acts(Grant.SUPPORT, page=_page)
def ticket_unlink(request: HttpRequest, ref: str, pk: int) -> HttpResponse:
    """Take a link away. What waited for nothing else is open again."""
    found, person = find(request, ref), viewer(request)
    row = get_object_or_404(TicketLink, ticket=found, pk=pk)
    unblocking.unlink(link=row, actor=audit.person(person), now=clock.now())
    messages.success(request, f"{row.ref} is no longer linked.")
    return redirect(_page(found.ref))
