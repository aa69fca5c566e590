"""How people can be reached, without saying where: addresses are their owner's alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from apps.accounts.models import Person
from apps.notifications.channels import CHANNELS
from apps.notifications.models import ContactMethod

Route = Literal["wakes", "email", "in_app"]


@dataclass(frozen=True)
class Reach:
    """`wakes`: something that rings; `email`: e-mail alone; `in_app`: a demo person's mailbox.

    `verified` is whether the person has proved a way; the sign-in address is used without one.
    """

    route: Route
    verified: bool


def reach_of(people: Iterable[Person]) -> dict[int, Reach]:
    """How each person can be reached, by id; one query whatever the number."""
    found = {person.pk: person for person in people}
    channels: dict[int, set[str]] = {}
    rows = ContactMethod.objects.filter(person_id__in=found).usable()
    for person_id, channel in rows.values_list("person_id", "channel"):
        channels.setdefault(person_id, set()).add(channel)
    return {pk: _reach(person, channels.get(pk, set())) for pk, person in found.items()}


def _reach(person: Person, channels: set[str]) -> Reach:
    if person.is_demo:
        return Reach("in_app", verified=True)
    wakes = any(CHANNELS[channel].wakes for channel in channels if channel in CHANNELS)
    return Reach("wakes" if wakes else "email", verified=bool(channels))
