"""A source of evidence that tests can wire; it is taken out again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from apps.core import providers
from apps.followups.ports import Checked, EvidenceSource


@dataclass
class Runs:
    """Runs of runbooks by reference: RUN-7 shows what it claims, RUN-8 was abandoned."""

    types: frozenset[str] = frozenset({"execution"})
    known: dict[str, Checked] = field(default_factory=dict)

    def check(self, *, type: str, ref: str) -> Checked | None:
        return self.known.get(ref)


@pytest.fixture
def provided() -> Iterator[Runs]:
    runs = Runs()
    runs.known["RUN-7"] = Checked("RUN-7 Snowflake time-outs", "/runbooks/runs/RUN-7/")
    runs.known["RUN-8"] = Checked("RUN-8", "/runbooks/runs/RUN-8/", "RUN-8 was abandoned.")
    wired = providers.ask(EvidenceSource)
    providers._providers[EvidenceSource] = [runs]
    yield runs
    providers._providers[EvidenceSource] = wired
