"""Rules as people make them."""

from __future__ import annotations

from typing import Any

import pytest

from apps.alerts import services
from apps.alerts.models import AlertRule
from apps.core import audit
from apps.core.errors import Conflict, IllegalTransition, Invalid
from apps.core.models import StatusChange
from apps.telemetry.models import Slo
from tests.alerts.rulekit import NOON, rule, runbook
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


def draft(**fields: Any) -> AlertRule:
    values: dict[str, Any] = {"key": "failures", "name": "Runs fail", "kind": "rate", "params": {}}
    return services.create_rule(**{**values, **fields}, actor=audit.SYSTEM, now=NOON)


def slo(**fields: Any) -> Slo:
    values: dict[str, Any] = {"key": "runs", "name": "Runs", "sli": "profile_runs"}
    return Slo.objects.create(**{**values, "objective": "0.9", "created_at": NOON, **fields})


def test_a_new_rule_is_a_draft_with_whole_parameters() -> None:
    made = draft(name="  Runs\n fail ", params={"threshold": "0.2"})
    assert (made.status, made.name, made.params["threshold"]) == ("draft", "Runs fail", 0.2)
    assert made.params["min_n"] == 10


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"key": "Über uns"}, "key"),
        ({"key": "a" * 61}, "key"),
        ({"name": " "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"description": "x" * 501}, "description"),
        ({"severity": "grave"}, "severity"),
        ({"every_seconds": 59}, "every_seconds"),
        ({"for_seconds": -1}, "for_seconds"),
        ({"keep_firing_seconds": True}, "keep_firing_seconds"),
        ({"tier": 100}, "tier"),
        ({"kind": "guess"}, "kind"),
        ({"params": {"window": 1}}, "window"),
        ({"kind": "burn_rate"}, "slo"),
    ],
)
def test_what_is_no_rule_is_refused_by_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        draft(**fields)
    assert list(refused.value.fields) == [field]
    assert not AlertRule.objects.exists()


def test_a_key_is_given_once() -> None:
    draft()
    with pytest.raises(Invalid, match="already") as refused:
        draft()
    assert "key" in refused.value.fields


def test_only_a_rule_about_a_budget_has_an_objective_and_one_that_burns() -> None:
    with pytest.raises(Invalid, match="Only a rule about a budget"):
        draft(slo=slo())
    fresh = slo(key="fresh", sli="freshness")
    with pytest.raises(Invalid, match="once a day"):
        draft(kind="burn_rate", slo=fresh)
    with pytest.raises(Invalid, match="never be reached") as refused:
        windows = [{"long": 3600, "short": 300, "burn": 14.4}]
        draft(kind="burn_rate", slo=Slo.objects.get(key="runs"), params={"windows": windows})
    assert "windows" in refused.value.fields


def test_on_needs_an_owner_who_is_here_and_a_runbook(cast: Cast) -> None:
    made = draft()
    with pytest.raises(Invalid) as refused:
        services.switch_on(rule=made, actor=audit.SYSTEM, now=NOON)
    assert set(refused.value.fields) == {"owner", "runbook"}
    fields = {"owner": cast.maya, "runbook": runbook()}
    services.change_rule(rule=made, fields=fields, actor=audit.SYSTEM, now=NOON)
    on = services.switch_on(rule=made, actor=audit.person(cast.maya), now=NOON)
    assert (on.status, on.next_at) == ("on", NOON)
    assert StatusChange.objects.filter(kind="alerts.alertrule", ref=str(on.pk)).exists()
    with pytest.raises(Invalid, match="has an owner"):
        services.change_rule(rule=on, fields={"owner": None}, actor=audit.SYSTEM, now=NOON)
    with pytest.raises(IllegalTransition):
        services.switch_on(rule=on, actor=audit.SYSTEM, now=NOON)


def test_off_needs_a_reason_and_archiving_needs_off(cast: Cast) -> None:
    made = rule("rate", cast.maya)
    with pytest.raises(Conflict, match="Switch it off first"):
        services.archive_rule(rule=made, actor=audit.SYSTEM, now=NOON)
    with pytest.raises(Invalid) as refused:
        services.switch_off(rule=made, reason=" ", actor=audit.SYSTEM, now=NOON)
    assert "reason" in refused.value.fields
    off = services.switch_off(rule=made, reason="Too loud", actor=audit.SYSTEM, now=NOON)
    assert (off.status, off.next_at) == ("off", None)
    services.archive_rule(rule=off, actor=audit.SYSTEM, now=NOON)
    for act in (services.switch_on, services.change_rule):
        more: dict[str, Any] = {"fields": {}} if act is services.change_rule else {}
        with pytest.raises(Conflict, match="archived"):
            act(rule=off, actor=audit.SYSTEM, now=NOON, **more)


def test_key_and_kind_stay() -> None:
    with pytest.raises(Invalid) as refused:
        services.change_rule(rule=draft(), fields={"kind": "count"}, actor=audit.SYSTEM, now=NOON)
    assert "kind" in refused.value.fields


def test_rules_to_begin_with_are_drafts_of_whoever_asked_and_come_once(cast: Cast) -> None:
    slo()
    made = services.starter_rules(actor=audit.person(cast.maya), now=NOON)
    assert {one.kind for one in made} == set(AlertRule.Kind.values) - {"threshold"}
    assert {one.status for one in made} == {"draft"}
    assert {one.owner for one in made} == {cast.maya}
    assert "budget-runs" in {one.key for one in made}
    AlertRule.objects.filter(key="certificates").delete()
    again = services.starter_rules(actor=audit.person(cast.maya), now=NOON)
    assert [one.key for one in again] == ["certificates"]
