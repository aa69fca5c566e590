"""All that incidents need before the first one: factors, audiences, words, levels, types, tasks."""

from __future__ import annotations

from django.db import transaction

from apps.followups.services import ensure_factors
from apps.incidents.seeds_comms import ensure_comms
from apps.incidents.seeds_framework import ensure_framework


@transaction.atomic
def ensure_incidents() -> None:
    """Write what is missing; nothing that a team changed or archived is touched."""
    ensure_factors()
    ensure_comms()  # before the levels, which name its audiences
    ensure_framework()
