"""Writing an update: prepared, looked at, kept, approved, published."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.incidents.models import CommsTemplate, Component, Incident, StatusUpdate
from tests import builders as build
from tests.conftest import Cast
from tests.incidents import commskit as comms
from tests.portal.kit import sign_in, text_of
from tests.world import World

WORDS = {"stage": "update", "subject": "We found the cause", "body": "It is **switched off**."}


@pytest.fixture
def incident(world: World, cast: Cast) -> Incident:
    """A SEV1 that Maya commands; what customers read waits for a yes."""
    comms.framework(approve=True)
    for key in ("public", "internal"):
        comms.audience(key)
    surface = build.surface(primary=cast.ravi, now=world.now)
    return build.incident(
        severity="SEV1", surface=surface, by=cast.maya, commander=cast.maya, now=world.now
    )


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


def new(incident: Incident, audience: str = "public") -> str:
    return f"/incidents/{incident.ref}/updates/new/?audience={audience}"


def only() -> StatusUpdate:
    return StatusUpdate.objects.get()


def test_the_form_begins_with_prepared_words_and_a_promise(
    incident: Incident, world: World, maya: Client
) -> None:
    CommsTemplate.objects.create(
        key="first", name="First words", stage="initial", audience=comms.audience("public"),
        subject="Problems with {{ affected }}", body="Since {{ started_at }}.",
    )  # fmt: skip
    form = maya.get(new(incident)).context["form"]
    assert form["stage"].value() == "initial"
    assert form["subject"].value().startswith("Problems with a part of")
    assert form["next_update_at"].value().strftime("%H:%M") == "06:30"  # 30 minutes at first


def test_a_look_at_it_sends_nothing_and_keeps_the_words(incident: Incident, maya: Client) -> None:
    page = maya.post(new(incident), {**WORDS, "do": "preview"})
    body = page.content.decode()
    assert "<strong>switched off</strong>" in body
    assert "It is **switched off**." in body
    assert not StatusUpdate.objects.exists()


def test_a_preview_names_the_placeholder_that_cannot_be_filled(
    incident: Incident, maya: Client
) -> None:
    page = maya.post(new(incident), {**WORDS, "body": "{{ nonsense }}", "do": "preview"})
    assert page.status_code == 400
    assert "nonsense" in text_of(page)


def test_whoever_may_approve_publishes_at_once(incident: Incident, maya: Client) -> None:
    page = maya.post(new(incident), {**WORDS, "do": "publish"}, follow=True)
    assert "Published for Public." in text_of(page)
    assert only().status == "published"
    assert "1 published" in text_of(page)


def test_others_ask_for_a_yes_and_the_commander_gives_it(
    incident: Incident, cast: Cast, maya: Client
) -> None:
    bea = sign_in(cast.bea)
    assert "Ask for approval" in text_of(bea.get(new(incident)))
    bea.post(new(incident), {**WORDS, "do": "publish"})
    assert only().status == "pending"
    text = text_of(bea.get(f"/incidents/{incident.ref}/"))
    assert "Publish It waits for a yes of the commander or a manager." in text
    version = only().version
    act = f"/incidents/{incident.ref}/updates/{only().pk}/"
    late = bea.post(f"{act}publish/", {"version": version})
    assert late.status_code in {302, 403}
    assert only().status == "pending"
    maya.post(f"{act}publish/", {"version": version})
    assert (only().status, only().approver) == ("published", cast.maya)


def test_an_approver_sends_it_back_with_what_is_missing(
    incident: Incident, cast: Cast, maya: Client
) -> None:
    sign_in(cast.bea).post(new(incident), {**WORDS, "do": "publish"})
    act = f"/incidents/{incident.ref}/updates/{only().pk}/send-back/"
    maya.post(act, {"reason": "Say since when"})
    assert only().status == "draft"


def test_a_draft_is_edited_against_lost_edits(incident: Incident, cast: Cast, maya: Client) -> None:
    maya.post(new(incident), {**WORDS, "do": "draft"})
    address = f"/incidents/{incident.ref}/updates/{only().pk}/"
    seen = only().version
    assert 'value="We found the cause"' in maya.get(address).content.decode()
    sign_in(cast.bea).post(
        address, {**WORDS, "subject": "Bea was faster", "version": seen, "do": "draft"}
    )
    late = maya.post(address, {**WORDS, "subject": "Mine", "version": seen, "do": "draft"})
    assert late.status_code in {302, 409, 400}
    assert only().subject == "Bea was faster"


def test_a_draft_is_thrown_away(incident: Incident, world: World, cast: Cast, maya: Client) -> None:
    row = comms.draft(incident, cast.maya, world.now)
    maya.post(f"/incidents/{incident.ref}/updates/{row.pk}/withdraw/")
    assert only().status == "withdrawn"
    assert maya.get(f"/incidents/{incident.ref}/updates/{row.pk}/").status_code == 404


def test_an_update_says_how_components_are(incident: Incident, world: World, maya: Client) -> None:
    part = Component.objects.create(key="profiling", name="Profiling", started_on=world.now.date())
    part.surfaces.add(incident.surface)
    assert "What the status page shows" in text_of(maya.get(new(incident)))
    assert "What the status page shows" not in text_of(maya.get(new(incident, "internal")))
    sent = {**WORDS, "do": "publish", "state-profiling": "partial_outage"}
    maya.post(new(incident), sent)
    assert only().states == {"profiling": "partial_outage"}
    assert part.impacts.get().state == "partial_outage"
    assert maya.post(new(incident), {**sent, "state-profiling": "on fire"}).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject": ""}, "Subject"),
        ({"subject": "x" * 201}, "Subject"),
        ({"body": ""}, "Message"),
        ({"body": "x" * 100_000}, "Message"),
        ({"next_update_at": "2020-01-01T00:00"}, "Promise the next one by"),
        ({"stage": "nonsense"}, "Stage"),
    ],
)
def test_what_cannot_be_sent_is_said_beside_its_field_and_nothing_is_kept(
    incident: Incident, maya: Client, change: dict[str, str], field: str
) -> None:
    page = maya.post(new(incident), {**WORDS, **change, "do": "publish"})
    assert page.status_code == 400
    assert f"{field}: " in text_of(page)
    assert not StatusUpdate.objects.exists()


def test_html_in_an_update_is_text(incident: Incident, maya: Client) -> None:
    maya.post(new(incident), {**WORDS, "body": "<script>alert(1)</script>", "do": "draft"})
    body = maya.get(f"/incidents/{incident.ref}/").content.decode()
    assert "<script>alert" not in body
    assert "&lt;script&gt;alert" in body


def test_without_audiences_there_is_nothing_to_write_to(
    cast: Cast, world: World, maya: Client
) -> None:
    row = build.incident(by=cast.maya, now=world.now)
    assert maya.get(f"/incidents/{row.ref}/updates/new/").status_code == 404


def test_a_reader_writes_nothing(incident: Incident, world: World, cast: Cast) -> None:
    olu = sign_in(cast.olu)
    row = comms.draft(incident, cast.maya, world.now)
    assert olu.get(new(incident)).status_code == 403
    assert olu.post(f"/incidents/{incident.ref}/updates/{row.pk}/publish/").status_code == 403


def test_it_is_said_when_the_last_word_to_customers_promises_more_of_what_is_over(
    incident: Incident, maya: Client
) -> None:
    said = "Nobody outside was told that it is over."
    maya.post(new(incident), {**WORDS, "do": "publish"})
    assert said not in text_of(maya.get(f"/incidents/{incident.ref}/"))
    move = {"to": "resolved", "impact_summary": "Some runs failed.", "detected_by": "alert"}
    maya.post(f"/incidents/{incident.ref}/move/", {"to": "mitigated", "mitigation_note": "Off."})
    maya.post(f"/incidents/{incident.ref}/move/", move)
    assert said in text_of(maya.get(f"/incidents/{incident.ref}/"))
    maya.post(new(incident), {**WORDS, "stage": "resolved", "do": "publish"})
    assert said not in text_of(maya.get(f"/incidents/{incident.ref}/"))


def test_a_draft_that_marks_no_part_of_the_status_page_says_so(
    incident: Incident, maya: Client
) -> None:
    said = "On the status page every part stays as it is."
    maya.post(new(incident), {**WORDS, "do": "draft"})
    assert said in text_of(maya.get(f"/incidents/{incident.ref}/"))
    StatusUpdate.objects.update(states={"profiles": "degraded_performance"})
    assert said not in text_of(maya.get(f"/incidents/{incident.ref}/"))
