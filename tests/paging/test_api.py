"""Pages over the API."""

from __future__ import annotations

import pytest

from apps.paging.models import Page
from tests import builders as build
from tests.calls import tool
from tests.conftest import Cast
from tests.world import World

pytestmark = pytest.mark.django_db
SCOPES = ("incidents:read", "incidents:write")


def test_a_page_shows_whom_it_told_and_what_became_of_it(world: World, cast: Cast) -> None:
    surface = build.surface("inspect.api", primary=cast.ravi, backup=cast.bea)
    build.schedule(cast.ravi, surfaces=[surface], now=world.now)
    page = build.page(surface=surface, now=world.now)
    world.run()
    world.forget()
    caller = tool(*SCOPES, name="bot")
    shown = caller.get(f"pages/{page.pk}")
    assert (shown["status"], shown["urgency"], shown["surface"]) == ("open", "high", "inspect.api")
    assert (shown["opener"]["kind"], shown["policy"]) == ("test", "Standard")
    assert [step["people"] for step in shown["steps"]] == [[cast.ravi.email]]
    assert shown["next_at"] is not None
    taken = caller.post(f"pages/{page.pk}/acknowledge")
    assert (taken["status"], taken["acknowledged_by"], taken["acknowledged_user"]) == (
        "acknowledged", "bot", None,
    )  # fmt: skip
    assert (
        caller.post(f"pages/{page.pk}/acknowledge")["acknowledged_at"] == taken["acknowledged_at"]
    )
    over = caller.post(f"pages/{page.pk}/resolve")
    assert (over["status"], over["next_at"]) == ("resolved", None)
    assert caller.post(f"pages/{page.pk}/resolve")["resolved_at"] == over["resolved_at"]
    assert [note["what"] for note in over["timeline"]][-2:] == ["acknowledged", "resolved"]
    world.run()
    world.forget()


def test_the_list_is_filtered_newest_first(
    cast: Cast, django_assert_max_num_queries: object
) -> None:
    surface = build.surface("inspect.api")
    pages = [build.page(), build.page(surface=surface, urgency="low"), build.page()]
    caller = tool(*SCOPES)
    caller.post(f"pages/{pages[2].pk}/acknowledge")

    def asked(**query: str) -> list[str]:
        return [row["id"] for row in caller.get("pages", query)["results"]]

    with django_assert_max_num_queries(5):  # type: ignore[operator]
        assert asked() == [str(page.pk) for page in reversed(pages)]
    assert asked(status="acknowledged") == [str(pages[2].pk)]
    assert asked(urgency="low") == asked(surface="inspect.api") == [str(pages[1].pk)]


def test_a_key_of_a_team_neither_sees_nor_takes_another_team_s_page(cast: Cast) -> None:
    mine, theirs = build.team("inspect"), build.team("billing")
    own = build.page(surface=build.surface("inspect.api", team=mine))
    other = build.page(surface=build.surface("billing.api", team=theirs))
    unrouted = build.page()
    key = tool(*SCOPES, team=mine)
    assert {row["id"] for row in key.get("pages")["results"]} == {str(own.pk), str(unrouted.pk)}
    for what in ("", "/acknowledge", "/resolve"):
        reply = key.call("POST" if what else "GET", f"pages/{other.pk}{what}")
        assert (reply.status, reply.code) == (404, "not_found")
    assert Page.objects.get(pk=other.pk).status == "open"
    assert key.post(f"pages/{own.pk}/acknowledge").status == 200


def test_reading_is_not_acknowledging(cast: Cast) -> None:
    page = build.page()
    reader = tool("incidents:read")
    for what in ("acknowledge", "resolve"):
        assert reader.post(f"pages/{page.pk}/{what}").status == 403
        assert reader.get(f"pages/{page.pk}/{what}").status == 405
    assert Page.objects.get().status == "open"
