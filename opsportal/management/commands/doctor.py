"""`manage.py doctor`: looks at everything around the product and says how to mend what is wrong."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from opsportal import doctor


class Command(BaseCommand):
    help = (
        "Checks database, mail, address, clock, worker, people and disk; each line says ok, "
        "warning or error, and how to mend it. Changes nothing. Exits with 1 on errors."
    )
    requires_system_checks: list[str] = []  # it must run when things are broken

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print a list of findings as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        found = doctor.examine()
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in found], indent=2))
        else:
            self._print(found)
        if any(finding.level == "error" for finding in found):
            sys.exit(1)

    def _print(self, found: list[doctor.Finding]) -> None:
        styles = {
            "ok": self.style.SUCCESS,
            "warning": self.style.WARNING,
            "error": self.style.ERROR,
        }
        for finding in found:
            level = styles[finding.level](f"{finding.level:<8}")
            self.stdout.write(f"{level} {finding.area}: {finding.text}")
            if finding.mend:
                self.stdout.write(f"{'':<8} → {finding.mend}")
        counts = Counter(finding.level for finding in found)
        said = [
            f"{counts[level]} {level}{'' if counts[level] == 1 else 's'}"
            for level in ("error", "warning")
        ]
        self.stdout.write(f"\n{', '.join(said)}")
