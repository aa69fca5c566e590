"""One incident's page: what it shows of itself, and every button beside the steps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from apps.core import audit
from apps.incidents import services
from apps.incidents.models import Impact, Incident, IncidentLink, IncidentTask
from apps.incidents.services import tasks
from apps.portal.selectors import incident_page as parts
from tests import builders as build
from tests.conftest import Cast
from tests.incidents import commskit as comms
from tests.portal.kit import Scene, queries, scene, sign_in, text_of
from tests.runbooks import kit as books
from tests.world import World


@pytest.fixture
def made(world: World, cast: Cast) -> Scene:
    """A SEV2 that Ravi declared and commands, on a surface that is his."""
    comms.framework()
    found = scene(world, cast)
    services.transition(
        incident=found.incident, to="investigating", actor=audit.person(cast.ravi), now=world.now
    )
    found.incident.refresh_from_db()
    return found


@pytest.fixture
def ravi(cast: Cast) -> Client:
    return sign_in(cast.ravi)


def page_of(made: Scene) -> str:
    return f"/incidents/{made.incident.ref}/"


def do(client: Client, made: Scene, name: str, **values: object) -> str:
    response = client.post(f"{page_of(made)}do/{name}/", values, follow=True)
    assert response.status_code == 200, text_of(response)
    return text_of(response)


# -- what comes next


def test_the_next_step_says_what_is_missing_and_takes_it_at_once(made: Scene, ravi: Client) -> None:
    text = text_of(ravi.get(page_of(made)))
    assert "Next: mark identified" in text
    ravi.post(f"{page_of(made)}move/", {"to": "identified"})
    text = text_of(ravi.get(page_of(made)))
    assert "Next: mark mitigated" in text
    assert "Say what was done so that customers are fine." in text
    refused = ravi.post(f"{page_of(made)}move/", {"to": "mitigated"})
    assert refused.status_code == 400
    assert "Say what was done so that customers are fine." in text_of(refused)
    sent = {"to": "mitigated", "mitigation_note": "The flag is off"}
    ravi.post(f"{page_of(made)}move/", sent)
    made.incident.refresh_from_db()
    assert (made.incident.status, made.incident.mitigation_note) == ("mitigated", "The flag is off")


def test_a_step_that_waits_for_a_deed_is_refused_with_it_and_not_asked_in_vain(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    build.step(made.incident, "mitigated", by=cast.ravi, now=world.now)
    comms.draft(made.incident, cast.ravi, world.now)
    text = text_of(ravi.get(page_of(made)))
    assert "Resolve An update was written and not sent: publish it or throw it away." in text
    assert 'id="move-resolved-impact_summary"' not in ravi.get(page_of(made)).content.decode()
    sent = {"to": "resolved", "impact_summary": "Late", "detection_source": "alert"}
    late = ravi.post(f"{page_of(made)}move/", {**sent, "public_silence": "No"}, follow=True)
    assert "written and not sent" in text_of(late)
    made.incident.refresh_from_db()
    assert made.incident.status == "mitigated"


def test_after_it_is_over_the_page_asks_for_the_review_or_the_end(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    build.step(made.incident, "resolved", by=cast.ravi, now=world.now)
    made.incident.refresh_from_db()
    text = text_of(ravi.get(page_of(made)))
    assert "Next: close" in text
    assert "Its review is published, or none is asked for" in text
    assert "Page someone" not in text  # nobody is woken for what is over
    ravi.post(f"{page_of(made)}move/", {"to": "closed"})
    made.incident.refresh_from_db()
    assert made.incident.status == "closed"
    refused = ravi.post(f"{page_of(made)}move/", {"to": "investigating", "note": "Again"})
    assert refused.status_code in {302, 403}  # a closed one is a manager's to open
    sign_in(cast.maya).post(f"{page_of(made)}move/", {"to": "investigating", "note": "It is back"})
    made.incident.refresh_from_db()
    assert made.incident.status == "investigating"


# -- clocks


def test_the_clocks_say_when_the_next_update_is_owed_and_turn_red(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    body = ravi.get(page_of(made)).content.decode()
    assert "Next update for customers" in body
    assert "clock--danger" not in body
    world.advance(hours=2)
    world.forget()
    text = text_of(ravi.get(page_of(made)))
    assert "late, it was due" in text
    assert "Write it" in text


def test_a_reader_sees_no_button_that_they_cannot_press(made: Scene, cast: Cast) -> None:
    body = sign_in(cast.olu).get(page_of(made)).content.decode()
    main = body[body.index('id="main"') :]
    for gone in (
        "Page someone",
        "Write an update",
        "Add a task",
        "Link something",
        "Set the times",
    ):
        assert gone not in main, gone


def test_a_page_that_is_read_hears_that_the_incident_changed(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    seen = parts.mark(made.incident)
    address = f"{page_of(made)}live/?seen={seen}"
    assert "changed while you were reading" not in text_of(ravi.get(address))
    tasks.add(incident=made.incident, text="Call them", actor=audit.person(cast.bea), now=world.now)
    assert "changed while you were reading" in text_of(ravi.get(address))
    assert queries(ravi, address) <= 45


# -- people


def test_a_role_is_handed_over_with_a_note(made: Scene, cast: Cast, ravi: Client) -> None:
    text = do(ravi, made, "role", role="comms", person=cast.bea.pk)
    assert "Bea Bell is communication lead." in text
    note = "Two customers wait for a call"
    text = do(ravi, made, "role", role="comms", person=cast.sam.pk, handover_note=note)
    assert f"Handed over: {note}" in text
    text = do(ravi, made, "role", role="comms", person="nobody")
    assert "Nobody is communication lead." in text


def test_a_form_that_is_sent_as_it_stands_takes_the_role_from_nobody(
    made: Scene, ravi: Client
) -> None:
    response = ravi.post(f"{page_of(made)}do/role/", {"role": "commander", "person": ""})
    assert response.status_code == 400
    assert "Person: This is missing." in text_of(response)
    assert made.incident.roles.filter(role="commander", to_at__isnull=True).exists()


def test_a_role_for_somebody_who_is_not_there_is_refused_beside_its_field(
    made: Scene, ravi: Client
) -> None:
    response = ravi.post(f"{page_of(made)}do/role/", {"role": "comms", "person": "999999"})
    assert response.status_code == 400
    assert "Person: Select a valid choice." in text_of(response)
    assert 'id="act-role" open' in response.content.decode()


# -- tasks


def test_tasks_are_added_taken_done_and_opened_again(made: Scene, cast: Cast, ravi: Client) -> None:
    made.incident.tasks.all().delete()
    assert "The task is on the list." in do(ravi, made, "task_add", text="Ask the vendor")
    task = IncidentTask.objects.get(incident=made.incident)
    for name, status in (
        ("task_take", "open"),
        ("task_done", "done"),
        ("task_reopen", "open"),
        ("task_drop", "dropped"),
    ):
        do(ravi, made, name, pk=task.pk)
        task.refresh_from_db()
        assert (task.status, task.assignee) == (status, cast.ravi), name


def test_a_task_of_another_incident_is_not_found(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    other = build.incident(by=cast.bea, now=world.now)
    task = tasks.add(incident=other, text="Theirs", actor=audit.person(cast.bea), now=world.now)
    assert ravi.post(f"{page_of(made)}do/task_done/", {"pk": task.pk}).status_code == 404
    assert ravi.post(f"{page_of(made)}do/task_done/", {"pk": ""}).status_code == 404
    task.refresh_from_db()
    assert task.status == "open"


# -- links


def test_what_is_linked_is_told_by_its_look(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    other = build.incident(title="Reports are old", by=cast.bea, now=world.now)
    for ref, kind, kept in (
        (other.ref.lower(), "incident", other.ref),
        ("https://vendor.example/status?id=7", "url", "vendor.example/status "),
    ):
        do(ravi, made, "link", ref=ref, relation="related")
        link = IncidentLink.objects.filter(incident=made.incident, kind=kind).get()
        assert link.ref.startswith(kept)
    do(ravi, made, "unlink", pk=link.pk)
    assert not IncidentLink.objects.filter(pk=link.pk).exists()


@pytest.mark.parametrize("ref", ["INC-999999", "TCK-1", "nothing", "https://", "http://[", "inc-x"])
def test_what_is_not_there_is_not_linked(made: Scene, ravi: Client, ref: str) -> None:
    before = made.incident.links.count()
    response = ravi.post(f"{page_of(made)}do/link/", {"ref": ref, "relation": "related"})
    assert response.status_code == 400
    assert made.incident.links.count() == before


def test_a_restricted_incident_cannot_be_linked_by_who_may_not_see_it(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    hidden = build.incident(by=cast.maya, visibility="restricted", now=world.now)
    text = ravi.post(f"{page_of(made)}do/link/", {"ref": hidden.ref, "relation": "related"})
    assert f"There is no {hidden.ref}." in text_of(text)


def test_a_restricted_incident_is_linked_without_what_it_is_called(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    hidden = build.incident(
        title="Snowflake profiling leaks names", surface=made.surface, by=cast.maya,
        visibility="restricted", now=world.now,
    )  # fmt: skip
    maya = sign_in(cast.maya)
    do(maya, made, "link", ref=hidden.ref, relation="related")
    third = build.incident(title="Snowflake profiling", by=cast.maya, now=world.now)
    sent = {"hint": f"incident {hidden.ref}"}
    maya.post(f"/incidents/{third.ref}/hint/", sent)
    for page in (page_of(made), f"/incidents/{third.ref}/"):
        assert hidden.ref in text_of(maya.get(page))
        assert "leaks names" not in ravi.get(page).content.decode()


def test_an_offered_hint_is_linked_with_one_press_and_offered_no_more(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    build.incident(
        title="Snowflake profiling is slow", surface=made.surface, by=cast.bea, now=world.now
    )
    hints = ravi.get(page_of(made)).context["hints"]
    hint = next(one for one in hints if one.kind == "incident")
    sent = {"hint": f"{hint.kind} {hint.ref}"}
    ravi.post(f"{page_of(made)}hint/", sent)
    assert made.incident.links.filter(kind="incident", ref=hint.ref).exists()
    again = ravi.post(f"{page_of(made)}hint/", sent, follow=True)
    assert "This is not offered any more" in text_of(again)


# -- customers


def test_customers_are_listed_and_well_again(made: Scene, cast: Cast, ravi: Client) -> None:
    account = build.account(name="Bramble Foods")
    do(ravi, made, "impact", who="bramble foods", note="Old figures")
    do(ravi, made, "impact", who="A prospect")
    known, other = Impact.objects.filter(incident=made.incident).order_by("pk")
    assert (known.account, other.label) == (account, "A prospect")
    assert "2 still, of 2" in text_of(ravi.get(page_of(made)))
    do(ravi, made, "impact_end", pk=known.pk)
    assert "1 still, of 2" in text_of(ravi.get(page_of(made)))
    do(ravi, made, "impact_remove", pk=other.pk, reason="They were on holiday")
    assert made.incident.impacts.count() == 1


# -- several incidents


def test_one_goes_into_another_and_out_again(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    other = build.incident(title="Reports are old", by=cast.bea, now=world.now)
    child = f"/incidents/{other.ref}/"
    response = ravi.post(f"{child}do/merge/", {"into": made.incident.ref}, follow=True)
    assert f"{other.ref} went into {made.incident.ref}." in text_of(response)
    text = text_of(ravi.get(page_of(made)))
    assert f"{other.ref} Bea Bell declared the incident." in text  # its story, between ours
    assert f"It went into {made.incident.ref}" in text_of(ravi.get(child))
    do(ravi, made, "unmerge", pk=other.pk)
    other.refresh_from_db()
    assert other.status == "investigating"


def test_merging_into_itself_or_into_nothing_is_said_beside_the_field(
    made: Scene, ravi: Client
) -> None:
    for into, said in (
        (made.incident.ref, "An incident cannot go into itself."),
        ("INC-999999", "There is none."),
    ):
        response = ravi.post(f"{page_of(made)}do/merge/", {"into": into})
        assert response.status_code == 400
        assert f"Into: {said}" in text_of(response)


# -- pages of their own


def test_somebody_is_paged_by_hand(made: Scene, cast: Cast, world: World, ravi: Client) -> None:
    address = f"{page_of(made)}page/"
    body = ravi.get(address).content.decode()
    assert f'value="person:{cast.bea.pk}"' in body
    sent = {"target": f"person:{cast.bea.pk}", "summary": "Please look at the queue"}
    response = ravi.post(address, sent, follow=True)
    assert "They are being told now" in text_of(response)
    assert "Ravi Rao pages Bea Bell: Please look at the queue" in text_of(response)
    wrong = ravi.post(address, {"target": "person:999999", "summary": "x"})
    assert wrong.status_code == 400
    assert sign_in(cast.olu).get(address).status_code == 403


def test_times_are_set_right_with_a_reason_in_the_viewers_zone(
    made: Scene, cast: Cast, ravi: Client
) -> None:
    address = f"{page_of(made)}times/"
    cast.ravi.time_zone = "Europe/Berlin"
    cast.ravi.save(update_fields=["time_zone"])
    page = ravi.get(address)
    sent = {name: page.context["form"][name].value() or "" for name in page.context["form"].fields}
    sent["impact_started_at"] = "2026-09-07T08:00"  # 06:00 UTC
    assert ravi.post(address, sent).status_code == 400  # without a reason
    ravi.post(address, {**sent, "reason": "The first failed run"})
    made.incident.refresh_from_db()
    began = made.incident.impact_started_at
    assert began is not None
    assert (began.hour, began.minute) == (6, 0)
    late = ravi.post(address, {**sent, "impact_started_at": "2026-09-07T12:00", "reason": "No"})
    assert late.status_code == 400


def test_an_entry_is_corrected_beside_it_and_stays(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    entry = services.comment(
        incident=made.incident, text="It is BigQuery", actor=audit.person(cast.bea), now=world.now
    )
    address = f"{page_of(made)}timeline/{entry.pk}/"
    assert "It is BigQuery" in text_of(ravi.get(address))
    text = text_of(ravi.post(address, {"text": "It is Snowflake"}, follow=True))
    assert "Corrected by Ravi Rao" in text
    assert "It is BigQuery" in text
    assert ravi.get(f"{page_of(made)}timeline/{entry.pk + 999}/").status_code == 404


def test_what_it_is_called_and_hurts_can_be_said_better(
    made: Scene, cast: Cast, ravi: Client
) -> None:
    other = build.surface(key="inspect.reports")
    sent = {"title": "Reports show old figures", "surface": other.key, "summary": "Since Friday"}
    text = do(ravi, made, "edit", **sent)
    assert "Renamed: Snowflake profiling times out → Reports show old figures." in text
    made.incident.refresh_from_db()
    assert (made.incident.surface, made.incident.summary) == (other, "Since Friday")
    wrong = ravi.post(f"{page_of(made)}do/edit/", {**sent, "surface": "nowhere"})
    assert "There is no surface nowhere." in text_of(wrong)


def test_a_reminder_is_put_off_once_and_only_with_a_reason(
    made: Scene, world: World, ravi: Client
) -> None:
    address = f"{page_of(made)}snooze/"
    sent = {"side": "public", "minutes": "15", "reason": ""}
    assert ravi.post(address, sent).status_code == 400
    response = ravi.post(address, {**sent, "reason": "The vendor calls at seven"}, follow=True)
    assert response.status_code == 200
    assert made.incident.snoozes.count() == 1
    again = ravi.post(address, {**sent, "reason": "Once more"}, follow=True)
    assert "It was put off once already: write the update." in text_of(again)


def test_a_runbook_is_begun_inside_the_incident(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    version = books.approved(cast, now=world.now)
    version.runbook.surfaces.add(made.surface)
    assert "that fit, none is begun" in text_of(ravi.get(page_of(made)))
    response = ravi.post(f"{page_of(made)}run/", {"runbook": version.runbook.key})
    assert response.status_code == 302
    run = version.executions.get()
    assert response["Location"] == f"/runbooks/runs/{run.ref}/"
    assert (run.context_kind, run.context_ref) == ("incident", made.incident.ref)
    text = text_of(ravi.get(page_of(made)))
    assert run.ref in text
    assert "none is begun" not in text
    assert ravi.post(f"{page_of(made)}run/", {"runbook": "none"}).status_code == 404


# -- doors


@pytest.mark.parametrize(
    "name", ["do/edit/", "do/task_done/", "hint/", "snooze/", "run/", "times/"]
)
def test_readers_change_nothing(made: Scene, cast: Cast, name: str) -> None:
    assert sign_in(cast.olu).post(f"{page_of(made)}{name}", {}).status_code == 403


def test_an_action_that_is_none_is_not_found(made: Scene, ravi: Client) -> None:
    assert ravi.post(f"{page_of(made)}do/explode/", {}).status_code == 404


def test_what_is_restricted_is_found_by_nobody_else(cast: Cast, world: World, ravi: Client) -> None:
    hidden: Incident = build.incident(by=cast.maya, visibility="restricted", now=world.now)
    for name in ("", "live/", "page/", "times/", "updates/new/", "timeline/1/"):
        assert ravi.get(f"/incidents/{hidden.ref}/{name}").status_code == 404, name
    for name in ("do/edit/", "hint/", "snooze/", "run/", "updates/1/publish/"):
        assert ravi.post(f"/incidents/{hidden.ref}/{name}", {}).status_code == 404, name


def test_the_page_stays_small_with_much_on_it(
    made: Scene, cast: Cast, world: World, ravi: Client
) -> None:
    actor = audit.person(cast.bea)
    for number in range(90):
        at = world.now + timedelta(seconds=number)
        services.comment(incident=made.incident, text=f"Remark {number}", actor=actor, now=at)
    for number in range(12):
        tasks.add(incident=made.incident, text=f"Task {number}", actor=actor, now=world.now)
    assert len(ravi.get(page_of(made)).content) < 100_000
