"""One update answers every ticket of its incident; what customers say comes back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from apps.core import audit, events
from apps.core.errors import Conflict
from apps.incidents import services as incidents
from apps.incidents.events import UpdatePublished
from apps.incidents.models import Incident, IncidentLink, StatusUpdate
from apps.notifications.models import Message
from apps.ownership.models import Surface
from apps.support import handlers, providers
from apps.support.models import Ticket, TicketClock, TicketLink, TicketMessage
from apps.support.selectors import incident_ties as ties
from apps.support.services import conversation, incident_updates, lifecycle, merging, requester
from apps.support.services import links as ticket_links
from tests import builders as build
from tests.conftest import Cast
from tests.incidents import commskit as comms
from tests.support import ticketkit as kit
from tests.world import World


@pytest.fixture(autouse=True)
def wired() -> None:
    """The wiring page does the same; twice is the same as once."""
    events.subscribe(UpdatePublished, handlers.update_published)


@pytest.fixture
def surface(world: World, cast: Cast) -> Surface:
    kit.desk(world.now)
    comms.framework()
    return build.surface(primary=cast.ravi, now=world.now)


@pytest.fixture
def incident(world: World, cast: Cast, surface: Surface) -> Incident:
    """A SEV1 that Maya leads."""
    return build.incident(
        severity="SEV1", surface=surface, by=cast.maya, commander=cast.maya, now=world.now
    )


def tied(incident: Incident, now: datetime, **more: object) -> Ticket:
    """A ticket of the incident."""
    made = kit.ticket(now, **more)  # type: ignore[arg-type]
    incident_updates.attach(ticket=made, incident=incident, actor=audit.SYSTEM, now=now)
    return made


def hide(ticket: Ticket) -> None:
    """Its queue is read by its team and managers alone from now on."""
    ticket.queue.is_private, ticket.queue.is_default = True, False
    ticket.queue.team = build.team("desk")
    ticket.queue.save()


def updates_on(ticket: Ticket) -> list[TicketMessage]:
    return list(ticket.messages.filter(author="update").order_by("pk"))


def clock(ticket: Ticket, metric: str) -> TicketClock:
    return TicketClock.objects.get(ticket=ticket, metric=metric)


def test_one_update_answers_every_ticket_as_its_publishers_public_reply(
    world: World, cast: Cast, incident: Incident
) -> None:
    bea = build.contact("bo@cedar.example", name="Bo Lee", now=world.now)
    first, second = tied(incident, world.now), tied(incident, world.now, requester=bea)
    alone = kit.ticket(world.now)
    at = world.now + timedelta(minutes=20)
    comms.told(incident, cast.maya, at, body="We found it and are rolling back.")
    for ticket in (first, second):
        ticket.refresh_from_db()
        (message,) = updates_on(ticket)
        assert (message.body, message.at) == ("We found it and are rolling back.", at)
        assert (message.actor, message.actor_label) == (cast.maya, "Maya Lind")
        assert message.is_public and not ticket.awaits_us
        assert ticket.first_replied_at == at
    assert updates_on(alone) == []
    mails = Message.objects.filter(what="ticket_reply")
    assert sorted(row.to_name for row in mails) == ["Ana Ruiz", "Bo Lee"]
    assert "Maya, " in mails[0].body  # signed by who published it


def test_it_keeps_the_promise_of_a_reply_and_pauses_and_moves_nothing(
    world: World, cast: Cast, incident: Incident
) -> None:
    ticket = tied(incident, world.now)
    before = (ticket.status, ticket.owner_id)
    comms.told(incident, cast.maya, world.now + timedelta(minutes=5))
    ticket.refresh_from_db()
    assert (ticket.status, ticket.owner_id) == before
    assert ticket.triaged_at is None  # nobody has looked at this one
    assert clock(ticket, "first_reply").state == "met"
    resolution = clock(ticket, "resolution")
    assert resolution.state == "running" and not resolution.is_paused
    assert kit.events(ticket, "incident_update") == [
        f"An update of {incident.ref} went out as a public reply. No promise is paused by it."
    ]
    assert ticket.links.filter(kind="incident", ref=incident.ref).exists()


def test_doing_it_again_answers_nobody_twice(world: World, cast: Cast, incident: Incident) -> None:
    ticket = tied(incident, world.now)
    row = comms.told(incident, cast.maya, world.now)
    assert incident_updates.answer_tickets(update_id=row.pk, now=world.now) == 0
    assert len(updates_on(ticket)) == 1
    comms.told(incident, cast.maya, world.now + timedelta(minutes=30))
    assert len(updates_on(ticket)) == 2


def test_a_ticket_that_fails_holds_up_no_other_and_is_answered_the_next_time(
    world: World, cast: Cast, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tied(incident, world.now), tied(incident, world.now)
    row = comms.draft(incident, cast.maya, world.now)
    StatusUpdate.objects.filter(pk=row.pk).update(status="published", published_at=world.now)
    whole = incident_updates._answer

    def broken(pk: int, *rest: object) -> bool:
        if pk == first.pk:
            raise RuntimeError("a row that cannot be read")
        return whole(pk, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(incident_updates, "_answer", broken)
    with pytest.raises(incident_updates.Unanswered, match=first.ref):
        incident_updates.answer_tickets(update_id=row.pk, now=world.now)
    assert (len(updates_on(first)), len(updates_on(second))) == (0, 1)
    monkeypatch.setattr(incident_updates, "_answer", whole)
    assert incident_updates.answer_tickets(update_id=row.pk, now=world.now) == 1


def test_many_tickets_are_answered_by_one_task_after_the_other(
    world: World, cast: Cast, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incident_updates, "BATCH", 2)
    tickets = [tied(incident, world.now) for _ in range(5)]
    comms.told(incident, cast.maya, world.now)
    assert [len(updates_on(ticket)) for ticket in tickets] == [1] * 5


def test_the_last_update_asks_each_whether_it_is_solved(
    world: World, cast: Cast, incident: Incident
) -> None:
    ticket = tied(incident, world.now)
    comms.told(incident, cast.maya, world.now, stage="resolved", body="It is over.")
    assert updates_on(ticket)[0].body == f"It is over.\n\n{incident_updates.ASKS_BACK}"


@pytest.mark.parametrize("status", ["resolved", "closed", "spam"])
def test_a_ticket_that_is_over_is_left_alone(
    world: World, cast: Cast, incident: Incident, status: str
) -> None:
    ticket = kit.in_state(status, world.now, cast.sam)
    incidents.link(incident, "ticket", ticket.ref, "", "", world.now)
    comms.told(incident, cast.maya, world.now)
    assert updates_on(ticket) == []


def test_a_merged_ticket_is_answered_where_it_went(
    world: World, cast: Cast, incident: Incident
) -> None:
    gone, into = tied(incident, world.now), kit.ticket(world.now)
    merging.merge(ticket=gone, into=into, actor=kit.by(cast.sam), now=world.now)
    comms.told(incident, cast.maya, world.now)
    assert (len(updates_on(gone)), len(updates_on(into))) == (0, 1)
    assert incident in ties.incidents_of(into)


def test_only_audiences_with_tickets_answer_them_and_no_draft_does(
    world: World, cast: Cast, incident: Incident
) -> None:
    ticket = tied(incident, world.now)
    comms.told(incident, cast.maya, world.now, to="internal")
    comms.draft(incident, cast.maya, world.now)
    assert updates_on(ticket) == []


def test_a_drill_answers_no_customer(world: World, cast: Cast, incident: Incident) -> None:
    Incident.objects.filter(pk=incident.pk).update(kind="drill")
    ticket = tied(incident, world.now)
    row = comms.told(incident, cast.maya, world.now)
    assert incident_updates.answer_tickets(update_id=row.pk, now=world.now) == 0
    assert updates_on(ticket) == []


def test_a_word_after_the_update_still_waits_for_an_answer(
    world: World, cast: Cast, incident: Incident
) -> None:
    """The task ran late: the customer spoke between publishing and answering."""
    ticket = tied(incident, world.now)
    row = comms.draft(incident, cast.maya, world.now)
    StatusUpdate.objects.filter(pk=row.pk).update(status="published", published_at=world.now)
    later = world.now + timedelta(minutes=2)
    wrote(ticket, "Any news?", later)
    incident_updates.answer_tickets(update_id=row.pk, now=later + timedelta(minutes=1))
    ticket.refresh_from_db()
    assert ticket.awaits_us and ticket.last_public_text == "Any news?"


# -- what customers say back


def wrote(ticket: Ticket, text: str, now: datetime) -> TicketMessage:
    contact = ticket.requester
    return conversation.requester_wrote(
        ticket=ticket, body=text, contact=contact, actor=audit.contact(contact.pk, str(contact)),
        now=now,
    )  # fmt: skip


def heard(incident: Incident) -> list[str]:
    rows = incident.timeline.filter(what="still_broken").order_by("pk")
    return [row.text for row in rows]


@pytest.mark.parametrize(
    ("text", "after_update", "comes_back"),
    [
        ("Still failing here.", True, True),
        ("Still failing here.", False, True),
        ("Which of our projects are concerned?", True, True),
        ("We have 38 projects.", False, False),
        ("Thanks for telling us!", True, False),
    ],
)
def test_an_answer_comes_back_to_the_commander_unless_it_only_thanks(
    world: World, cast: Cast, incident: Incident, text: str, after_update: bool, comes_back: bool
) -> None:
    ticket = tied(incident, world.now)
    if after_update:
        comms.told(incident, cast.maya, world.now)
    message = wrote(ticket, text, world.now + timedelta(minutes=3))
    told = [f"{ticket.ref}: still broken, says the customer. “{text}”"] if comes_back else []
    assert heard(incident) == told
    mails = Message.objects.filter(what="still_broken")
    assert [row.person for row in mails] == ([cast.maya] if comes_back else [])
    if comes_back:
        assert f"/tickets/{ticket.ref}/#m{message.pk}" in mails[0].body


def test_after_the_end_a_ticket_that_opens_again_comes_back(
    world: World, cast: Cast, incident: Incident
) -> None:
    ticket = tied(incident, world.now)
    comms.told(incident, cast.maya, world.now, stage="resolved")
    say = {"actor": kit.by(cast.sam), "now": world.now}
    lifecycle.transition(ticket=ticket, verb="resolve", resolution_code="fixed", **say)  # type: ignore[arg-type]
    Incident.objects.filter(pk=incident.pk).update(status="resolved", resolved_at=world.now)
    ticket.refresh_from_db()
    requester.not_solved(
        ticket=ticket, body="The numbers are wrong.", contact=ticket.requester,
        now=world.now + timedelta(hours=1),
    )  # fmt: skip
    assert heard(incident) == [
        f"{ticket.ref}: still broken, says the customer. “The numbers are wrong.”"
    ]


def test_after_the_end_other_words_stay_with_the_ticket(
    world: World, cast: Cast, incident: Incident
) -> None:
    ticket = tied(incident, world.now)
    comms.told(incident, cast.maya, world.now, stage="resolved")
    Incident.objects.filter(pk=incident.pk).update(status="resolved", resolved_at=world.now)
    wrote(ticket, "Could you send us the report?", world.now + timedelta(minutes=5))
    assert heard(incident) == []


def test_words_of_a_private_queue_do_not_leave_it(
    world: World, cast: Cast, incident: Incident
) -> None:
    ticket = tied(incident, world.now)
    hide(ticket)
    wrote(ticket, "Still failing, and our salaries are in it.", world.now)
    assert heard(incident) == [f"{ticket.ref}: still broken, says the customer."]
    assert not Message.objects.filter(what="still_broken", body__contains="salaries").exists()


def test_a_ticket_of_no_incident_tells_no_commander(
    world: World, cast: Cast, incident: Incident
) -> None:
    wrote(kit.ticket(world.now), "Still failing.", world.now)
    assert heard(incident) == []


# -- belonging to each other


def test_what_is_linked_on_the_ticket_shows_on_the_incident_and_the_other_way(
    world: World, cast: Cast, incident: Incident
) -> None:
    ticket = kit.ticket(world.now)
    by = {"actor": kit.by(cast.sam), "now": world.now}
    ticket_links.link(
        ticket=ticket, kind="incident", ref=incident.ref, relation="related", **by  # type: ignore[arg-type]
    )  # fmt: skip
    link = IncidentLink.objects.get(incident=incident, kind="ticket")
    assert (link.ref, link.relation, link.added_by_label) == (ticket.ref, "reported_by", "Sam Sand")
    incident_updates.detach(ticket=ticket, incident=incident, **by)  # type: ignore[arg-type]
    assert ties.tickets_of(incident) == []
    assert not TicketLink.objects.filter(ticket=ticket, kind="incident").exists()
    assert incident.timeline.filter(what="unlinked").count() == 1


def test_a_link_taken_away_on_the_ticket_is_taken_away_on_the_incident(
    world: World, cast: Cast, incident: Incident
) -> None:
    from apps.support.services import unblocking

    ticket = tied(incident, world.now)
    row = TicketLink.objects.get(ticket=ticket, kind="incident")
    unblocking.unlink(link=row, actor=kit.by(cast.sam), now=world.now)
    assert ties.tickets_of(incident) == []
    comms.told(incident, cast.maya, world.now)
    assert updates_on(ticket) == []


def test_attaching_to_a_merged_incident_says_where_to_go(
    world: World, cast: Cast, incident: Incident
) -> None:
    other = build.incident(severity="SEV1", by=cast.maya, commander=cast.maya, now=world.now)
    ticket = tied(incident, world.now)
    incidents.merge(
        child=incident, into=other, reason="same", actor=audit.person(cast.maya), now=world.now
    )
    incident.refresh_from_db()
    assert [one.pk for one in ties.tickets_of(other)] == [ticket.pk]
    with pytest.raises(Conflict, match=other.ref):
        tied(incident, world.now)
    comms.told(other, cast.maya, world.now)
    assert len(updates_on(ticket)) == 1


def test_a_private_ticket_lends_an_incident_its_number_alone(
    world: World, cast: Cast, incident: Incident
) -> None:
    ticket = kit.ticket(world.now)
    hide(ticket)
    incident_updates.attach(ticket=ticket, incident=incident, actor=audit.SYSTEM, now=world.now)
    assert IncidentLink.objects.get(incident=incident, kind="ticket").label == ""


# -- what support answers to incidents


def test_a_ticket_without_an_answer_holds_the_incident_open(
    world: World, cast: Cast, incident: Incident
) -> None:
    ask = providers.AnsweredTickets()
    ticket = tied(incident, world.now)
    assert ask.blockers(incident=incident) == [
        f"{ticket.ref} has no answer: reply to it, or detach it."
    ]
    comms.told(incident, cast.maya, world.now)
    assert ask.blockers(incident=incident) == []
    wrote(ticket, "And now?", world.now + timedelta(minutes=1))
    assert len(ask.blockers(incident=incident)) == 1
    incident_updates.detach(ticket=ticket, incident=incident, actor=kit.by(cast.sam), now=world.now)
    assert ask.blockers(incident=incident) == []


def test_a_long_list_of_unanswered_tickets_is_counted(
    world: World, cast: Cast, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "SHOWN", 2)
    for _ in range(5):
        tied(incident, world.now)
    found = providers.AnsweredTickets().blockers(incident=incident)
    assert len(found) == 3 and found[-1] == "And 3 more tickets have no answer."


def test_tickets_that_sound_like_it_are_offered_the_likeliest_first(
    world: World, cast: Cast, surface: Surface
) -> None:
    both = kit.ticket(world.now, subject="Profiling times out", surface=surface)
    alike = kit.ticket(world.now, subject="Our profiling times out since eight")
    here = kit.ticket(world.now, subject="Question about invoices", surface=surface)
    kit.ticket(world.now, subject="Cannot sign in")
    old = kit.ticket(world.now - timedelta(days=8), subject="Profiling times out", surface=surface)
    kit.in_state("resolved", world.now, cast.sam, subject="Profiling times out")
    found = providers.MatchingTickets().hints(
        user=cast.sam, surface=surface, words="profiling times out", now=world.now
    )
    assert [hint.ref for hint in found] == [both.ref, alike.ref, here.ref]
    assert old.ref not in {hint.ref for hint in found}
    assert (found[0].why, found[0].relation, found[0].kind) == (
        "same surface, sounds alike", "reported_by", "ticket",
    )  # fmt: skip
    assert all(0 <= hint.score <= 1 for hint in found)


def test_nothing_is_offered_that_the_asker_may_not_see(
    world: World, cast: Cast, surface: Surface
) -> None:
    ticket = kit.ticket(world.now, subject="Profiling times out", surface=surface)
    hide(ticket)
    ask = {"surface": surface, "words": "profiling times out", "now": world.now}
    hints = providers.MatchingTickets().hints
    assert hints(user=cast.olu, **ask) == []  # type: ignore[arg-type]
    (seen,) = hints(user=cast.maya, **ask)  # type: ignore[arg-type]
    assert seen.label == ""  # the label is read by all who see the incident


@pytest.mark.parametrize("words", ["", "a", "\x00\x00", "%_'\"; --", "x" * 10_000])
def test_odd_words_find_nothing_and_break_nothing(
    world: World, cast: Cast, surface: Surface, words: str
) -> None:
    found = providers.MatchingTickets().hints(
        user=cast.sam, surface=None, words=words, now=world.now
    )
    assert list(found) == []
