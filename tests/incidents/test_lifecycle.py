"""The steps of an incident: every pair of states, what a step sets going, who may open it again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.core import audit
from apps.core.errors import Conflict, DomainError, IllegalTransition, Invalid, NotAllowed
from apps.core.providers import _providers, provide
from apps.followups.models import FollowUp
from apps.incidents import services
from apps.incidents.models import (
    Audience,
    Incident,
    Review,
    SeverityLevel,
    StatusUpdate,
    TaskTemplate,
)
from apps.incidents.ports import CloseBlocker
from apps.incidents.selectors import blockers
from apps.incidents.services import impacts
from tests import builders as build
from tests.conftest import Cast
from tests.world import START

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
STATES = [str(state) for state in Incident.Status.values]
# What a state may become through `transition`; merging and its undoing have services of their own.
MAY: dict[str, set[str]] = {
    "triage": {"investigating", "resolved", "declined"},
    "investigating": {"identified", "mitigated", "resolved"},
    "identified": {"mitigated", "resolved"},
    "mitigated": {"resolved", "investigating"},
    "resolved": {"in_review", "closed", "investigating"},
    "in_review": {"closed", "investigating"},
    "closed": {"investigating"},
    "declined": {"triage"},
    "merged": set(),
}


def made(status: str, **more: Any) -> Incident:
    """An incident that is where it is said to be, with nothing said about it."""
    stamps: dict[str, Any] = {"detected_at": START}
    if status not in {"triage", "declined"}:
        stamps["declared_at"] = START
    if status in {"resolved", "in_review", "closed"}:
        stamps["resolved_at"] = START
    if status == "closed":
        stamps["closed_at"] = START
    if status == "merged":
        stamps["merged_into"] = made("triage")
    return Incident.objects.create(
        title="Profiles are late", **{"status": status, **stamps, **more}
    )


def move(incident: Incident, to: str, by: audit.Actor = audit.SYSTEM, **more: Any) -> Incident:
    return services.transition(incident=incident, to=to, actor=by, now=START + HOUR, **more)


@pytest.mark.parametrize("was", STATES)
def test_every_pair_of_states_is_taken_or_refused_in_a_sentence(was: str, cast: Cast) -> None:
    """A step that the book has is refused with all that its checklist says, and taken when that
    is said; any other is refused for good, whatever is said."""
    maya = audit.person(cast.maya)
    for to in STATES:
        incident = made(was)
        if to not in MAY[was]:
            with pytest.raises(IllegalTransition) as never:
                build.step(incident, to, by=cast.maya, now=START + HOUR)
            assert never.value.message.endswith(".")
            continue
        asked = [one for one in blockers.of(incident) if one.to == to]
        if asked:
            with pytest.raises(services.Blocked) as refused:
                move(incident, to, by=maya)
            assert refused.value.blockers == asked
            assert refused.value.message == " ".join(one.reason for one in asked)
        incident.refresh_from_db()
        assert incident.status == was
        build.step(incident, to, by=cast.maya, now=START + HOUR)
        incident.refresh_from_db()
        assert incident.status == to
        assert incident.timeline.filter(what=to, actor=cast.maya).count() == 1


def test_a_refused_step_leaves_no_trace(cast: Cast) -> None:
    incident = made("triage")
    with pytest.raises(services.Blocked) as refused:
        move(incident, "investigating")
    assert set(refused.value.fields) == {"surface", "commander"}
    assert (refused.value.code, refused.value.status) == ("blocked", 400)
    incident.refresh_from_db()
    assert (incident.status, incident.commander, incident.timeline.count()) == ("triage", None, 0)


# -- declaring


def test_whoever_is_on_call_commands_else_the_owner_the_backup_the_lead_or_who_declares(
    cast: Cast,
) -> None:
    covered = build.surface("a.covered", primary=cast.bea, now=START)
    build.schedule(cast.ravi, surfaces=[covered], now=START)
    owned = build.surface("b.owned", primary=cast.bea, backup=cast.ravi, now=START)
    backed = build.surface("c.backed", backup=cast.ravi, now=START)
    led = build.surface("d.led", team=build.team("led", lead=cast.sam), now=START)
    bare = build.surface("e.bare", now=START)
    named = {}
    for surface in (covered, owned, backed, led, bare):
        incident = move(made("triage", surface=surface), "investigating", audit.person(cast.maya))
        named[surface.key] = (incident.commander, incident.commander_named)
    assert named == {
        "a.covered": (cast.ravi, "on_call"), "b.owned": (cast.bea, "primary"),
        "c.backed": (cast.ravi, "backup"), "d.led": (cast.sam, "lead"),
        "e.bare": (cast.maya, "chosen"),
    }  # fmt: skip


def test_a_facet_without_owners_has_those_of_its_parent(cast: Cast) -> None:
    parent = build.surface("inspect", primary=cast.bea, now=START)
    facet = build.surface("inspect.api", parent=parent, now=START)
    assert services.commander_for(facet, now=START) == (cast.bea, "primary")
    assert services.commander_for(None, now=START) == (None, "")


def test_declaring_takes_surface_and_commander_and_makes_the_tasks(cast: Cast) -> None:
    TaskTemplate.objects.create(text="Open a call")
    surface = build.surface("inspect.api", primary=cast.bea, now=START)
    incident = made("triage")
    move(incident, "investigating", surface=surface, commander=cast.ravi)
    incident.refresh_from_db()
    assert (incident.surface, incident.commander) == (surface, cast.ravi)
    assert (incident.commander_named, incident.declared_at) == ("chosen", START + HOUR)
    assert [task.text for task in incident.tasks.all()] == ["Open a call"]
    said = list(incident.timeline.order_by("pk").values_list("what", flat=True))
    assert said == ["routed", "commander", "investigating", "tasks"]


def test_a_commander_who_left_is_replaced_and_does_not_stand_in_the_way(cast: Cast) -> None:
    surface = build.surface("inspect.api", primary=cast.ravi, now=START)
    stays = move(made("triage", surface=surface, commander=cast.sam), "investigating")
    assert (stays.commander, stays.commander_named) == (cast.sam, "chosen")
    gone = made("triage", surface=surface, commander=cast.bea)
    cast.bea.is_active = False
    cast.bea.save()
    moved = move(Incident.objects.get(pk=gone.pk), "investigating")
    assert (moved.commander, moved.commander_named) == (cast.ravi, "primary")


def test_a_sentence_goes_where_nobody_knows_better(cast: Cast) -> None:
    incident = move(made("triage"), "investigating", note="Everything is red; looking.")
    assert incident.status == "investigating"
    text = incident.timeline.get(what="investigating").text
    assert text == (
        "OpsPortal declared the incident. Everything is red; looking. Which surface it hurts is "
        "not known yet. Nobody was found to command it."
    )


# -- mitigating and resolving


def test_what_is_said_with_a_step_is_kept_and_told(cast: Cast) -> None:
    incident = made("investigating")
    by = audit.person(cast.ravi)
    move(incident, "mitigated", by, note="Rolled back 2.14.1.")
    assert incident.mitigation_note == "Rolled back 2.14.1."
    move(
        incident, "resolved", by, impact_summary="40 reports late.", detection_source="customer",
        public_silence="Each was told in the ticket.",
    )  # fmt: skip
    incident.refresh_from_db()
    assert (incident.impact_summary, incident.detection_source, incident.public_silence) == (
        "40 reports late.", "customer", "Each was told in the ticket.",
    )  # fmt: skip
    assert incident.timeline.get(what="resolved").text == (
        "Ravi Rao resolved the incident. Impact: 40 reports late. "
        "No public message: Each was told in the ticket."
    )


def test_what_is_said_with_a_step_stands_in_sentences(cast: Cast) -> None:
    incident = move(made("investigating"), "mitigated", note="Rolled back 2.14.1")
    move(
        incident, "resolved", audit.person(cast.ravi), impact_summary="12 reports late",
        detection_source="alert", public_silence="nobody outside saw it",
    )  # fmt: skip
    assert incident.timeline.get(what="mitigated").text.endswith(" Rolled back 2.14.1.")
    assert incident.timeline.get(what="resolved").text == (
        "Ravi Rao resolved the incident. Impact: 12 reports late. "
        "No public message: nobody outside saw it."
    )


def test_nobody_is_hurt_any_more_by_what_is_over() -> None:
    incident = made("mitigated", impact_summary="12 late.", detection_source="alert")
    for label in ("Bramble Foods", "Corvid Analytics"):
        impacts.add(incident=incident, label=label, actor=audit.SYSTEM, now=START)
    move(incident, "resolved", public_silence="Each was told.")
    ends = set(incident.impacts.values_list("to_at", flat=True))
    assert ends == {incident.resolved_at}
    assert incident.timeline.filter(text="2 customers are well again.").count() == 1


def _update(incident: Incident, status: str, side: str = "public", **more: Any) -> StatusUpdate:
    audience, _ = Audience.objects.get_or_create(key=side, defaults={"name": side, "side": side})
    return StatusUpdate.objects.create(
        incident=incident, audience=audience, status=status, subject="s", body="b",
        created_at=START, changed_at=START, **more,
    )  # fmt: skip


def test_a_draft_must_be_dealt_with_and_what_was_published_needs_no_excuse() -> None:
    incident = made("mitigated", impact_summary="12 late.", detection_source="alert")
    draft = _update(incident, "draft")
    with pytest.raises(services.Blocked) as held:
        move(incident, "resolved", public_silence="x")
    assert (held.value.status, held.value.fields) == (409, {})
    draft.delete()
    _update(incident, "published", "internal", published_at=START)
    assert [one.key for one in blockers.of(incident) if one.to == "resolved"] == ["public"]
    _update(incident, "published", published_at=START)
    assert move(incident, "resolved").resolved_at == START + HOUR


def test_what_was_told_before_it_came_back_does_not_count(cast: Cast) -> None:
    incident = made("mitigated", impact_summary="12 late.", detection_source="alert")
    _update(incident, "published", published_at=START)
    move(incident, "resolved")
    services.transition(
        incident=incident, to="investigating", note="Again.", actor=audit.person(cast.maya),
        now=START + 2 * HOUR,
    )  # fmt: skip
    assert [one.key for one in blockers.of(incident) if one.to == "resolved"] == ["public"]
    _update(incident, "published", published_at=START + 3 * HOUR)
    assert [one for one in blockers.of(incident) if one.to == "resolved"] == []


@pytest.mark.parametrize("kind", ["drill", "test", "backfilled"])
def test_nobody_outside_is_owed_word_of_what_is_not_real(kind: str) -> None:
    incident = made("mitigated", impact_summary="x", detection_source="drill", kind=kind)
    assert move(incident, "resolved").status == "resolved"


def test_milestones_never_run_backwards_whatever_two_clocks_say() -> None:
    incident = made("investigating", detected_at=START + 2 * HOUR, declared_at=START + 2 * HOUR)
    build.step(incident, "mitigated", now=START)
    build.step(incident, "resolved", now=START + HOUR)
    build.step(incident, "closed", now=START)
    assert incident.mitigated_at == incident.resolved_at == incident.closed_at == START + 2 * HOUR


# -- review and closing


def _level(review: str = "required") -> SeverityLevel:
    return SeverityLevel.objects.create(
        key="SEV1", name="critical", definition="d", review=review, review_draft_days=3,
        review_publish_days=5,
    )  # fmt: skip


def test_a_severity_that_asks_for_a_review_gets_one_and_is_closed_after_it(cast: Cast) -> None:
    _level()
    incident = made("mitigated", severity="SEV1", commander=cast.ravi)
    build.step(incident, "resolved", by=cast.ravi, now=START + HOUR)
    review = Review.objects.get(incident=incident)
    assert (review.author, review.is_required) == (cast.ravi, True)
    with pytest.raises(services.Blocked, match="review is not published yet") as held:
        build.step(incident, "closed", now=START + HOUR)
    assert held.value.status == 409
    Review.objects.filter(pk=review.pk).update(
        status="published", approved_at=START + HOUR, published_at=START + HOUR
    )
    build.step(incident, "closed", now=START + 2 * HOUR)
    assert incident.closed_at == START + 2 * HOUR


def test_the_review_of_an_earlier_end_does_not_do(cast: Cast) -> None:
    _level()
    incident = made("resolved", severity="SEV1", resolved_at=START + HOUR)
    Review.objects.create(
        incident=incident, status="published", approved_at=START, published_at=START,
        created_at=START, changed_at=START,
    )  # fmt: skip
    assert [one.key for one in blockers.of(incident) if one.to == "closed"] == ["review"]


def test_what_cleared_up_before_anybody_declared_it_needs_no_review() -> None:
    _level()
    incident = made("resolved", severity="SEV1", declared_at=None)
    assert [one for one in blockers.of(incident) if one.to == "closed"] == []
    assert [one for one in blockers.of(made("resolved", severity="SEV1", kind="drill"))
            if one.to == "closed"] == []  # fmt: skip


def test_going_into_review_opens_one(cast: Cast) -> None:
    incident = made("resolved", commander=cast.ravi)
    build.step(incident, "in_review", by=cast.maya, now=START + HOUR)
    assert Review.objects.get(incident=incident).author == cast.ravi


def test_a_follow_up_of_somebody_who_left_holds_it_open(cast: Cast) -> None:
    incident = made("resolved")
    follow_up = FollowUp.objects.create(
        title="Canary", acceptance="It runs.", aim="prevent", owner=cast.bea,
        due_on=START.date(), source_kind="incident", source_ref=incident.ref, created_at=START,
    )  # fmt: skip
    assert [one for one in blockers.of(incident) if one.to == "closed"] == []
    cast.bea.is_active = False
    cast.bea.save()
    (held,) = [one for one in blockers.of(incident) if one.to == "closed"]
    assert held.reason == f"{follow_up.ref} has no owner who is still here."


class _Waits:
    def blockers(self, *, incident: Incident) -> list[str]:
        return [f"TCK-7 waits for an answer about {incident.ref}."]


def test_higher_apps_hold_it_open_by_their_own_sentences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(_providers, CloseBlocker, [])
    provide(CloseBlocker, _Waits())  # type: ignore[type-abstract] # a port is its protocol
    incident = made("resolved")
    with pytest.raises(services.Blocked, match=f"TCK-7 waits for an answer about {incident.ref}"):
        build.step(incident, "closed", now=START + HOUR)


# -- opening again


def test_opening_again_takes_back_its_end_and_counts_on(cast: Cast) -> None:
    incident = build.incident(by=cast.maya, now=START)
    build.step(incident, "mitigated", now=START + HOUR)
    build.step(incident, "resolved", now=START + HOUR)
    assert incident.spans.get().to_at == START + HOUR
    with pytest.raises(Invalid) as refused:
        build.step(incident, "investigating", note=" ", now=START + HOUR)
    assert (refused.value.code, set(refused.value.fields)) == ("note_needed", {"note"})
    build.step(incident, "investigating", note="It is back.", now=START + 2 * HOUR)
    assert (incident.mitigated_at, incident.resolved_at, incident.declared_at) == (
        None, None, START,
    )  # fmt: skip
    assert incident.spans.get(to_at=None).from_at == START + 2 * HOUR


def test_what_was_declared_once_does_not_go_back_into_triage(cast: Cast) -> None:
    with pytest.raises(IllegalTransition, match="declared once"):
        build.step(made("resolved"), "triage", now=START + HOUR)
    never = made("resolved", declared_at=None)
    assert build.step(never, "triage", now=START + HOUR).resolved_at is None


def test_a_closed_one_is_opened_by_a_manager_within_a_fortnight(cast: Cast) -> None:
    def again(by: audit.Actor, days: float) -> Incident:
        return services.transition(
            incident=made("closed"), to="investigating", note="Again.", actor=by,
            now=START + timedelta(days=days),
        )  # fmt: skip

    ravi, maya = audit.person(cast.ravi), audit.person(cast.maya)
    bot = audit.Actor(audit.ActorKind.KEY, build.key("incidents:write").row.prefix, "bot")
    boss = audit.Actor(audit.ActorKind.KEY, build.key("admin").row.prefix, "boss")
    for who in (ravi, bot, audit.SYSTEM):
        with pytest.raises(NotAllowed, match="by a manager"):
            again(who, 1)
    assert again(maya, 14).status == again(boss, 1).status == "investigating"
    with pytest.raises(Conflict, match="Declare a new incident") as late:
        again(maya, 14.01)
    assert late.value.code == "closed_for_good"


def test_resolving_says_so_for_those_that_were_merged_into_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.core import events
    from apps.incidents.events import IncidentResolved

    heard: list[int] = []
    monkeypatch.setitem(
        events._handlers, IncidentResolved, [lambda event: heard.append(event.incident_id)]
    )
    into, child = made("investigating"), made("investigating")
    services.merge(child=child, into=into, actor=audit.person(cast.maya), now=START + HOUR)
    build.step(into, "resolved", now=START + HOUR)
    assert heard == [into.pk, child.pk]


def test_a_row_that_moved_on_answers_who_comes_second(cast: Cast) -> None:
    incident = made("investigating")
    stale = Incident.objects.get(pk=incident.pk)
    build.step(incident, "identified", now=START + HOUR)
    with pytest.raises(DomainError, match="changed by somebody else meanwhile: it is identified"):
        build.step(stale, "resolved", now=START + HOUR)
