"""`manage.py apikey create …`: prints only the key, so that a script can take it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import services as accounts
from apps.accounts.models import Team
from apps.accounts.roles import Scope
from apps.core import clock
from apps.core.errors import DomainError
from apps.intake import services as intake
from apps.ownership.models import Surface


class Command(BaseCommand):
    help = "Creates an API key and prints it, once. Scopes: " + ", ".join(Scope.values)

    def add_arguments(self, parser: CommandParser) -> None:
        sub = parser.add_subparsers(dest="verb", required=True)
        create = sub.add_parser("create", help="create a key; prints only the key")
        create.add_argument("--name", required=True, help="what the key is for")
        create.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=Scope.values,
            help="what the key may do; repeat it for more: "
            + "; ".join(f"{scope.value}: {scope.label.lower()}" for scope in Scope),
        )
        create.add_argument("--team", metavar="KEY", help="bind the key to a team")
        create.add_argument("--rate", type=int, metavar="R", help="events a second")
        create.add_argument("--surface", metavar="KEY", help="where its events go by default")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        team = surface = None
        if options["team"]:
            team = Team.objects.filter(key=options["team"]).first()
            if team is None:
                raise CommandError(f"There is no team {options['team']}.")
        if options["surface"]:
            surface = Surface.objects.current().filter(key=options["surface"]).first()
            if surface is None:
                raise CommandError(f"There is no surface {options['surface']}.")
        try:
            key = accounts.create_key(
                name=options["name"],
                scopes=options["scope"],
                team=team,
                rate=options["rate"],
                now=now,
            )
            if {Scope.EVENTS_WRITE, Scope.ADMIN} & set(options["scope"]):
                intake.native_integration(api_key=key.row, surface=surface, now=now)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(key.text)
