"""The minute job: what is due now and not done is done once, however late the worker comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from apps.accounts.models import Person
from apps.core import audit
from apps.core.errors import Conflict, Invalid
from apps.incidents import services as incidents
from apps.incidents.models import Incident, Mark, SeverityLevel
from apps.incidents.selectors import updates as facts
from apps.incidents.services import cadence, updates
from apps.notifications.models import Message
from tests import builders as build
from tests.conftest import Cast
from tests.incidents import commskit as comms
from tests.world import World


@pytest.fixture
def incident(world: World, cast: Cast) -> Incident:
    """A SEV1 that Ravi leads; Bea is the backup owner, Maya leads the team. All read UTC here."""
    comms.framework()
    Person.objects.update(time_zone="UTC")
    cast.ravi.time_zone = "UTC"
    team = build.team(lead=cast.maya)
    surface = build.surface(team=team, primary=cast.ravi, backup=cast.bea, now=world.now)
    made = build.incident(
        severity="SEV1", surface=surface, by=cast.ravi, commander=cast.ravi, now=world.now
    )
    Message.objects.all().delete()
    return made


def minutes_after(start: datetime, minutes: float) -> datetime:
    return start + timedelta(minutes=minutes)


def reminders(about: str = "") -> list[tuple[str, str]]:
    """(to whom, subject without the tag) of the reminders so far, in order."""
    rows = Message.objects.filter(what="incident_reminder").order_by("pk").select_related("person")
    said = [(row.person.first_name, row.subject.split("] ")[1]) for row in rows if row.person]
    return [one for one in said if about in one[1]]


def run_at(start: datetime, minutes: Iterable[int]) -> list[tuple[int, str, str]]:
    """The worker at some minutes; (minute, to whom, subject) of what it wrote."""
    found: list[tuple[int, str, str]] = []
    for minute in minutes:
        before = len(reminders())
        cadence.remind_due(now=minutes_after(start, minute))
        found += [(minute, *one) for one in reminders()[before:]]
    return found


def test_reminders_go_first_to_those_who_write_then_further(
    world: World, cast: Cast, incident: Incident
) -> None:
    comms.told(incident, cast.ravi, world.now, to="internal")
    comms.told(incident, cast.ravi, world.now, to="public")
    comms_lead(incident, cast, world.now)
    found = [
        one
        for one in run_at(world.now, [1, 23, 24, 25, 30, 31, 44, 45, 60, 61, 75, 76])
        if "for customers" in one[2]
    ]
    assert [(minute, who) for minute, who, _ in found] == [
        (24, "Sam"), (24, "Ravi"),  # soon
        (30, "Sam"), (30, "Ravi"),  # due
        (45, "Sam"), (45, "Ravi"), (45, "Bea"),  # and the backup owner
        (60, "Sam"), (60, "Ravi"), (60, "Bea"), (60, "Maya"),  # and the lead
        (75, "Sam"), (75, "Ravi"), (75, "Bea"), (75, "Maya"),  # each half interval from then on
    ]  # fmt: skip
    assert found[0][2] == "The update for customers is due at 06:30"


def comms_lead(incident: Incident, cast: Cast, now: datetime) -> None:
    incidents.assign(
        incident=incident, role="comms", person=cast.sam, actor=audit.person(cast.ravi), now=now
    )


def test_a_deputy_comes_before_the_backup_owner(
    world: World, cast: Cast, incident: Incident
) -> None:
    incidents.assign(
        incident=incident, role="deputy", person=cast.sam, actor=audit.person(cast.ravi),
        now=world.now,
    )  # fmt: skip
    cadence.remind_due(now=minutes_after(world.now, 16))
    told = Counter(who for who, _ in reminders("for people here"))
    assert told == {"Ravi": 1, "Sam": 1}


def test_a_worker_that_slept_three_hours_sends_the_newest_reminder_of_each_thing_once(
    world: World, cast: Cast, incident: Incident
) -> None:
    """Nothing is doubled, nothing that is still owed is lost, and what is stale is not sent."""
    comms_lead(incident, cast, world.now)
    other = build.incident(severity="SEV2", by=cast.ravi, commander=cast.ravi, now=world.now)
    Message.objects.all().delete()
    awake = minutes_after(world.now, 180)
    cadence.remind_due(now=awake)
    mine = Message.objects.filter(what="incident_reminder", subject_ref=str(incident.pk))
    subjects = Counter(row.subject.split("] ")[1] for row in mine)
    assert subjects == {  # one of each thing to each of Sam, Ravi, Bea, Maya
        "The update for people here is overdue since 06:10": 4,
        "The update for customers is overdue since 06:15": 4,
    }
    sent = Mark.objects.filter(incident=incident, was_sent=True)
    assert {slot.split(":")[1] for slot in sent.values_list("slot", flat=True)} == {
        "internal",
        "public",
    }
    passed_over = Mark.objects.filter(incident=incident, was_sent=False).count()
    assert passed_over == 13 + 13  # soon, due, two steps late, then each quarter of an hour
    assert Message.objects.filter(subject_ref=str(other.pk)).exists()
    before = Message.objects.count()
    assert cadence.remind_due(now=awake) == 0  # a second worker, or the same one once more
    assert cadence.remind_due(now=awake + timedelta(seconds=30)) == 0
    assert Message.objects.count() == before


def test_a_worker_that_runs_often_and_one_that_slept_agree_on_the_marks(
    world: World, cast: Cast, incident: Incident
) -> None:
    comms_lead(incident, cast, world.now)
    run_at(world.now, range(2, 31, 4))
    often = set(Mark.objects.values_list("slot", flat=True))
    Mark.objects.all().delete()
    Message.objects.all().delete()
    cadence.remind_due(now=minutes_after(world.now, 30))
    assert set(Mark.objects.values_list("slot", flat=True)) == often


def test_what_was_owed_while_the_worker_slept_and_done_by_then_is_not_reminded_of(
    world: World, cast: Cast, incident: Incident
) -> None:
    comms_lead(incident, cast, world.now)
    late = minutes_after(world.now, 170)
    for side in ("internal", "public"):
        comms.told(incident, cast.sam, late, to=side)
    Message.objects.all().delete()
    cadence.remind_due(now=minutes_after(world.now, 180))
    assert reminders() == []


def test_an_update_starts_the_next_interval_and_its_promise_binds(
    world: World, cast: Cast, incident: Incident
) -> None:
    at = minutes_after(world.now, 12)
    comms.told(incident, cast.ravi, at, to="internal", next_update_at=at + timedelta(minutes=20))
    found = facts.standing(incident, "internal", now=at)
    assert found.due is not None and found.due.at == at + timedelta(minutes=20)


def test_a_rise_in_severity_asks_for_the_first_update_of_its_level(
    world: World, cast: Cast, incident: Incident
) -> None:
    minor = build.incident(severity="SEV3", by=cast.ravi, commander=cast.ravi, now=world.now)
    comms.told(minor, cast.ravi, world.now, to="internal")
    later = minutes_after(world.now, 300)
    minor = incidents.set_severity(
        incident=minor, severity="SEV1", reason="spreads", actor=audit.person(cast.ravi), now=later
    )
    found = facts.standings(minor, now=later)
    assert found["internal"].due is not None and found["public"].due is not None
    assert found["internal"].due.at == minutes_after(later, 10)
    assert found["public"].due.at == minutes_after(later, 15)


@pytest.mark.parametrize(
    ("severity", "internal", "public"), [("SEV3", "ok", "none"), ("SEV4", "none", "none")]
)
def test_lower_levels_ask_for_less(
    world: World, cast: Cast, incident: Incident, severity: str, internal: str, public: str
) -> None:
    made = build.incident(severity=severity, by=cast.ravi, commander=cast.ravi, now=world.now)
    found = facts.standings(made, now=minutes_after(world.now, 30))
    assert (found["internal"].state, found["public"].state) == (internal, public)


def test_the_first_update_of_a_level_by_business_hours_waits_for_the_office(
    world: World, cast: Cast, incident: Incident
) -> None:
    """Declared on Friday at 16:00: four office hours end on Monday at 11:00."""
    build.support(now=world.now)  # the default calendar
    friday = datetime.fromisoformat("2026-09-11T16:00:00+00:00")
    made = build.incident(severity="SEV3", by=cast.ravi, commander=cast.ravi, now=friday)
    due = facts.standing(made, "internal", now=friday).due
    assert due is not None and due.at == datetime.fromisoformat("2026-09-14T11:00:00+00:00")


def test_where_the_public_is_not_told_for_a_reason_nobody_is_reminded_of_it(
    world: World, cast: Cast, incident: Incident
) -> None:
    Incident.objects.filter(pk=incident.pk).update(public_silence="One customer, told by phone.")
    cadence.remind_due(now=minutes_after(world.now, 60))
    assert reminders("for customers") == [] and reminders("for people here")


def test_nothing_is_owed_in_triage_or_after_the_end(
    world: World, cast: Cast, incident: Incident
) -> None:
    later = minutes_after(world.now, 600)
    for values in ({"status": "triage", "declared_at": None}, {"status": "resolved"}):
        Incident.objects.filter(pk=incident.pk).update(**values)
        assert cadence.remind_due(now=later) == 0


def test_a_drill_reminds_only_those_who_take_part(
    world: World, cast: Cast, incident: Incident
) -> None:
    Incident.objects.filter(pk=incident.pk).update(kind="drill")
    cadence.remind_due(now=minutes_after(world.now, 60))
    rows = Message.objects.filter(what="incident_reminder")
    assert {row.person for row in rows} == {cast.ravi}
    assert {row.kind for row in rows} == {"drill"}


@pytest.mark.parametrize("kind", ["test", "backfilled"])
def test_what_only_tests_or_is_past_reminds_nobody(
    world: World, cast: Cast, incident: Incident, kind: str
) -> None:
    Incident.objects.filter(pk=incident.pk).update(kind=kind)
    assert cadence.remind_due(now=minutes_after(world.now, 60)) == 0


def test_one_incident_that_cannot_be_read_holds_up_no_other(
    world: World, cast: Cast, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = build.incident(severity="SEV1", by=cast.ravi, commander=cast.ravi, now=world.now)
    whole = cadence._remind

    def broken(pk: int, now: datetime) -> int:
        if pk == incident.pk:
            raise RuntimeError("a row that cannot be read")
        return whole(pk, now)

    monkeypatch.setattr(cadence, "_remind", broken)
    assert cadence.remind_due(now=minutes_after(world.now, 60)) > 0
    assert {row.subject_ref for row in Message.objects.all()} == {str(other.pk)}


# -- once after a declaration


def test_without_a_communication_lead_the_commander_hears_of_it_after_ten_minutes(
    world: World, cast: Cast, incident: Incident
) -> None:
    found = run_at(world.now, [1, 9, 10, 11, 30])
    assert [one for one in found if "communication lead" in one[2]] == [
        (10, "Ravi", "Nobody is communication lead")
    ]
    assert incident.timeline.filter(what="reminded").count() == 1


def test_a_communication_lead_in_time_makes_it_needless(
    world: World, cast: Cast, incident: Incident
) -> None:
    comms_lead(incident, cast, world.now)
    run_at(world.now, [9, 10, 15])
    assert reminders("communication lead") == []


def test_nobody_in_command_and_a_page_that_nobody_took_are_told_once_each(
    world: World, cast: Cast, incident: Incident
) -> None:
    SeverityLevel.objects.update(acknowledge_seconds=300, commander_seconds=600)
    incidents.link(incident, "page", "1", "", "", world.now)
    incidents.assign(
        incident=incident, role="commander", person=None, actor=audit.person(cast.ravi),
        now=world.now,
    )  # fmt: skip
    found = run_at(world.now, [4, 5, 6, 9, 10, 11, 40])
    once = [(minute, who) for minute, who, text in found if "commands" in text]
    assert once == [(10, "Bea"), (10, "Maya")]
    taken = [(minute, who) for minute, who, text in found if "acknowledged" in text]
    assert taken == [(5, "Bea")]


def test_a_severity_that_is_lowered_later_makes_no_late_update_punctual(
    world: World, cast: Cast, incident: Incident
) -> None:
    comms.told(incident, cast.ravi, world.now)
    late = minutes_after(world.now, 40)
    comms.told(incident, cast.ravi, late)
    before = facts.compliance(incident, now=late)["public"].rows
    assert [row.in_time for row in before] == [True, False]
    incidents.set_severity(
        incident=incident, severity="SEV3", reason="one customer only",
        actor=audit.person(cast.ravi), now=late,
    )  # fmt: skip
    incident.refresh_from_db()
    assert facts.compliance(incident, now=late)["public"].rows == before


# -- putting it off


def put_off(incident: Incident, cast: Cast, now: datetime, until: datetime, why: str = "x") -> None:
    cadence.snooze(
        incident=incident, side="public", until=until, reason=why, actor=audit.person(cast.ravi),
        now=now,
    )  # fmt: skip


def test_putting_it_off_silences_reminders_until_then_and_stands_in_the_timeline(
    world: World, cast: Cast, incident: Incident
) -> None:
    comms.told(incident, cast.ravi, world.now)
    until = minutes_after(world.now, 50)
    put_off(incident, cast, minutes_after(world.now, 25), until, "vendor calls at 06:45")
    cadence.remind_due(now=minutes_after(world.now, 49))
    assert reminders("for customers") == []
    cadence.remind_due(now=until)
    assert [who for who, _ in reminders("for customers")] == ["Ravi"]
    assert incident.timeline.get(what="snoozed").text == (
        "Ravi Rao put off the update for customers to 06:50 UTC: vendor calls at 06:45"
    )
    kept = facts.compliance(incident, now=until)["public"]
    assert [row.due_at for row in kept.rows if not row.in_time] == [minutes_after(world.now, 30)]


@pytest.mark.parametrize(
    ("until", "why", "error", "said"),
    [
        (61, "x", Invalid, "one interval at most, until 07:00 UTC"),
        (20, "x", Invalid, "still to come"),
        (40, "  ", Invalid, "why it can wait"),
    ],
)
def test_it_is_put_off_with_a_reason_and_by_one_interval_at_most(
    world: World, cast: Cast, incident: Incident, until: int, why: str,
    error: type[Exception], said: str,
) -> None:  # fmt: skip
    comms.told(incident, cast.ravi, world.now)
    now = minutes_after(world.now, 20)
    with pytest.raises(error, match=said):
        put_off(incident, cast, now, minutes_after(world.now, until), why)


def test_it_is_put_off_once(world: World, cast: Cast, incident: Incident) -> None:
    comms.told(incident, cast.ravi, world.now)
    put_off(incident, cast, world.now, minutes_after(world.now, 50))
    with pytest.raises(Conflict, match="once already"):
        put_off(incident, cast, minutes_after(world.now, 40), minutes_after(world.now, 70))


def test_what_is_not_owed_is_not_put_off(world: World, cast: Cast, incident: Incident) -> None:
    low = build.incident(severity="SEV4", by=cast.ravi, commander=cast.ravi, now=world.now)
    with pytest.raises(Conflict, match="No update for customers is owed"):
        put_off(low, cast, world.now, minutes_after(world.now, 5))


# -- what customers say back


def say(incident: Incident, number: int, now: datetime) -> None:
    updates.still_broken(
        incident=incident,
        ref=f"TCK-{number}",
        url=f"/tickets/TCK-{number}/#m{number}",
        text=f"Run {number} fails.",
        actor=audit.contact(number, "The customer"),
        now=now,
    )


def test_forty_customers_who_say_that_it_is_broken_ring_once_in_ten_minutes(
    world: World, cast: Cast, incident: Incident
) -> None:
    for number in range(1, 41):
        say(incident, number, minutes_after(world.now, number * 0.1))
    mails = Message.objects.filter(what="still_broken").order_by("pk")
    assert [row.person for row in mails] == [cast.ravi]
    assert mails[0].subject == f"[{incident.ref} SEV1] Still broken, say TCK-1"
    assert incident.timeline.filter(what="still_broken").count() == 40
    cadence.remind_due(now=minutes_after(world.now, 10))
    assert mails.all().count() == 1
    cadence.remind_due(now=minutes_after(world.now, 10.2))  # ten minutes after the first
    assert mails.all().count() == 2
    assert "and 17 more" in mails.all()[1].subject  # of the twenty that it names
    assert "and 29 more" in mails.all()[1].body
    assert cadence.remind_due(now=minutes_after(world.now, 11)) >= 0
    assert mails.all().count() == 2


def test_the_same_word_is_noted_once(world: World, cast: Cast, incident: Incident) -> None:
    say(incident, 1, world.now)
    say(incident, 1, minutes_after(world.now, 5))  # the task ran again
    assert incident.timeline.filter(what="still_broken").count() == 1


def test_the_support_liaison_hears_it_too_and_without_a_commander_the_managers(
    world: World, cast: Cast, incident: Incident
) -> None:
    incidents.assign(
        incident=incident, role="support", person=cast.sam, actor=audit.person(cast.ravi),
        now=world.now,
    )  # fmt: skip
    say(incident, 1, world.now)
    mails = Message.objects.filter(what="still_broken")
    assert {row.person for row in mails} == {cast.ravi, cast.sam}
    mails.delete()
    other = build.incident(severity="SEV2", now=world.now)
    Incident.objects.filter(pk=other.pk).update(commander=None)
    say(other, 2, world.now)
    assert {row.person for row in mails.all()} == {cast.maya}
