"""The reports page: of what and since when, small numbers said, every table as a safe file."""

from __future__ import annotations

import csv
import re
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template

from apps.portal import plots
from apps.portal.selectors import ticket_reports as selectors
from apps.support.models import RequestType, Ticket
from apps.support.services.sweep import sweep
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import queries, sign_in, text_of
from tests.support import slakit as sla
from tests.support.slakit import HOUR, MONDAY
from tests.world import World

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 9, 9, 13, 17, tzinfo=UTC)  # a Wednesday


def window(**params: str) -> selectors.Window:
    return selectors.window(params, now=NOW, zone=BERLIN)


# -- the window


def test_weeks_are_whole_ones_with_the_present_week_so_far() -> None:
    found = window(weeks="4")
    assert (found.first, found.last, found.weeks) == (date(2026, 8, 17), date(2026, 9, 9), 4)
    assert found.start == datetime(2026, 8, 16, 22, tzinfo=UTC)  # midnight in Berlin
    assert found.end == NOW
    assert found.text == "Mon 17 Aug to Wed 9 Sep"


@pytest.mark.parametrize("params", [{}, {"weeks": "12"}, {"weeks": "x"}])
def test_thirteen_weeks_are_shown_unless_others_are_asked_for(params: dict[str, str]) -> None:
    assert window(**params).weeks == 13


def test_the_last_of_two_dates_is_inside_and_never_after_now() -> None:
    found = window(**{"from": "2026-03-01", "to": "2026-03-31"})
    assert found.weeks == 0
    assert found.end == datetime(2026, 3, 31, 22, tzinfo=UTC)  # summer time by then
    assert found.query == {"from": "2026-03-01", "to": "2026-03-31"}
    assert window(**{"from": "2026-09-01", "to": "2027-01-01"}).end == NOW


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"from": "31.3.2026"}, "Write dates as 2026-03-31"),
        ({"from": "2026-04-01", "to": "2026-03-01"}, "comes after the last"),
        ({"from": "2027-04-01"}, "still to come"),
        ({"from": "2020-01-01", "to": "2026-01-01"}, "two years"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "two years"),
    ],
)
def test_dates_that_make_no_sense_are_said_and_the_usual_weeks_shown(
    params: dict[str, str], words: str
) -> None:
    found = window(**params)
    assert words in found.error
    assert found.weeks == 13


# -- charts


def test_the_scale_begins_at_zero_and_ends_at_a_round_number() -> None:
    tops = {0: 2, 1: 2, 3: 4, 7: 8, 12: 12, 13: 14, 33: 40, 41: 50, 99: 100, 101: 200, 5_100: 6_000}
    assert {value: plots.nice(value) for value in tops} == tops


def test_stacks_stand_on_each_other_and_say_how_many_of_how_many() -> None:
    series = [plots.Series("kept", [3, 0], "a"), plots.Series("missed", [1, 0], "b")]
    drawn = plots.stacked(["7 Sep", "14 Sep"], series, "promises")
    kept, missed = drawn.bars
    assert drawn.top == 4
    assert kept.y + kept.height == drawn.ground
    assert missed.y + missed.height == kept.y
    assert missed.y == plots.TOP
    assert missed.title == "7 Sep: 1 missed of 4 promises"
    assert [tick.text for tick in drawn.ticks] == ["0", "2", "4"]


def test_a_line_has_a_point_for_every_week_and_labels_leave_room_for_each_other() -> None:
    names = [f"week {number}" for number in range(26)]
    drawn = plots.lines(names, [plots.Series("created", list(range(26)), "a")])
    assert len(drawn.lines[0].points) == 26
    assert len(drawn.lines[0].steps) == 25
    assert len(drawn.labels) <= plots.LABELS
    assert plots.lines([], []).labels == []


@pytest.mark.parametrize(
    ("k", "n", "words"),
    [
        (12, 14, "86 % 12 of 14"),
        (3, 4, "75 % 3 of 4 few"),
        (999, 1000, "over 99 % 999 of 1,000"),
        (1, 1000, "under 1 % 1 of 1,000"),
        (0, 0, "none"),
    ],
)
def test_a_rate_always_says_of_how_many_and_whether_they_are_few(
    k: int, n: int, words: str
) -> None:
    html = Template("{% load plots %}{% ratio k n %}").render(Context({"k": k, "n": n}))
    assert " ".join(re.sub(r"<[^>]*>", " ", html).split()) == words


# -- the page


@pytest.fixture
def told(world: World, cast: Cast) -> World:
    """Two first replies of Ravi's, one too late; a type whose name is a formula; a drill."""
    sla.site()
    build.support(now=MONDAY)
    kind = RequestType.objects.get(key="stale_profile")
    RequestType.objects.filter(pk=kind.pk).update(name="=1+1")
    place = build.surface("inspect.profiler")
    for after in (HOUR, 26 * HOUR):
        made = sla.ticket(owner=cast.ravi, surface=place, request_type=kind)
        sweep(now=MONDAY + after)
        sla.reply(made, MONDAY + after)
    sla.to(made, "resolved", MONDAY + 27 * HOUR)
    sla.ticket(kind="drill")
    world.at("2026-09-09 13:17")
    world.forget()
    return world


