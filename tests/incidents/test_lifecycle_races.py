"""Two at once, with real transactions: the same step twice, a merge from both ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core import audit
from apps.core.errors import Conflict
from apps.core.models import StatusChange
from apps.incidents import services
from apps.incidents.models import Incident, Merge
from tests import builders as build
from tests.races import together
from tests.world import START

pytestmark = pytest.mark.django_db(transaction=True)
LATER = START + timedelta(hours=1)


def test_of_two_who_resolve_at_once_one_does_and_the_other_is_told() -> None:
    ravi, bea = build.person("Ravi Rao", now=START), build.person("Bea Bell", now=START)
    for _ in range(5):
        pk = build.incident(by=ravi, now=START).pk
        copies = [Incident.objects.get(pk=pk) for _ in range(2)]
        errors = together(
            lambda copies=copies: build.step(copies[0], "resolved", by=ravi, now=LATER),
            lambda copies=copies: build.step(copies[1], "resolved", by=bea, now=LATER),
        )
        assert [type(error) for error in errors] == [Conflict]
        assert "changed by somebody else meanwhile: it is resolved" in str(errors[0])
        steps = StatusChange.objects.filter(ref=str(pk), became="resolved")
        assert steps.count() == 1
        assert Incident.objects.get(pk=pk).timeline.filter(what="resolved").count() == 1


def test_two_that_are_merged_into_each_other_at_once_make_no_circle() -> None:
    ravi = build.person("Ravi Rao", now=START)
    actor = audit.person(ravi)
    for _ in range(5):
        one, other = (build.incident(by=ravi, now=START) for _ in range(2))
        errors = together(
            lambda a=one, b=other: services.merge(child=a, into=b, actor=actor, now=LATER),
            lambda a=one, b=other: services.merge(
                child=Incident.objects.get(pk=b.pk), into=Incident.objects.get(pk=a.pk),
                actor=actor, now=LATER,
            ),
        )  # fmt: skip
        assert [type(error) for error in errors] == [Conflict]
        assert "circle" in str(errors[0]) or "already" in str(errors[0])
        states = Incident.objects.filter(pk__in=[one.pk, other.pk]).values_list("status", flat=True)
        assert sorted(states) == ["investigating", "merged"]


def test_an_alert_that_fires_again_and_the_undoing_of_a_merge_wait_for_each_other() -> None:
    ravi = build.person("Ravi Rao", now=START)
    source, actor = build.native(), audit.person(ravi)
    for number in range(5):
        keys = [f"{name}{number}" for name in "ab"]
        for key in keys:
            build.alert(source, severity="critical", dedup_key=key, now=START)
        into, child = Incident.objects.order_by("-pk")[:2][::-1]
        services.merge(child=child, into=into, actor=actor, now=START)
        errors = together(
            lambda one=child: services.undo_merge(child=one, actor=actor, now=LATER),
            lambda key=keys[1]: build.alert(
                source, severity="critical", dedup_key=key, now=LATER
            ),
        )  # fmt: skip
        assert errors == []
        child.refresh_from_db()
        assert child.status == "triage"


def test_a_merge_and_its_undoing_and_a_step_of_the_other_wait_for_each_other() -> None:
    ravi = build.person("Ravi Rao", now=START)
    actor = audit.person(ravi)
    for _ in range(5):
        child, into = (build.incident(by=ravi, now=START) for _ in range(2))
        services.merge(child=child, into=into, actor=actor, now=START)
        copy, target = Incident.objects.get(pk=child.pk), Incident.objects.get(pk=into.pk)
        errors = together(
            lambda one=child: services.undo_merge(child=one, actor=actor, now=LATER),
            lambda one=copy: services.undo_merge(child=one, actor=actor, now=LATER),
            lambda one=target: build.step(one, "resolved", by=ravi, now=LATER),
        )
        assert [type(error) for error in errors] == [Conflict]
        assert Merge.objects.get(child=child).undone_at == LATER
        child.refresh_from_db()
        assert child.status == "investigating"
