"""A runbook is run: who did which step, what came out, what is asked twice, what was wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.accounts import services as accounts
from apps.core.errors import Conflict, Invalid, NotFound
from apps.followups.models import FollowUp
from apps.notifications.models import Message
from apps.runbooks import selectors, services
from apps.runbooks.models import Chase, Execution, Runbook, RunbookVersion, StepResult
from apps.runbooks.providers import Executions
from apps.runbooks.services import leaving
from tests import builders as build
from tests.runbooks import kit

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def cast() -> kit.Cast:
    return kit.Cast()


def statuses(run: Execution) -> list[str]:
    rows = StepResult.objects.filter(execution=run).order_by("step__position")
    return list(rows.values_list("status", flat=True))


def test_a_run_has_every_step_and_tells_each_of_them(cast: kit.Cast) -> None:
    version = kit.approved(cast)
    with kit.Heard() as heard:
        run = kit.run(cast, version, context=("incident", "INC-7", "/incidents/INC-7/"))
        done = kit.record(cast, run, 1, output="Only X-Small\nwarehouses")
        kit.record(cast, run, 2, confirmed=True)
        kit.record(cast, run, 3, "skipped", output="Nothing is queued")
        failed = kit.record(cast, run, 4, "failed", output="3 of 30")
        services.complete(execution=run, actor=kit.by(cast.ravi), now=kit.NOW)
    assert (done.next, done.advice) == (2, None)
    assert failed.advice is not None and failed.advice.what == "stop"
    assert statuses(run) == ["done", "done", "skipped", "failed"]
    assert [one.what for one in heard] == ["started", *["step"] * 4, "completed"]
    assert [one.text for one in heard][1:4] == [
        f"Step 1 done: Confirm the scope. Only X-Small warehouses ({run.ref}, Ravi Rao)",
        f"Step 2 done: Turn the flag off. ({run.ref}, Ravi Rao)",
        f"Step 3 skipped: Drain the queue. Nothing is queued ({run.ref}, Ravi Rao)",
    ]
    assert {one.execution_id for one in heard} == {run.pk}
    row = StepResult.objects.get(execution=run, step__position=1)
    assert (row.by, row.by_label, row.at) == (cast.ravi, "Ravi Rao", kit.NOW)


def test_only_an_approved_version_is_run_and_a_drill_may_run_a_draft(cast: kit.Cast) -> None:
    draft = kit.draft(cast, kit.runbook(cast))
    for kind in ("real", "backfilled"):
        with pytest.raises(Conflict, match="Only an approved version is run") as caught:
            kit.run(cast, draft, kind=kind)
        assert caught.value.code == "not_approved"
    with pytest.raises(Invalid, match="Say what the run is for"):
        kit.run(cast, draft, kind="joke")
    assert kit.run(cast, draft, kind="drill").kind == "drill"


def test_what_cannot_be_undone_is_asked_twice(cast: kit.Cast) -> None:
    run = kit.run(cast)
    for status in ("done", "in_progress"):
        with pytest.raises(Conflict, match="Step 2 cannot be undone") as caught:
            kit.record(cast, run, 2, status)
        assert caught.value.code == "confirm_needed"
    assert statuses(run)[1] == "pending"
    kit.record(cast, run, 2, "in_progress", confirmed=True)
    result = kit.record(cast, run, 2, "done").result  # the yes was given before it began
    assert (result.status, result.confirmed_at) == ("done", kit.NOW)
    with pytest.raises(Conflict, match="cannot be undone"):
        kit.record(cast, run, 2, "in_progress")  # again: asked again
    kit.record(cast, run, 1)  # what can be undone is not asked


def test_a_failed_step_leads_to_where_its_author_says(cast: kit.Cast) -> None:
    run = kit.run(cast)
    answer = kit.record(cast, run, 2, "failed", output="502")
    assert answer.advice is not None and answer.next == 3
    assert answer.advice.text == "Go to step 3. The flag service may be down."
    assert kit.record(cast, run, 3, "failed").advice.what == "escalate"  # type: ignore[union-attr]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"status": "skipped"}, "output"),
    ({"status": "skipped", "output": " \n"}, "output"),
    ({"status": "dancing"}, "status"),
    ({"status": "pending"}, "status"),
    ({"output": "x" * 20_001}, "output"),
    ({"evidence_url": "javascript:alert(1)"}, "evidence_url"),
    ({"evidence_url": "/etc/passwd"}, "evidence_url"),
    ({"evidence_url": "https://x.io/ a"}, "evidence_url"),
    ({"evidence_url": "https://[::1"}, "evidence_url"),
    ({"evidence_url": "https://x.io/" + "a" * 500}, "evidence_url"),
]


@pytest.mark.parametrize(("given", "field"), REFUSED)
def test_a_result_that_cannot_be_kept_says_why(
    cast: kit.Cast, given: dict[str, Any], field: str
) -> None:
    run = kit.run(cast)
    with pytest.raises(Invalid) as caught:
        kit.record(cast, run, 1, **{"status": "done", **given})
    assert set(caught.value.fields) == {field}
    assert statuses(run)[0] == "pending"


def test_a_step_that_is_not_there_is_not_recorded(cast: kit.Cast) -> None:
    with pytest.raises(NotFound, match="has no step 9"):
        kit.record(cast, kit.run(cast), 9)


def test_a_change_of_mind_replaces_what_was_written(cast: kit.Cast) -> None:
    run = kit.run(cast)
    kit.record(cast, run, 1, "failed", output="Two types fail", evidence_url="https://x.io/a")
    kit.record(cast, run, 1, "done")
    row = StepResult.objects.get(execution=run, step__position=1)
    assert (row.status, row.output, row.evidence_url) == ("done", "", "")
    kit.record(cast, run, 3, "in_progress", output="Half drained")
    assert kit.record(cast, run, 3, "done").result.output == "Half drained"


def test_the_second_of_two_is_told_who_was_faster(cast: kit.Cast) -> None:
    run = kit.run(cast)
    kit.record(cast, run, 1, "failed", was="pending", output="Two types fail")
    with pytest.raises(Conflict, match="Ravi Rao was faster: step 1 is not as expected") as caught:
        kit.record(cast, run, 1, "done", was="pending", person=cast.bea, actor=kit.by(cast.bea))
    assert caught.value.code == "stale"
    with pytest.raises(Conflict, match="cannot become failed"):
        kit.record(cast, run, 1, "failed")


def test_nothing_is_recorded_in_a_run_that_is_paused_or_over(cast: kit.Cast) -> None:
    run = kit.run(cast)
    by = {"actor": kit.by(cast.ravi), "now": kit.NOW}
    services.pause(execution=run, reason="Waiting for the vendor", **by)
    with pytest.raises(Conflict, match=r"is paused\. Resume it first"):
        kit.record(cast, run, 1)
    with pytest.raises(Conflict):
        services.complete(execution=run, **by)
    services.resume(execution=run, **by)
    with pytest.raises(Conflict, match="Still to be done: steps 1, 2, 3, 4") as caught:
        services.complete(execution=run, **by)
    assert caught.value.code == "steps_left"
    with pytest.raises(Invalid, match="Say why"):
        services.abandon(execution=run, reason=" ", **by)
    services.abandon(execution=run, reason="Another runbook fits", **by)
    run.refresh_from_db()
    assert (run.status, run.ended_at, run.ended_reason) == (
        "abandoned", kit.NOW, "Another runbook fits",
    )  # fmt: skip
    with pytest.raises(Conflict, match=r"is abandoned\. Nothing is recorded"):
        kit.record(cast, run, 1)
    for to in ("running", "paused", "completed", "abandoned"):
        with pytest.raises(Conflict):
            services.transition(execution=run, to=to, reason="x", **by)


# -- a step that was wrong


def wrong(cast: kit.Cast, run: Execution, position: int = 3, **more: Any) -> FollowUp:
    given = {"note": "The queue has another name since May", "person": cast.maya, **more}
    by = {"actor": kit.by(cast.maya), "now": kit.NOW}
    return services.say_wrong(execution=run, step_position=position, **{**by, **given})


def test_a_wrong_step_becomes_a_follow_up_and_makes_the_version_suspect(cast: kit.Cast) -> None:
    surface = build.surface("profiler.snowflake")
    version = kit.approved(cast, kit.runbook(cast, surfaces=[surface]))
    run = kit.finish(cast, kit.run(cast, version))
    made = wrong(cast, run)  # also after the run
    assert (made.owner, made.aim, made.surface) == (cast.ravi, "docs", surface)
    assert made.due_on == (kit.NOW + 14 * DAY).date()
    assert (made.source_kind, made.source_ref) == ("runbook", "rb-snowflake-timeouts")
    version.refresh_from_db()
    assert version.suspect_at == kit.NOW
    assert version.suspect_note == "Step 3: The queue has another name since May (Maya Ma)"
    fresh = selectors.freshness_of([version.runbook], now=kit.NOW + DAY)[version.runbook_id]
    assert (fresh.band, fresh.is_suspect) == ("stale", True)
    with pytest.raises(Conflict, match=f"was said before; see {made.ref}"):
        wrong(cast, run)


def test_the_same_step_in_another_run_is_the_same_follow_up(cast: kit.Cast) -> None:
    version = kit.approved(cast)
    first = wrong(cast, kit.run(cast, version))
    assert wrong(cast, kit.run(cast, version)) == first
    assert wrong(cast, kit.run(cast, version), 1) != first


def test_a_wrong_step_of_a_restricted_run_stays_among_those_on_it(cast: kit.Cast) -> None:
    version = kit.approved(cast)
    made = wrong(cast, kit.run(cast, version, is_restricted=True))
    version.refresh_from_db()
    assert made.is_restricted
    assert version.suspect_note == "Step 3: said in a run that not everybody may see."
    open_one = wrong(cast, kit.run(cast, version))
    assert open_one != made and not open_one.is_restricted


@pytest.mark.parametrize(
    ("given", "owner"),
    [({"owner": None}, "bea"), ({"owner": None, "backup": None}, "maya")],
)
def test_without_an_owner_the_backup_mends_it_else_whoever_says_so(
    cast: kit.Cast, given: dict[str, Any], owner: str
) -> None:
    draft = kit.draft(cast, kit.runbook(cast, **given))
    run = kit.run(cast, draft, kind="drill")
    assert wrong(cast, run).owner == getattr(cast, owner)


def test_a_wrong_step_that_nobody_could_mend_is_refused(cast: kit.Cast) -> None:
    run = kit.run(cast, kit.draft(cast, kit.runbook(cast, owner=None, backup=None)), kind="drill")
    with pytest.raises(Invalid, match="has no owner"):
        wrong(cast, run, person=None)
    with pytest.raises(Invalid, match="at least 10 characters"):
        wrong(cast, run, note="bad")


def test_a_confirmed_review_takes_the_doubt_away(cast: kit.Cast) -> None:
    version = kit.approved(cast)
    wrong(cast, kit.run(cast, version))
    services.review(
        runbook=version.runbook, outcome="confirmed", note="The name was right after all",
        actor=kit.by(cast.ravi), now=kit.NOW + DAY,
    )  # fmt: skip
    version.refresh_from_db()
    assert (version.suspect_at, version.suspect_note) == (None, "")


# -- evidence


def test_a_completed_run_is_evidence(cast: kit.Cast) -> None:
    run = kit.run(cast)
    source = Executions()

    def problem(run: Execution) -> str:
        found = source.check(type="execution", ref=run.ref.lower())
        assert found is not None and found.url == f"/runbooks/runs/{run.ref}/"
        return found.problem

    assert "is running; a completed run is needed" in problem(run)
    kit.finish(cast, run)
    assert problem(run) == ""
    half = kit.finish(cast, kit.run(cast, run.version), skip=[3, 4])
    assert problem(half) == f"Only 2 of 4 steps of {half.ref} were done; 80% count."
    assert "is a test" in problem(kit.finish(cast, kit.run(cast, run.version, kind="test")))
    wrong(cast, run)
    assert "somebody said that a step was wrong" in problem(run)
    for ref in ("RUN-0", "RUN-x", "7", "RUN-" + "9" * 19):
        assert source.check(type="execution", ref=ref) is None
    assert source.check(type="drill", ref=run.ref) is None


# -- found


def test_runbooks_are_found_for_what_happens(cast: kit.Cast) -> None:
    parent = build.surface("profiler")
    surface = build.surface("profiler.snowflake", parent=parent)
    named = kit.approved(
        cast, kit.runbook(cast, surfaces=[surface], triggers=[("alert", "snowflake timeout")])
    )
    wide = kit.approved(cast, kit.runbook(cast, key="rb-profiler", surfaces=[parent]))
    kit.draft(cast, kit.runbook(cast, key="rb-draft", surfaces=[surface]))
    found = selectors.matching(surface=surface, words="Snowflake timeouts", now=kit.NOW + DAY)
    assert [(one.runbook, one.version) for one in found] == [
        (named.runbook, named), (wide.runbook, wide),
    ]  # fmt: skip
    assert found[0].freshness is not None and found[0].freshness.band == "fresh"
    assert found[0].why == "it says “snowflake timeout”; it is for profiler.snowflake"
    assert selectors.matching(surface=None) == []
    services.retire(
        runbook=wide.runbook, reason="Old", person=cast.maya, actor=kit.by(cast.maya), now=kit.NOW
    )
    assert [one.runbook for one in selectors.matching(surface=parent)] == []


def test_finding_costs_the_same_for_many_runbooks(
    cast: kit.Cast, django_assert_num_queries: Any
) -> None:
    surface = build.surface("profiler")
    for number in range(4):
        kit.approved(cast, kit.runbook(cast, key=f"rb-{number}", surfaces=[surface]))
    with django_assert_num_queries(7):
        assert len(selectors.matching(surface=surface, now=kit.NOW)) == 4


def test_runs_and_reviews_make_it_fresh_and_tests_do_not(cast: kit.Cast) -> None:
    version = kit.approved(cast)
    later = kit.NOW + 80 * DAY

    def at(now: Any) -> str:
        return selectors.freshness_of([version.runbook], now=now)[version.runbook_id].band

    assert (at(kit.NOW), at(later), at(kit.NOW + 91 * DAY)) == ("fresh", "aging", "stale")
    kit.finish(cast, kit.run(cast, version, now=later, kind="test"), now=later)
    assert at(later) == "aging"
    kit.finish(cast, kit.run(cast, version, now=later, kind="drill"), now=later)
    assert at(later) == "fresh"


# -- chased


def chased(now: Any) -> list[str]:
    before = set(Message.objects.values_list("pk", flat=True))
    services.chase_stale(now=now)
    fresh = Message.objects.exclude(pk__in=before).filter(what="runbook_stale")
    return sorted(fresh.values_list("person__name", flat=True))


def test_a_stale_runbook_is_chased_owner_then_backup_then_lead(cast: kit.Cast) -> None:
    lead = build.person("Lea Lead", password=None)
    build.team("inspect", lead=lead, members=[cast.ravi])
    kit.approved(cast)
    stale = kit.NOW + 90 * DAY
    assert chased(stale - DAY) == []
    assert chased(stale + DAY) == ["Ravi Rao"]
    assert chased(stale + 2 * DAY) == []  # once a week
    assert services.chase_stale(now=stale + 3 * DAY) == 0
    assert chased(stale + 8 * DAY) == ["Bea Bell", "Ravi Rao"]
    assert chased(stale + 15 * DAY) == ["Bea Bell", "Lea Lead", "Ravi Rao"]
    assert chased(stale + 22 * DAY) == ["Bea Bell", "Lea Lead", "Ravi Rao"]
    body = Message.objects.filter(person=lead).latest("pk").body
    assert "nobody used or reviewed it for 90 days" in body and "you lead Inspect" in body


def test_after_a_long_pause_only_the_latest_reminder_is_sent(cast: kit.Cast) -> None:
    kit.approved(cast)
    assert len(chased(kit.NOW + 200 * DAY)) == 3  # owner, backup, manager; once each
    assert Chase.objects.count() == 1


def test_a_suspect_runbook_is_chased_at_once_with_what_was_said(cast: kit.Cast) -> None:
    wrong(cast, kit.run(cast))
    assert chased(kit.NOW + DAY) == ["Ravi Rao"]
    message = Message.objects.get(what="runbook_stale")
    assert "is suspect: somebody said that a step is wrong" in message.subject
    assert "The queue has another name since May" in message.body


def test_a_stale_runbook_without_an_owner_goes_to_the_lead_at_once(cast: kit.Cast) -> None:
    made = kit.runbook(cast, owner=None, backup=None)
    version = kit.draft(cast, made)
    services.submit(version=version, actor=kit.by(cast.bea), now=kit.NOW)
    services.approve(version=version, person=cast.maya, actor=kit.by(cast.maya), now=kit.NOW)
    assert chased(kit.NOW + 91 * DAY) == ["Maya Ma"]


def test_drafts_and_retired_runbooks_are_not_chased(cast: kit.Cast) -> None:
    kit.draft(cast, kit.runbook(cast, key="rb-draft"))
    gone = kit.approved(cast).runbook
    services.retire(
        runbook=gone, reason="Old", person=cast.ravi, actor=kit.by(cast.ravi), now=kit.NOW
    )
    assert chased(kit.NOW + 400 * DAY) == []


# -- somebody leaves


def test_whoever_leaves_hands_over_to_the_backup(cast: kit.Cast) -> None:
    made = kit.runbook(cast)
    cast.ravi = accounts.deactivate(person=cast.ravi, actor=kit.by(cast.maya), now=kit.NOW)
    leaving.free_runbooks(person_id=cast.ravi.pk, actor=kit.by(cast.maya), now=kit.NOW)
    made.refresh_from_db()
    assert (made.owner, made.backup) == (cast.bea, None)
    cast.bea = accounts.deactivate(person=cast.bea, actor=kit.by(cast.maya), now=kit.NOW)
    leaving.free_runbooks(person_id=cast.bea.pk, actor=kit.by(cast.maya), now=kit.NOW)
    made.refresh_from_db()
    assert (made.owner, made.backup) == (None, None)
    told = Message.objects.filter(what="runbook_handed_over").values_list("person__name", flat=True)
    assert sorted(told) == ["Bea Bell", "Maya Ma"]


def test_a_backup_who_leaves_is_no_backup_any_more(cast: kit.Cast) -> None:
    made = kit.runbook(cast)
    leaving.free_runbooks(person_id=cast.bea.pk, actor=kit.by(cast.maya), now=kit.NOW)
    made = Runbook.objects.get(pk=made.pk)
    assert (made.owner, made.backup) == (cast.ravi, None)


# -- who may see it


def test_a_restricted_run_is_seen_by_managers_and_those_on_it(cast: kit.Cast) -> None:
    version = kit.approved(cast)
    run = kit.run(cast, version, is_restricted=True, watchers=[cast.olu])
    for person, sees in ((cast.ravi, 1), (cast.olu, 1), (cast.maya, 1), (cast.bea, 0)):
        assert Execution.objects.visible_to(person).filter(pk=run.pk).count() == sees
    assert RunbookVersion.objects.get(pk=version.pk).executions.count() == 1
