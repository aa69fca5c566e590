"""`manage.py demo` (`make demo`): load the demo world, or the bare preset."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core import clock
from apps.core.errors import DomainError
from opsportal import demo, preset


class Command(BaseCommand):
    help = (
        "Loads the demo world: invented people, rotations, alerts and incidents around a real "
        "product's surfaces. Loading again changes nothing. Prints nothing when all went well. "
        "OPSPORTAL_DEMO_PASSWORD sets the password of all demo people."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--size",
            choices=demo.SIZES,
            default="small",
            help="large: 40 people, 5,000 alerts and 400 incidents, to look at pages under load",
        )
        parser.add_argument(
            "--at",
            metavar="TIME",
            help="the instant that counts as now, such as 2026-10-25T00:30:00+00:00",
        )
        parser.add_argument(
            "--preset-only",
            action="store_true",
            help="only the surfaces, positions, vendors and dependencies: no people, no history",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = _instant(options["at"])
        try:
            if options["preset_only"]:
                preset.load(now=now)
            else:
                _refuse_known_password()
                demo.load(now=now, size=options["size"])
        except DomainError as error:
            raise CommandError(error.message) from error


def _refuse_known_password() -> None:
    """A manager with a published password must not appear on a site that strangers can reach."""
    production = settings.SETTINGS_MODULE.endswith(".prod")
    if production and demo.people.password() == demo.people.KNOWN_PASSWORD:
        raise CommandError(
            "Everybody knows the demo's password. Set OPSPORTAL_DEMO_PASSWORD first, or load only "
            "the surfaces with --preset-only."
        )


def _instant(text: str | None) -> datetime:
    if not text:
        return clock.now()
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text} is not a time such as 2026-10-25T00:30:00+00:00.") from error
    if instant.tzinfo is None:
        raise CommandError(f"{text} has no offset: add Z or +00:00.")
    return instant
