"""A runbook is written, approved by somebody else, and never changes after that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core import audit
from apps.core.errors import Conflict, DomainError, IllegalTransition, Invalid, NotAllowed
from apps.notifications.models import Message
from apps.runbooks import selectors, services
from apps.runbooks.models import Runbook, RunbookReview, RunbookStep, RunbookVersion
from apps.runbooks.steps import StepIn, digest
from tests import builders as build
from tests.runbooks import kit

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> kit.Cast:
    return kit.Cast()


def test_a_version_is_written_submitted_and_approved_by_somebody_else(cast: kit.Cast) -> None:
    version = kit.approved(cast)
    assert (version.number, version.status, version.approved_by) == (1, "approved", cast.ravi)
    assert version.digest == digest(kit.STEPS)
    assert selectors.steps_of(version) == list(kit.STEPS)
    assert selectors.current_version(version.runbook) == version


def test_the_next_version_supersedes_the_one_before(cast: kit.Cast) -> None:
    first = kit.approved(cast)
    second = kit.approved(cast, first.runbook, steps=kit.STEPS[:1])
    first.refresh_from_db()
    assert (first.status, second.number, second.status) == ("superseded", 2, "approved")
    assert selectors.steps_of(first) == list(kit.STEPS)
    assert selectors.current_versions([first.runbook]) == {first.runbook_id: second}


def test_the_author_cannot_approve(cast: kit.Cast) -> None:
    version = kit.draft(cast, kit.runbook(cast))
    services.submit(version=version, actor=kit.by(cast.bea), now=kit.NOW)
    with pytest.raises(NotAllowed, match="You wrote it"):
        services.approve(version=version, person=cast.bea, actor=kit.by(cast.bea), now=kit.NOW)
    assert selectors.current_version(version.runbook) is None


def test_a_manager_who_wrote_it_cannot_approve_it_either(cast: kit.Cast) -> None:
    version = kit.draft(cast, kit.runbook(cast), author=cast.maya, actor=kit.by(cast.maya))
    services.submit(version=version, actor=kit.by(cast.maya), now=kit.NOW)
    with pytest.raises(NotAllowed, match="You wrote it"):
        services.approve(version=version, person=cast.maya, actor=kit.by(cast.maya), now=kit.NOW)
    services.approve(version=version, person=cast.ravi, actor=kit.by(cast.ravi), now=kit.NOW)


def test_what_a_key_writes_into_a_draft_takes_nobody_off_it_who_wrote(cast: kit.Cast) -> None:
    book = kit.runbook(cast)
    kit.draft(cast, book, author=cast.maya)
    version = kit.draft(cast, book, author=None, actor=audit.SYSTEM)
    services.submit(version=version, actor=audit.SYSTEM, now=kit.NOW)
    with pytest.raises(NotAllowed, match="You wrote it"):
        services.approve(version=version, person=cast.maya, actor=kit.by(cast.maya), now=kit.NOW)


def test_who_else_may_not_approve(cast: kit.Cast) -> None:
    version = kit.draft(cast, kit.runbook(cast))
    services.submit(version=version, actor=kit.by(cast.bea), now=kit.NOW)
    sam = build.person("Sam Sand", "support_agent", password=None)
    for person, said in ((sam, "Its owner, its backup or a manager"), (None, "not a key")):
        with pytest.raises(NotAllowed, match=said):
            services.approve(version=version, person=person, actor=kit.by(sam), now=kit.NOW)
    services.approve(version=version, person=cast.maya, actor=kit.by(cast.maya), now=kit.NOW)


def test_an_owner_who_only_reads_does_not_approve(cast: kit.Cast) -> None:
    version = kit.draft(cast, kit.runbook(cast, owner=cast.olu))
    assert services.why_not_approve(version, cast.olu) == "Your role only reads."


def test_the_database_refuses_an_author_who_approves(cast: kit.Cast) -> None:
    version = kit.draft(cast, kit.runbook(cast))
    with pytest.raises(DatabaseError, match="runbooks_version_four_eyes"), transaction.atomic():
        RunbookVersion.objects.filter(pk=version.pk).update(approved_by=cast.bea)


CHANGES = {
    "a step rewritten": "UPDATE runbooks_runbookstep SET instruction='rm -rf' WHERE version_id=%s",
    "a step taken out": "DELETE FROM runbooks_runbookstep WHERE version_id=%s",
    "a step put in": (
        "INSERT INTO runbooks_runbookstep (version_id, position, kind, title, instruction,"
        " expected, on_fail, on_fail_text, role, is_irreversible)"
        " VALUES (%s, 99, 'action', 'Sneaked in', '', '', 'note', '', '', false)"
    ),
    "back to draft": "UPDATE runbooks_runbookversion SET status='draft' WHERE id=%s",
    "another digest": "UPDATE runbooks_runbookversion SET digest='x' WHERE id=%s",
    "another approver": "UPDATE runbooks_runbookversion SET approved_by_id=NULL WHERE id=%s",
    "another note": "UPDATE runbooks_runbookversion SET change_note='x' WHERE id=%s",
}


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES.keys())
def test_an_approved_version_is_not_changed_by_sql(cast: kit.Cast, statement: str) -> None:
    version = kit.approved(cast)
    with (
        pytest.raises(DatabaseError, match=r"does not change|stays as it is"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, [version.pk])
    version.refresh_from_db()
    assert version.digest == digest(selectors.steps_of(version))


def tamper(version: RunbookVersion) -> None:
    """Somebody with the database in their hands, past every trigger."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE runbooks_runbookstep SET title='Drop it' WHERE version_id=%s", [version.pk]
        )
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_steps_that_were_changed_behind_the_triggers_are_noticed(cast: kit.Cast) -> None:
    book = kit.runbook(cast)
    waiting = kit.draft(cast, book)
    services.submit(version=waiting, actor=kit.by(cast.bea), now=kit.NOW)
    by = {"actor": kit.by(cast.ravi), "now": kit.NOW}
    acts: list[Any] = [
        lambda: services.approve(version=waiting, person=cast.ravi, **by),
        lambda: kit.run(cast, waiting),
        lambda: services.review(
            runbook=book, outcome="confirmed", note="Read it, all is well", **by
        ),
    ]
    with transaction.atomic():
        tamper(waiting)
        with pytest.raises(Conflict) as caught:
            acts[0]()
        assert caught.value.code == "tampered"
        transaction.set_rollback(True)
    acts[0]()
    tamper(waiting)
    for act in acts[1:]:
        with pytest.raises(Conflict, match="are not those that were reviewed"):
            act()


