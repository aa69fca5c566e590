"""Reviews: asked for, written by several people at once, approved by another, published, chased."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from apps.core import audit
from apps.core.errors import Conflict, IllegalTransition, Invalid, NotAllowed
from apps.followups import services as followups
from apps.followups.models import FollowUp
from apps.incidents.events import IncidentResolved
from apps.incidents.handlers import review_asked
from apps.incidents.models import Incident, Mark, Review, ReviewFactor
from apps.incidents.services import reviews
from apps.ownership.models import Surface
from tests import builders as build
from tests.conftest import Cast
from tests.incidents.reviewkit import (
    NOW,
    OVER,
    TEXTS,
    factor,
    level,
    opened,
    over,
    published,
    reopen,
    said,
    told,
    written,
)

pytestmark = pytest.mark.django_db


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# -- asked for


def test_resolving_opens_the_review_that_the_severity_asks_for(cast: Cast) -> None:
    level()
    incident = over(by=cast.ravi)
    review_asked(IncidentResolved(incident_id=incident.pk, at=OVER))
    review = Review.objects.get(incident=incident)
    assert (review.status, review.author, review.is_required) == ("draft", cast.ravi, True)
    assert review.draft_due_at == at("2026-09-10 18:00")
    assert review.publish_due_at == at("2026-09-14 18:00")
    assert told(cast.ravi) == [
        f"[{incident.ref}] The review is yours to write: Snowflake profiling times out"
    ]
    assert said(incident) == [
        "OpsPortal opened the review. Every SEV2 is reviewed. Ravi Rao writes it."
    ]
    review_asked(IncidentResolved(incident_id=incident.pk, at=OVER))
    assert Review.objects.count() == 1 and len(told(cast.ravi)) == 1


def test_days_count_in_the_office_calendar(cast: Cast) -> None:
    level()
    calendar = build.calendar(time_zone="Europe/Berlin", hours=("10:00", "16:00"))
    type(calendar).objects.filter(pk=calendar.pk).update(is_default=True)
    assert opened(by=cast.ravi).publish_due_at == at("2026-09-14 14:00")


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        ({}, True),
        ({"severity": "SEV3"}, False),
        ({"severity": "SEV4"}, False),
        ({"kind": "drill"}, False),
        ({"kind": "test"}, False),
        ({"kind": "backfilled"}, False),
    ],
)
def test_only_real_incidents_of_such_a_severity_are_asked(
    cast: Cast, what: dict[str, Any], asked: bool
) -> None:
    level()
    level("SEV3", review="on_recurrence")
    level("SEV4", review="none")
    incident = over(by=cast.ravi, **what)
    assert reviews.is_required(incident) is asked
    assert (reviews.open_if_asked(incident_id=incident.pk, now=OVER) is not None) is asked


def test_what_cleared_before_anybody_declared_it_is_not_reviewed(cast: Cast) -> None:
    level()
    incident = over(by=cast.ravi)
    incident.declared_at = None
    assert not reviews.is_required(incident)


def test_what_was_merged_into_another_one_is_reviewed_there(cast: Cast) -> None:
    level()
    child = build.incident(by=cast.ravi, severity="SEV2", now=NOW)
    into = over(by=cast.ravi)
    Incident.objects.filter(pk=child.pk).update(status="merged", merged_into=into)
    review_asked(IncidentResolved(incident_id=child.pk, at=OVER))
    assert not Review.objects.filter(incident=child).exists()


def test_the_second_on_a_surface_within_thirty_days_is_reviewed(cast: Cast) -> None:
    level("SEV3", review="on_recurrence", review_publish_days=None)
    place, other = build.surface(), build.surface("agent.mcp-server")
    first = over(by=cast.ravi, severity="SEV3", surface=place, now=NOW - timedelta(days=29))
    old = over(by=cast.ravi, severity="SEV3", surface=other, now=NOW - timedelta(days=31))
    drill = over(by=cast.ravi, severity="SEV3", surface=other, kind="drill")
    second = over(by=cast.ravi, severity="SEV3", surface=place)
    elsewhere = over(by=cast.ravi, severity="SEV3", surface=other)
    nowhere = over(by=cast.ravi, severity="SEV3")
    assert reviews.why_required(second) == (
        f"It is the second on inspect.profiler within 30 days, after {first.ref}."
    )
    assert not any(map(reviews.is_required, (first, old, drill, elsewhere, nowhere)))
    review = reviews.open_if_asked(incident_id=second.pk, now=OVER)
    assert review is not None and review.publish_due_at == at("2026-09-21 18:00")  # 10 days


def test_a_severity_that_was_raised_afterwards_is_caught_up_with(cast: Cast) -> None:
    level()
    level("SEV3", review="none")
    incident = over(by=cast.ravi, severity="SEV3")
    assert reviews.open_missing(now=OVER) == 0
    Incident.objects.filter(pk=incident.pk).update(severity="SEV2")
    assert reviews.open_missing(now=OVER) == 1
    assert reviews.open_missing(now=OVER) == 0


def test_anybody_may_open_one_by_hand_and_it_is_then_not_required(cast: Cast) -> None:
    review = opened(by=cast.ravi, severity="SEV3")
    assert not review.is_required and review.publish_due_at is None


def test_a_review_looks_back(cast: Cast) -> None:
    incident = build.incident(by=cast.ravi, now=NOW)
    with pytest.raises(Conflict, match="resolve the incident first"):
        reviews.open_review(incident=incident, actor=audit.SYSTEM, now=NOW)


def test_without_a_commander_the_owner_writes_it_and_without_both_the_lead_hears(
    cast: Cast,
) -> None:
    level()
    place = build.surface(primary=cast.bea, team=build.team(lead=cast.maya), now=NOW)
    incident = build.incident(by=cast.ravi, severity="SEV2", surface=place, now=NOW)
    Incident.objects.filter(pk=incident.pk).update(commander=None)
    incident.refresh_from_db()
    incident = build.step(incident, "resolved", by=cast.ravi, now=OVER)
    review = Review.objects.get(incident=incident)
    assert review.author == cast.bea
    Review.objects.filter(pk=review.pk).update(author=None)
    assert reviews.remind_due(now=at("2026-09-10 09:00")) == 1
    assert "is to be handed in today" in told(cast.maya)[-1]


def test_the_draft_comes_from_the_facts(cast: Cast) -> None:
    review = opened(by=cast.ravi)
    assert "(T+180)" in review.what_happened and "Twelve reports were late" in review.impact
    assert review.detection.startswith("Somebody here noticed it.")
    meter = reviews.meter_of(review)
    assert {i.key for i in meter.items if i.fill == "drafted"} == {
        "what_happened",
        "impact",
        "detection",
    }
    assert [item.key for item in meter.missing] == ["factors"]


# -- written


def _save(review: Review, text: str, version: int, cast: Cast, section: str = "impact") -> Review:
    return reviews.save_section(
        review=review, section=section, text=text, version=version,
        actor=audit.person(cast.ravi), now=OVER,
    )  # fmt: skip


def test_two_people_may_write_two_sections_at_once(cast: Cast) -> None:
    review = opened(by=cast.ravi)
    begun = review.version
    _save(review, "Nobody could profile.", begun, cast)
    saved = _save(review, "We kept calm.", begun, cast, "went_well")
    assert (saved.impact, saved.went_well) == ("Nobody could profile.", "We kept calm.")
    assert saved.version == begun + 2


def test_the_second_of_two_in_one_section_keeps_what_they_typed(cast: Cast) -> None:
    review = opened(by=cast.ravi)
    begun = review.version
    _save(review, "27 projects.", begun, cast)
    with pytest.raises(reviews.Stale, match="both stand below") as caught:
        _save(review, "28 projects.", begun, cast)
    error = caught.value
    assert (error.code, error.theirs, error.yours) == ("stale", "27 projects.", "28 projects.")
    assert Review.objects.get().impact == "27 projects."
    again = _save(review, "27 or 28 projects.", error.version, cast)
    assert again.impact == "27 or 28 projects."


def test_saying_the_same_as_the_other_is_no_conflict(cast: Cast) -> None:
    review = opened(by=cast.ravi)
    begun = review.version
    first = _save(review, "27 projects.\n", begun, cast)
    assert _save(review, "27 projects.\r\n", begun, cast).version == first.version


def test_a_version_that_never_was_counts_as_an_old_one(cast: Cast) -> None:
    review = opened(by=cast.ravi)
    for version in (0, 99):
        with pytest.raises(reviews.Stale):
            _save(review, "Mine.", version, cast)


@pytest.mark.parametrize(
    ("section", "text", "says"),
    [
        ("status", "published", "no such section"),
        ("impact", "x" * 20_001, "has 20,001"),
    ],
)
def test_what_is_no_section_or_too_long_is_refused(
    cast: Cast, section: str, text: str, says: str
) -> None:
    review = opened(by=cast.ravi)
    with pytest.raises(Invalid, match=says):
        _save(review, text, review.version, cast, section)


def test_a_nul_does_not_reach_the_database(cast: Cast) -> None:
    review = opened(by=cast.ravi)
    assert _save(review, "a\x00b", review.version, cast).impact == "ab"


def test_the_timeline_says_once_an_hour_that_a_section_is_written(cast: Cast) -> None:
    review = opened(by=cast.ravi)
    for number in range(3):
        review = _save(review, f"Version {number}.", review.version, cast)
    edits = [text for text in said(review.incident) if "edited" in text]
    assert edits == ["Ravi Rao edited the review: Impact."]


def test_a_factor_stands_once_and_its_note_can_change(cast: Cast) -> None:
    review, actor = opened(by=cast.ravi), audit.person(cast.ravi)
    reviews.add_factor(review=review, factor=factor(), note="600 s.", actor=actor, now=OVER)
    reviews.add_factor(review=review, factor=factor(), note="300 s.", actor=actor, now=OVER)
    assert list(ReviewFactor.objects.values_list("note", "position")) == [("300 s.", 0)]
    reviews.remove_factor(review=review, factor=factor(), actor=actor, now=OVER)
    assert not ReviewFactor.objects.exists()


def test_a_factor_that_came_back_opens_what_was_verified_against_it(cast: Cast) -> None:
    place = build.surface()
    fixed = _verified(cast, place, NOW - timedelta(days=40))
    other = _verified(cast, place, NOW - timedelta(days=40), factor=factor("capacity", "Capacity"))
    review = opened(by=cast.ravi, surface=place)
    actor = audit.person(cast.ravi)
    chosen = reviews.add_factor(review=review, factor=factor(), actor=actor, now=OVER)
    assert [one.pk for one in chosen.reopened] == [fixed.pk]
    fixed.refresh_from_db()
    other.refresh_from_db()
    assert (fixed.status, fixed.did_not_hold, other.status) == ("open", True, "verified")
    assert said(review.incident)[-1] == (
        f"{fixed.ref} was opened again: the fix did not hold. Budget for wide text"
    )
    again = reviews.add_factor(review=review, factor=factor(), actor=actor, now=OVER)
    assert again.reopened == ()


def test_a_fix_that_was_verified_after_the_incident_did_not_fail_in_it(cast: Cast) -> None:
    place = build.surface()
    review = opened(by=cast.ravi, surface=place)
    fixed = _verified(cast, place, OVER + timedelta(days=10))
    chosen = reviews.add_factor(
        review=review, factor=factor(), actor=audit.SYSTEM, now=OVER + timedelta(days=12)
    )
    fixed.refresh_from_db()
    assert (list(chosen.reopened), fixed.status) == ([], "verified")


def test_a_drill_shows_nothing_about_a_fix(cast: Cast) -> None:
    place = build.surface()
    fixed = _verified(cast, place, NOW - timedelta(days=40))
    review = opened(by=cast.ravi, surface=place, kind="drill")
    chosen = reviews.add_factor(review=review, factor=factor(), actor=audit.SYSTEM, now=OVER)
    fixed.refresh_from_db()
    assert (list(chosen.reopened), fixed.status) == ([], "verified")


def _verified(cast: Cast, place: Surface, now: datetime, **more: Any) -> FollowUp:
    by = audit.person(cast.maya)
    given: dict[str, Any] = {"factor": factor(), "surface": place, **more}
    made = followups.open_follow_up(
        title="Budget for wide text", acceptance="p95 below 300 s", aim="prevent", priority="P1",
        owner=cast.ravi, due_on=now.date(), source=("hand", "", "", ""), actor=by, now=now, **given,
    )  # fmt: skip
    url, note = "https://ci.example.org/1", "It fails before and passes now."
    followups.add_evidence(follow_up=made, type="regression", url=url, note=note, actor=by, now=now)
    followups.mark_done(follow_up=made, person=cast.ravi, actor=by, now=now)
    made.refresh_from_db()
    followups.verify(follow_up=made, person=cast.maya, actor=by, now=now)
    made.refresh_from_db()
    return made


def test_a_follow_up_gets_its_day_from_the_severity_and_its_source_from_the_incident(
    cast: Cast,
) -> None:
    level(follow_up_days_p1=14, follow_up_days_p2=45)
    place = build.surface()
    review = opened(by=cast.ravi, surface=place, visibility="restricted")
    given: dict[str, Any] = {
        "review": review, "acceptance": "p95 below 300 s", "aim": "prevent", "owner": cast.ravi,
        "actor": audit.person(cast.maya), "now": OVER,
    }  # fmt: skip
    made = reviews.open_follow_up(title="Budget for wide text", priority="P1", **given)
    assert (made.due_on, made.surface, made.is_restricted) == (date(2026, 9, 21), place, True)
    assert (made.source_kind, made.source_ref) == ("incident", review.incident.ref)
    days = {
        priority: reviews.follow_up_due(review.incident, priority, on=date(2026, 9, 7))
        for priority in ("P0", "P1", "P2")
    }
    assert days == {"P0": date(2026, 9, 14), "P1": date(2026, 9, 21), "P2": date(2026, 10, 22)}
    assert said(review.incident)[-1].startswith(f"Follow-up {made.ref}: Budget for wide text.")
    with pytest.raises(Invalid):
        reviews.open_follow_up(title="", priority="P1", **given)


def test_a_comment_reaches_the_author_and_whoever_spoke_before(cast: Cast) -> None:
    review = opened(by=cast.ravi)
    for who, text in ((cast.bea, "How many?"), (cast.maya, "And since when?")):
        reviews.comment(
            review=review, section="impact", text=text, actor=audit.person(who), now=OVER
        )
    assert len(told(cast.ravi, "review_comment")) == 2
    head = f"[{review.incident.ref}] The review has a comment of Maya Lind on “Impact”"
    assert told(cast.bea) == [f"{head}: Snowflake profiling times out"]
    with pytest.raises(Invalid, match="Say something"):
        reviews.comment(review=review, text=" \n", actor=audit.SYSTEM, now=OVER)


def test_only_a_draft_changes_hands(cast: Cast) -> None:
    review = written(opened(by=cast.ravi), by=cast.ravi)
    actor = audit.person(cast.maya)
    review = reviews.set_author(review=review, person=cast.bea, actor=actor, now=OVER)
    assert review.author == cast.bea and len(told(cast.bea)) == 1
    reviews.submit(review=review, actor=actor, now=OVER)
    with pytest.raises(Conflict, match="Only a draft"):
        reviews.set_author(review=review, person=cast.ravi, actor=actor, now=OVER)


# -- approved and published


def test_the_author_of_a_sev1_does_not_approve_it_nor_does_who_handed_it_in(cast: Cast) -> None:
    level("SEV1", review_by_another=True)
    review = written(opened(by=cast.ravi, severity="SEV1"), by=cast.ravi)
    review = reviews.submit(review=review, actor=audit.person(cast.bea), now=OVER)
    for person, why in (
        (cast.ravi, "You wrote it"),
        (cast.bea, "You handed it in"),
        (None, "is approved by a person"),
        (cast.olu, "only reads"),
    ):
        with pytest.raises(NotAllowed, match=why):
            reviews.approve(review=review, person=person, actor=audit.SYSTEM, now=OVER)
    done = reviews.approve(review=review, person=cast.maya, actor=audit.person(cast.maya), now=OVER)
    assert (done.status, done.approver) == ("approved", cast.maya)
    assert "was approved by Maya Lind" in told(cast.ravi, "review_approved")[0]


def test_the_review_of_a_lower_severity_may_be_approved_by_its_author(cast: Cast) -> None:
    level()
    review = published(opened(by=cast.ravi), by=cast.ravi)
    assert review.status == "published" and reviews.is_published(review.incident)


@pytest.mark.parametrize("section", TEXTS)
def test_nothing_is_handed_in_without_what_it_needs(cast: Cast, section: str) -> None:
    review = written(opened(by=cast.ravi), by=cast.ravi)
    review = _save(review, "  \n ", review.version, cast, section)
    with pytest.raises(Invalid, match="Before that it needs") as caught:
        reviews.submit(review=review, actor=audit.SYSTEM, now=OVER)
    assert set(caught.value.fields) == {section}


def test_nothing_is_handed_in_without_a_factor(cast: Cast) -> None:
    review = opened(by=cast.ravi)
    with pytest.raises(Invalid, match="it needs contributing factors"):
        reviews.submit(review=review, actor=audit.SYSTEM, now=OVER)


def test_what_is_sent_back_says_why_and_is_a_draft_again(cast: Cast) -> None:
    review = written(opened(by=cast.ravi), by=cast.ravi)
    review = reviews.submit(review=review, actor=audit.person(cast.ravi), now=OVER)
    by: dict[str, Any] = {"actor": audit.person(cast.maya), "now": OVER}
    with pytest.raises(Invalid, match="Say what is missing"):
        reviews.send_back(review=review, note=" ", **by)
    review = reviews.send_back(review=review, note="How many projects?", **by)
    assert (review.status, review.submitted_at) == ("draft", None)
    assert "sent back by Maya Lind" in told(cast.ravi, "review_sent_back")[0]
    with pytest.raises(IllegalTransition, match="is draft"):
        reviews.approve(review=review, person=cast.maya, **by)


def test_what_was_approved_is_not_changed_any_more(cast: Cast) -> None:
    review = published(opened(by=cast.ravi), by=cast.ravi)
    by: dict[str, Any] = {"actor": audit.person(cast.maya), "now": OVER}
    with pytest.raises(Conflict, match="It stays as people have read it"):
        _save(review, "Otherwise.", review.version, cast)
    with pytest.raises(Conflict):
        reviews.add_factor(review=review, factor=factor("capacity", "Capacity"), **by)
    with pytest.raises(IllegalTransition, match="stays as people have read it"):
        reviews.send_back(review=review, note="Once more.", **by)
    assert reviews.comment(review=review, text="Well written.", **by).text == "Well written."


def test_publishing_keeps_the_facts_and_tells_those_who_were_on_it(cast: Cast) -> None:
    incident = over(by=cast.ravi)
    incident.participants.add(cast.bea)
    review = reviews.open_review(incident=incident, actor=audit.SYSTEM, now=OVER)
    review = published(review, by=cast.ravi)
    assert review.facts["severity"] == "SEV2" and review.facts["lengths"][3]["key"] == "ttr"
    assert "is published" in told(cast.bea)[0]
    assert told(cast.ravi, "review_published") == []  # they did it themselves


def test_opening_the_incident_again_makes_a_draft_of_what_was_published(cast: Cast) -> None:
    level()
    review = published(opened(by=cast.ravi), by=cast.ravi)
    later = OVER + timedelta(days=1)
    incident = reopen(review.incident, by=cast.ravi, now=later)
    with pytest.raises(Conflict, match="resolve the incident first"):
        reviews.open_review(incident=incident, actor=audit.SYSTEM, now=later)
    incident = build.step(incident, "resolved", by=cast.ravi, now=later + timedelta(hours=1))
    assert not reviews.is_published(incident)
    again = reviews.open_if_asked(incident_id=incident.pk, now=later + timedelta(hours=1))
    assert again is not None
    assert (again.status, again.published_at, again.what_happened) == (
        "draft",
        None,
        TEXTS["what_happened"],
    )
    assert again.publish_due_at == at("2026-09-15 18:00")


def test_nothing_is_published_while_the_incident_is_open_again(cast: Cast) -> None:
    review = written(opened(by=cast.ravi), by=cast.ravi)
    actor = audit.person(cast.ravi)
    review = reviews.submit(review=review, actor=actor, now=OVER)
    review = reviews.approve(review=review, person=cast.ravi, actor=actor, now=OVER)
    reopen(review.incident, by=cast.ravi, now=OVER)
    with pytest.raises(Conflict, match="open again"):
        reviews.publish(review=review, actor=actor, now=OVER)


def test_whoever_sees_the_incident_sees_its_review(cast: Cast) -> None:
    review = opened(by=cast.ravi, visibility="restricted")
    seen = {
        person: Review.objects.visible_to(person).filter(pk=review.pk).exists()
        for person in (cast.maya, cast.ravi, cast.olu, cast.sam)
    }
    assert seen == {cast.maya: True, cast.ravi: True, cast.olu: False, cast.sam: False}
    assert not Review.objects.visible_to(AnonymousUser()).exists()


# -- reminded of


def _due(cast: Cast) -> Review:
    """Of Ravi's, commanded by Bea, led by Maya; the draft is due on Thursday, the rest Monday."""
    level()
    place = build.surface(team=build.team(lead=cast.maya), now=NOW)
    incident = over(by=cast.ravi, commander=cast.bea, surface=place)
    actor = audit.person(cast.ravi)
    review = reviews.open_review(incident=incident, actor=actor, now=OVER)
    return reviews.set_author(review=review, person=cast.ravi, actor=actor, now=OVER)


