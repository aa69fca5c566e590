"""`manage.py integration create …`: prints JSON with `id`, `url`, `key`."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import services as accounts
from apps.accounts.models import Person
from apps.accounts.roles import Scope
from apps.core import clock
from apps.core.errors import DomainError
from apps.intake import services as intake
from apps.notifications.services import absolute
from apps.ownership.models import Surface

KINDS = sorted(str(kind) for kind in (*intake.HOOKS, *intake.KEYED, "native"))
SIGNS = ", ".join(sorted(str(kind) for kind in intake.SIGNED))


class Command(BaseCommand):
    help = (
        "Creates an integration and prints JSON with its id, the address to post to, and its key. "
        "The token in a hook's address is the credential; a secret is checked where the vendor "
        f"signs ({SIGNS})."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        sub = parser.add_subparsers(dest="verb", required=True)
        create = sub.add_parser("create", help="create an integration; prints JSON")
        create.add_argument("--kind", required=True, choices=KINDS)
        create.add_argument("--surface", metavar="KEY", help="where its events go")
        create.add_argument("--secret", metavar="S", default="", help=f"of {SIGNS}: what signs")
        create.add_argument("--owner", metavar="EMAIL", help="told when a delivery is unreadable")
        create.add_argument("--name", default="")
        create.add_argument("--rate", type=int, metavar="R", help="events a second")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            answer = self._create(options, _surface(options["surface"]), _owner(options["owner"]))
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(json.dumps(answer))

    def _create(
        self, options: dict[str, Any], surface: Surface | None, owner: Person | None
    ) -> dict[str, str]:
        now = clock.now()
        if options["kind"] == "native":
            return self._create_native(options, surface, owner, now)
        new = intake.create_integration(
            kind=options["kind"],
            name=options["name"],
            surface=surface,
            secret=options["secret"],
            rate=options["rate"],
            owner=owner,
            now=now,
        )
        return {"id": str(new.row.pk), "url": absolute(new.path), "key": new.token}

    def _create_native(
        self,
        options: dict[str, Any],
        surface: Surface | None,
        owner: Person | None,
        now: datetime,
    ) -> dict[str, str]:
        if options["secret"]:
            raise CommandError("Native events are not signed; their API key is the secret.")
        name = options["name"] or f"Native events{f' for {surface.key}' if surface else ''}"
        key = accounts.create_key(
            name=name, scopes=[Scope.EVENTS_WRITE], rate=options["rate"], now=now
        )
        row = intake.native_integration(api_key=key.row, surface=surface, now=now)
        if owner is not None:
            intake.set_owner(integration=row, owner=owner)
        return {"id": str(row.pk), "url": absolute("/api/v1/events"), "key": key.text}


def _surface(key: str | None) -> Surface | None:
    if not key:
        return None
    found = Surface.objects.current().filter(key=key).first()
    if found is None:
        raise CommandError(f"There is no surface {key}.")
    return found


def _owner(email: str | None) -> Person | None:
    if not email:
        return None
    found = Person.objects.active().filter(email__iexact=email).first()
    if found is None:
        raise CommandError(f"There is nobody here with the address {email}.")
    return found
