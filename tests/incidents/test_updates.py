"""Updates: drafted, approved, published once, told to those whom the audience names."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.authentication import KeyPrincipal
from apps.core import audit
from apps.core.errors import Conflict, Invalid, NotAllowed
from apps.core.text import markdown
from apps.incidents import services as incidents
from apps.incidents.models import Component, ComponentImpact, Incident, StatusUpdate
from apps.incidents.services import updates
from apps.incidents.services.updates import Stale
from apps.notifications.models import Message
from tests import builders as build
from tests.conftest import Cast
from tests.incidents import commskit as comms
from tests.world import World


@pytest.fixture
def incident(world: World, cast: Cast) -> Incident:
    """A SEV1 that Maya leads, on a surface that Ravi owns."""
    comms.framework()
    surface = build.surface(primary=cast.ravi, now=world.now)
    return build.incident(
        severity="SEV1", surface=surface, by=cast.maya, commander=cast.maya, now=world.now
    )


def mails(what: str) -> list[str]:
    """To whom, by name, messages of a kind were written."""
    rows = Message.objects.filter(what=what).order_by("pk").select_related("person")
    return [row.person.name for row in rows if row.person]


def test_a_published_update_stands_in_the_timeline_and_is_told(
    world: World, cast: Cast, incident: Incident
) -> None:
    incident.participants.add(cast.ravi, cast.bea)
    row = comms.told(incident, cast.maya, world.now, to="internal", body="Rolled back.")
    assert (row.status, row.published_at, row.incident_status) == (
        "published",
        world.now,
        "investigating",
    )
    assert incident.timeline.filter(what="update", text="Update to Internal: Profiling is slow")
    assert mails("incident_update") == ["Ravi Rao", "Bea Bell"]  # and not to Maya, who wrote it
    world.run()
    mail = world.expect_message(to=cast.ravi, containing="Rolled back.")
    assert mail.subject == f"[{incident.ref} SEV1] Profiling is slow"
    world.forget()


def test_an_audience_reaches_its_people_and_teams_each_once(
    world: World, cast: Cast, incident: Incident
) -> None:
    row = comms.audience("internal")
    row.people.add(cast.ravi, cast.sam)
    row.teams.add(build.team(members=[cast.sam, cast.bea]))
    incident.participants.add(cast.ravi)
    comms.told(incident, cast.maya, world.now, to="internal")
    assert sorted(mails("incident_update")) == ["Bea Bell", "Ravi Rao", "Sam Sand"]


def test_a_restricted_incident_is_told_to_nobody_who_cannot_open_it(
    world: World, cast: Cast, incident: Incident
) -> None:
    Incident.objects.filter(pk=incident.pk).update(visibility="restricted")
    row = comms.audience("internal")
    row.people.add(cast.sam, cast.ravi)
    incident.participants.add(cast.ravi)
    comms.told(incident, cast.maya, world.now, to="internal")
    assert mails("incident_update") == ["Ravi Rao"]
    with pytest.raises(Conflict, match="nothing of it goes on the status page"):
        comms.told(incident, cast.maya, world.now, to="public")


# -- approval


@pytest.fixture
def careful(incident: Incident) -> Incident:
    """A level that wants a yes for what goes outside."""
    from apps.incidents.models import SeverityLevel

    SeverityLevel.objects.update(approve_updates=True)
    return incident


def test_whoever_may_approve_publishes_at_once(world: World, cast: Cast, careful: Incident) -> None:
    row = comms.told(careful, cast.maya, world.now)
    assert (row.status, row.approver) == ("published", cast.maya)


def test_anybody_elses_update_waits_and_the_commander_hears_of_it(
    world: World, cast: Cast, careful: Incident
) -> None:
    row = comms.draft(careful, cast.sam, world.now)
    assert comms.publish(row, cast.sam, world.now).status == "pending"
    assert mails("update_waits") == ["Maya Lind"]
    assert careful.timeline.filter(what="update_waits").count() == 1
    with pytest.raises(NotAllowed, match="waits for a yes"):
        comms.publish(row, cast.sam, world.now)
    done = comms.publish(row, cast.maya, world.now)
    assert (done.status, done.approver, done.author) == ("published", cast.maya, cast.sam)
    assert careful.timeline.filter(text__contains="approved by Maya Lind").exists()


def test_people_here_are_told_without_a_yes(world: World, cast: Cast, careful: Incident) -> None:
    assert comms.told(careful, cast.sam, world.now, to="internal").status == "published"


@pytest.mark.parametrize(
    ("who", "may"), [("maya", True), ("ravi", False), ("sam", False), ("olu", False)]
)
def test_managers_and_the_commander_may_approve(
    cast: Cast, incident: Incident, who: str, may: bool
) -> None:
    assert updates.may_approve(getattr(cast, who), incident) is may


def test_a_commander_who_is_no_manager_may_approve(cast: Cast, incident: Incident) -> None:
    incident.commander = cast.ravi
    assert updates.may_approve(cast.ravi, incident)
    assert not updates.may_approve(None, incident)


def test_a_key_approves_only_where_it_acts_as_a_manager(cast: Cast, incident: Incident) -> None:
    small = KeyPrincipal(build.key("incidents:write").row)
    large = KeyPrincipal(build.key("admin", name="big").row)
    assert not updates.may_approve(small, incident)
    assert updates.may_approve(large, incident)


def test_without_a_commander_the_managers_are_asked(
    world: World, cast: Cast, careful: Incident
) -> None:
    Incident.objects.filter(pk=careful.pk).update(commander=None)
    updates.submit(
        update=comms.draft(careful, cast.sam, world.now),
        actor=audit.person(cast.sam),
        now=world.now,
    )
    assert mails("update_waits") == ["Maya Lind"]


def test_an_approver_sends_it_back_with_what_is_missing(
    world: World, cast: Cast, careful: Incident
) -> None:
    row = comms.publish(comms.draft(careful, cast.sam, world.now), cast.sam, world.now)
    back = {"update": row, "now": world.now}
    with pytest.raises(NotAllowed):
        updates.send_back(reason="No.", person=cast.ravi, actor=audit.person(cast.ravi), **back)
    with pytest.raises(Invalid, match="Say what is missing"):
        updates.send_back(reason=" ", person=cast.maya, actor=audit.person(cast.maya), **back)
    done = updates.send_back(
        reason="Say since when.", person=cast.maya, actor=audit.person(cast.maya), **back
    )
    assert done.status == "draft"
    assert mails("update_sent_back") == ["Sam Sand"]


# -- two people at once


def test_the_second_of_two_who_publish_is_told_who_was_first(
    world: World, cast: Cast, careful: Incident
) -> None:
    row = comms.draft(careful, cast.sam, world.now)
    first, second = (StatusUpdate.objects.get(pk=row.pk) for _ in range(2))
    comms.publish(first, cast.maya, world.now)
    with pytest.raises(Conflict, match="published already by Maya Lind") as caught:
        comms.publish(second, cast.maya, world.now)
    assert caught.value.code == "already_published"
    assert careful.timeline.filter(what="update").count() == 1


def test_an_edit_of_what_somebody_else_changed_is_refused_and_loses_nothing(
    world: World, cast: Cast, incident: Incident
) -> None:
    row = comms.draft(incident, cast.sam, world.now)
    by_ravi = {"actor": audit.person(cast.ravi), "now": world.now}
    done = updates.edit(update=row, version=1, body="Ravi’s words", **by_ravi)
    assert (done.version, done.subject) == (2, "Profiling is slow")
    with pytest.raises(Stale) as caught:
        updates.edit(
            update=row, version=1, body="Sam’s", actor=audit.person(cast.sam), now=world.now
        )
    assert caught.value.code == "stale"
    row.refresh_from_db()
    assert row.body == "Ravi’s words"


def test_nobody_publishes_other_words_than_they_read(
    world: World, cast: Cast, incident: Incident
) -> None:
    row = comms.draft(incident, cast.sam, world.now)
    updates.edit(
        update=row, version=1, body="Changed.", actor=audit.person(cast.sam), now=world.now
    )
    with pytest.raises(Stale):
        comms.publish(row, cast.maya, world.now, version=1)
    assert comms.publish(row, cast.maya, world.now, version=2).status == "published"


def test_a_published_update_and_one_thrown_away_are_not_changed(
    world: World, cast: Cast, incident: Incident
) -> None:
    by = {"actor": audit.person(cast.maya), "now": world.now}
    out = comms.told(incident, cast.maya, world.now)
    gone = updates.withdraw(update=comms.draft(incident, cast.maya, world.now), **by)
    for row, said in ((out, "Write the next one"), (gone, "thrown away")):
        with pytest.raises(Conflict, match=said):
            updates.edit(update=row, version=row.version, body="No", **by)
        with pytest.raises(Conflict, match=said):
            updates.withdraw(update=row, **by)


# -- bad input


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"body": "x" * 100_000}, "body"),
        ({"body": "   "}, "body"),
        ({"body": "{{ foo }}"}, "body"),
        ({"body": "{{ commander }}"}, "body"),
        ({"subject": "x" * 201}, "subject"),
        ({"subject": "Hello\r\nBcc: everybody@example.com"}, "subject"),
        ({"subject": "Hello\nX-Header: 1"}, "subject"),
        ({"subject": "Hello\x00"}, "subject"),
        ({"subject": "Hello\u2028there"}, "subject"),
        ({"stage": "soon"}, "stage"),
        ({"states": {"nothing": "degraded_performance"}}, "states"),
        ({"to": "customers", "states": {"a": "operational"}}, "states"),
    ],
)
def test_what_cannot_go_out_is_refused_by_field(
    world: World, cast: Cast, incident: Incident, more: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        comms.draft(incident, cast.maya, world.now, **more)  # type: ignore[arg-type]
    assert field in caught.value.fields
    assert not StatusUpdate.objects.exists()


def test_html_is_kept_as_text_and_shown_as_text(
    world: World, cast: Cast, incident: Incident
) -> None:
    body = "<script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1))"
    row = comms.told(incident, cast.maya, world.now, to="internal", body=body)
    shown = markdown(row.body)
    assert "<script" not in shown and "<img" not in shown and 'href="javascript' not in shown
    assert "&lt;script&gt;" in shown


def test_control_characters_do_not_reach_the_database(
    world: World, cast: Cast, incident: Incident
) -> None:
    assert comms.draft(incident, cast.maya, world.now, body="a\x00b\r\nc\x07").body == "ab\nc"


@pytest.mark.parametrize(
    ("stage", "minutes", "said"),
    [("update", -5, "still to come"), ("resolved", 30, "promises no next one")],
)
def test_a_promise_is_for_later_and_not_on_the_last_message(
    world: World, cast: Cast, incident: Incident, stage: str, minutes: int, said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        comms.draft(
            incident, cast.maya, world.now, stage=stage,
            next_update_at=world.now + timedelta(minutes=minutes),
        )  # fmt: skip


def test_a_promise_that_has_passed_while_it_was_a_draft_holds_it_up(
    world: World, cast: Cast, incident: Incident
) -> None:
    soon = world.now + timedelta(minutes=10)
    row = comms.draft(incident, cast.maya, world.now, next_update_at=soon)
    with pytest.raises(Invalid, match="still to come"):
        comms.publish(row, cast.maya, world.now + timedelta(minutes=11))


def test_words_that_promise_the_next_update_get_the_cadences_time(
    world: World, cast: Cast, incident: Incident
) -> None:
    row = comms.draft(incident, cast.maya, world.now, body="Next: {{ next_update }}.")
    assert row.next_update_at == world.now + timedelta(minutes=30)
    done = comms.publish(row, cast.maya, world.now)
    assert done.body == "Next: 7 Sep 2026, 06:30 UTC."


def test_a_placeholder_without_a_value_holds_it_up_until_it_has_one(
    world: World, cast: Cast, incident: Incident
) -> None:
    row = comms.draft(incident, cast.maya, world.now, body="{{ impact }} {{ data_effect }}")
    with pytest.raises(Invalid, match="“impact” has no value"):
        comms.publish(row, cast.maya, world.now)
    Incident.objects.filter(pk=incident.pk).update(impact_summary="12 customers waited.")
    with pytest.raises(Invalid, match="what became of data") as caught:
        updates.preview(update=StatusUpdate.objects.get(pk=row.pk), now=world.now)
    assert caught.value.code == "placeholder"
    row = updates.edit(
        update=row, version=1, body="{{ impact }} Nothing was lost.",
        actor=audit.person(cast.maya), now=world.now,
    )  # fmt: skip
    assert comms.publish(row, cast.maya, world.now).body == "12 customers waited. Nothing was lost."


def test_a_merged_incident_has_its_updates_written_in_the_other(
    world: World, cast: Cast, incident: Incident
) -> None:
    other = build.incident(severity="SEV1", by=cast.maya, commander=cast.maya, now=world.now)
    incidents.merge(
        child=incident, into=other, reason="the same", actor=audit.person(cast.maya), now=world.now
    )
    with pytest.raises(Conflict, match=f"went into {other.ref}"):
        comms.draft(incident, cast.maya, world.now)


# -- the page's components


def test_the_last_message_ends_what_hurts_on_the_page(
    world: World, cast: Cast, incident: Incident
) -> None:
    Component.objects.create(key="web", name="Web", started_on=world.now.date())
    comms.told(incident, cast.maya, world.now, states={"web": "partial_outage"})
    assert ComponentImpact.objects.get(incident=incident).state == "partial_outage"
    later = world.now + timedelta(minutes=20)
    comms.told(incident, cast.maya, later, stage="resolved")
    assert ComponentImpact.objects.get(incident=incident).to_at == later


@pytest.mark.parametrize("kind", ["drill", "test", "backfilled"])
def test_what_is_not_real_is_told_to_nobody_who_is_not_in_it(
    world: World, cast: Cast, incident: Incident, kind: str
) -> None:
    Incident.objects.filter(pk=incident.pk).update(kind=kind)
    Component.objects.create(key="web", name="Web", started_on=world.now.date())
    inside = comms.audience("internal")
    inside.people.add(cast.bea)
    incident.participants.add(cast.ravi)
    comms.told(incident, cast.maya, world.now, states={"web": "major_outage"})
    comms.told(incident, cast.maya, world.now, to="internal")
    assert not ComponentImpact.objects.exists()
    assert not Message.objects.filter(is_outside=True).exists()
    assert mails("incident_update") == ["Ravi Rao"]
    assert Message.objects.get(what="incident_update").kind == kind