def test_what_is_in_review_is_not_edited_until_it_is_sent_back(cast: kit.Cast) -> None:
    version = kit.draft(cast, kit.runbook(cast))
    services.submit(version=version, actor=kit.by(cast.bea), now=kit.NOW)
    with pytest.raises(Conflict, match="is in review") as caught:
        kit.draft(cast, version.runbook)
    assert caught.value.code == "in_review"
    with pytest.raises(Invalid, match="Say what is missing"):
        services.return_to_draft(version=version, comment=" ", actor=kit.by(cast.ravi), now=kit.NOW)
    services.return_to_draft(
        version=version, comment="Step 2 lacks a way back.", actor=kit.by(cast.ravi), now=kit.NOW
    )
    mended = kit.draft(cast, version.runbook, steps=kit.STEPS[:1])
    assert (mended.pk, mended.status, mended.digest) == (version.pk, "draft", "")
    assert "Step 2 lacks a way back." in Message.objects.get(what="runbook_decided").body


def test_a_draft_is_saved_over_and_keeps_its_number(cast: kit.Cast) -> None:
    first = kit.draft(cast, kit.runbook(cast))
    again = kit.draft(cast, first.runbook, steps=kit.STEPS[:1], change_note="Shorter")
    assert (again.pk, again.number, again.change_note) == (first.pk, 1, "Shorter")
    assert [step.title for step in selectors.steps_of(again)] == ["Confirm the scope"]


def test_two_who_write_at_once_do_not_overwrite_each_other(cast: kit.Cast) -> None:
    first = kit.draft(cast, kit.runbook(cast))
    seen = digest(selectors.steps_of(first))
    kit.draft(cast, first.runbook, steps=kit.STEPS[:1], seen=seen)
    with pytest.raises(Conflict, match="Somebody else saved this runbook") as caught:
        kit.draft(cast, first.runbook, steps=kit.STEPS[2:3], seen=seen)
    assert caught.value.code == "stale"