def test_each_reminder_goes_out_once_and_the_lead_comes_in_on_the_fifth_day(cast: Cast) -> None:
    _due(cast)
    sent = {}
    for day in range(7, 31):
        for hour in (8, 9, 12):
            count = reviews.remind_due(now=at(f"2026-09-{day:02} {hour:02}:00"))
            if count:
                sent[f"{day} {hour}"] = count
    assert sent == {
        "10 9": 2,  # the draft
        "14 9": 2,  # to be published
        "17 9": 2,
        "21 9": 1,  # five business days late: the lead
        "22 9": 2,
        "24 9": 1,
        "25 9": 2,
        "29 9": 1,
        "30 9": 2,
    }
    assert "is 5 business days late" in told(cast.maya)[0]
    assert told(cast.ravi, "review_due") == told(cast.bea, "review_due")


def test_a_worker_that_was_off_for_days_sends_the_latest_only(cast: Cast) -> None:
    review = _due(cast)
    assert reviews.remind_due(now=at("2026-09-22 10:00")) == 3  # Ravi, Bea, Maya
    assert ["6 business days late" in one for one in told(cast.ravi, "review_due")] == [True]
    marks = dict(Mark.objects.filter(incident=review.incident).values_list("slot", "was_sent"))
    assert {slot.removeprefix("review:2026-09-"): sent for slot, sent in marks.items()} == {
        "10:draft": False,
        "14:publish": False,
        "14:late3": False,
        "14:late6": True,
        "14:lead5": True,
    }
    assert reviews.remind_due(now=at("2026-09-22 10:01")) == 0


