"""The first run: one manager, the site's address and its mail server, once."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from apps.accounts import services as accounts
from apps.accounts.models import Person
from apps.accounts.roles import Role
from apps.core.errors import Conflict
from apps.incidents.seeds import ensure_incidents
from apps.notifications import services as notifications
from apps.support.seeds import ensure_support
from apps.telemetry.seeds import ensure_codes

_LOCK = 0x4F50_0010


def is_first_run() -> bool:
    """Nobody can sign in yet: the first-run page is open."""
    return not Person.objects.active().exists()


def setup_code() -> str:
    """What a stranger's browser must know to set the site up: 50 bits, as ABCDE-FGHIJ.

    Derived from the site's secret key, so that every web process of every host agrees without
    storing anything; it is worth nothing once somebody is here.
    """
    digest = salted_hmac("opsportal.portal.first_run", "setup code", algorithm="sha256").digest()
    text = base64.b32encode(digest).decode()[:10]
    return f"{text[:5]}-{text[5:]}"


def is_setup_code(given: str) -> bool:
    """Whether somebody typed the code; case, spaces and the hyphen do not matter."""
    typed = "".join(char for char in given.upper() if char.isalnum())
    return constant_time_compare(typed, setup_code().replace("-", ""))


@transaction.atomic
def first_run(
    *,
    name: str,
    email: str,
    password: str,
    time_zone: str,
    site: Mapping[str, Any],
    now: datetime,
) -> Person:
    """Create the first manager and store the site's settings; of two at once, one wins."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    if not is_first_run():
        raise Conflict("Somebody set this site up meanwhile. Sign in instead.", code="set_up")
    person = accounts.create_person(
        email=email,
        name=name,
        roles=[Role.MANAGER],
        time_zone=time_zone,
        password=password,
        now=now,
    )
    notifications.save_site(values={**site, "time_zone": time_zone}, now=now)
    ensure_incidents()
    ensure_codes()
    ensure_support(now=now)
    return person
