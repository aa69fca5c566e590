"""`manage.py integration create …`: prints JSON with `id`, `url`, `key`."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import services as accounts
from apps.accounts.roles import Scope
from apps.core import clock
from apps.core.errors import DomainError
from apps.intake import services as intake
from apps.notifications.services import absolute
from apps.ownership.models import Surface

KINDS = ["pagerduty", "alertmanager", "gcp", "github", "mail", "native"]


class Command(BaseCommand):
    help = (
        "Creates an integration and prints JSON with its id, the address to post to, and its key. "
        "The token in a hook's address is the credential; a secret is checked where the vendor "
        "signs (GitHub)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        sub = parser.add_subparsers(dest="verb", required=True)
        create = sub.add_parser("create", help="create an integration; prints JSON")
        create.add_argument("--kind", required=True, choices=KINDS)
        create.add_argument("--surface", metavar="KEY", help="where its events go")
        create.add_argument("--secret", metavar="S", default="", help="GitHub's webhook secret")
        create.add_argument("--name", default="")
        create.add_argument("--rate", type=int, metavar="R", help="events a second")

    def handle(self, *args: Any, **options: Any) -> None:
        surface = None
        if options["surface"]:
            surface = Surface.objects.current().filter(key=options["surface"]).first()
            if surface is None:
                raise CommandError(f"There is no surface {options['surface']}.")
        try:
            answer = self._create(options, surface)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(json.dumps(answer))

    def _create(self, options: dict[str, Any], surface: Surface | None) -> dict[str, str]:
        now = clock.now()
        if options["kind"] == "native":
            if options["secret"]:
                raise CommandError("Native events are not signed; their API key is the secret.")
            name = options["name"] or f"Native events{f' for {surface.key}' if surface else ''}"
            key = accounts.create_key(
                name=name, scopes=[Scope.EVENTS_WRITE], rate=options["rate"], now=now
            )
            row = intake.native_integration(api_key=key.row, surface=surface, now=now)
            return {"id": str(row.pk), "url": absolute("/api/v1/events"), "key": key.text}
        new = intake.create_integration(
            kind=options["kind"],
            name=options["name"],
            surface=surface,
            secret=options["secret"],
            rate=options["rate"],
            now=now,
        )
        return {"id": str(new.row.pk), "url": absolute(new.path), "key": new.token}