def page(cast: Cast, address: str = "", who: str = "sam") -> str:
    return text_of(sign_in(getattr(cast, who)).get(f"/tickets/reports/{address}"))


def test_the_page_says_of_what_since_when_and_in_whose_days(told: World, cast: Cast) -> None:
    said = page(cast)
    assert "Real tickets that you may see, Mon 15 Jun to Wed 9 Sep: 13 weeks" in said
    assert "First reply 50 % 1 of 2 few 1 h 11 h 1" in said
    assert "Ravi Rao" in said
    assert "Open now 1" in said  # neither the resolved one nor the drill
    assert "Resolved at first contact 1 of 1" in said


def test_how_long_it_took_is_told_for_one_kind_of_promise(told: World, cast: Cast) -> None:
    everything, one = page(cast), page(cast, "?metric=first_reply")
    assert "is told for one kind of promise at a time" in everything
    assert "is told for one kind of promise at a time" not in one
    assert "First reply by week" in one
    assert one.count("Half within") > everything.count("Half within")
    assert "Resolution 100 %" not in one


def test_figures_lead_to_the_tickets_behind_them(told: World, cast: Cast) -> None:
    client = sign_in(cast.sam)
    html = client.get("/tickets/reports/").content.decode()
    address = "/tickets/?type=stale_profile&amp;status=any&amp;created=90"
    assert address in html
    assert "2 tickets" in text_of(client.get(address.replace("&amp;", "&")))
    assert "/tickets/?surface=inspect.profiler&amp;status=any" in html


@pytest.mark.parametrize("table", sorted(selectors.TABLES))
def test_every_table_is_a_file_without_formulas(told: World, cast: Cast, table: str) -> None:
    answer = sign_in(cast.sam).get(f"/tickets/reports/{table}.csv?weeks=4")
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == (
        f'attachment; filename="tickets-{table}-2026-08-17-to-2026-09-09.csv"'
    )
    text = answer.content.decode("utf-8-sig")
    head, *rows = list(csv.reader(StringIO(text)))
    assert len(set(head)) == len(head)
    assert rows and all(len(row) == len(head) for row in rows)
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)
    if table == "types":
        assert rows == [["stale_profile", "'=1+1", "2", "1", "0"]]
    if table == "owner":
        assert rows[0][:5] == ["Ravi Rao", "3", "2", "5", "60.0"]


def test_there_is_no_other_file(told: World, cast: Cast) -> None:
    assert sign_in(cast.sam).get("/tickets/reports/secrets.csv").status_code == 404


def test_dates_that_cannot_be_read_are_answered_in_words(told: World, cast: Cast) -> None:
    said = page(cast, "?from=yesterday")
    assert "Write dates as 2026-03-31. Shown are the last 13 weeks." in said


def test_who_may_see_tickets_sees_reports_and_nobody_else(told: World, cast: Cast) -> None:
    assert sign_in(cast.olu).get("/tickets/reports/").status_code == 200
    nobody = build.person("New Here")
    nobody.roles = []
    nobody.save()
    assert sign_in(nobody).get("/tickets/reports/").status_code == 403
    assert sign_in(nobody).get("/tickets/reports/week.csv").status_code == 403


def test_a_private_queue_is_not_in_the_figures_of_others(told: World, cast: Cast) -> None:
    team = build.team("billing", members=[cast.bea])
    private = sla.queue("disputes", is_private=True, team=team)
    Ticket.objects.filter(kind="real").update(queue=private, owner=None)
    assert "none ended" in page(cast) and "Open now 0" in page(cast)
    assert "Open now 1" in page(cast, who="bea")


def test_an_empty_site_says_so_and_draws_nothing_wrong(world: World, cast: Cast) -> None:
    build.support(now=world.now)
    said = page(cast)
    assert "No promise ended in this time" in said
    assert "Nothing came in" in said


def test_the_page_costs_the_same_however_many_tickets_there_are(told: World, cast: Cast) -> None:
    client = sign_in(cast.sam)
    before = queries(client, "/tickets/reports/")
    for number in range(5):
        made = sla.ticket(MONDAY + number * HOUR, owner=cast.bea)
        sla.reply(made, MONDAY + 9 * HOUR)
    assert queries(client, "/tickets/reports/") == before
    assert before < 40


def test_addresses_of_a_row_name_about_the_same_time() -> None:
    spans = {"4": "created=30", "13": "created=90"}
    for weeks, part in spans.items():
        assert part in selectors.queue_address(window(weeks=weeks), type="pack")
    assert "created" not in selectors.queue_address(window(weeks="26"), type="pack")


def test_a_week_without_promises_is_a_week_all_the_same(told: World, cast: Cast) -> None:
    found: Any = selectors.window({"weeks": "4"}, now=told.now, zone=UTC)
    report = selectors.report(cast.sam, found, "", now=told.now)
    assert [row.key for row in report.kept["week"]] == [
        (date(2026, 8, 17) + timedelta(weeks=n)).isoformat() for n in range(4)
    ]
    assert report.kept["week"][0].rate is None
