"""The ledger's pages: lists, one follow-up, the forms, and what each person may press."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from apps.core import audit
from apps.followups import services as followups
from apps.followups.models import Factor, FollowUp
from tests import builders as build
from tests.conftest import Cast
from tests.followups.kit import NOTE, NOW, URL, done, promise, verified
from tests.portal.kit import queries, sign_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def moment() -> Iterator[None]:
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        yield


@pytest.fixture
def ravi(cast: Cast) -> Client:
    return sign_in(cast.ravi)


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


def act(client: Client, row: FollowUp, do: str, **sent: Any) -> Any:
    return client.post(f"/followups/{row.ref}/do/{do}/", sent, follow=True)


def titles(client: Client, query: str = "") -> list[str]:
    return [row.follow_up.title for row in client.get(f"/followups/{query}").context["rows"]]


# -- lists


def test_each_view_has_its_own_and_says_how_many(cast: Cast, ravi: Client) -> None:
    promise(cast.ravi, title="Mine, soon", due_on=date(2026, 3, 4))
    promise(cast.ravi, title="Mine, late", due_on=date(2026, 3, 2))
    promise(cast.bea, title="Of Bea")
    done(cast.bea, title="Done by Bea")
    verified(cast.ravi, cast.maya, title="Verified")
    seen = {
        "": ["Mine, late", "Mine, soon"],
        "?view=verify": ["Done by Bea"],
        "?view=overdue": ["Mine, late"],
        "?view=open": ["Mine, late", "Mine, soon", "Of Bea"],
        "?view=all": ["Verified", "Done by Bea", "Of Bea", "Mine, late", "Mine, soon"][:2],
    }
    for query, wanted in seen.items():
        found = titles(ravi, query)
        assert found[: len(wanted)] == wanted, query
    assert len(titles(ravi, "?view=all")) == 5
    counts = {tab["label"]: tab["count"] for tab in ravi.get("/followups/").context["tabs"]}
    assert counts == {
        "Mine": 2, "To verify": 1, "Overdue": 1, "All open": 3, "All": None, "Figures": None,
    }  # fmt: skip
    text = text_of(ravi.get("/followups/"))
    assert "yesterday" in text and "from incident INC-42" in text


def test_filters_stand_in_the_address(cast: Cast, ravi: Client) -> None:
    followups.ensure_factors()
    factor = Factor.objects.get(key="capacity")
    promise(cast.ravi, title="Sample wide", aim="detect", priority="P0",
            surface=build.surface(), factor=factor)  # fmt: skip
    promise(cast.bea, title="Write it down", aim="docs")
    for query in ("q=wide", "aim=detect", "priority=P0", "surface=Inspect.profiler",
                  "factor=capacity", "owner=ravi@example.com"):  # fmt: skip
        assert titles(ravi, f"?view=open&{query}") == ["Sample wide"], query
    assert len(titles(ravi, "?view=open&aim=nonsense&priority=P9&cursor=zz")) == 2
    none = ravi.get("/followups/?view=open&q=nothing")
    assert "No follow-up fits these filters" in text_of(none)


def test_pages_neither_skip_nor_repeat_among_equal_days(cast: Cast, ravi: Client) -> None:
    made = [
        FollowUp(
            title=f"Number {number}", acceptance="It is there.", aim="docs", priority="P2",
            owner=cast.ravi, due_on=date(2026, 3, 4 + number // 40), source_kind="hand",
            created_at=NOW,
        )
        for number in range(60)
    ]  # fmt: skip
    FollowUp.objects.bulk_create(made)
    seen: list[str] = []
    address, last = "/followups/", None
    while address:
        last = ravi.get(address).context["page"]
        seen += [row.title for row in last.rows]
        address = f"/followups/{last.next}" if last.next else ""
    assert seen == [f"Number {number}" for number in range(60)]
    assert last is not None
    before = ravi.get(f"/followups/{last.previous}").context["page"]
    assert [row.title for row in before.rows] == seen[25:50]
    first = ravi.get(f"/followups/{before.previous}").context["page"]
    assert [row.title for row in first.rows] == seen[:25]
    assert not first.previous


def test_a_list_costs_the_same_for_one_row_and_for_twenty(cast: Cast, ravi: Client) -> None:
    surface = build.surface()
    promise(cast.ravi, surface=surface)
    queries(ravi, "/followups/")
    few = queries(ravi, "/followups/")
    for _ in range(19):
        promise(cast.ravi, surface=surface)
    assert queries(ravi, "/followups/") == few


@pytest.mark.parametrize(
    ("view", "says"),
    [
        ("mine", "You have promised nothing that is still to be done"),
        ("verify", "Nothing waits to be verified"),
        ("overdue", "Nothing is overdue"),
        ("open", "No follow-up yet"),
        ("figures", "Nothing to count yet"),
    ],
)
def test_what_is_empty_says_what_will_come(view: str, says: str, ravi: Client) -> None:
    assert says in text_of(ravi.get(f"/followups/?view={view}"))


def test_figures_show_whether_the_backlog_grows(cast: Cast, ravi: Client) -> None:
    promise(cast.ravi)
    done(cast.ravi)
    verified(cast.ravi, cast.maya)
    page = ravi.get("/followups/?view=figures")
    assert page.context["drawn"].figures.weeks[-1].standing == 2
    assert "Backlog by week" in text_of(page)


# -- a new one


def filled(cast: Cast, **more: Any) -> dict[str, Any]:
    return {
        "title": "Sample wide text", "acceptance": "p95 below 300 s", "aim": "prevent",
        "priority": "P1", "owner": cast.ravi.pk, "due_on": "2026-03-20", **more,
    }  # fmt: skip


def test_a_new_one_begins_with_what_led_here(cast: Cast, ravi: Client) -> None:
    build.surface()
    address = (
        "/followups/new/?source_kind=incident&source_ref=INC-42&source_url=/incidents/INC-42/"
        "&source_label=Slow&surface=inspect.profiler"
    )
    page = ravi.get(address)
    assert "From incident INC-42: Slow" in text_of(page)
    form = page.context["form"]
    assert form["surface"].value() == "inspect.profiler"
    assert form["owner"].value() == cast.ravi.pk
    sent = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    made = ravi.post("/followups/new/", {**sent, **filled(cast)}, follow=True)
    assert "You are reminded three days before it is due" in text_of(made)
    row = FollowUp.objects.get()
    assert (row.source_kind, row.source_ref, row.source_label) == ("incident", "INC-42", "Slow")
    assert row.surface and row.surface.key == "inspect.profiler"


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"due_on": "2026-03-01"}, "This day is over"),
        ({"due_on": "soon"}, "Enter a valid date"),
        ({"owner": ""}, "Owner: This is missing"),
        ({"acceptance": ""}, "How somebody else can see that it works: This is missing"),
        ({"surface": "no.such"}, "There is no surface no.such"),
        ({"factor": "999"}, "Select a valid choice"),
        ({"source_kind": "hand", "source_url": "javascript:alert(1)"}, "begins with https"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(
    sent: dict[str, str], says: str, cast: Cast, ravi: Client
) -> None:
    page = ravi.post("/followups/new/", filled(cast, details="Many words", **sent))
    assert page.status_code == 400
    assert says in text_of(page) and "Many words" in page.content.decode()
    assert not FollowUp.objects.exists()


# -- one of them


def test_the_whole_way_from_promised_to_verified(cast: Cast, ravi: Client, maya: Client) -> None:
    row = promise(cast.ravi)
    assert "is in progress" in text_of(act(ravi, row, "start", version=1))
    assert "It counts once it is verified" in text_of(act(ravi, row, "done", note="It is out."))
    page = text_of(maya.get(f"/followups/{row.ref}/"))
    assert "There is no evidence yet" in page
    act(ravi, row, "evidence", type="regression", url=URL, note=NOTE)
    assert "verified by somebody else: you own it" in text_of(ravi.get(f"/followups/{row.ref}/"))
    assert f"{row.ref} is verified" in text_of(act(maya, row, "verify"))
    row.refresh_from_db()
    assert (row.status, row.verified_by) == ("verified", cast.maya)


def test_a_fix_that_did_not_hold_says_so_on_its_page(cast: Cast, maya: Client) -> None:
    row = verified(cast.ravi, cast.maya)
    page = act(maya, row, "fail", reason="The time-outs are back.")
    text = text_of(page)
    assert "Did not hold before" in text and "The fix did not hold: The time-outs are back." in text
    assert "Withdrawn" in text


def test_a_step_without_its_reason_opens_its_form_again(cast: Cast, maya: Client) -> None:
    row = promise(cast.ravi)
    page = act(maya, row, "drop", reason="no")
    assert page.status_code == 400
    assert "Say why it won't be done" in text_of(page)
    assert 'id="act-drop" open' in page.content.decode()


def test_whoever_decides_on_an_older_page_keeps_their_words(cast: Cast, maya: Client) -> None:
    row = done(cast.ravi)
    seen = row.version
    followups.add_evidence(
        follow_up=row, type="url", url=URL, note="Something else to look at.",
        actor=audit.person(cast.ravi), now=NOW,
    )  # fmt: skip
    page = act(maya, row, "verify", version=seen, note="Looks good to me")
    assert page.status_code == 409
    assert "Somebody changed" in text_of(page) and "Looks good to me" in page.content.decode()
    again = page.context["steps"][0][1]
    assert f"{row.ref} is verified" in text_of(
        act(maya, row, "verify", version=again["version"].value(), note="Looks good to me")
    )


def test_two_who_verify_at_once_are_told_who_was_faster(cast: Cast, maya: Client) -> None:
    row = done(cast.ravi)
    followups.verify(follow_up=row, person=cast.bea, actor=audit.person(cast.bea), now=NOW
                     + timedelta(hours=3))  # fmt: skip
    page = act(maya, row, "verify", version=row.version)
    assert "Somebody changed" in text_of(page)
    row.refresh_from_db()
    assert row.verified_by == cast.bea


def test_an_edit_on_an_older_page_is_shown_again_with_what_was_typed(
    cast: Cast, ravi: Client
) -> None:
    row = promise(cast.ravi)
    followups.edit(follow_up=row, title="By Bea", actor=audit.person(cast.bea), now=NOW)
    sent = filled(cast, title="By Ravi", version=1, reason="It needs more time.")
    page = ravi.post(f"/followups/{row.ref}/edit/", sent)
    assert page.status_code == 409
    assert "What you typed stands below" in text_of(page) and "By Ravi" in page.content.decode()
    sent["version"] = page.context["form"]["version"].value()
    saved = ravi.post(f"/followups/{row.ref}/edit/", sent, follow=True)
    assert f"{row.ref} is changed" in text_of(saved)
    row.refresh_from_db()
    assert (row.title, row.due_on) == ("By Ravi", date(2026, 3, 20))


def test_an_edit_that_needs_a_reason_asks_for_it_at_its_field(cast: Cast, ravi: Client) -> None:
    row = promise(cast.ravi)
    page = ravi.post(f"/followups/{row.ref}/edit/", filled(cast, version=1))
    assert page.status_code == 400
    assert page.context["form"].errors == {"reason": ["Say why it will be later."]}


def test_evidence_is_added_and_taken_back_on_the_page(cast: Cast, ravi: Client) -> None:
    row = promise(cast.ravi)
    page = act(ravi, row, "evidence", type="url", url="x", note="")
    assert page.status_code == 400 and "begins with https" in text_of(page)
    act(ravi, row, "evidence", type="release", ref="v1.8.0", url=URL, note=NOTE)
    piece = row.evidence.get()
    page = act(ravi, row, "withdraw", piece=piece.pk, why="no")
    assert page.status_code == 400 and "Say why it does not count" in text_of(page)
    assert "does not count any more" in text_of(
        act(ravi, row, "withdraw", piece=piece.pk, why="It ran on another branch.")
    )
    assert act(ravi, row, "withdraw", piece=999, why="Not mine at all.").status_code == 404


def test_a_comment_is_shown_as_markdown_and_no_script_runs(cast: Cast, ravi: Client) -> None:
    row = promise(cast.ravi, acceptance="<script>alert(1)</script> **seen**")
    page = act(ravi, row, "comment", text="Waits for *review* <img src=x onerror=alert(1)>")
    html = page.content.decode()
    assert "<em>review</em>" in html and "<strong>seen</strong>" in html
    assert "<script>alert" not in html and "<img src=x" not in html


# -- who


def test_a_viewer_reads_and_is_told_why_not_more(cast: Cast) -> None:
    row, olu = promise(cast.ravi), sign_in(cast.olu)
    assert "Your role only reads" in text_of(olu.get(f"/followups/{row.ref}/"))
    assert olu.get("/followups/new/").status_code == 403
    assert act(olu, row, "start").status_code == 403
    assert olu.get(f"/followups/{row.ref}/edit/").status_code == 403


def test_only_a_manager_leaves_it_undone(cast: Cast, ravi: Client) -> None:
    row = promise(cast.ravi)
    assert "Only a manager decides" in text_of(ravi.get(f"/followups/{row.ref}/"))
    assert act(ravi, row, "drop", reason="No time for it.").status_code == 403
    row.refresh_from_db()
    assert row.status == "open"


def test_what_is_restricted_or_does_not_exist_answers_404(cast: Cast, ravi: Client) -> None:
    hidden = promise(cast.bea, is_restricted=True)
    for ref in (hidden.ref, "FUP-0", "FUP-999999", "FUP-x", "INC-1"):
        assert ravi.get(f"/followups/{ref}/").status_code == 404, ref
        assert ravi.post(f"/followups/{ref}/do/start/").status_code == 404, ref
    assert "Restricted" in text_of(sign_in(cast.bea).get(f"/followups/{hidden.ref}/"))
    row = promise(cast.ravi)
    assert ravi.get(f"/followups/{row.ref.lower()}/").url == f"/followups/{row.ref}/"
    assert ravi.post(f"/followups/{row.ref}/do/nothing/").status_code == 404
    assert ravi.get(f"/followups/{row.ref}/do/start/").status_code == 302
