"""SLA policies in the admin: one grid that is typed in words, previewed, and saved in one call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from apps.accounts.models import Person
from apps.calendars.models import BusinessCalendar
from apps.core import audit, clock
from apps.support.admin import words
from apps.support.models import ClockEvent, SlaPolicy, SlaTarget, Ticket
from apps.support.seeds import ensure_support
from apps.support.seeds_sla import ensure_sla
from apps.support.services.policies import Step
from apps.support.services.tickets import open_ticket
from tests import builders as build
from tests.adminkit import Values, fields, messages, read, send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

pytestmark = pytest.mark.django_db
ADD = "/admin/support/slapolicy/add/"
LIST = "/admin/support/slapolicy/"
HOUR = 3600
MONDAY = datetime.fromisoformat("2026-11-16T10:00:00+00:00")


# -- what is typed


DURATIONS: list[tuple[str, int | None]] = [
    ("15 min", 900), ("15min", 900), ("2 h", 2 * HOUR), ("1 d", 9 * HOUR), ("20 days", 180 * HOUR),
    ("1 h 30 min", 5400), ("1,5 h", 5400), ("1.5 hours", 5400), ("1 d and 1 h", 10 * HOUR),
    ("90 s", 90), ("none", None), ("", None), (" – ", None), ("NONE", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "seconds"), DURATIONS, ids=lambda v: repr(v))
def test_a_time_is_read_as_people_write_it(text: str, seconds: int | None) -> None:
    assert words.read(text) == seconds
    assert words.read(words.show(seconds)) == seconds


@pytest.mark.parametrize("text", ["soon", "15", "2 x", "1 h min", "-1 h", "1e9 h", "h", "9" * 90,
                                  "1 h; 2 h", "1 week", "\u0661 h"])  # fmt: skip
def test_what_is_no_time_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"Write a time|is no unit"):
        words.read(text)


def test_a_time_is_shown_in_days_only_where_days_are_meant() -> None:
    assert words.show(9 * HOUR) == "1 d" and words.show(9 * HOUR, day=None) == "9 h"
    assert words.show(24 * HOUR, day=words.DAY) == "1 d" and words.show(24 * HOUR) == "24 h"
    assert words.show(5430) == "1 h 30 min 30 s" and words.show(None) == "none"


def test_steps_are_read_as_they_are_shown() -> None:
    told = "owner at once; page after 15 min, raise priority; lead after 1 d 1 h"
    steps = words.read_steps(told)
    assert steps == (
        Step(0, "owner"), Step(900, "page", True), Step(25 * HOUR, "lead"),
    )  # fmt: skip
    assert words.show_steps(steps) == told.replace("1 d 1 h", "25 h")
    assert words.read_steps("The owner at once\nOn call after 5 min and raise priority;") == (
        Step(0, "owner"), Step(300, "page", True),
    )  # fmt: skip
    assert words.read_steps("none") == words.read_steps(" ") == ()
    for wrong in (
        "boss at once",
        "owner",
        "owner soon",
        "owner after",
        "after 5 min",
        "page after x",
    ):
        with pytest.raises(ValueError, match=r"is no step|Write a time"):
            words.read_steps(wrong)


def test_warnings_are_percentages() -> None:
    assert words.read_percents("80 %, 50") == (50, 80)
    assert words.read_percents("none") == words.read_percents("") == ()
    for wrong in ("half", "50.5", "-1", " ".join(["1"] * 21)):
        with pytest.raises(ValueError, match="Write percentages"):
            words.read_percents(wrong)


# -- the page


@pytest.fixture
def policy(cast: Cast) -> SlaPolicy:
    ensure_support(now=clock.now())
    ensure_sla(clock.now())
    return SlaPolicy.objects.get()


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


@pytest.fixture
def later(policy: SlaPolicy) -> Iterator[time_machine.Coordinates]:
    """A Monday morning, which the test moves on."""
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


def page_of(policy: SlaPolicy) -> str:
    return f"{LIST}{policy.pk}/change/"


def target(policy: SlaPolicy, metric: str, priority: str) -> SlaTarget:
    return SlaTarget.objects.get(policy=policy, metric=metric, priority=priority)


def ticket(sam: Person, **more: Any) -> Ticket:
    from apps.support.models import RequestType

    return open_ticket(
        subject="Old", request_type=RequestType.objects.get(key="other"),
        requester=build.contact(f"a{Ticket.objects.count()}@x.example"),
        actor=audit.person(sam), now=clock.now(), **more,
    )  # fmt: skip


def test_the_grid_shows_what_is_promised_in_words(maya: Client, policy: SlaPolicy) -> None:
    form = fields(maya, page_of(policy))
    row = [form[f"first_reply-P{n}-target"] for n in range(1, 5)]
    assert row == [["30 min"], ["2 h"], ["8 h"], ["2 d"]]
    assert form["periodic_update-P4-target"] == ["none"]
    assert form["resolution-P4-target"] == ["20 d"]
    assert form["triage-P2-warnings"] == ["50, 80"]
    assert form["triage-P2-steps"][0].startswith("owner at once; ")
    always = BusinessCalendar.objects.get(key="always")
    assert form["triage-P1-calendar"] == [str(always.pk)] and form["triage-P2-calendar"] == [""]
    shown = text_of(maya.get(page_of(policy)))
    assert "A day is nine working hours." in shown
    assert "This is the default: it takes every ticket" in shown


def test_saving_what_is_there_changes_nothing(maya: Client, policy: SlaPolicy) -> None:
    before = list(SlaTarget.objects.order_by("pk").values_list("pk", "seconds"))
    answer = send(maya, page_of(policy), fields(maya, page_of(policy)))
    assert answer.status_code == 302, text_of(answer)
    policy.refresh_from_db()
    assert policy.version == 1
    assert list(SlaTarget.objects.order_by("pk").values_list("pk", "seconds")) == before


def test_a_cell_is_edited_with_all_that_stands_behind_it(maya: Client, policy: SlaPolicy) -> None:
    form = fields(maya, page_of(policy))
    always = BusinessCalendar.objects.get(key="always")
    form |= {
        "resolution-P1-target": ["3 h"], "resolution-P1-calendar": [str(always.pk)],
        "resolution-P1-warnings": ["25"], "resolution-P1-pause_third_party": ["on"],
        "resolution-P1-steps_while_paused": ["on"],
        "resolution-P1-steps": ["page at once, raise priority"], "triage-P4-target": ["none"],
    }  # fmt: skip
    answer = send(maya, page_of(policy), form)
    assert answer.status_code == 302, text_of(answer)
    cell = target(policy, "resolution", "P1")
    assert (cell.seconds, cell.calendar, cell.warn_percents) == (3 * HOUR, always, [25])
    assert cell.pause_third_party and cell.steps_while_paused
    assert list(cell.steps.values_list("after_seconds", "notify", "raise_priority")) == [
        (0, "page", True)
    ]
    assert target(policy, "triage", "P4").seconds is None
    policy.refresh_from_db()
    assert policy.version == 2
    shown = fields(maya, page_of(policy))
    assert shown["resolution-P1-steps"] == ["page at once, raise priority"]


def test_what_is_wrong_is_said_at_its_cell_and_nothing_is_saved(
    maya: Client, policy: SlaPolicy
) -> None:
    form = fields(maya, page_of(policy))
    for name, typed, said in (
        ("triage-P1-target", "soon", "Write a time such as 15 min"),
        ("triage-P1-target", "1 d", "around the clock there are no working days"),
        ("triage-P2-target", "5 s", "A target is from one minute to two years."),
        ("triage-P2-target", "999999 d", "A target is from one minute to two years."),
        ("triage-P2-warnings", "50, 140", "from 1 to 99 percent"),
        ("triage-P2-steps", "boss at once", "is no step"),
        ("triage-P2-steps", "page after 90 d", "within 30 days"),
        ("triage-P2-calendar", "nine", "Select a valid choice"),
        ("name", "", "This field is required"),
        ("calendar", "99999999999999999999", "Select a valid choice"),
        ("is_active", [], "it stays active"),
    ):
        answer = send(maya, page_of(policy), {**form, name: typed})
        assert answer.status_code == 200, name
        assert said in text_of(answer), (name, typed, text_of(answer)[-2000:])
        assert "Nothing was saved." in text_of(answer)
    policy.refresh_from_db()
    assert policy.version == 1


def test_a_save_that_moves_running_promises_is_shown_first(
    maya: Client, policy: SlaPolicy, cast: Cast
) -> None:
    with time_machine.travel(MONDAY, tick=False):
        one = ticket(cast.sam)
    with time_machine.travel(MONDAY + timedelta(hours=3), tick=False):
        client = sign_in(cast.maya)
        form = fields(client, page_of(policy))
        form["first_reply-P4-target"] = ["2 h"]
        seen = send(client, page_of(policy), form)
        shown = text_of(seen)
        assert "Preview, not saved yet. 1 running promise of 1 ticket is timed anew" in shown
        assert "1 is missed at once" in shown and "First reply P4: 2 d → 2 h" in shown
        policy.refresh_from_db()
        assert policy.version == 1 and not ClockEvent.objects.filter(what="breach").exists()
        again = {**read(seen), "first_reply-P4-target": ["1 h"]}
        other = text_of(send(client, page_of(policy), again, button="_sure"))
        assert "First reply P4: 2 d → 1 h" in other  # what was not previewed is, first
        done = send(client, page_of(policy), read(seen), button="_sure")
        assert messages(done) == ["Standard is saved."]
    assert one.clocks.get(metric="first_reply").state == "breached"


def test_a_preview_counts_and_keeps_nothing(maya: Client, policy: SlaPolicy, cast: Cast) -> None:
    ticket(cast.sam)
    form = fields(maya, page_of(policy))
    form |= {"triage-P4-target": ["none"], "resolution-P4-steps": ["none"]}
    shown = text_of(send(maya, page_of(policy), form, button="_preview"))
    assert "1 ends" in shown and "Triage P4: 1 d → none" in shown
    assert "Resolution P4: other calendar, warnings or steps" in shown
    assert target(policy, "triage", "P4").seconds == 9 * HOUR
    same = text_of(send(maya, page_of(policy), fields(maya, page_of(policy)), button="_preview"))
    assert "No promise that runs now changes. No cell of the grid changes." in same


def test_two_who_edit_at_once_do_not_undo_each_other(maya: Client, policy: SlaPolicy) -> None:
    first, second = fields(maya, page_of(policy)), fields(maya, page_of(policy))
    first["triage-P1-target"] = ["10 min"]
    second["triage-P1-target"] = ["20 min"]
    assert send(maya, page_of(policy), first).status_code == 302
    answer = send(maya, page_of(policy), second)
    assert "Somebody changed this policy meanwhile." in text_of(answer)
    assert target(policy, "triage", "P1").seconds == 600


def test_a_policy_for_some_is_added_and_put_in_order(maya: Client, policy: SlaPolicy) -> None:
    account = build.account("Bramble")
    assert fields(maya, ADD)["resolution-P3-target"] == ["5 d"]  # as the default promises

    def add(name: str, **more: str) -> None:
        form = fields(maya, ADD) | {"name": [name]}
        answer = send(maya, ADD, {**form, "first_reply-P1-target": ["5 min"], **more})
        assert answer.status_code == 302, text_of(answer)

    add("Premium", match_tier="premium", match_tag="#EU")
    add("Bramble only", match_account=str(account.pk))
    one, two, last = SlaPolicy.objects.all()
    assert (one.name, one.match_tier, one.match_tag) == ("Premium", "premium", "eu")
    assert (two.match_account, last.is_default) == (account, True)
    shown = text_of(maya.get(LIST))
    assert "tier premium, tag eu" in shown and "everything that no other policy takes" in shown
    order: Values = fields(maya, f"{LIST}order/")
    assert [name for name in order if name != "s"] == [
        f"policy-{one.pk}-position",
        f"policy-{two.pk}-position",
    ]
    order |= {f"policy-{one.pk}-position": ["9"], f"policy-{two.pk}-position": ["x"]}
    assert send(maya, f"{LIST}order/", order).status_code == 302
    assert [row.name for row in SlaPolicy.objects.all()][:2] == ["Premium", "Bramble only"]
    order |= {f"policy-{two.pk}-position": ["1"]}
    send(maya, f"{LIST}order/", order)
    assert [row.name for row in SlaPolicy.objects.all()][:2] == ["Bramble only", "Premium"]
    assert "Another policy has this name." in text_of(
        send(maya, ADD, fields(maya, ADD) | {"name": ["Premium"]})
    )


def test_a_policy_goes_out_of_use_and_the_default_does_not(maya: Client, policy: SlaPolicy) -> None:
    send(maya, ADD, fields(maya, ADD) | {"name": ["Premium"]})
    other = SlaPolicy.objects.get(name="Premium")
    assert messages(maya.post(f"{LIST}{other.pk}/do/take_out/"))[-1] == "Premium is out of use."
    other.refresh_from_db()
    assert not other.is_active
    assert "out of use: its tickets get the next one" in text_of(maya.get(page_of(other)))
    assert messages(maya.post(f"{LIST}{other.pk}/do/use_again/"))[-1] == "Premium is in use again."
    assert maya.post(f"{LIST}{policy.pk}/do/take_out/").status_code == 404


def test_the_pages_are_for_managers(policy: SlaPolicy, cast: Cast) -> None:
    for person in (cast.ravi, cast.sam, cast.olu):
        client = sign_in(person)
        for address in (LIST, ADD, page_of(policy), f"{LIST}order/"):
            assert client.get(address).status_code == 403, (person, address)
            assert client.post(address, {"name": "x"}).status_code == 403


def test_what_if_judges_the_past_by_what_is_typed(
    policy: SlaPolicy, cast: Cast, later: time_machine.Coordinates
) -> None:
    address = f"{LIST}{policy.pk}/what-if/"
    one = ticket(cast.sam)
    later.move_to(MONDAY + timedelta(hours=3))
    maya = sign_in(cast.maya)
    asked = text_of(maya.get(address))
    assert "1 ticket since" in asked and "0 promises would have come out otherwise" in asked
    form = fields(maya, address)
    assert form["first_reply-P4-target"] == ["2 d"] and form["first_reply-P4-steps"]
    shown = text_of(send(maya, address, {**form, "first_reply-P4-target": ["1 min"]}, "_replay"))
    assert "1 promise would have come out otherwise" in shown
    assert "more missed" in shown and f"{one.ref} Old First reply P4" in shown
    assert "What this cannot know" in shown
    wrong = text_of(send(maya, address, {**form, "first_reply-P4-target": ["soon"]}, "_replay"))
    assert "Nothing was computed." in wrong and "Write a time such as" in wrong
    over = send(maya, page_of(policy), {**form, "first_reply-P4-target": ["3 d"]}, "_preview")
    assert "First reply P4: 2 d → 3 d" in text_of(over)
    policy.refresh_from_db()
    assert policy.version == 1
    assert maya.get(f"{LIST}987654/what-if/").status_code == 404
    assert maya.get(f"{LIST}x/what-if/").status_code == 404
