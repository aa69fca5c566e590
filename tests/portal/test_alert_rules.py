"""Pages of rules: what each says now, drafting one by its kind, trying it, on and off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.alerts import services
from apps.alerts.models import AlertRule, Firing, RuleGroup
from apps.alerts.rules.params import KINDS
from apps.core import audit
from apps.intake import services as intake
from apps.ownership.models import Surface
from apps.runbooks import services as runbooks
from apps.runbooks.models import Runbook
from apps.support.services import links
from tests import builders as build
from tests.builders import telemetry as tel
from tests.conftest import Cast
from tests.portal.kit import queries, sign_in, text_of
from tests.world import World

LIST = "/rules/"


# -- pages


@pytest.fixture(autouse=True)
def _now(request: pytest.FixtureRequest) -> None:
    if "world" in request.fixturenames:
        request.getfixturevalue("world").at("2026-09-07 06:30")


def rule(world: World, key: str = "snowflake-fails", **more: Any) -> AlertRule:
    wanted: dict[str, Any] = {
        "key": key, "name": f"Rule {key}", "kind": "rate",
        "params": {"facet": "snowflake", "threshold": 0.1}, "actor": audit.SYSTEM,
        "now": world.now, **more,
    }  # fmt: skip
    return services.create_rule(**wanted)


def ready(world: World, cast: Cast, **more: Any) -> AlertRule:
    """A rule that can be switched on."""
    return rule(world, owner=cast.ravi, runbook=book(cast, world), **more)


def book(cast: Cast, world: World) -> Runbook:
    return Runbook.objects.first() or runbooks.create(
        key="rb-snowflake", title="Snowflake fails", owner=cast.ravi, backup=cast.bea,
        actor=audit.person(cast.bea), now=world.now,
    )  # fmt: skip


def on(world: World, cast: Cast, **more: Any) -> AlertRule:
    made = ready(world, cast, **more)
    return services.switch_on(rule=made, actor=audit.person(cast.maya), now=world.now)


def said(rule: AlertRule, world: World, state: str, look: str, group: str = "") -> RuleGroup:
    """What a look left behind."""
    return RuleGroup.objects.create(
        rule=rule, group=group, state=state, look=look, since=world.now, looked_at=world.now,
        text="11 of 19 failed, 57.9%.", value=0.579, limit=0.1, n=19,
    )  # fmt: skip


def given(**more: str) -> dict[str, str]:
    return {
        "name": "Snowflake runs fail", "severity": "error", "every_seconds": "1 min",
        "for_seconds": "0", "keep_firing_seconds": "15 min", "source": "profile_runs",
        "facet": "snowflake", "group_by": "", "window": "1 h", "threshold": "10", "min_n": "10",
        "confidence": "", **more,
    }  # fmt: skip


def test_the_list_says_what_needs_somebody_first_and_what_never_fired(
    world: World, cast: Cast
) -> None:
    calm = on(world, cast, key="a-calm", now=world.now - timedelta(days=40))
    said(calm, world, "ok", "ok")
    blind = on(world, cast, key="b-blind")
    said(blind, world, "ok", "no_data")
    loud = on(world, cast, key="c-loud")
    said(loud, world, "firing", "firing", "x")
    said(loud, world, "ok", "ok", "y")
    broken = on(world, cast, key="d-broken")
    AlertRule.objects.filter(pk=broken.pk).update(error="No such metric.")
    rule(world, key="e-draft")
    text = text_of(sign_in(cast.olu).get(LIST))
    order = [text.index(f"Rule {key}") for key in ("d-broken", "c-loud", "a-calm", "b-blind")]
    assert order == sorted(order)
    assert "No data" in text and "No such metric." in text and "Draft" in text
    assert "More than 10.0% of profile runs on snowflake in 1 h failed" in text
    assert "never fired" in text

    def names(view: str) -> list[str]:
        return [
            row.rule.key for row in sign_in(cast.olu).get(f"{LIST}?view={view}").context["rows"]
        ]

    assert names("firing") == ["c-loud"] and names("draft") == ["e-draft"]
    assert names("never") == ["a-calm"] and len(names("on")) == 4 and names("off") == []


def test_the_list_costs_the_same_for_more_rules(world: World, cast: Cast) -> None:
    client = sign_in(cast.olu)
    first = on(world, cast, key="r0")
    said(first, world, "ok", "ok")
    client.get(LIST)
    few = queries(client, LIST)
    for number in range(1, 8):
        said(on(world, cast, key=f"r{number}"), world, "firing", "firing")
    assert queries(client, LIST) == few


def test_an_empty_list_teaches_and_offers_the_starter_rules(world: World, cast: Cast) -> None:
    assert "Add the starter rules" in text_of(sign_in(cast.maya).get(LIST))
    assert "Add the starter rules" not in text_of(sign_in(cast.ravi).get(LIST))
    answer = sign_in(cast.maya).post(f"{LIST}starter/", follow=True)
    assert "Each needs an owner and a runbook" in text_of(answer)
    assert AlertRule.objects.filter(status="draft").count() >= 4
    assert not AlertRule.objects.exclude(status="draft").exists()
    again = sign_in(cast.maya).post(f"{LIST}starter/", follow=True)
    assert "The starter rules are all here already." in text_of(again)


def test_a_rule_says_what_it_sees_what_the_look_means_and_when_it_fired(
    world: World, cast: Cast
) -> None:
    made = on(world, cast)
    said(made, world, "firing", "firing", "snowflake")
    said(made, world, "ok", "insufficient_data", "bigquery")
    Firing.objects.create(
        rule=made, group="snowflake", fired_at=world.now - timedelta(hours=2), text="It was bad.",
        resolved_at=world.now - timedelta(hours=1),
    )  # fmt: skip
    source = intake.internal_integration(now=world.now)
    alert = build.alert(
        source, dedup_key="rule:snowflake-fails:snowflake", severity="info", now=world.now
    )
    page = sign_in(cast.olu).get(f"{LIST}{made.key}/")
    text = text_of(page)
    assert "11 of 19 failed, 57.9%." in text and "Not enough data" in text
    assert "Fewer than it needs: neither good nor bad is said." in page.content.decode()
    assert "It was bad." in text and "Ravi Rao" in text and "1 in 28 days" in text
    assert f'href="/alerts/{alert.pk}/"' in page.content.decode()
    assert "Your role does not include this." in text


def test_a_draft_without_owner_and_runbook_says_what_it_lacks(world: World, cast: Cast) -> None:
    made = rule(world)
    client = sign_in(cast.maya)
    text = text_of(client.get(f"{LIST}{made.key}/"))
    assert "It has no owner who is here. It has no runbook." in text
    answer = client.post(f"{LIST}{made.key}/on/", follow=True)
    assert "Name who looks after this rule." in text_of(answer)
    made.refresh_from_db()
    assert made.status == "draft"


def test_it_is_switched_on_and_off_again_with_a_reason(world: World, cast: Cast) -> None:
    made, client = ready(world, cast), sign_in(cast.maya)
    text = text_of(client.post(f"{LIST}{made.key}/on/", follow=True))
    assert "The rule is on." in text and "Maya Lind switched it on" in text
    missing = client.post(f"{LIST}{made.key}/off/", {"reason": ""})
    assert missing.status_code == 400 and "Why: This is missing." in text_of(missing)
    text = text_of(client.post(f"{LIST}{made.key}/off/", {"reason": "Too loud"}, follow=True))
    assert "The rule is off." in text and "switched it off: Too loud" in text
    assert "It is on" not in text
    answer = client.post(f"{LIST}{made.key}/archive/", follow=True)
    assert "Archived" in text_of(answer)
    assert "Rule snowflake-fails" not in text_of(client.get(LIST))


def test_a_silence_of_a_rule_is_named_on_its_page_and_in_the_list(world: World, cast: Cast) -> None:
    made = on(world, cast)
    services.create_silence(
        reason="Known", rule=made, ends_at=world.now + timedelta(hours=1),
        actor=audit.person(cast.ravi), now=world.now,
    )  # fmt: skip
    client = sign_in(cast.olu)
    assert "Silenced." in text_of(client.get(LIST))
    assert "Its alerts page nobody until" in text_of(client.get(f"{LIST}{made.key}/"))
    assert (
        f'value="{made.key}" selected'
        in sign_in(cast.ravi).get(f"/silences/new/?rule={made.key}").content.decode()
    )


# -- drafting


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_a_form_that_keeps_its_defaults(world: World, cast: Cast, kind: str) -> None:
    client = sign_in(cast.maya)
    page = client.get(f"{LIST}new/{kind}/")
    form = page.context["form"]
    assert KINDS[kind].about in text_of(page)
    assert form.condition == [param.name for param in KINDS[kind].params]
    sent = {
        bound.html_name: bound.value() if bound.value() is not None else ""
        for bound in form
        if bound.name not in {"slo", "name"}
    }
    sent |= {"name": "A rule", **_needed(kind, world)}
    answer = client.post(f"{LIST}new/{kind}/", sent)
    assert answer.status_code == 302, text_of(answer)
    made = AlertRule.objects.get()
    assert (made.key, made.kind, made.status) == ("a-rule", kind, "draft")
    text = text_of(client.get(answer.url))
    assert "not valid" not in text and "A rule" in text


def _needed(kind: str, world: World) -> dict[str, str]:
    """What a kind has no default for."""
    match kind:
        case "threshold":
            return {"metric": "mcp.latency"}
        case "age":
            return {"max_business_days": "5"}
        case "burn_rate":
            return {"slo": str(_slo(world))}
    return {}


def _slo(world: World) -> int:
    from apps.telemetry.models import Slo

    return Slo.objects.create(
        key="runs", name="Runs succeed", sli="profile_runs", objective="0.99",
        created_at=world.now,
    ).pk  # fmt: skip


def test_a_draft_is_kept_with_its_lengths_and_shares(world: World, cast: Cast) -> None:
    build.surface()
    answer = sign_in(cast.maya).post(
        f"{LIST}new/rate/",
        given(window="6 h", threshold="12.5 %", confidence="99", surface="inspect.profiler",
              for_seconds="5 min", owner=str(cast.ravi.pk)),
    )  # fmt: skip
    made = AlertRule.objects.get()
    assert answer.url == f"{LIST}snowflake-runs-fail/"
    assert (made.params["window"], made.params["threshold"], made.params["confidence"]) == (
        21_600, 0.125, 0.99,
    )  # fmt: skip
    assert (made.for_seconds, made.keep_firing_seconds, made.owner) == (300, 900, cast.ravi)
    assert made.surface is not None and made.created_by == cast.maya


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": ""}, "Name: This is missing."),
        ({"window": "soon"}, "Write a length as in"),
        ({"window": "99 d"}, "At most"),
        ({"threshold": "lots"}, "Write percent"),
        ({"threshold": "101"}, "Percent lie between"),
        ({"min_n": "0"}, "greater than or equal to 1"),
        ({"key": "No Spaces!"}, "Small letters, digits and dashes"),
        ({"surface": "nowhere"}, "There is no surface nowhere"),
        ({"every_seconds": "1 s"}, "looks at least once a day"),
        ({"severity": "awful"}, "Select a valid choice"),
        ({"source": "report_runs", "group_by": "source"}, "Reports name no source"),
    ],
)
def test_a_form_that_is_wrong_says_so_at_its_field_and_keeps_nothing(
    world: World, cast: Cast, changed: dict[str, str], said: str
) -> None:
    answer = sign_in(cast.maya).post(f"{LIST}new/rate/", given(**changed))
    assert answer.status_code == 400
    assert said in text_of(answer)
    assert not AlertRule.objects.exists()


def test_it_is_tried_on_what_is_there_before_it_is_kept(world: World, cast: Cast) -> None:
    text = text_of(sign_in(cast.maya).post(f"{LIST}new/rate/", given(do="look")))
    assert "It would say now" in text and "More than 10.0% of profile runs on snowflake" in text
    assert not AlertRule.objects.exists()
    wrong = sign_in(cast.maya).post(
        f"{LIST}new/burn_rate/", given(do="look", min_total="20", min_bad="3", windows="auto")
    )
    assert "Choose the SLO whose budget it watches." in text_of(wrong)


def test_a_rule_is_changed_and_its_form_begins_with_what_it_is(world: World, cast: Cast) -> None:
    made, client = rule(world), sign_in(cast.maya)
    page = client.get(f"{LIST}{made.key}/edit/").content.decode()
    assert 'value="10 %"' in page and 'value="1 h"' in page and 'name="key"' not in page
    client.post(f"{LIST}{made.key}/edit/", given(name="Other", threshold="20"))
    made.refresh_from_db()
    assert (made.name, made.params["threshold"], made.key) == ("Other", 0.2, "snowflake-fails")


def test_who_is_no_manager_changes_nothing(world: World, cast: Cast) -> None:
    made, client = ready(world, cast), sign_in(cast.ravi)
    assert client.get(f"{LIST}new/").status_code == 403
    assert client.get(f"{LIST}new/rate/").status_code == 403
    assert client.get(f"{LIST}{made.key}/edit/").status_code == 403
    for act in ("on", "off", "archive"):
        assert client.post(f"{LIST}{made.key}/{act}/", {"reason": "x"}).status_code == 403
    assert client.post(f"{LIST}starter/").status_code == 403
    assert client.get(f"{LIST}nothing/").status_code == 404
    assert sign_in(cast.maya).get(f"{LIST}new/nothing/").status_code == 404


# -- replay


def test_the_replay_page_comes_at_once_and_its_result_after_it(world: World, cast: Cast) -> None:
    made, client = rule(world), sign_in(cast.olu)
    address = f"{LIST}{made.key}/replay/"
    shell = client.get(address).content.decode()
    assert "hx-get" in shell and "?days=28&amp;run=1" in shell
    text = text_of(client.get(f"{address}?days=7", headers={"HX-Request": "true"}))
    assert "In the last 7 days it never had enough to judge by, so it could not fire." in text
    assert "100 % of its looks" in text  # nothing was there to judge by, and that is said
    assert "Nothing happened in these days" in text_of(client.get(f"{address}?run=1"))


def _night(world: World, surface: Surface) -> None:
    """Two days of runs; yesterday from 02:00 to 04:00 every second one failed."""
    tel.codes()
    source = build.native(surface=surface)
    bad = (world.now - timedelta(hours=28, minutes=30), world.now - timedelta(hours=26, minutes=30))
    made = []
    for minutes in range(0, 48 * 60, 5):
        at = world.now - timedelta(minutes=minutes)
        fails = bad[0] <= at < bad[1] and minutes % 10 == 0
        made.append(tel.run(at, "failed" if fails else "succeeded"))
    tel.keep(source, made, now=world.now)


def test_a_replay_says_how_often_it_would_have_fired_and_how_much_earlier_than_the_customer(
    world: World, cast: Cast
) -> None:
    surface = build.surface(now=world.now)
    _night(world, surface)
    noticed = world.now - timedelta(hours=26)
    incident = build.incident(title="Profiles fail", surface=surface, now=noticed)
    ticket = build.ticket(now=noticed - timedelta(minutes=5))
    links.link(
        ticket=ticket,
        kind="incident",
        ref=incident.ref,
        relation="related",
        actor=audit.SYSTEM,
        now=world.now,
    )
    made = rule(world, surface=surface, params={"threshold": 0.1, "window": 3600})
    world.forget()
    answer = sign_in(cast.olu).get(f"{LIST}{made.key}/replay/?days=7&run=1")
    shown = answer.context["shown"]
    assert len(shown.replay.firings) == 1 and shown.replay.pages == 1
    (fired,) = shown.replay.firings
    (compared,) = shown.compared
    assert (compared.moment.ref, compared.moment.who) == (incident.ref, "the customer")
    early = int((noticed - timedelta(minutes=5) - fired.fired_at).total_seconds() // 60)
    assert compared.minutes == early > 60
    text = text_of(answer)
    assert "In the last 7 days it would have fired once, for" in text
    assert f"earlier than the customer in {incident.ref}." in text
    assert shown.plot is not None and shown.plot.bands and shown.plot.value
    services.change_rule(rule=made, fields={"surface": None}, actor=audit.SYSTEM, now=world.now)
    text = text_of(sign_in(cast.olu).get(f"{LIST}{made.key}/replay/?days=7&run=1"))
    assert "and paged once. " in text and "nothing says which belong to it" in text


def test_a_kind_without_history_says_what_to_do_instead(world: World, cast: Cast) -> None:
    made = rule(world, kind="age", params={"max_business_days": 5})
    text = text_of(sign_in(cast.olu).get(f"{LIST}{made.key}/replay/?run=1"))
    assert "try it on what is open now" in text
