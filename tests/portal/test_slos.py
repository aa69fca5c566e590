"""Objectives as pages: how budgets stand in words and lines, set by managers, read by all."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from apps.alerts.models import AlertRule, RuleGroup
from apps.core import audit
from apps.incidents.models import Incident
from apps.portal import slo_plots, slo_words
from apps.portal.plots import FOOT, HEIGHT, TOP
from apps.telemetry.models import Slo
from apps.telemetry.selectors.budgets import Day
from apps.telemetry.selectors.rates import Tally
from apps.telemetry.services import slos as services
from tests import builders as build
from tests.builders import telemetry as given
from tests.conftest import Cast
from tests.portal.kit import queries, sign_in, text_of
from tests.runbooks import kit
from tests.world import World

DAY = timedelta(days=1)


# -- words


@pytest.mark.parametrize(
    ("share", "words"),
    [("0.99", "99 %"), ("0.995", "99.5 %"), ("0.999999", "99.9999 %"), ("0.5", "50 %")],
)
def test_an_objective_reads_as_it_was_set(share: str, words: str) -> None:
    assert slo_words.percent(Decimal(share)) == words


@pytest.mark.parametrize(
    ("share", "objective", "words"),
    [
        (0.98996, "0.99", "98.99 %"),
        (0.99, "0.99", "99 %"),
        (0.9989999, "0.999", "99.89 %"),
        (0.99994, "0.9999", "99.994 %"),
        (1.0, "0.99", "100 %"),
        (0.0, "0.99", "0 %"),
        (None, "0.99", "none"),
    ],
)
def test_what_was_reached_is_never_rounded_up_to_the_objective(
    share: float | None, objective: str, words: str
) -> None:
    assert slo_words.reached(share, Decimal(objective)) == words


@pytest.mark.parametrize(
    ("remaining", "words"),
    [
        (1.0, "100 % left"),
        (0.995, "over 99 % left"),
        (0.38, "38 % left"),
        (0.004, "under 1 % left"),
        (0.0, "all spent"),
        (-0.25, "25 % over"),
        (-40.0, "4,000 % over"),
        (None, "no data"),
    ],
)
def test_what_is_left_is_said_in_words(remaining: float | None, words: str) -> None:
    assert slo_words.left(remaining) == words


@pytest.mark.parametrize(
    ("rate", "words"), [(None, "none"), (0.0, "0.0×"), (2.44, "2.4×"), (1234.5, "1,234×")]
)
def test_a_burn_rate_has_the_digits_that_matter(rate: float | None, words: str) -> None:
    assert slo_words.times(rate) == words


@pytest.mark.parametrize(
    ("per_hour", "words"),
    [
        (42, "About 42 an hour are counted."),
        (3, "About 3 an hour are counted."),
        (0.2, "About 5 a day are counted."),
        (0.01, "Less than one a day is counted."),
        (0, "Nothing came in three days."),
    ],
)
def test_a_volume_is_said_by_the_hour_or_by_the_day(per_hour: float, words: str) -> None:
    assert slo_words.volume(per_hour) == words


# -- the drawing


def _days(*left: float | None) -> list[Day]:
    return [
        Day(given.NOON + number * DAY, Tally(good=9, bad=1), value)
        for number, value in enumerate(left)
    ]


def test_a_budget_goes_down_from_all_to_nothing() -> None:
    plot = slo_plots.burn_down(_days(1.0, 0.5, 0.0))
    even, left = plot.lines
    assert [point.y for point in left.points] == [TOP, (TOP + HEIGHT - FOOT) / 2, HEIGHT - FOOT]
    assert even.points[-1].y == HEIGHT - FOOT
    assert [tick.text for tick in plot.ticks] == ["0 %", "50 %", "100 %"]
    assert left.points[1].title == "8 Sep: 50 % left, 1 bad of 10 that day"


@pytest.mark.parametrize(
    ("worst", "floor"), [(-0.01, "-50 %"), (-0.3, "-50 %"), (-1.2, "-200 %"), (-44.0, "-5,000 %")]
)
def test_what_is_overspent_lies_below_zero_on_the_scale(worst: float, floor: str) -> None:
    plot = slo_plots.burn_down(_days(1.0, worst))
    assert plot.ticks[-1].text == floor
    assert plot.ticks[-1].at == HEIGHT - FOOT
    zero = plot.ticks[0].at
    assert zero < plot.lines[1].points[-1].y <= HEIGHT - FOOT
    assert TOP < zero < HEIGHT - FOOT


def test_one_day_and_days_without_any_event_can_be_drawn() -> None:
    assert len(slo_plots.burn_down(_days(0.4)).lines[1].points) == 1
    assert slo_plots.burn_down(_days(None, None)).lines == []


# -- pages


@pytest.fixture
def maya(cast: Cast, world: World) -> Client:
    world.at("2026-09-07 12:00")
    return sign_in(cast.maya)


def _slo(world: World, key: str = "profiles", **more: Any) -> Slo:
    values: dict[str, Any] = {
        "name": "Profile runs succeed", "sli": "profile_runs", "objective": "0.99", **more,
    }  # fmt: skip
    return services.create_slo(key=key, actor=audit.SYSTEM, now=world.now, **values)


def _runs(world: World, good: int, **more: Any) -> None:
    given.codes()
    given.runs(given.profiler(surface=more.pop("surface", None)), good, at=world.now, **more)


def test_without_an_objective_the_page_says_what_one_is_for(cast: Cast, maya: Client) -> None:
    assert "Begin with one that customers would notice" in text_of(maya.get("/slos/"))
    assert "Managers set them." in text_of(sign_in(cast.ravi).get("/slos/"))
    assert sign_in(cast.olu).get("/slos/new/").status_code == 403
    assert Client().get("/slos/").status_code == 302


def test_the_most_spent_stands_first_and_those_laid_down_apart(
    cast: Cast, world: World, maya: Client
) -> None:
    _runs(world, 97, bad=3)
    _slo(world, "kept", name="Kept", objective="0.9")
    _slo(world, "spent", name="Overspent")
    _slo(world, "empty", name="Without data", facet="oracle")
    gone = _slo(world, "gone", name="Laid down long ago")
    services.change_slo(slo=gone, archived=True, actor=audit.SYSTEM, now=world.now)
    text = text_of(maya.get("/slos/"))
    assert text.index("Overspent") < text.index("Kept") < text.index("Without data")
    assert "Spent: releases stop" in text and "200 % over" in text
    assert "97 % of 100" in text and "3.0×" in text
    assert "Laid down long ago" not in text
    assert "Laid down long ago" in text_of(maya.get("/slos/?view=archived"))


def test_the_list_costs_the_same_however_many_there_are(world: World, maya: Client) -> None:
    _runs(world, 9)
    _slo(world)
    maya.get("/slos/")
    one = queries(maya, "/slos/")
    for number in range(8):
        _slo(world, f"more-{number}")
    assert queries(maya, "/slos/") == one


def test_a_page_says_what_is_left_how_fast_it_goes_and_until_when(
    world: World, maya: Client
) -> None:
    given.codes()
    source = given.profiler()
    given.runs(source, 1900, at=world.now - 3 * DAY, every=timedelta(seconds=2))
    given.runs(source, 95, bad=5, at=world.now)
    made = _slo(world, description="Customers notice one in a hundred.")
    page = maya.get("/slos/profiles/")
    text = text_of(page)
    assert "99 % of profile runs are good, over 28 days. Customers notice" in text
    assert "75 % left 5 bad of 20 afforded" in text
    assert "the budget is spent Fri 11 Sep" in text
    assert "About 4 an hour are counted." in text and "no window pages" not in text
    assert "No rule watches this objective: nobody hears when it burns." in text
    assert f"/rules/new/burn_rate/?slo={made.pk}" in page.content.decode()
    assert "7 Sep 95 5 0 75 % left" in text


def test_a_spent_budget_says_what_follows(world: World, maya: Client) -> None:
    _runs(world, 90, bad=10)
    row = _slo(world)
    text = text_of(maya.get("/slos/profiles/"))
    assert "The budget is spent. Only P0 and security fixes go out until it recovers." in text
    services.change_slo(slo=row, policy="warn", actor=audit.SYSTEM, now=world.now)
    assert "Whoever releases is told so, and decides." in text_of(maya.get("/slos/profiles/"))


def test_much_that_is_left_out_and_a_budget_below_one_are_said(world: World, maya: Client) -> None:
    _runs(world, 20)
    _runs(world, 0, bad=10, diagnostic_code=given.THEIRS)
    _slo(world)
    text = text_of(maya.get("/slos/profiles/"))
    assert "10 of 30 were left out as the customer's own fault, more than a fifth." in text
    assert "afford less than one bad one: the first spends the budget." in text
    assert "About 20 a day are counted." in text
    assert "no window pages. Three failures in a row do." in text


def test_of_few_counts_it_says_that_nothing_pages(world: World, maya: Client) -> None:
    _slo(world, "hooks", sli="counts", count_key="hooks")
    text = text_of(maya.get("/slos/hooks/"))
    assert "no window pages. Nor do failures in a row" in text
    assert "Three failures" not in text


def test_the_incident_that_spent_more_than_a_fifth_owes_a_review(
    cast: Cast, world: World, maya: Client
) -> None:
    surface = build.surface("profiler")
    _runs(world, 970, bad=6, surface=surface, every=timedelta(seconds=5))
    row = build.incident(by=cast.ravi, surface=surface, now=world.now, title="Profiles time out")
    Incident.objects.filter(pk=row.pk).update(impact_started_at=world.now - timedelta(seconds=21))
    hidden = build.incident(by=cast.ravi, now=world.now, title="Elsewhere")
    _slo(world, surface=surface)
    text = text_of(maya.get("/slos/profiles/"))
    assert f"While {row.ref} lasted, 51 % of the budget went." in text
    assert "Profiles time out" in text and "5 bad while it lasted" in text
    assert "Elsewhere" not in text and hidden.ref not in text


def test_its_rules_stand_with_what_they_say_now(cast: Cast, world: World, maya: Client) -> None:
    row = _slo(world)
    rule = AlertRule.objects.create(
        key="burn", name="Budget burns", kind="burn_rate", slo=row, status="draft",
        created_at=world.now,
    )  # fmt: skip
    text = text_of(maya.get("/slos/profiles/"))
    assert "Budget burns" in text and "never fired" in text and "Draft" in text
    assert 'href="/rules/burn/"' in maya.get("/slos/profiles/").content.decode()
    AlertRule.objects.filter(pk=rule.pk).update(archived_at=world.now)
    assert "Budget burns" not in text_of(maya.get("/slos/profiles/"))


def test_a_firing_rule_says_so(cast: Cast, world: World, maya: Client) -> None:
    surface = build.surface(primary=cast.ravi)
    people = kit.Cast(ravi=cast.ravi, bea=cast.bea, maya=cast.maya, olu=cast.olu)
    runbook = kit.approved(people, now=world.now).runbook
    rule = AlertRule.objects.create(
        key="burn", name="Budget burns", kind="burn_rate", slo=_slo(world), status="on",
        owner=cast.ravi, runbook=runbook, surface=surface, created_at=world.now,
        last_fired_at=world.now,
    )  # fmt: skip
    RuleGroup.objects.create(
        rule=rule, state="firing", look="firing", since=world.now, looked_at=world.now
    )
    assert "Firing" in text_of(maya.get("/slos/profiles/"))


FORM = {
    "name": "Runs succeed", "key": "runs", "objective": "99.5", "window_days": "28",
    "sli": "profile_runs", "policy": "freeze", "facet": "", "count_key": "", "surface": "",
    "owner": "", "description": "",
}  # fmt: skip


def test_a_manager_sets_an_objective_in_percent(world: World, maya: Client) -> None:
    response = maya.post("/slos/new/", FORM)
    assert response.url == "/slos/runs/"  # type: ignore[attr-defined] # a redirect
    assert Slo.objects.get().objective == Decimal("0.995")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"objective": "100"}, "100 leaves no budget at all."),
        ({"objective": "0"}, "between 0 and 100"),
        ({"objective": "99.99999"}, "4 decimal places"),
        ({"sli": "counts"}, "Say which counts it measures"),
        ({"surface": "nowhere"}, "There is no surface nowhere."),
        ({"key": "New one"}, "lower-case"),
        ({"key": "new"}, "This key is taken."),
        ({"sli": "freshness", "window_days": "120"}, "has 1 to 90 days"),
        ({"name": ""}, "This is missing."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_with_what_was_typed(
    world: World, maya: Client, more: dict[str, str], said: str
) -> None:
    response = maya.post("/slos/new/", {**FORM, "description": "Kept as typed", **more})
    assert response.status_code == 400
    assert said in text_of(response)
    assert "Kept as typed" in response.content.decode()
    assert not Slo.objects.exists()


def test_a_change_begins_with_what_stands(cast: Cast, world: World, maya: Client) -> None:
    _slo(world, surface=build.surface("profiler"), owner=cast.ravi, objective="0.995")
    page = maya.get("/slos/profiles/edit/").content.decode()
    assert 'value="99.5"' in page and 'value="profiler"' in page
    maya.post("/slos/profiles/edit/", {**FORM, "objective": "95", "owner": str(cast.ravi.pk)})
    row = Slo.objects.get()
    assert (row.objective, row.name, row.surface) == (Decimal("0.95"), "Runs succeed", None)


def test_laying_down_and_taking_up_again(cast: Cast, world: World, maya: Client) -> None:
    _slo(world)
    assert sign_in(cast.ravi).post("/slos/profiles/archive/").status_code == 403
    maya.post("/slos/profiles/archive/", {})
    assert "Laid down" in text_of(maya.get("/slos/profiles/"))
    refused = maya.post("/slos/profiles/edit/", FORM, follow=True)
    assert "Take it up again first." in text_of(refused)
    maya.post("/slos/profiles/archive/", {"to": "force"})
    assert Slo.objects.get().archived_at is None
    assert maya.get("/slos/profiles/archive/").status_code == 302
    assert maya.get("/slos/nothing/").status_code == 404


def test_roles_without_policies_read_and_are_told_why(
    cast: Cast, world: World, maya: Client
) -> None:
    _slo(world)
    ravi = sign_in(cast.ravi)
    text = text_of(ravi.get("/slos/profiles/"))
    assert "Your role does not include this. A manager can change roles." in text
    assert ravi.get("/slos/profiles/edit/").status_code == 403
    assert ravi.post("/slos/new/", FORM).status_code == 403
