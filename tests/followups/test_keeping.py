"""Follow-ups come to be and are edited: nothing without an owner, a day and an acceptance."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from apps.accounts.models import Person
from apps.core import audit, providers
from apps.core.errors import Conflict, Invalid
from apps.followups import selectors
from apps.followups import services as followups
from apps.followups.models import Factor, FollowUp
from apps.followups.ports import SourceAccess
from tests import builders as build
from tests.conftest import Cast
from tests.followups.kit import NOW, done, promise, story, told, verified

BY: dict[str, Any] = {"actor": audit.SYSTEM, "now": NOW}


def test_whoever_answers_for_it_hears_so_with_the_day_and_the_acceptance(cast: Cast) -> None:
    row = promise(cast.ravi, by=cast.maya)
    assert told(cast.ravi) == [f"[{row.ref}] is yours: Sample wide text with a budget"]
    assert story(row) == ["opened"]
    assert (row.status, row.version, row.source_ref) == ("open", 1, "INC-42")


def test_nobody_is_told_what_they_promised_themselves(cast: Cast) -> None:
    promise(cast.ravi, by=cast.ravi)
    assert told(cast.ravi) == []


def test_all_that_is_wrong_is_said_at_once(cast: Cast) -> None:
    with pytest.raises(Invalid) as refused:
        promise(
            cast.ravi, title=" ", acceptance="", aim="hope", priority="P7", owner=None,
            due_on=None, kind="play", source=("", "x" * 61, "ftp://x", ""),
        )  # fmt: skip
    assert refused.value.fields == {
        "title": ["Say in a few words what will be done."],
        "acceptance": ["Say how somebody else can see that it works."],
        "aim": ["Choose one of prevent, detect, mitigate, process, docs, comms."],
        "priority": ["Choose one of P0, P1, P2."],
        "owner": ["Say who answers for it."],
        "due_on": ["Say by which day it will be done."],
        "kind": ["Choose one of real, drill, test, backfilled."],
        "source_kind": ["Say what kind of thing it comes from."],
        "source_ref": ["At most 60 characters fit; this has 61."],
        "source_url": ["An address begins with https://."],
    }
    assert not FollowUp.objects.exists()


WRONG: list[tuple[str, Any, str]] = [
    ("title", "x" * 201, "At most 200 characters"),
    ("title", 7, "Say in a few words"),
    ("title", "A\x00B C", "cannot be kept"),
    ("acceptance", "x" * 10_001, "At most 10,000 characters"),
    ("details", "x" * 10_001, "At most 10,000 characters"),
    ("due_on", date(2026, 2, 28), "This day is over"),
    ("due_on", date(2040, 1, 1), "too far ahead"),
    ("due_on", "2026-03-09", "by which day"),
    ("due_on", datetime(2026, 3, 9, 12), "by which day"),
]


@pytest.mark.parametrize(("field", "value", "why"), WRONG)
def test_a_wrong_value_gets_a_sentence(field: str, value: Any, why: str, cast: Cast) -> None:
    with pytest.raises(Invalid) as refused:
        promise(cast.ravi, **{field: value})
    assert list(refused.value.fields) == [field]
    assert why in refused.value.fields[field][0]


def test_today_counts_wherever_somebody_is(cast: Cast) -> None:
    assert promise(cast.ravi, due_on=date(2026, 3, 2)).due_on == date(2026, 3, 2)
    early = datetime.fromisoformat("2026-03-02T09:00:00+00:00")  # still Sunday in Honolulu
    assert promise(cast.ravi, due_on=date(2026, 3, 1), now=early)


def test_somebody_who_left_promises_nothing(cast: Cast) -> None:
    cast.bea.is_active = False
    with pytest.raises(Invalid) as refused:
        promise(cast.bea)
    text = "Bea Bell is no longer active. Choose somebody who is here."
    assert refused.value.fields == {"owner": [text]}


def test_titles_are_one_line(cast: Cast) -> None:
    assert promise(cast.ravi, title="  Sample\r\nwide \t text ").title == "Sample wide text"


# -- edited


def test_a_change_is_noted_with_what_it_was(cast: Cast) -> None:
    row = promise(cast.ravi)
    found = followups.edit(
        follow_up=row, owner=cast.bea, aim="detect", acceptance="It pages within 5 min.", **BY
    )
    note = row.notes.get(what="edited").text
    assert "Owner: Ravi Rao → Bea Bell." in note and "Aim: Prevent → Detect." in note
    assert "Acceptance changed." in note
    assert found.version == 2
    assert told(cast.bea) == [f"[{row.ref}] is yours: Sample wide text with a budget"]


def test_what_stays_the_same_is_no_change(cast: Cast) -> None:
    row = promise(cast.ravi)
    found = followups.edit(follow_up=row, title=row.title, owner=cast.ravi, due_on=row.due_on, **BY)
    assert (found.version, story(row)) == (1, ["opened"])


def test_a_day_that_is_over_stays_when_something_else_changes(cast: Cast) -> None:
    row = promise(cast.ravi)
    by = {"actor": audit.SYSTEM, "now": NOW + timedelta(days=30)}
    found = followups.edit(follow_up=row, due_on=row.due_on, title="Sample narrow text", **by)
    assert found.title == "Sample narrow text"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"due_on": date(2026, 3, 20)}, "Say why it will be later."),
        ({"priority": "P2"}, "Say why it matters less than before."),
    ],
)
def test_later_or_less_takes_a_reason(change: dict[str, Any], why: str, cast: Cast) -> None:
    row = promise(cast.ravi)
    with pytest.raises(Invalid) as refused:
        followups.edit(follow_up=row, reason="no", **change, **BY)
    assert refused.value.fields == {"reason": [why]}
    followups.edit(follow_up=row, reason="The vendor ships in April.", **change, **BY)
    assert row.notes.get(what="edited").text.endswith("The vendor ships in April.")


def test_sooner_and_more_take_none(cast: Cast) -> None:
    row = promise(cast.ravi)
    found = followups.edit(follow_up=row, due_on=date(2026, 3, 4), priority="P0", **BY)
    assert (found.due_on, found.priority) == (date(2026, 3, 4), "P0")


def test_what_cannot_be_edited_is_named(cast: Cast) -> None:
    with pytest.raises(Invalid) as refused:
        followups.edit(follow_up=promise(cast.ravi), status="verified", title="", **BY)
    assert set(refused.value.fields) == {"status", "title"}


def test_what_has_ended_is_reopened_before_it_is_changed(cast: Cast) -> None:
    row = verified(cast.ravi, cast.maya)
    with pytest.raises(Conflict, match=re.escape("has ended (verified). Reopen it before")):
        followups.edit(follow_up=row, title="Something else", **BY)


def test_two_who_edit_at_once_do_not_overwrite_each_other(cast: Cast) -> None:
    row = promise(cast.ravi)
    followups.edit(follow_up=row, title="By Bea", seen_version=1, **BY)
    with pytest.raises(Conflict, match="Somebody changed") as stale:
        followups.edit(follow_up=row, title="By Sam", seen_version=1, **BY)
    assert stale.value.code == "stale"
    row.refresh_from_db()
    assert row.title == "By Bea"


def test_a_comment_has_words(cast: Cast) -> None:
    row = promise(cast.ravi)
    with pytest.raises(Invalid, match="cannot be kept as a comment"):
        followups.comment(follow_up=row, text="  ", **BY)
    note = followups.comment(follow_up=row, text="Waits for *review*.", **BY)
    assert (note.what, note.is_markdown) == ("comment", True)


# -- who sees it


class Circle:
    """INC-7 is restricted, and one person is on it."""

    kind = "incident"

    def __init__(self, person: Person) -> None:
        self.person = person

    def refs(self, *, person: Person) -> list[str]:
        return ["INC-7"] if person == self.person else []

    def is_restricted(self, *, ref: str) -> bool:
        return ref == "INC-7"


def test_what_comes_from_a_restricted_incident_is_seen_by_those_on_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(providers._providers, SourceAccess, [Circle(cast.sam)])
    row = promise(cast.ravi, source=("incident", "INC-7", "", ""))
    assert row.is_restricted
    assert not promise(cast.ravi, source=("incident", "INC-8", "", "")).is_restricted
    seen = {p.first_name: row in FollowUp.objects.visible_to(p)
            for p in (cast.maya, cast.ravi, cast.sam, cast.bea, cast.olu)}  # fmt: skip
    assert seen == {"Maya": True, "Ravi": True, "Sam": True, "Bea": False, "Olu": False}


def test_a_lead_who_may_not_see_it_is_not_told_what_it_is(cast: Cast) -> None:
    build.team("inspect", lead=cast.bea, members=[cast.ravi])
    done(cast.ravi, is_restricted=True)
    assert told(cast.bea) == []


# -- read


def test_mine_are_those_that_i_still_have_to_do_the_earliest_first(cast: Cast) -> None:
    later = promise(cast.ravi)
    sooner = promise(cast.ravi, due_on=date(2026, 3, 3))
    done(cast.ravi)
    promise(cast.bea)
    assert list(selectors.mine(cast.ravi)) == [sooner, later]


def test_a_source_finds_what_came_from_it(cast: Cast) -> None:
    row = promise(cast.ravi)
    promise(cast.ravi, source=("drill", "INC-42", "", ""))
    assert list(selectors.of_source("incident", "INC-42")) == [row]


def test_the_factors_that_ship_come_once_and_stay_as_they_were_renamed(db: None) -> None:
    assert followups.ensure_factors() == 14
    Factor.objects.filter(key="capacity").update(name="Too small")
    assert followups.ensure_factors() == 0
    assert Factor.objects.get(key="capacity").name == "Too small"
