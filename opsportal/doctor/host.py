"""This host: its secrets and its disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings

from apps.core import secrets
from apps.core.errors import DomainError
from apps.notifications import services as notifications
from apps.notifications.models import ContactMethod
from opsportal.doctor.finding import Finding, Level, is_production

GIGABYTE = 1024**3


def stored_secrets(now: datetime) -> Iterable[Finding]:
    """What is encrypted at rest opens with the keys that are configured."""
    row = notifications.site()
    try:
        secrets.unseal(row.smtp_password_sealed)
        secrets.unseal(row.accounts_sealed)
        sealed = ContactMethod.objects.order_by("-pk").values_list("address_sealed", flat=True)
        secrets.unseal(sealed.first() or "")
    except DomainError as error:
        mend = "Put the old key back behind the new one in OPSPORTAL_ENCRYPTION_KEYS."
        yield Finding("secrets", "error", error.message, mend)


def keys(now: datetime) -> Iterable[Finding]:
    weak = len(settings.SECRET_KEY) < 50 or len(set(settings.SECRET_KEY)) < 5
    if weak or "insecure" in settings.SECRET_KEY:
        mend = "Set SECRET_KEY to 50 or more random characters."
        yield Finding("secrets", "error" if is_production() else "warning",
                      "SECRET_KEY can be guessed.", mend)  # fmt: skip
    elif settings.SECRET_KEYS_AT_REST == [settings.SECRET_KEY]:
        mend = "Set OPSPORTAL_ENCRYPTION_KEYS, the new key first and SECRET_KEY behind it."
        yield Finding("secrets", "warning", "Stored secrets use SECRET_KEY itself.", mend)
    else:
        yield Finding("secrets", "ok", "SECRET_KEY and encryption keys are set.")


def disk(now: datetime) -> Iterable[Finding]:
    folder = settings.DATA_DIR
    there = next(path for path in (folder, *folder.parents) if path.exists())
    usage = shutil.disk_usage(there)
    yield from disk_left(usage.free, usage.total, str(folder))


def disk_left(free: int, total: int, folder: str) -> Iterable[Finding]:
    text = f"{free / GIGABYTE:.1f} of {total / GIGABYTE:.1f} GB are free at {folder}."
    mend = "Free some space: a full disk stops the database, and then every page."
    level: Level = "ok"
    if free < GIGABYTE / 2 or free < total * 0.02:
        level = "error"
    elif free < 2 * GIGABYTE or free < total * 0.1:
        level = "warning"
    yield Finding("disk", level, text, "" if level == "ok" else mend)