def test_a_reminder_that_comes_late_does_not_say_today(cast: Cast) -> None:
    _due(cast)
    reviews.remind_due(now=at("2026-09-11 10:00"))
    assert "should have been handed in" in told(cast.ravi, "review_due")[0]


def test_closing_the_incident_ends_no_reminder(cast: Cast) -> None:
    review = _due(cast)
    Incident.objects.filter(pk=review.incident_id).update(status="closed", closed_at=OVER)
    assert reviews.remind_due(now=at("2026-09-14 09:00")) == 2


def test_while_the_incident_is_open_again_nobody_is_reminded(cast: Cast) -> None:
    review = _due(cast)
    reopen(review.incident, by=cast.ravi, now=OVER)
    assert reviews.remind_due(now=at("2026-09-22 10:00")) == 0


def test_publishing_ends_the_reminders(cast: Cast) -> None:
    published(_due(cast), by=cast.ravi)
    assert reviews.remind_due(now=at("2026-10-22 10:00")) == 0


def test_nobody_is_reminded_of_what_they_may_not_see(cast: Cast) -> None:
    level()
    lead = build.person("Lea Lund", "responder")
    place = build.surface(team=build.team(lead=lead), now=NOW)
    incident = over(by=cast.ravi, surface=place, visibility="restricted")
    reviews.open_review(incident=incident, actor=audit.SYSTEM, now=OVER)
    assert reviews.remind_due(now=at("2026-09-22 10:00")) == 1  # Ravi; not the lead
    assert told(lead) == []


def test_somebody_who_left_is_not_reminded_but_the_lead_is(cast: Cast) -> None:
    review = _due(cast)
    type(cast.ravi).objects.filter(pk__in=[cast.ravi.pk, cast.bea.pk]).update(is_active=False)
    assert reviews.remind_due(now=at("2026-09-10 09:00")) == 1
    assert len(told(cast.maya)) == 1 and review.pk
