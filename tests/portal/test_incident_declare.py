"""Declaring in a minute: four answers, what may belong to it, the first messages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from apps.changes.models import Change
from apps.incidents.models import Audience, CommsTemplate, Incident, SeverityLevel
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import Scene, queries, scene, sign_in, text_of
from tests.world import World

ANSWERS = {
    "who": "several",
    "data_wrong": "no",
    "money_or_security": "no",
    "workaround": "no",
}
FORM = {"title": "Login is slow", **ANSWERS}


@pytest.fixture
def made(world: World, cast: Cast) -> Scene:
    return scene(world, cast)


@pytest.fixture
def sam(cast: Cast) -> Client:
    return sign_in(cast.sam)


def newest() -> Incident:
    return Incident.objects.latest("pk")


def change(made: Scene, world: World, summary: str = "inspect 2.14.0") -> Change:
    return Change.objects.create(
        kind="release",
        ref=summary,
        summary=summary,
        surface=made.surface,
        occurred_at=world.now - timedelta(hours=8),
        recorded_at=world.now,
    )


# -- severity


def test_the_answers_decide_the_severity_and_are_kept(
    cast: Cast, world: World, sam: Client
) -> None:
    sam.post("/incidents/new/", FORM)
    incident = newest()
    assert (incident.severity, incident.suggested_severity) == ("SEV2", "SEV2")
    assert incident.severity_answers == ANSWERS


def test_another_severity_than_suggested_takes_a_reason(
    cast: Cast, world: World, sam: Client
) -> None:
    refused = sam.post("/incidents/new/", {**FORM, "severity": "SEV4"})
    assert refused.status_code == 400
    said = "Why another severity than suggested: The answers suggest SEV2. Say why it is SEV4."
    assert said in text_of(refused)
    sam.post("/incidents/new/", {**FORM, "severity": "SEV4", "reason": "Only our own login"})
    assert (newest().severity, newest().severity_reason) == ("SEV4", "Only our own login")


def test_without_an_answer_and_a_severity_nothing_is_declared(
    cast: Cast, world: World, sam: Client
) -> None:
    refused = sam.post("/incidents/new/", {"title": "Login is slow"})
    assert refused.status_code == 400
    assert "Severity: Answer a question above, or choose a severity yourself." in text_of(refused)
    wrong = sam.post("/incidents/new/", {**FORM, "who": "everybody"})
    assert wrong.status_code == 400
    assert not Incident.objects.exists()


# -- beside the form


def test_who_will_command_is_shown_with_the_reason_and_then_commands(
    made: Scene, cast: Cast, sam: Client
) -> None:
    page = sam.get("/incidents/new/", {"surface": made.surface.key})
    assert "Commander RR Ravi Rao on call for it" in text_of(page)
    sam.post("/incidents/new/", {**FORM, "surface": made.surface.key})
    assert (newest().commander, newest().commander_named) == (cast.ravi, "on_call")
    sam.post("/incidents/new/", {**FORM, "surface": made.surface.key, "command": "on"})
    assert (newest().commander, newest().commander_named) == (cast.sam, "chosen")


def test_hints_are_numbered_and_those_that_are_ticked_are_linked(
    made: Scene, cast: Cast, world: World, sam: Client
) -> None:
    row = change(made, world)
    given = {"title": "Snowflake profiling times out", "surface": made.surface.key}
    page = sam.get("/incidents/new/hints/", given)
    offered = page.context["look"].hints
    assert [one.key for one in offered] == list(range(1, len(offered) + 1))
    values = [one.value for one in offered]
    assert f"change {row.pk}" in values
    assert f"incident {made.incident.ref}" in values
    assert 'data-key="1"' in page.content.decode()
    sam.post("/incidents/new/", {**FORM, **given, "hints": [f"change {row.pk}", "ticket TCK-9"]})
    links = newest().links.values_list("kind", "ref", "relation")
    assert list(links) == [("change", str(row.pk), "suspect")]  # what was not offered is not linked


def test_what_was_ticked_stays_ticked_when_something_is_looked_up_again(
    made: Scene, cast: Cast, world: World, sam: Client
) -> None:
    row = change(made, world)
    sent = {**FORM, "surface": made.surface.key, "hints": f"change {row.pk}", "do": "look"}
    page = sam.post("/incidents/new/", sent)
    assert page.status_code == 200
    assert 'value="Login is slow"' in page.content.decode()
    assert [one.value for one in page.context["look"].hints if one.is_ticked] == [
        f"change {row.pk}"
    ]
    assert Incident.objects.count() == 1  # looking declares nothing


def test_nothing_is_offered_before_anything_is_said(made: Scene, sam: Client) -> None:
    assert sam.get("/incidents/new/").context["look"].hints == []


@pytest.mark.parametrize("surface", ["nowhere", "x" * 500, "a\x00b"])
def test_a_surface_that_is_none_breaks_nothing(made: Scene, sam: Client, surface: str) -> None:
    assert sam.get("/incidents/new/hints/", {"surface": surface}).status_code in {200, 400}


# -- what it is made of


def test_an_alert_fills_the_form_and_stays_linked(
    made: Scene, cast: Cast, world: World, sam: Client
) -> None:
    page = sam.get(f"/incidents/new/?alert={made.alert.pk}")
    text = text_of(page)
    assert "Of the alert “Snowflake profiling times out”, which stays linked." in text
    assert f"It belongs to {made.incident.ref}" in text  # and need not be declared again
    assert page.context["form"].initial["surface"] == made.surface.key
    sam.post("/incidents/new/", {**FORM, "alert": made.alert.pk, "detection_source": "alert"})
    assert newest().links.filter(kind="alert", ref=str(made.alert.pk)).exists()
    assert newest().detection_source == "alert"


def test_a_ticket_fills_the_form_and_stays_linked(cast: Cast, world: World, sam: Client) -> None:
    build.support()
    ticket = build.ticket(subject="Reports show old figures")
    page = sam.get(f"/incidents/new/?ticket={ticket.ref}")
    assert page.context["form"].initial["title"] == "Reports show old figures"
    sam.post("/incidents/new/", {**FORM, "ticket": ticket.ref, "detection_source": "ticket"})
    link = newest().links.get()
    assert (link.kind, link.ref, link.relation) == ("ticket", ticket.ref, "reported_by")
    assert f"?ticket={ticket.ref}" in sam.get(f"/tickets/{ticket.ref}/").content.decode()


def test_a_change_is_a_suspect_from_the_start(
    made: Scene, cast: Cast, world: World, sam: Client
) -> None:
    row = change(made, world)
    page = sam.get(f"/incidents/new/?change={row.pk}")
    assert page.context["form"].initial["surface"] == made.surface.key
    sam.post("/incidents/new/", {**FORM, "change": row.pk})
    assert newest().links.get().relation == "suspect"


@pytest.mark.parametrize("query", ["alert=999999", "ticket=TCK-999999", "change=x", "alert=²"])
def test_what_is_not_there_fills_nothing(cast: Cast, db: None, sam: Client, query: str) -> None:
    assert sam.get(f"/incidents/new/?{query}").context["origin"].link is None


# -- the first messages


@pytest.fixture
def words(db: None) -> CommsTemplate:
    SeverityLevel.objects.create(key="SEV2", name="major", definition="Broken for several.")
    outside = Audience.objects.create(key="public", name="Customers", side="public")
    return CommsTemplate.objects.create(
        key="first", name="First", stage="initial", audience=outside,
        subject="Problems with {{ affected }}", body="We are looking into it.",
    )  # fmt: skip


def test_first_messages_are_shown_and_drafted_not_sent(
    cast: Cast, world: World, sam: Client, words: CommsTemplate
) -> None:
    text = text_of(sam.get("/incidents/new/"))
    assert "First messages" in text
    assert "Problems with a part of" in text
    sam.post("/incidents/new/", {**FORM, "drafts": "public"})
    update = newest().updates.get()
    assert (update.status, update.audience) == ("draft", words.audience)
    sam.post("/incidents/new/", FORM)
    assert not newest().updates.exists()


def test_without_prepared_words_declaring_goes_on(cast: Cast, world: World, sam: Client) -> None:
    sam.post("/incidents/new/", {**FORM, "drafts": ["public", "internal"]})
    assert not newest().updates.exists()


# -- doors and costs


def test_a_reader_declares_nothing(cast: Cast, db: None) -> None:
    olu = sign_in(cast.olu)
    assert olu.get("/incidents/new/hints/").status_code == 403
    assert olu.post("/incidents/new/", FORM).status_code == 403


def test_the_hints_cost_the_same_for_many_changes(
    made: Scene, cast: Cast, world: World, sam: Client
) -> None:
    address = f"/incidents/new/hints/?surface={made.surface.key}&title=Snowflake"
    change(made, world)
    first = queries(sam, address)
    for number in range(6):
        change(made, world, f"release {number}")
    assert queries(sam, address) == first <= 45


# -- the framework, told to a newcomer


def test_the_severity_page_explains_levels_states_and_roles(
    cast: Cast, world: World, words: CommsTemplate
) -> None:
    SeverityLevel.objects.filter(pk="SEV2").update(
        alias="p1", acknowledge_seconds=900, mitigate_seconds=28_800, examples="A queue\nA type"
    )
    olu = sign_in(cast.olu)
    text = text_of(olu.get("/incidents/severity/"))
    for said in ("SEV2 p1", "Major", "within 15 m", "within 8 h", "A queue A type", "Scribe"):
        assert said in text, said
    tried = text_of(olu.get("/incidents/severity/", ANSWERS))
    assert "Several customers are hurt and there is no safe way around it." in tried
    assert olu.get("/incidents/severity/", {"who": "nonsense"}).status_code == 200


def test_business_targets_are_told_in_business_hours(cast: Cast, db: None) -> None:
    SeverityLevel.objects.create(
        key="SEV3", name="minor", definition="One.", clock="business",
        acknowledge_seconds=14_400, mitigate_seconds=86_400, commander_seconds=3_600,
    )  # fmt: skip
    text = text_of(sign_in(cast.olu).get("/incidents/severity/"))
    for said in ("within 4 business hours", "within 24 business hours", "within 1 business hour "):
        assert said in text, said


def test_without_levels_the_page_says_how_they_come(cast: Cast, db: None) -> None:
    assert "No levels are set up" in text_of(sign_in(cast.olu).get("/incidents/severity/"))
