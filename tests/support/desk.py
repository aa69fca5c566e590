"""The least that tickets need: a queue and four request types, without anything promised.

What a new site really starts with takes a hundred statements; `tests.builders.support` makes it.
"""

from __future__ import annotations

from apps.ownership.models import Surface
from apps.support.models import Queue, RequestField, RequestType


def bare_desk(surface: Surface | None = None) -> None:
    """`surface` is where stale profiles go."""
    queue = Queue.objects.create(key="support", name="Support", is_default=True)
    made = RequestType.objects.bulk_create(
        RequestType(
            key=key,
            name=name,
            queue=queue,
            surface=surface if key == "stale_profile" else None,
            position=place,
            impact="low" if key == "other" else "medium",
            urgency="medium",
        )
        for place, (key, name) in enumerate(
            (
                ("stale_profile", "Stale profile"),
                ("failed_report", "Failed report"),
                ("billing", "Billing"),
                ("other", "Something else"),
            )
        )
    )
    RequestField.objects.create(request_type=made[0], key="run_id", label="Run")
