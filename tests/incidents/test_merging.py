"""Two incidents become one, and apart again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.alerts.models import Alert, AlertGroup
from apps.core import audit
from apps.core.errors import Conflict, Invalid
from apps.incidents import services
from apps.incidents.models import (
    Audience,
    Component,
    ComponentImpact,
    Impact,
    Incident,
    IncidentLink,
    IncidentTask,
    Merge,
    StatusUpdate,
)
from apps.incidents.services import status
from apps.paging.models import Page
from tests import builders as build
from tests.conftest import Cast
from tests.world import START, World

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def merge(child: Incident, into: Incident, by: Cast, hours: float = 1, **more: Any) -> Merge:
    return services.merge(
        child=child, into=into, actor=audit.person(by.maya), now=START + hours * HOUR, **more
    )


def undo(child: Incident, by: Cast, hours: float = 2) -> Incident:
    return services.undo_merge(child=child, actor=audit.person(by.maya), now=START + hours * HOUR)


def pair(cast: Cast, **more: Any) -> tuple[Incident, Incident]:
    child = build.incident(title="Reports fail", by=cast.ravi, now=START, **more)
    return child, build.incident(title="Profiles fail", by=cast.bea, now=START)


def links(incident: Incident) -> set[str]:
    return set(incident.links.values_list("ref", flat=True))


def add(incident: Incident, *refs: str) -> None:
    for ref in refs:
        services.link(incident, "ticket", ref, "", "", START)


def test_what_belongs_to_the_one_comes_to_the_other_and_goes_back(cast: Cast) -> None:
    child, into = pair(cast)
    bramble = build.account(now=START)
    add(child, "TCK-1", "TCK-2")
    add(into, "TCK-2", "TCK-3")
    for incident, label in ((child, ""), (into, "Everybody")):
        Impact.objects.create(
            incident=incident, label=label, created_at=START, account=None if label else bramble
        )
    todo = IncidentTask.objects.create(incident=child, text="Call the vendor", created_at=START)
    done = IncidentTask.objects.create(
        incident=child, text="Done", status="done", created_at=START, ended_at=START
    )
    merge(child, into, cast, reason="One cause.")
    assert (child.status, child.merged_into, into.status) == ("merged", into, "investigating")
    assert (links(child), links(into)) == ({"TCK-2"}, {"TCK-1", "TCK-2", "TCK-3"})
    assert (child.impacts.count(), into.impacts.count()) == (0, 2)
    assert (list(into.tasks.all()), list(child.tasks.all())) == ([todo], [done])
    assert set(into.participants.all()) == {cast.ravi, cast.bea}
    assert child.spans.get().to_at == START + HOUR
    assert child.timeline.get(what="merged").text == (
        f"Maya Lind merged it into {into.ref} Profiles fail. One cause."
    )
    assert into.timeline.get(what="merged").text == (
        f"Maya Lind merged {child.ref} Reports fail into it. One cause."
    )

    add(into, "TCK-4")
    assert undo(child, cast).status == "investigating"
    assert (child.merged_into, child.merges.get().undone_at) == (None, START + 2 * HOUR)
    assert (links(child), links(into)) == ({"TCK-1", "TCK-2"}, {"TCK-2", "TCK-3", "TCK-4"})
    assert (child.impacts.get().account, into.impacts.get().label) == (bramble, "Everybody")
    assert set(child.tasks.all()) == {todo, done} and not into.tasks.exists()
    assert list(into.participants.all()) == [cast.bea]
    assert child.spans.get(to_at=None).from_at == START + 2 * HOUR
    assert child.timeline.filter(what="unmerged").exists()
    assert into.timeline.filter(what="unmerged").exists()


@pytest.mark.parametrize("was", ["triage", "investigating", "identified", "mitigated"])
def test_undoing_puts_it_back_where_it_was(was: str, cast: Cast) -> None:
    child = Incident.objects.create(title="x", status=was, detected_at=START)
    _, into = pair(cast)
    merge(child, into, cast)
    assert undo(child, cast).status == was
    merge(child, into, cast, hours=3)
    assert Merge.objects.filter(child=child).count() == 2


def test_the_same_customer_and_the_same_task_from_the_book_are_there_once(cast: Cast) -> None:
    from apps.incidents.models import TaskTemplate

    TaskTemplate.objects.create(text="Open a call")
    child, into = pair(cast)
    bramble = build.account(now=START)
    for incident in (child, into):
        Impact.objects.create(incident=incident, account=bramble, created_at=START)
    merge(child, into, cast)
    assert (into.impacts.count(), into.tasks.count()) == (1, 1)
    undo(child, cast)
    assert (child.impacts.count(), child.tasks.count()) == (1, 1)


def test_the_higher_severity_counts_and_stays(cast: Cast) -> None:
    child, into = pair(cast, severity="SEV1")
    merge(child, into, cast)
    assert into.severity == "SEV1"
    assert "merged into it" in into.timeline.get(what="severity").text
    undo(child, cast)
    into.refresh_from_db()
    assert into.severity == "SEV1"


def _component(key: str) -> Component:
    return Component.objects.create(key=key, name=key, started_on=START.date())


def _hurt(incident: Incident) -> dict[str, str]:
    rows = ComponentImpact.objects.filter(incident=incident, to_at=None)
    return dict(rows.values_list("component__key", "state"))


def test_the_worse_state_of_a_component_counts_on_the_one_incident_that_is_shown(
    cast: Cast,
) -> None:
    child, into = pair(cast)
    for key in ("web", "api", "mail"):
        _component(key)
    mine = {"web": "major_outage", "api": "degraded_performance"}
    theirs = {"web": "degraded_performance", "mail": "partial_outage"}
    status.set_states(incident=child, states=mine, now=START)
    status.set_states(incident=into, states=theirs, now=START)
    merge(child, into, cast)
    assert _hurt(child) == {}
    assert _hurt(into) == {
        "web": "major_outage", "api": "degraded_performance", "mail": "partial_outage",
    }  # fmt: skip
    undo(child, cast)
    assert (_hurt(child), _hurt(into)) == (mine, theirs)


def test_a_state_that_was_said_since_the_merge_stays(cast: Cast) -> None:
    child, into = pair(cast)
    _component("web")
    status.set_states(incident=child, states={"web": "major_outage"}, now=START)
    merge(child, into, cast)
    status.set_states(incident=into, states={"web": "partial_outage"}, now=START + HOUR)
    undo(child, cast)
    assert (_hurt(child), _hurt(into)) == ({}, {"web": "partial_outage"})


def test_updates_come_along_so_that_customers_read_one_story(cast: Cast) -> None:
    child, into = pair(cast)
    audience = Audience.objects.create(key="public", name="Public", side="public")
    update = StatusUpdate.objects.create(
        incident=child, audience=audience, status="published", subject="s", body="b",
        created_at=START, changed_at=START, published_at=START,
    )  # fmt: skip
    merge(child, into, cast)
    assert list(into.updates.all()) == [update]
    undo(child, cast)
    assert list(child.updates.all()) == [update]


# -- what cannot be


def test_nothing_goes_into_itself(cast: Cast) -> None:
    child, _ = pair(cast)
    with pytest.raises(Invalid, match="into itself"):
        merge(child, child, cast)


def test_a_circle_is_named_as_one(cast: Cast) -> None:
    child, into = pair(cast)
    merge(child, into, cast)
    with pytest.raises(
        Conflict, match=f"{child.ref} was merged into {into.ref} already: .* circle"
    ):
        merge(into, child, cast)


def test_a_longer_circle_cannot_be_either(cast: Cast) -> None:
    a, b = pair(cast)
    c, _ = pair(cast)
    merge(a, b, cast)
    merge(b, c, cast)
    with pytest.raises(Conflict, match=f"{a.ref} was merged into {b.ref}: merge into that one"):
        merge(c, a, cast)
    assert [one.status for one in Incident.objects.filter(pk__in=[a.pk, b.pk, c.pk]).order_by("pk")
            ] == ["merged", "merged", "investigating"]  # fmt: skip


def test_what_was_merged_is_merged_once(cast: Cast) -> None:
    child, into = pair(cast)
    other, _ = pair(cast)
    merge(child, into, cast)
    with pytest.raises(Conflict, match=f"was merged into {into.ref} already"):
        merge(child, other, cast)


@pytest.mark.parametrize("side", ["child", "into"])
def test_what_is_over_is_not_merged(side: str, cast: Cast) -> None:
    both = dict(zip(("child", "into"), pair(cast), strict=True))
    build.step(both[side], "resolved", now=START)
    with pytest.raises(Conflict, match=f"{both[side].ref} is resolved"):
        merge(both["child"], both["into"], cast)


def test_a_drill_does_not_go_into_what_is_real(cast: Cast) -> None:
    child, into = pair(cast, kind="drill")
    with pytest.raises(Conflict, match=r"is drill, .* is real"):
        merge(child, into, cast)


def test_what_is_restricted_does_not_go_where_everybody_reads_it(cast: Cast) -> None:
    hidden, shown = pair(cast, visibility="restricted")
    with pytest.raises(Conflict, match=f"Merge {shown.ref} into {hidden.ref} instead"):
        merge(hidden, shown, cast)
    merge(shown, hidden, cast)
    assert shown.status == "merged"


def test_what_customers_know_does_not_vanish_into_what_is_restricted(cast: Cast) -> None:
    hidden, shown = pair(cast, visibility="restricted")
    _component("web")
    status.set_states(incident=shown, states={"web": "major_outage"}, now=START)
    with pytest.raises(Conflict, match="Customers were told"):
        merge(shown, hidden, cast)


def test_after_a_day_it_stays_merged(cast: Cast) -> None:
    child, into = pair(cast)
    merge(child, into, cast)
    with pytest.raises(Conflict, match="more than 24 hours ago"):
        undo(child, cast, hours=25.1)
    assert undo(child, cast, hours=25).status == "investigating"
    with pytest.raises(Conflict, match="is not merged"):
        undo(child, cast, hours=25)


def test_a_chain_is_undone_from_its_end(cast: Cast) -> None:
    a, b = pair(cast)
    c, _ = pair(cast)
    add(a, "TCK-1")
    merge(a, b, cast)
    merge(b, c, cast)
    with pytest.raises(Conflict, match=f"{b.ref} went into {c.ref} meanwhile: undo that first"):
        undo(a, cast)
    undo(b, cast)
    undo(a, cast)
    assert (links(a), links(b), links(c)) == ({"TCK-1"}, set(), set())


def test_the_story_goes_on_in_the_one_that_took_it(cast: Cast) -> None:
    child, into = pair(cast)
    merge(child, into, cast)
    said = {"actor": audit.person(cast.ravi), "now": START + HOUR}
    for act in (
        lambda: services.comment(incident=child, text="x", **said),
        lambda: services.add_link(incident=child, kind="ticket", ref="TCK-1", **said),
        lambda: services.set_milestones(incident=child, reason="x", detected_at=START, **said),
    ):
        with pytest.raises(Conflict, match=f"was merged into {into.ref}: go on there"):
            act()


# -- alerts and pages follow


def test_alerts_pages_and_what_fires_again_follow_it(world: World, cast: Cast) -> None:
    surface = build.surface(primary=cast.ravi, now=START)
    build.schedule(cast.ravi, surfaces=[surface], now=START)
    source = build.native(surface=surface)
    for key in ("a", "b"):
        build.alert(source, severity="critical", dedup_key=key, now=world.now)
    into, child = Incident.objects.order_by("pk")
    group = AlertGroup.objects.get(incident_ref=child.ref)
    merge(child, into, cast)
    group.refresh_from_db()
    assert group.incident_ref == into.ref
    assert set(Page.objects.values_list("opener_url", flat=True)) == {f"/incidents/{into.ref}/"}
    assert IncidentLink.objects.filter(incident=into, kind="page").count() == 2

    build.alert(source, severity="critical", dedup_key="b", now=world.now)  # it joins the survivor
    assert Incident.objects.count() == 2
    build.alert(source, dedup_key="b", action="resolve", now=world.now)
    into.refresh_from_db()
    assert into.status == "triage"  # the other alert still burns
    build.alert(source, dedup_key="a", action="resolve", now=world.now)
    into.refresh_from_db()
    assert into.status == "resolved"
    assert not Alert.objects.exclude(status="resolved").exists()
    world.run()
    world.forget()


def test_alerts_go_back_with_their_incident(world: World, cast: Cast) -> None:
    source = build.native()
    for key in ("a", "b"):
        build.alert(source, severity="critical", dedup_key=key, now=world.now)
    into, child = Incident.objects.order_by("pk")
    merge(child, into, cast)
    undo(child, cast)
    assert AlertGroup.objects.filter(incident_ref=child.ref).count() == 1
    assert child.links.filter(kind="alert").count() == 1
    world.run()
    world.forget()
