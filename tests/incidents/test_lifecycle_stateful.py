"""Incidents driven at random beside a small model of what the book says: they never disagree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apps.accounts.models import Person
from apps.core import audit
from apps.core.errors import Conflict, DomainError, IllegalTransition, Invalid, NotAllowed
from apps.incidents import services
from apps.incidents.metrics import MILESTONES, Milestones, disorder
from apps.incidents.models import Incident, Merge, SeveritySpan, TimelineEntry
from apps.incidents.services.severity import begin_span
from tests import builders as build
from tests.world import START

DAY = timedelta(days=1)
STATES = [str(state) for state in Incident.Status.values]
STANDING = {"triage", "investigating", "identified", "mitigated"}
LEADS: dict[str, str] = {  # the first letters of where each state leads, written down again
    "triage": "inv res dec", "investigating": "ide mit res", "identified": "mit res",
    "mitigated": "res inv", "resolved": "in_ clo inv tri", "in_review": "clo inv",
    "closed": "inv", "declined": "tri", "merged": "",
}  # fmt: skip
SAID = {
    "note": "Because.", "impact_summary": "Nine late.", "mitigation_note": "Rolled back.",
    "public_silence": "Nobody saw it.",
}  # fmt: skip


@dataclass
class Modelled:
    """All that decides what may happen to one incident."""

    state: str
    declared: bool
    impact: bool = False
    silence: bool = False
    mitigation: bool = False
    closed_at: datetime | None = None
    into: int | None = None
    merged_at: datetime | None = None
    was: str = ""

    def verdict(
        self, to: str, said: frozenset[str], is_manager: bool, now: datetime
    ) -> type[DomainError] | None:
        """What the step is answered with; None when it is taken."""
        if not any(to.startswith(one) for one in LEADS[self.state].split()) or to == "merged":
            return IllegalTransition
        if to == "triage" and self.declared:
            return IllegalTransition
        if self.state == "closed":
            assert self.closed_at is not None
            if now - self.closed_at > 14 * DAY:
                return Conflict
            if not is_manager:
                return NotAllowed
        return Invalid if self._asks(to, said) else None

    def _asks(self, to: str, said: frozenset[str]) -> bool:
        """Whether something is left to be said; every incident here has a surface and somebody
        who declares it, and is noticed by an alert."""
        note = "note" in said
        if to in {"triage", "declined"} or (to == "investigating" and self.state not in STANDING):
            return not note
        if to == "mitigated":
            return not (note or self.mitigation or "mitigation_note" in said)
        if to == "resolved":
            impact = self.impact or "impact_summary" in said
            return not (impact and (self.silence or "public_silence" in said))
        return False

    def go(self, to: str, said: frozenset[str], now: datetime) -> None:
        self.impact |= "impact_summary" in said
        self.silence |= "public_silence" in said
        self.mitigation |= "mitigation_note" in said or (to == "mitigated" and "note" in said)
        self.declared |= to == "investigating"
        self.closed_at = now if to == "closed" else None
        self.state = to


class Life(RuleBasedStateMachine):
    """Up to three incidents, two people, and a clock that only goes forward."""

    @initialize()
    def begin(self) -> None:
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.now = START
        self.models: dict[int, Modelled] = {}
        self.lines = 0
        self.maya = build.person("Maya Lind", "manager")
        self.ravi = build.person("Ravi Rao", "responder")
        self.surface = build.surface("inspect.api", now=START)

    def teardown(self) -> None:
        if hasattr(self, "atomic"):
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    def _pick(self, number: int) -> Incident:
        return Incident.objects.get(pk=sorted(self.models)[number % len(self.models)])

    def _does(self, act: Any, wanted: type[DomainError] | None) -> bool:
        """Whether it was done; it must be answered as the model says."""
        try:
            act()
        except DomainError as error:
            assert wanted is not None, error.message
            assert isinstance(error, wanted) and error.message.endswith("."), (error, wanted)
            return False
        assert wanted is None, wanted
        return True

    @precondition(lambda self: len(self.models) < 3)
    @rule(by_alert=st.booleans())
    def opens(self, by_alert: bool) -> None:
        if by_alert:
            made = Incident.objects.create(
                title="x", surface=self.surface, detected_at=self.now, detection_source="alert"
            )
            begin_span(made, reason="alert", actor=audit.SYSTEM, now=self.now)
        else:
            made = build.incident(surface=self.surface, by=self.ravi, now=self.now)
        self.models[made.pk] = Modelled("triage" if by_alert else "investigating", not by_alert)

    @rule(hours=st.sampled_from([0.1, 1, 23, 30, 24 * 15]))
    def time_goes_by(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.models)
    @rule(
        number=st.integers(0, 2),
        to=st.sampled_from(STATES),
        said=st.frozensets(st.sampled_from(sorted(SAID))),
        manager=st.booleans(),
    )
    def steps_anywhere(self, number: int, to: str, said: frozenset[str], manager: bool) -> None:
        self._step(self._pick(number), to, said, manager)

    @precondition(lambda self: self.models)
    @rule(
        number=st.integers(0, 2),
        way=st.lists(st.integers(0, 3), min_size=1, max_size=4),
        said=st.frozensets(st.sampled_from(sorted(SAID))),
    )
    def goes_on(self, number: int, way: list[int], said: frozenset[str]) -> None:
        """A few steps that there are, with all that they ask for, by a manager; the last by
        whoever responds, who says some of it."""
        incident = self._pick(number)
        for turn, choice in enumerate(way):
            near = LEADS[self.models[incident.pk].state].split() or ["merged"]
            to = next(one for one in STATES if one.startswith(near[choice % len(near)]))
            last = turn + 1 == len(way)
            self._step(incident, to, said if last else frozenset(SAID), not last)

    def _step(self, incident: Incident, to: str, said: frozenset[str], manager: bool) -> None:
        model, person = self.models[incident.pk], self.maya if manager else self.ravi
        wanted = model.verdict(to, said, manager, self.now)
        words = {name: SAID[name] for name in said}

        def act() -> None:
            services.transition(
                incident=incident, to=to, actor=audit.person(person), now=self.now, **words
            )

        if self._does(act, wanted):
            model.go(to, said, self.now)

    @precondition(lambda self: self.models)
    @rule(number=st.integers(0, 2), forward=st.integers(0, 2))
    def merges(self, number: int, forward: int) -> None:
        child, into = self._pick(number), self._pick(number + forward)
        mine, theirs = self.models[child.pk], self.models[into.pk]
        fits = mine.state in STANDING and theirs.state in STANDING
        wanted = Invalid if child.pk == into.pk else None if fits else Conflict

        def act() -> None:
            actor = audit.person(self.ravi)
            services.merge(child=child, into=into, actor=actor, now=self.now)

        if self._does(act, wanted):
            mine.was, mine.state = mine.state, "merged"
            mine.into, mine.merged_at = into.pk, self.now

    @precondition(lambda self: self.models)
    @rule(number=st.integers(0, 2))
    def undoes(self, number: int) -> None:
        child = self._pick(number)
        model = self.models[child.pk]
        on_time = model.merged_at is not None and self.now - model.merged_at <= DAY
        stands = model.into is not None and self.models[model.into].state != "merged"
        wanted = None if on_time and stands else Conflict

        def act() -> None:
            services.undo_merge(child=child, actor=audit.person(self.ravi), now=self.now)

        if self._does(act, wanted):
            model.state, model.into, model.merged_at = model.was, None, None

    @invariant()
    def rows_are_what_the_model_says(self) -> None:
        for incident in Incident.objects.filter(pk__in=getattr(self, "models", {})):
            model = self.models[incident.pk]
            assert (incident.status, incident.merged_into_id) == (model.state, model.into)
            assert (incident.declared_at is not None) == model.declared
            over = model.state in {"resolved", "in_review", "closed"}
            assert (incident.resolved_at is not None) == over
            assert (incident.closed_at is not None) == (model.state == "closed")
            values = {name: getattr(incident, name) for name in MILESTONES}
            assert disorder(Milestones.of(values)) is None
            counting = SeveritySpan.objects.filter(incident=incident, to_at=None).count()
            assert counting == (model.state in STANDING)
            merges = Merge.objects.filter(child=incident, undone_at=None).count()
            assert merges == (model.state == "merged")
            if model.declared:
                assert isinstance(incident.commander, Person)

    @invariant()
    def the_timeline_only_grows(self) -> None:
        if hasattr(self, "lines"):
            now = TimelineEntry.objects.filter(incident__in=self.models).count()
            assert now >= self.lines
            self.lines = now


@pytest.mark.django_db
def test_whatever_people_do_the_rows_are_what_the_model_says() -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=40, stateful_step_count=30, deadline=None, database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip
