"""Incidents: the list, one incident, and every button on it."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.core import audit
from apps.incidents import services
from apps.incidents.models import Incident
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import Scene, fire, queries, scene, sign_in, text_of
from tests.world import World


@pytest.fixture
def made(world: World, cast: Cast) -> Scene:
    return scene(world, cast)


@pytest.fixture
def ravi(cast: Cast) -> Client:
    return sign_in(cast.ravi)


ENDING = {"impact_summary": "Reports were late for an hour", "public_silence": "Nobody saw it"}


def _page(made: Scene) -> str:
    return f"/incidents/{made.incident.ref}/"


# -- the list


def test_the_list_shows_what_is_open_and_its_filters_stand_in_the_address(
    made: Scene, cast: Cast, ravi: Client, world: World
) -> None:
    other = build.incident(title="Login is slow", severity="SEV4", by=cast.ravi, now=world.now)
    ended = build.incident(title="Quota exceeded", by=cast.bea, now=world.now)
    build.step(ended, "resolved", by=cast.bea, now=world.now)
    drill = build.incident(title="Rehearsal", kind="drill", by=cast.bea, now=world.now)
    build.step(drill, "resolved", by=cast.bea, now=world.now)
    seen = {
        "?state=all&kind=drill": {drill.pk},
        "": {made.incident.pk, other.pk},
        "?state=resolved": {ended.pk, drill.pk},
        "?state=all": {made.incident.pk, other.pk, ended.pk, drill.pk},
        "?severity=SEV2": {made.incident.pk},
        "?surface=inspect.profiler": {made.incident.pk},
        "?mine=1": {other.pk},
        "?severity=nonsense&state=nonsense": {made.incident.pk, other.pk},
        "?surface=nowhere": set(),
    }
    for query, expected in seen.items():
        rows = ravi.get(f"/incidents/{query}").context["page"].rows
        assert {row.pk for row in rows} == expected, query


def test_a_filter_in_force_is_named_and_can_be_taken_away(made: Scene, ravi: Client) -> None:
    response = ravi.get("/incidents/?state=all&severity=SEV2&mine=1")
    assert "Severity is SEV2" in text_of(response)
    chips = {chip["label"]: chip["url"] for chip in response.context["chips"]}
    assert chips == {
        "Severity is": "?state=all&mine=1",
        "People include": "?state=all&severity=SEV2",
    }


def test_an_empty_list_says_why_it_is_empty(made: Scene, ravi: Client) -> None:
    assert "No incident fits these filters" in text_of(ravi.get("/incidents/?severity=SEV1"))
    assert "Incidents that ended stay here" in text_of(ravi.get("/incidents/?state=resolved"))


def test_pages_of_the_list_go_on_and_back_without_losing_or_doubling_a_row(
    cast: Cast, world: World
) -> None:
    client = sign_in(cast.olu)
    for number in range(60):
        build.incident(title=f"Thing {number}", by=cast.ravi, now=world.now)
    seen, address, addresses = [], "?state=all", []
    while address:
        addresses.append(address)
        page = client.get(f"/incidents/{address}").context["page"]
        seen += [row.pk for row in page.rows]
        address = page.next
    newest_first = list(Incident.objects.order_by("-pk").values_list("pk", flat=True))
    assert seen == newest_first
    page = client.get(f"/incidents/{addresses[-1]}").context["page"]
    back = client.get(f"/incidents/{page.previous}").context["page"]
    assert [row.pk for row in back.rows] == newest_first[25:50]
    first = client.get(f"/incidents/{back.previous}").context["page"]
    assert [row.pk for row in first.rows] == newest_first[:25]
    assert first.previous == ""


@pytest.mark.parametrize("cursor", ["x", "a1", "a.1", "a99999999999999999.1", "b0.0", "a1.9e9"])
def test_a_cursor_that_is_none_breaks_nothing(made: Scene, ravi: Client, cursor: str) -> None:
    assert ravi.get("/incidents/", {"cursor": cursor}).status_code == 200


# -- one incident


def test_an_incident_tells_its_story_people_and_clocks(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    world.advance(minutes=6)
    world.forget()
    text = text_of(ravi.get(_page(made)))
    for said in (
        "SEV2 opened in triage: Snowflake profiling times out",
        "Told Ravi Rao (1 of 3).",
        "Told Ravi Rao, Bea Bell (2 of 3).",
        "To Bea Bell, Ravi Rao (you), 2 of 3, 1 m ago. Next",
        "Ravi Rao by E-mail",
        "Goes to the next person",
        "Running 6 m",
        "nobody has taken it",
    ):
        assert said in text, said
    world.run()
    services.acknowledge(
        incident=made.incident, actor=audit.person(cast.bea), person=cast.bea, now=world.now
    )
    world.run()
    world.forget()
    text = text_of(ravi.get(_page(made)))
    assert "after 6 m" in text
    assert "Bea Bell acknowledged the page." in text
    assert "Nobody is being woken" in text


def test_addresses_of_people_are_never_shown(made: Scene, ravi: Client) -> None:
    build.method(Incident.objects.get().surface.assignments.first().person)
    body = ravi.get(_page(made)).content.decode()
    assert "@example.com" not in body
    assert "…" not in body.split("Pages")[1].split("Timeline")[0]


def test_a_reference_is_found_in_any_case_and_no_other_text_is(made: Scene, ravi: Client) -> None:
    number = made.incident.pk
    assert ravi.get(f"/incidents/inc-{number}/")["Location"] == f"/incidents/INC-{number}/"
    for wrong in (f"{number}", f"INC-{number}x", "INC-", "INC-0", "INC-" + "9" * 18, "INC-١"):
        assert ravi.get(f"/incidents/{wrong}/").status_code == 404, wrong


def test_the_whole_life_of_an_incident_by_its_buttons(
    made: Scene, cast: Cast, ravi: Client
) -> None:
    for to, state in (
        ("investigating", "investigating"),
        ("identified", "identified"),
        ("mitigated", "mitigated"),
        ("investigating", "investigating"),
        ("resolved", "resolved"),
    ):
        sent = {"to": to, "note": "Because.", **(ENDING if to == "resolved" else {})}
        response = ravi.post(f"{_page(made)}move/", sent, follow=True)
        assert f"{made.incident.ref} is {state}." in text_of(response)
    made.incident.refresh_from_db()
    made.page.refresh_from_db()
    assert made.incident.status == "resolved"
    assert made.page.status == "resolved"  # nobody is woken for what is over
    assert "Ravi Rao went back to investigating. Because." in text_of(ravi.get(_page(made)))


def test_an_incident_in_triage_is_declined_and_taken_back_with_a_reason(
    made: Scene, ravi: Client
) -> None:
    refused = ravi.post(f"{_page(made)}move/", {"to": "declined"})
    assert "Why is it not an incident?: Say why it is not an incident." in text_of(refused)
    ravi.post(f"{_page(made)}move/", {"to": "declined", "note": "Their own firewall"})
    page = ravi.get(_page(made))
    assert [item["label"] for item in page.context["lifecycle"]] == ["Triage", "Declined"]
    ravi.post(f"{_page(made)}move/", {"to": "triage", "note": "It was one after all"})
    made.incident.refresh_from_db()
    assert made.incident.status == "triage"


def test_reopening_takes_a_reason_and_keeps_what_was_typed(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    build.step(made.incident, "resolved", by=cast.ravi, now=world.now)
    response = ravi.post(f"{_page(made)}move/", {"to": "investigating", "note": "  "})
    assert response.status_code == 400
    assert "Say why it is opened again." in text_of(response)
    assert 'id="move-investigating-note"' in response.content.decode()
    ravi.post(f"{_page(made)}move/", {"to": "investigating", "note": "It is back"})
    made.incident.refresh_from_db()
    assert made.incident.status == "investigating"
    assert made.incident.resolved_at is None


def test_resolving_what_is_resolved_is_refused_in_words(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    build.step(made.incident, "resolved", by=cast.ravi, now=world.now)
    response = ravi.post(f"{_page(made)}move/", {"to": "resolved"}, follow=True)
    assert "This incident is resolved; it cannot become resolved." in text_of(response)
    assert made.incident.timeline.filter(what="resolved").count() == 1


@pytest.mark.parametrize("to", ["", "merged-ish", "closed", "merged"])
def test_a_move_that_is_none_changes_nothing(made: Scene, ravi: Client, to: str) -> None:
    assert ravi.post(f"{_page(made)}move/", {"to": to}).status_code in {302, 400}
    made.incident.refresh_from_db()
    assert made.incident.status == "triage"


def test_moves_that_are_not_open_are_shown_with_the_reason(made: Scene, cast: Cast) -> None:
    text = text_of(sign_in(cast.ravi).get(_page(made)))
    assert "Mark mitigated Declare it first, or resolve it as it is." in text
    text = text_of(sign_in(cast.olu).get(_page(made)))
    assert "Resolve Your role only reads." in text
    assert "Comment Your role only reads." in text


def test_severity_rises_freely_and_sinks_with_a_reason(made: Scene, ravi: Client) -> None:
    ravi.post(f"{_page(made)}severity/", {"severity": "SEV1"})
    made.page.refresh_from_db()
    assert made.page.label == "SEV1"
    refused = ravi.post(f"{_page(made)}severity/", {"severity": "SEV3"})
    assert refused.status_code == 400
    assert "Why: Say why." in text_of(refused)
    ravi.post(f"{_page(made)}severity/", {"severity": "SEV3", "reason": "Only one customer"})
    made.incident.refresh_from_db()
    assert made.incident.severity == "SEV3"
    same = ravi.post(f"{_page(made)}severity/", {"severity": "SEV3"}, follow=True)
    assert "It is SEV3 already." in text_of(same)
    assert ravi.post(f"{_page(made)}severity/", {"severity": "P0"}).status_code == 400


def test_taking_command_is_said_in_the_timeline(made: Scene, cast: Cast, ravi: Client) -> None:
    response = ravi.post(f"{_page(made)}command/", follow=True)
    text = text_of(response)
    assert "Ravi Rao is commander." in text
    assert "Take command You are in command." in text
    made.incident.refresh_from_db()
    assert made.incident.commander == cast.ravi


def test_acknowledging_takes_every_page_once(made: Scene, cast: Cast, ravi: Client) -> None:
    response = ravi.post(f"{_page(made)}acknowledge/", follow=True)
    assert "Nobody else is woken." in text_of(response)
    again = sign_in(cast.bea).post(f"{_page(made)}acknowledge/", follow=True)
    assert "was waiting any more." in text_of(again)
    made.page.refresh_from_db()
    assert made.page.acknowledged_by == cast.ravi


def test_a_comment_is_markdown_made_safe(made: Scene, cast: Cast, ravi: Client) -> None:
    source = "**Bold** <img src=x onerror=alert(1)> [bad](javascript:alert(1)) [good](https://x.io)"
    response = ravi.post(f"{_page(made)}comment/", {"text": source}, follow=True)
    body = response.content.decode()
    assert "<strong>Bold</strong>" in body
    assert "<img" not in body
    assert 'href="javascript' not in body
    assert 'href="https://x.io" rel="nofollow noopener noreferrer"' in body
    assert cast.ravi in made.incident.participants.all()


@pytest.mark.parametrize("text", ["", "   ", "x" * 10_001])
def test_a_comment_that_cannot_be_taken_stays_in_its_box(
    made: Scene, ravi: Client, text: str
) -> None:
    response = ravi.post(f"{_page(made)}comment/", {"text": text})
    assert response.status_code == 400
    assert "One thing needs your attention" in text_of(response)
    assert not made.incident.timeline.filter(what="comment").exists()


def test_the_polled_part_carries_head_clocks_and_timeline_but_no_form(
    made: Scene, ravi: Client
) -> None:
    body = ravi.get(f"{_page(made)}live/").content.decode()
    assert '<section class="panel" id="incident-timeline"' in body
    assert 'id="incident-head" hx-swap-oob="true"' in body
    assert 'id="incident-now" hx-swap-oob="true"' in body
    assert "<form" not in body
    assert "<html" not in body


def test_a_long_timeline_is_read_in_parts(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    actor = audit.person(cast.ravi)
    for number in range(130):
        services.comment(
            incident=made.incident, text=f"Remark number {number}", actor=actor, now=world.now
        )
    first = ravi.get(_page(made))
    assert len(first.content) < 100_000
    older = first.context["story"].older
    second = ravi.get(f"{_page(made)}?before={older}")
    seen = [line.entry.pk for page in (first, second) for line in page.context["story"].lines]
    assert seen == list(made.incident.timeline.order_by("-pk").values_list("pk", flat=True))
    for odd in ("x", "0", "9" * 18, "9" * 40):
        assert ravi.get(_page(made), {"before": odd}).status_code == 200


# -- by hand


FORM = {"title": "Login is slow", "severity": "SEV3", "detection_source": "customer"}


def test_an_incident_is_declared_by_hand(made: Scene, cast: Cast, ravi: Client) -> None:
    response = ravi.post(
        "/incidents/new/", {**FORM, "surface": "Inspect.Profiler", "command": "on"}, follow=True
    )
    incident = Incident.objects.order_by("-pk")[0]
    assert response.redirect_chain == [(f"/incidents/{incident.ref}/", 302)]
    assert (incident.status, incident.commander) == ("investigating", cast.ravi)
    assert incident.surface == made.surface
    assert incident.detection_source == "customer"


def test_a_restricted_one_is_seen_by_whoever_declared_it(cast: Cast, db: None) -> None:
    sam = sign_in(cast.sam)
    response = sam.post("/incidents/new/", {**FORM, "restricted": "on"}, follow=True)
    assert response.status_code == 200
    assert "Restricted: only managers and the people on it" in text_of(response)
    ref = Incident.objects.get().ref
    assert sign_in(cast.bea).get(f"/incidents/{ref}/").status_code == 404


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": ""}, "What is wrong: This is missing."),
        ({"title": "x" * 201}, "What is wrong: "),
        ({"severity": "P1"}, "Severity: "),
        ({"surface": "nowhere"}, "There is no surface nowhere. Choose one from the list."),
        ({"detection_source": "drill"}, "Who noticed: "),
    ],
)
def test_what_cannot_be_taken_is_said_beside_its_field(
    cast: Cast, db: None, change: dict[str, str], said: str
) -> None:
    response = sign_in(cast.ravi).post("/incidents/new/", {**FORM, **change})
    assert response.status_code == 400
    assert said in text_of(response)
    assert not Incident.objects.exists()


def test_a_link_fills_the_form(cast: Cast, db: None) -> None:
    body = sign_in(cast.ravi).get("/incidents/new/?title=Slow%20login").content.decode()
    assert 'value="Slow login"' in body


# -- what it costs


def test_lists_and_pages_cost_the_same_for_many_rows(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    ravi.get("/")
    page = queries(ravi, _page(made))
    listed = queries(ravi, "/incidents/?state=all")
    for number in range(8):
        key = f"a{number}"
        fire(world, made.source, key, group_key="{one}", severity="error")
        build.incident(by=cast.ravi, commander=cast.bea, surface=made.surface, now=world.now)
        services.comment(
            incident=made.incident, text=key, actor=audit.person(cast.bea), now=world.now
        )
    assert queries(ravi, "/incidents/?state=all") == listed <= 16
    assert queries(ravi, _page(made)) == page <= 60


def test_the_stepper_shows_no_state_that_was_skipped(made: Scene, cast: Cast, world: World) -> None:
    incident = build.incident(by=cast.maya, now=world.now)
    build.step(incident, "resolved", by=cast.maya, now=world.now)
    shown = sign_in(cast.maya).get(f"/incidents/{incident.ref}/").context["lifecycle"]
    assert [item["label"] for item in shown] == ["Triage", "Investigating", "Resolved"]
    world.run()
    world.forget()
