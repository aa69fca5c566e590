"""All that can be done with the review of an incident, for doors and other services."""

from __future__ import annotations

from apps.incidents.services.review import (
    due_dates,
    is_published,
    is_required,
    open_review,
    set_author,
    why_required,
)
from apps.incidents.services.review_reminders import open_if_asked, open_missing, remind_due
from apps.incidents.services.review_steps import (
    approve,
    meter_of,
    publish,
    send_back,
    submit,
    why_not_approve,
)
from apps.incidents.services.review_text import (
    Chosen,
    Stale,
    add_factor,
    comment,
    follow_up_due,
    open_follow_up,
    remove_factor,
    save_section,
)

__all__ = [
    "Chosen",
    "Stale",
    "add_factor",
    "approve",
    "comment",
    "due_dates",
    "follow_up_due",
    "is_published",
    "is_required",
    "meter_of",
    "open_follow_up",
    "open_if_asked",
    "open_missing",
    "open_review",
    "publish",
    "remind_due",
    "remove_factor",
    "save_section",
    "send_back",
    "set_author",
    "submit",
    "why_not_approve",
    "why_required",
]