def test_a_draft_that_was_run_in_a_drill_stays_as_it_was_run(cast: kit.Cast) -> None:
    first = kit.draft(cast, kit.runbook(cast))
    kit.run(cast, first, kind="drill")
    second = kit.draft(cast, first.runbook, steps=kit.STEPS[:1])
    first.refresh_from_db()
    assert (first.status, second.number) == ("retired", 2)
    assert len(selectors.steps_of(first)) == 4


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "A runbook has at least one step."),
        ([StepIn(title=" ")], "Step 1: Say in one line what to do."),
        ([StepIn(title="x" * 161)], "Step 1: The title is longer than 160 characters."),
        ([StepIn(title="A", kind="dance")], "Step 1: “dance” is no kind."),
        ([StepIn(title="A", on_fail="run")], "Step 1: “run” is no way out."),
        ([StepIn(title="A", on_fail="goto")], "Step 1: Say which step to go to."),
        ([StepIn(title="A", on_fail="goto", on_fail_step=1)], "cannot send people to itself"),
        ([StepIn(title="A", on_fail="goto", on_fail_step=2)], "There is no step 2 to go to."),
        ([StepIn(title="A", minutes=0)], "A step takes 1 to 1440 minutes."),
        ([StepIn(title="A", role="x" * 21)], "The role is longer than 20 characters."),
        ([StepIn(title="A", expected="x" * 10_001)], "expected is longer than 10,000"),
        ([StepIn(title="A")] * 201, "201 steps are too many: at most 200."),
        ([StepIn(title="A"), StepIn(title="")], "Step 2: Say in one line"),
    ],
)
def test_steps_that_make_no_runbook_are_refused_by_their_number(
    cast: kit.Cast, steps: list[StepIn], said: str
) -> None:
    with pytest.raises(Invalid) as caught:
        kit.draft(cast, kit.runbook(cast), steps=steps)
    assert said in caught.value.message
    assert not RunbookVersion.objects.exists()


def test_a_later_version_says_what_changed(cast: kit.Cast) -> None:
    version = kit.draft(cast, kit.approved(cast).runbook, change_note=" ")
    with pytest.raises(Invalid, match="Say what changed"):
        services.submit(version=version, actor=kit.by(cast.bea), now=kit.NOW)


def test_steps_are_kept_without_what_the_database_refuses(cast: kit.Cast) -> None:
    step = StepIn(title="A\x00 line\nand more", instruction="one\r\ntwo \rthree\x00\n\n")
    version = kit.draft(cast, kit.runbook(cast), steps=[step])
    row = RunbookStep.objects.get(version=version)
    assert row.title == "A\ufffd line and more"
    assert row.instruction == "one\ntwo\nthree\ufffd"


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("key", {"key": "RB snowflake"}),
        ("key", {"key": "a" * 61}),
        ("title", {"title": " "}),
        ("title", {"title": "x" * 121}),
        ("cadence_days", {"cadence_days": 6}),
        ("cadence_days", {"cadence_days": 731}),
        ("triggers", {"triggers": [("alert", "")]}),
        ("triggers", {"triggers": [("smell", "burnt")]}),
        ("triggers", {"triggers": [("alert", f"word {n}") for n in range(51)]}),
    ],
)
def test_a_runbook_that_cannot_be_kept_says_which_field(
    cast: kit.Cast, field: str, given: dict[str, Any]
) -> None:
    with pytest.raises(Invalid) as caught:
        kit.runbook(cast, **given)
    assert set(caught.value.fields) == {field}


def test_owner_and_backup_are_two_people(cast: kit.Cast) -> None:
    with pytest.raises(Invalid, match="cannot be kept") as caught:
        kit.runbook(cast, backup=cast.ravi)
    assert caught.value.fields == {"backup": ["Owner and backup are two people."]}


def test_a_key_is_taken_once(cast: kit.Cast) -> None:
    kit.runbook(cast)
    with pytest.raises(Conflict, match="There is a runbook rb-snowflake-timeouts already"):
        kit.runbook(cast)


def test_editing_changes_what_is_named_and_nothing_else(cast: kit.Cast) -> None:
    surface = build.surface("profiler.snowflake")
    made = kit.runbook(cast, triggers=[("alert", "snowflake"), ("code", "E1")], surfaces=[surface])
    services.edit(
        runbook=made,
        actor=kit.by(cast.bea),
        now=kit.NOW,
        title=" Two\nlines ",
        triggers=[("alert", "snowflake"), ("code", "E2"), ("code", "E2")],
    )
    row = Runbook.objects.get()
    assert (row.title, row.owner, row.cadence_days) == ("Two lines", cast.ravi, 90)
    assert set(row.triggers.values_list("by", "value")) == {("alert", "snowflake"), ("code", "E2")}
    assert list(row.surfaces.all()) == [surface]


