"""Search: a page for people, the same as JSON for the palette, and nothing that is hidden."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import Person
from tests import builders as build
from tests.conftest import Cast
from tests.followups import kit as followup_kit
from tests.portal.kit import Scene, queries, scene, sign_in, text_of
from tests.runbooks import kit as runbook_kit
from tests.world import World


@pytest.fixture
def made(world: World, cast: Cast) -> Scene:
    return scene(world, cast)


def _found(person: Person | Client, query: str) -> list[tuple[str, str]]:
    client = person if isinstance(person, Client) else sign_in(person)
    results = client.get("/search/", {"q": query, "format": "json"}).json()["results"]
    return [(result["kind"], result["title"]) for result in results]


def test_every_kind_is_found_by_its_words(made: Scene, cast: Cast) -> None:
    title = "Snowflake profiling times out"
    ref = made.incident.ref
    assert ("Incident", f"{ref} {title}") in _found(cast.olu, "profiling snowflake")
    assert ("Alert", title) in _found(cast.olu, "snowflake")
    assert ("Surface", "inspect.profiler") in _found(cast.olu, "insp prof")
    assert ("Person", "Ravi Rao") in _found(cast.olu, "rao")
    assert ("Schedule", "Profiler") in _found(cast.olu, "PROFILER")
    assert ("Page", "On call") in _found(cast.olu, "on call")


def test_an_incident_is_found_by_its_reference(made: Scene, cast: Cast) -> None:
    for query in (made.incident.ref, made.incident.ref.lower(), str(made.incident.pk)):
        assert _found(cast.olu, query)[0][1].startswith(f"{made.incident.ref} ")


def test_runbooks_and_follow_ups_are_found_by_their_words_and_references(db: None) -> None:
    cast = runbook_kit.Cast()
    run = runbook_kit.run(cast)
    row = followup_kit.promise(cast.ravi)
    hidden = followup_kit.promise(cast.ravi, title="Sample less", is_restricted=True)
    assert ("Runbook", "Snowflake profiling times out") in _found(cast.olu, "snowflake")
    assert ("Runbook", "Snowflake profiling times out") in _found(cast.olu, "rb-snow")
    assert _found(cast.olu, run.ref) == [("Run", f"{run.ref} Snowflake profiling times out")]
    for query in (row.ref, row.ref.lower(), "wide text"):
        assert _found(cast.olu, query) == [("Follow-up", f"{row.ref} {row.title}")]
    assert _found(cast.olu, hidden.ref) == _found(cast.olu, "sample less") == []
    assert ("Page", "Runbooks") in _found(cast.olu, "runbooks")


def test_what_begins_with_the_words_comes_first(made: Scene, cast: Cast) -> None:
    build.surface("a.profiler")
    build.surface("profiler.zone")
    surfaces = [title for kind, title in _found(cast.olu, "profiler") if kind == "Surface"]
    assert surfaces == ["profiler.zone", "a.profiler", "inspect.profiler"]


def test_nothing_typed_offers_the_pages_and_what_is_open(made: Scene, cast: Cast) -> None:
    found = _found(cast.ravi, "")
    assert ("Action", "Declare incident") in found
    assert found[-1][0] == "Incident"
    assert ("Action", "Declare incident") not in _found(cast.olu, "")


def test_hidden_incidents_and_addresses_are_not_found(made: Scene, cast: Cast) -> None:
    hidden = build.incident(title="Leaked names", by=cast.maya, visibility="restricted")
    for query in ("leaked", hidden.ref, str(hidden.pk)):
        assert all("Leaked" not in title for _, title in _found(cast.olu, query))
        assert any("Leaked" in title for _, title in _found(cast.maya, query))
    assert _found(cast.olu, "ravi@example.com") == []
    assert _found(cast.maya, "ravi@example.com") == [("Person", "Ravi Rao")]


def test_results_lead_somewhere(made: Scene, cast: Cast) -> None:
    client = sign_in(cast.ravi)
    for query in ("", "snowflake", "ravi", "profiler"):
        results = client.get("/search/", {"q": query, "format": "json"}).json()["results"]
        assert results
        for result in results:
            assert client.get(result["url"]).status_code == 200, result


@pytest.mark.parametrize("query", ["%", "_", "\\", "'; DROP TABLE", "xy " * 100, "٤٢", "9" * 200])
def test_odd_words_are_only_words(made: Scene, cast: Cast, query: str) -> None:
    client = sign_in(cast.olu)
    assert client.get("/search/", {"q": query}).status_code == 200
    assert all(kind != "Alert" for kind, _ in _found(client, query))


def test_the_page_shows_the_same_and_says_when_there_is_nothing(made: Scene, cast: Cast) -> None:
    client = sign_in(cast.olu)
    text = text_of(client.get("/search/?q=snowflake"))
    assert "for “snowflake”" in text
    assert "Snowflake profiling times out" in text
    assert "Nothing found" in text_of(client.get("/search/?q=xyzzy"))


def test_words_of_the_query_cannot_run(made: Scene, cast: Cast) -> None:
    body = sign_in(cast.olu).get("/search/", {"q": '"><script>x</script>'}).content.decode()
    assert "<script>x" not in body


def test_many_matches_cost_as_many_queries_as_one_and_are_few(
    made: Scene, cast: Cast, world: World
) -> None:
    client = sign_in(cast.maya)
    client.get("/")
    before = queries(client, "/search/?q=pro&format=json")
    for number in range(9):
        build.incident(title=f"Pro {number}", by=cast.ravi, surface=made.surface, now=world.now)
        build.surface(f"pro{number}")
        build.person(f"Prof{number} Pro")
    assert queries(client, "/search/?q=pro&format=json") == before <= 16
    assert len(_found(client, "pro")) <= 6 * 6


def test_tickets_are_found_by_number_and_by_what_was_said(cast: Cast) -> None:
    made = build.ticket("Profile is stale", body="The warehouse was suspended.")
    client = sign_in(cast.sam)
    for words in (made.ref, "suspended", "tck-" + str(made.pk)):
        page = text_of(client.get("/search/", {"q": words}))
        assert f"{made.ref} Profile is stale" in page
