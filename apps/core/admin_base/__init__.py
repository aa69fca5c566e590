"""The admin's one base: managers only, sign-in by the site's own page, times in the viewer's zone,
refusals in words beside the field, lists that survive any address, nothing deleted that something
refers to, and a policy that is relaxed for unfold alone. `face.py` names unfold; nothing else does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any

from django.contrib import admin, messages
from django.db import models, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core import clock
from apps.core.admin_base.face import StackedInline, TabularInline, display
from apps.core.admin_base.model_admin import ModelAdmin, ReadOnly
from apps.core.admin_base.pages import ObjectAction, act
from apps.core.admin_base.sites import register, site
from apps.core.errors import DomainError

__all__ = [
    "ModelAdmin",
    "ObjectAction",
    "ReadOnly",
    "StackedInline",
    "TabularInline",
    "act",
    "action",
    "become",
    "display",
    "local_time",
    "register",
    "say_domain_errors",
    "site",
    "when",
]

action = admin.action


def local_time(instant: datetime | None) -> str:
    """`Fri 20 Nov, 16:40` in the viewer's zone, with the year if it is another; empty for none."""
    if instant is None:
        return ""
    local = timezone.localtime(instant)
    year = "" if local.year == timezone.localtime(clock.now()).year else f" {local.year}"
    return f"{local:%a %-d %b}{year}, {local:%H:%M}"


@cache
def when(field: str, label: str, empty: str = "–") -> Any:
    """A list column or read-only row that shows a time field by `local_time`.

    The same words give the same column, so that it may be named where it is shown and where it is
    said to be read-only.
    """

    def shown(obj: Any) -> SafeString | str:
        words = local_time(getattr(obj, field))
        return format_html('<span class="ops-nowrap">{}</span>', words) if words else empty

    shown.__name__ = f"shown_{field}"
    return display(description=label, ordering=field)(shown)


def become(obj: models.Model, saved: models.Model) -> None:
    """Let the form's instance be the row that a service made, so that Django goes on with it."""
    obj.__dict__.update(saved.__dict__)


@contextmanager
def say_domain_errors(request: HttpRequest, about: object = "") -> Iterator[None]:
    """One call of a service in its own transaction; what it refuses becomes a message."""
    try:
        with transaction.atomic():
            yield
    except DomainError as error:
        prefix = f"{about}: " if about else ""
        messages.error(request, f"{prefix}{error.message}")