def test_a_retired_runbook_changes_and_starts_no_more(cast: kit.Cast) -> None:
    version = kit.approved(cast)
    going = kit.run(cast, version)
    kit.draft(cast, version.runbook)
    with pytest.raises(NotAllowed, match="retires it"):
        services.retire(
            runbook=version.runbook, reason="Old", person=cast.olu,
            actor=kit.by(cast.olu), now=kit.NOW,
        )  # fmt: skip
    services.retire(
        runbook=version.runbook, reason="The flag is gone", person=cast.ravi,
        actor=kit.by(cast.ravi), now=kit.NOW,
    )  # fmt: skip
    version.refresh_from_db()
    assert set(version.runbook.versions.values_list("status", flat=True)) == {"retired"}
    for act in (lambda: kit.draft(cast, version.runbook), lambda: kit.run(cast, version)):
        with pytest.raises(Conflict):
            act()
    kit.finish(cast, going)


def test_approving_counts_as_a_review(cast: kit.Cast) -> None:
    version = kit.approved(cast)
    row = RunbookReview.objects.get()
    assert (row.version, row.outcome, row.digest) == (version, "changed", version.digest)


def test_whoever_may_approve_is_asked_and_the_author_hears_of_it(cast: kit.Cast) -> None:
    kit.approved(cast)
    asked, decided = Message.objects.order_by("pk")
    assert (asked.person, decided.person) == (cast.ravi, cast.bea)
    assert asked.subject == "[Runbook] Please review version 1 of rb-snowflake-timeouts"
    assert decided.subject == "[Runbook] Ravi Rao approved version 1 of rb-snowflake-timeouts"


def test_steps_out_of_turn_are_refused(cast: kit.Cast) -> None:
    version = kit.draft(cast, kit.runbook(cast))
    acts: list[Any] = [
        lambda: services.approve(
            version=version, person=cast.ravi, actor=kit.by(cast.ravi), now=kit.NOW
        ),
        lambda: services.return_to_draft(
            version=version, comment="No", actor=kit.by(cast.ravi), now=kit.NOW
        ),
    ]
    for act in acts:
        with pytest.raises(IllegalTransition):
            act()


REVIEWS = [
    ("confirmed", "Fine", {"note"}),
    ("changed", "I changed the third step", {"outcome"}),
    ("great", "It is really great", {"outcome"}),
    ("needs_work", "x" * 10_001, {"note"}),
]


@pytest.mark.parametrize(("outcome", "note", "fields"), REVIEWS)
def test_a_review_without_evidence_is_refused(
    cast: kit.Cast, outcome: str, note: str, fields: set[str]
) -> None:
    version = kit.approved(cast)
    with pytest.raises(Invalid) as caught:
        services.review(
            runbook=version.runbook, outcome=outcome, note=note,
            actor=kit.by(cast.ravi), now=kit.NOW,
        )  # fmt: skip
    assert set(caught.value.fields) == fields


def test_a_review_keeps_what_was_read_and_never_changes(cast: kit.Cast) -> None:
    version = kit.approved(cast)
    row = services.review(
        runbook=version.runbook, outcome="confirmed", note="Read all, tried step 1",
        actor=kit.by(cast.ravi), now=kit.NOW + timedelta(days=80),
    )  # fmt: skip
    assert (row.digest, row.actor) == (version.digest, cast.ravi)
    with pytest.raises(DatabaseError), transaction.atomic():
        RunbookReview.objects.filter(pk=row.pk).update(at=kit.NOW)
    fresh = selectors.freshness_of([version.runbook], now=kit.NOW + timedelta(days=100))
    assert fresh[version.runbook_id].band == "fresh"


def test_nothing_stands_to_be_reviewed_before_the_first_approval(cast: kit.Cast) -> None:
    made = kit.runbook(cast)
    with pytest.raises(DomainError, match="no approved version"):
        services.review(
            runbook=made, outcome="confirmed", note="Read it twice", actor=kit.by(cast.ravi),
            now=kit.NOW,
        )  # fmt: skip
