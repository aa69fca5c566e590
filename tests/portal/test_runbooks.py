"""Runbooks in the portal: found, read at night, written without scripts, run step by step."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.core import clock
from apps.followups.models import FollowUp
from apps.runbooks import selectors, services
from apps.runbooks.models import Execution, Runbook, RunbookVersion, StepResult
from apps.runbooks.steps import StepIn
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import queries, sign_in, text_of
from tests.runbooks import kit

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(cast: Cast) -> kit.Cast:
    return kit.Cast(ravi=cast.ravi, bea=cast.bea, maya=cast.maya, olu=cast.olu)


@pytest.fixture
def version(people: kit.Cast) -> RunbookVersion:
    return kit.approved(people, now=clock.now())


@pytest.fixture
def ravi(cast: Cast) -> Client:
    return sign_in(cast.ravi)


def page_of(run: Execution) -> str:
    return f"/runbooks/runs/{run.ref}/"


def start(people: kit.Cast, version: RunbookVersion, **more: Any) -> Execution:
    return kit.run(people, version, now=clock.now(), **more)


# -- found and read


def test_an_empty_list_teaches_what_a_runbook_is(ravi: Client, cast: Cast) -> None:
    assert "Write a runbook" in text_of(ravi.get("/runbooks/"))
    text = text_of(sign_in(cast.olu).get("/runbooks/"))
    assert "Responders write them." in text and "Your role only reads." in text


def test_the_list_says_how_far_each_can_be_trusted(
    people: kit.Cast, version: RunbookVersion, ravi: Client
) -> None:
    kit.runbook(people, key="rb-unwritten", title="Nobody wrote its steps")
    old = clock.now() - timedelta(days=200)
    kit.approved(people, kit.runbook(people, key="rb-old", title="Old one"), now=old)
    text = text_of(ravi.get("/runbooks/"))
    for said in ("Fresh", "Stale", "Not approved yet"):
        assert said in text
    wanting = text_of(ravi.get("/runbooks/?state=attention"))
    assert "Old one" in wanting and "times out" not in wanting
    found = text_of(ravi.get("/runbooks/?q=snowflake"))
    assert "times out" in found and "Old one" not in found
    assert "No runbook fits this" in text_of(ravi.get("/runbooks/?q=nothing%25"))


def test_a_runbook_is_read_step_by_step(version: RunbookVersion, cast: Cast) -> None:
    text = text_of(sign_in(cast.olu).get("/runbooks/rb-snowflake-timeouts/"))
    for said in (
        "Step 1: Confirm the scope", "You should see One warehouse type fails",
        "Cannot be undone.", "If not Go to step 3. The flag service may be down.",
        "Escalate: page the next person now", "Approved", "Ravi Rao", "Your role only reads.",
    ):  # fmt: skip
        assert said in text, said


def test_text_of_a_step_is_made_safe(people: kit.Cast, ravi: Client) -> None:
    nasty = '<img src=x onerror=alert(1)> [go](javascript:alert(1)) "><script>alert(1)</script>'
    step = StepIn(title=nasty[:150], instruction=nasty, expected=nasty, on_fail_text=nasty)
    version = kit.approved(people, steps=[step], now=clock.now())
    run = start(people, version)
    for address in ("/runbooks/rb-snowflake-timeouts/", page_of(run), "/runbooks/"):
        body = ravi.get(address).content.decode()
        assert "<img src=x" not in body and "<script>alert" not in body
        assert 'href="javascript' not in body


@pytest.mark.parametrize(
    "address",
    ["/runbooks/no-such/", "/runbooks/rb-snowflake-timeouts/?version=9", "/runbooks/runs/RUN-0/",
     "/runbooks/runs/RUN-x/", "/runbooks/runs/RUN-999999999999999999/", "/runbooks/no-such/edit/",
     "/runbooks/no-such/export/"],
)  # fmt: skip
def test_what_is_not_there_answers_404(version: RunbookVersion, ravi: Client, address: str) -> None:
    assert ravi.get(address).status_code == 404


def test_a_runbook_goes_out_as_a_file(version: RunbookVersion, ravi: Client) -> None:
    answer = ravi.get("/runbooks/rb-snowflake-timeouts/export/?as=markdown")
    assert answer["Content-Disposition"] == 'attachment; filename="rb-snowflake-timeouts.md"'
    assert answer.content.decode().startswith("# Snowflake profiling times out\n")
    assert "key: rb-snowflake-timeouts" in (
        ravi.get("/runbooks/rb-snowflake-timeouts/export/?as=exe").content.decode()
    )


# -- written


ABOUT = {"title": "Quota is used up", "key": "rb-quota", "cadence_days": "60"}


def test_a_runbook_is_begun_and_its_steps_written(cast: Cast, ravi: Client) -> None:
    build.surface("profiler.bigquery")
    given = {**ABOUT, "surfaces": "Profiler.BigQuery", "triggers": "alert: quota\ncode: ERR-Q"}
    response = ravi.post("/runbooks/new/", {**given, "owner": cast.ravi.pk})
    assert response["Location"] == "/runbooks/rb-quota/edit/"
    made = Runbook.objects.get()
    assert set(made.triggers.values_list("by", "value")) == {("alert", "quota"), ("code", "ERR-Q")}
    assert made.surfaces.get().key == "profiler.bigquery"
    sent = steps_sent(
        {"place": "2", "title": "Second", "on_fail": "goto", "on_fail_step": "1"},
        {"place": "1", "title": "First"},
        {"place": "3", "title": ""},
    )
    response = ravi.post("/runbooks/rb-quota/edit/", sent)
    assert response["Location"] == "/runbooks/rb-quota/?version=1"
    steps = selectors.steps_of(RunbookVersion.objects.get())
    assert [(step.title, step.on_fail_step) for step in steps] == [("First", None), ("Second", 1)]


def steps_sent(*steps: dict[str, str], **head: str) -> dict[str, str]:
    sent = {"s-TOTAL_FORMS": str(len(steps)), "s-INITIAL_FORMS": "0", **head}
    for number, step in enumerate(steps):
        row = {"kind": "action", "on_fail": "note", **step}
        sent |= {f"s-{number}-{name}": value for name, value in row.items()}
    return sent


def test_a_step_put_between_two_others_keeps_where_steps_lead(
    people: kit.Cast, ravi: Client
) -> None:
    draft = kit.draft(people, kit.runbook(people))
    page = ravi.get("/runbooks/rb-snowflake-timeouts/edit/")
    seen = page.context["head"]["seen"].value()
    sent = steps_sent(
        {"place": "1", "title": "Confirm"},
        {"place": "2", "title": "Turn off", "on_fail": "goto", "on_fail_step": "3"},
        {"place": "3", "title": "Drain"},
        {"place": "2.5", "title": "New between"},
        seen=seen,
    )
    assert ravi.post("/runbooks/rb-snowflake-timeouts/edit/", sent).status_code == 302
    steps = selectors.steps_of(draft)
    assert [step.title for step in steps] == ["Confirm", "Turn off", "New between", "Drain"]
    assert steps[1].on_fail_step == 4


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([{"title": ""}], "A runbook has at least one step."),
        ([{"title": "", "instruction": "x"}], "Say in one line what to do."),
        ([{"title": "A", "on_fail": "goto"}], "Step 1: Say which step to go to."),
        (
            [{"place": "1", "title": "A", "on_fail": "goto", "on_fail_step": "2"},
             {"place": "2", "title": "B", "leave_out": "on"}],
            "there is no step at 2 any more",
        ),
        ([{"title": "A", "minutes": "x"}], "Enter a whole number."),
    ],
)  # fmt: skip
def test_steps_that_cannot_be_kept_stay_on_the_page(
    people: kit.Cast, ravi: Client, steps: list[dict[str, str]], said: str
) -> None:
    kit.runbook(people)
    response = ravi.post("/runbooks/rb-snowflake-timeouts/edit/", steps_sent(*steps))
    assert response.status_code == 400
    assert said in text_of(response)
    assert not RunbookVersion.objects.exists()


def test_whoever_saves_second_is_told(people: kit.Cast, ravi: Client) -> None:
    kit.draft(people, kit.runbook(people))
    seen = ravi.get("/runbooks/rb-snowflake-timeouts/edit/").context["head"]["seen"].value()
    kit.draft(people, Runbook.objects.get(), steps=kit.STEPS[:1])
    sent = steps_sent({"title": "Mine"}, seen=seen)
    response = ravi.post("/runbooks/rb-snowflake-timeouts/edit/", sent)
    assert response.status_code == 400
    assert "Somebody else saved this runbook" in text_of(response)
    assert 'value="Mine"' in response.content.decode()


def test_a_version_is_submitted_sent_back_and_approved(
    people: kit.Cast, cast: Cast, ravi: Client
) -> None:
    kit.draft(people, kit.runbook(people))
    bea, at = sign_in(cast.bea), "/runbooks/rb-snowflake-timeouts/"
    assert "Ask for a review" in text_of(bea.get(at))
    bea.post(f"{at}submit/")
    assert "Approve You wrote it. Somebody else approves it." in text_of(bea.get(at))
    response = bea.post(f"{at}approve/")
    assert response.status_code == 403
    assert ravi.post(f"{at}return/", {"reason": " "}).status_code == 400
    ravi.post(f"{at}return/", {"reason": "Step 2 lacks a way back"})
    assert RunbookVersion.objects.get().status == "draft"
    bea.post(f"{at}submit/")
    assert "is what is run from now on" in text_of(ravi.post(f"{at}approve/", follow=True))
    assert "has no draft any more" in text_of(ravi.post(f"{at}approve/", follow=True))


def test_a_review_needs_more_than_a_date(version: RunbookVersion, ravi: Client) -> None:
    at = "/runbooks/rb-snowflake-timeouts/review/"
    response = ravi.post(at, {"outcome": "confirmed", "note": "ok"})
    assert response.status_code == 400
    assert "in at least 10 characters" in text_of(response)
    ravi.post(at, {"outcome": "confirmed", "note": "Read all steps, flag still exists"})
    assert version.reviews.count() == 2


def test_a_file_becomes_a_draft_and_what_is_wrong_names_its_line(
    people: kit.Cast, ravi: Client
) -> None:
    good = b"key: rb-a\ntitle: A\nsteps:\n  - title: Look\n"
    file = SimpleUploadedFile("a.yaml", good)
    response = ravi.post("/runbooks/import/", {"file": file})
    assert response["Location"] == "/runbooks/rb-a/?version=1"
    for text, said in (
        ("key: rb-b\ntitle: B\nsteps:\n  - titel: Look\n", "Line 4: Step 1: “titel” is not known"),
        ("a: &x [1]\nb: *x\n", "Line 1: Anchors and aliases"),
        ("[" * 5000, "Line 1: It is nested deeper than 20 levels."),
        ("# A\n- Key: rb-c\n## \n", "Line 3: Step 1: Say in one line"),
        ("", "Choose a file, or paste its text."),
    ):
        response = ravi.post("/runbooks/import/", {"text": text})
        assert response.status_code == 400
        assert said in text_of(response), text_of(response)
    for body, said in ((b"\xff\xfe\x00", "not text in UTF-8"), (b"x" * 262_145, "than 256 KiB")):
        response = ravi.post("/runbooks/import/", {"file": SimpleUploadedFile("a.md", body)})
        assert response.status_code == 400 and said in text_of(response)
    assert Runbook.objects.count() == 1


def test_a_runbook_is_edited_as_text(version: RunbookVersion, ravi: Client) -> None:
    page = ravi.get("/runbooks/import/?from=rb-snowflake-timeouts")
    text = page.context["form"]["text"].value()
    ravi.post("/runbooks/import/", {"text": text.replace("Drain the queue", "Drain at half")})
    draft = RunbookVersion.objects.get(status="draft")
    assert (draft.number, selectors.steps_of(draft)[2].title) == (2, "Drain at half")


def test_readers_write_nothing(version: RunbookVersion, cast: Cast) -> None:
    olu, at = sign_in(cast.olu), "/runbooks/rb-snowflake-timeouts/"
    for path in ("/runbooks/new/", "/runbooks/import/", f"{at}edit/", f"{at}about/"):
        assert olu.get(path).status_code == 403, path
    for verb in ("submit", "approve", "return", "review", "retire", "start"):
        assert olu.post(f"{at}{verb}/").status_code == 403, verb
    assert not Execution.objects.exists()


# -- run


def test_a_run_leads_from_step_to_step_and_asks_twice(
    people: kit.Cast, version: RunbookVersion, ravi: Client
) -> None:
    response = ravi.post("/runbooks/rb-snowflake-timeouts/start/")
    run = Execution.objects.get()
    at = page_of(run)
    assert response["Location"] == at
    text = text_of(ravi.get(at))
    assert "1 Confirm the scope" in text and "0 of 4" in text
    # What is typed for a step and not sent yet waits for that step alone.
    assert f'data-draft="{run.ref}.3"' in ravi.get(f"{at}?step=3").content.decode()
    response = ravi.post(f"{at}1/", {"status": "done", "was": "pending", "output": "Only XS"})
    assert response["Location"] == f"{at}?step=2#focus"
    asked = ravi.post(f"{at}2/", {"status": "in_progress", "output": "Flag <b>"})
    assert "Step 2 cannot be undone. Go ahead?" in text_of(asked)
    assert 'value="Flag &lt;b&gt;"' in asked.content.decode()
    assert StepResult.objects.get(step__position=2).status == "pending"
    response = ravi.post(f"{at}2/", {"status": "in_progress", "confirmed": "on", "output": "Flag"})
    assert response["Location"] == f"{at}?step=2#focus"
    response = ravi.post(f"{at}2/", {"status": "failed", "output": "502 from the flag service"})
    page = ravi.get(response["Location"].partition("#")[0])
    said = "It was not as expected. The flag service may be down. Go to step 3"
    assert said in text_of(page)
    assert f'href="{page_of(run)}?step=3#focus"' in page.content.decode()


def test_a_whole_run_is_completed(people: kit.Cast, version: RunbookVersion, ravi: Client) -> None:
    run = start(people, version)
    at = page_of(run)
    early = ravi.post(f"{at}move/", {"to": "completed"}, follow=True)
    assert "Still to be done: steps 1, 2, 3, 4." in text_of(early)
    for position in (1, 2, 3):
        ravi.post(f"{at}{position}/", {"status": "done", "confirmed": "on"})
    refused = ravi.post(f"{at}4/", {"status": "skipped", "output": " "})
    assert refused.status_code == 400 and "Say why it is skipped." in text_of(refused)
    ravi.post(f"{at}4/", {"status": "skipped", "output": "Nothing is queued"})
    assert "Every step is recorded" in text_of(ravi.get(at))
    response = ravi.post(f"{at}move/", {"to": "completed", "reason": "All well"}, follow=True)
    assert "3 of 4 steps were done, 1 skipped" in text_of(response)


def test_whoever_records_second_is_told_and_changes_nothing(
    people: kit.Cast, version: RunbookVersion, ravi: Client, cast: Cast
) -> None:
    at = page_of(start(people, version))
    sign_in(cast.bea).post(f"{at}1/", {"status": "failed", "was": "pending", "output": "Two types"})
    response = ravi.post(f"{at}1/", {"status": "done", "was": "pending"}, follow=True)
    assert "Bea Bell was faster: step 1 is not as expected." in text_of(response)
    assert StepResult.objects.get(step__position=1).output == "Two types"


def test_a_wrong_step_opens_a_follow_up_and_warns_the_next_reader(
    people: kit.Cast, version: RunbookVersion, ravi: Client
) -> None:
    at = page_of(start(people, version))
    refused = ravi.post(f"{at}3/wrong/", {"note": "bad"})
    assert refused.status_code == 400
    ravi.post(f"{at}3/wrong/", {"note": "The queue has another name since May"})
    found = FollowUp.objects.get()
    assert (found.aim, found.owner, found.source_ref) == ("docs", people.ravi, version.runbook.key)
    text = text_of(ravi.get("/runbooks/rb-snowflake-timeouts/"))
    assert "Somebody said that a step is wrong." in text and found.ref in text
    assert f"Said to be wrong: {found.ref}" in text_of(ravi.get(f"{at}?step=3"))


def test_a_run_for_an_incident_is_seen_by_those_on_it(
    people: kit.Cast, version: RunbookVersion, ravi: Client, cast: Cast
) -> None:
    incident = build.incident(by=cast.ravi, visibility="restricted", now=clock.now())
    book = ravi.get(f"/runbooks/rb-snowflake-timeouts/?incident={incident.ref}")
    assert f"Run it for {incident.ref}" in text_of(book)
    ravi.post("/runbooks/rb-snowflake-timeouts/start/", {"incident": incident.ref})
    run = Execution.objects.get()
    assert (run.context_ref, run.is_restricted) == (incident.ref, True)
    assert sign_in(cast.bea).get(page_of(run)).status_code == 404
    assert sign_in(cast.bea).post(f"{page_of(run)}1/", {"status": "done"}).status_code == 404
    assert run.ref not in text_of(sign_in(cast.bea).get("/runbooks/runs/?state=all"))
    assert ravi.get(page_of(run)).status_code == 200


def test_an_incident_that_one_may_not_see_is_not_named(
    people: kit.Cast, version: RunbookVersion, cast: Cast
) -> None:
    incident = build.incident(by=cast.maya, visibility="restricted", now=clock.now())
    bea = sign_in(cast.bea)
    page = bea.get(f"/runbooks/rb-snowflake-timeouts/?incident={incident.ref}")
    assert incident.ref not in text_of(page)
    bea.post("/runbooks/rb-snowflake-timeouts/start/", {"incident": incident.ref})
    assert Execution.objects.get().context_ref == ""


def test_a_draft_runs_in_a_drill_only(people: kit.Cast, ravi: Client) -> None:
    kit.draft(people, kit.runbook(people))
    at = "/runbooks/rb-snowflake-timeouts/start/"
    assert "Only an approved version is run" in text_of(ravi.post(at, follow=True))
    ravi.post(at, {"kind": "drill", "draft": "1"})
    assert Execution.objects.get().kind == "drill"


def test_the_polled_part_is_the_list_of_steps_alone(
    people: kit.Cast, version: RunbookVersion, ravi: Client
) -> None:
    body = ravi.get(f"{page_of(start(people, version))}live/?step=2").content.decode()
    assert 'id="run-steps"' in body and "<form" not in body and "<html" not in body


def test_pages_cost_the_same_for_many_rows(
    people: kit.Cast, version: RunbookVersion, ravi: Client
) -> None:
    ravi.get("/")
    run = start(people, version)
    book, at = "/runbooks/rb-snowflake-timeouts/", page_of(run)
    before = [queries(ravi, one) for one in ("/runbooks/", book, at, "/runbooks/runs/")]
    for number in range(5):
        other = kit.runbook(people, key=f"rb-{number}", surfaces=[build.surface(f"s.n{number}")])
        kit.finish(people, start(people, kit.approved(people, other)), now=clock.now())
        kit.finish(people, start(people, version), now=clock.now())
    for position in (1, 2):
        kit.record(people, run, position, confirmed=True)
    after = [queries(ravi, one) for one in ("/runbooks/", book, at, "/runbooks/runs/")]
    assert after == before
    assert max(after) <= 22, after


def test_a_retired_runbook_is_read_and_run_no_more(
    people: kit.Cast, version: RunbookVersion, ravi: Client
) -> None:
    at = "/runbooks/rb-snowflake-timeouts/"
    assert ravi.post(f"{at}retire/", {"reason": ""}).status_code == 400
    ravi.post(f"{at}retire/", {"reason": "The flag is gone"})
    text = text_of(ravi.get(at))
    assert "Retired" in text and "Run it" not in text
    assert "times out" in text_of(ravi.get("/runbooks/?state=retired"))
    assert services.chase_stale(now=clock.now() + timedelta(days=400)) == 0
