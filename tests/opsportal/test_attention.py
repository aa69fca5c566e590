"""The admin's start page: what needs a manager, each with the link that mends it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from apps.accounts import services as accounts
from apps.core import audit, clock, heartbeats
from apps.intake import services as intake
from apps.intake.models import Delivery
from apps.notifications.models import Site
from apps.paging.services import default_policy
from apps.rotations import services as rotations
from apps.rotations.services import LayerPlan
from opsportal import attention
from opsportal.attention import Concern
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import queries, sign_in, text_of


@pytest.fixture
def in_order(cast: Cast) -> None:
    """A site at which nothing needs anybody."""
    now = clock.now()
    for part in (heartbeats.ENGINE, heartbeats.CLUSTER):
        heartbeats.beat(part, now=now + timedelta(minutes=1))
    Site.objects.create(pk=1, smtp_host="localhost", set_up_at=now)
    for person in (cast.ravi, cast.bea):
        build.method(person, "ntfy", "https://ntfy.sh/x")
    surface = build.surface(primary=cast.ravi, backup=cast.bea)
    build.schedule(cast.ravi, cast.bea, surfaces=[surface])
    default_policy()


@pytest.fixture
def maya(cast: Cast, in_order: None) -> Client:
    return sign_in(cast.maya)


def found(title: str) -> Concern:
    return next(one for one in attention.concerns(now=clock.now()) if one.title == title)


def test_a_site_in_order_says_so(maya: Client) -> None:
    assert attention.concerns(now=clock.now()) == []
    assert "Nothing needs you." in text_of(maya.get("/admin/"))


def test_a_surface_without_owners_or_cover_is_named_with_its_page(maya: Client) -> None:
    bare = build.surface("portal.web")
    said = text_of(maya.get("/admin/"))
    for title in ("Surfaces without a primary", "Surfaces without a backup",
                  "Surfaces without a schedule"):  # fmt: skip
        concern = found(title)
        assert [row.text for row in concern.rows] == ["portal.web"]
        assert maya.get(concern.rows[0].url).status_code == 200
        assert "portal.web" in text_of(maya.get(concern.all_url))
        assert title in said
    bare.lifecycle = "retired"
    bare.save()
    assert attention.concerns(now=clock.now()) == []


def test_a_facet_is_covered_by_its_parents_schedule(maya: Client, cast: Cast) -> None:
    from apps.ownership.models import Surface

    parent = Surface.objects.get()
    build.surface("inspect.profiler.snow", parent=parent, primary=cast.ravi, backup=cast.bea)
    assert attention.concerns(now=clock.now()) == []


def test_who_can_only_be_mailed_is_named_before_their_shift(maya: Client, cast: Cast) -> None:
    build.schedule(cast.sam, key="web")
    concern = found("On call this week with e-mail only")
    assert [row.text for row in concern.rows] == ["Sam Sand (on call in Web)"]
    build.method(cast.sam, "ntfy", "https://ntfy.sh/y")
    assert attention.concerns(now=clock.now()) == []


def test_who_was_switched_off_and_is_still_in_a_turn_is_named(maya: Client, cast: Cast) -> None:
    schedule = build.schedule(cast.sam, cast.ravi, key="web")
    build.method(cast.sam, "ntfy", "https://ntfy.sh/y")
    assert attention.concerns(now=clock.now()) == []
    accounts.deactivate(person=cast.sam, actor=audit.person(cast.maya), now=clock.now())
    concern = found("Deactivated people who are still in a turn")
    assert [row.text for row in concern.rows] == ["Sam Sand in Web"]
    assert concern.rows[0].url == f"/admin/rotations/schedule/{schedule.pk}/change/"
    assert "Sam Sand (deactivated)" in text_of(maya.get(concern.rows[0].url))


def test_a_gap_is_named_unless_the_windows_mean_it(maya: Client, cast: Cast) -> None:
    now = clock.now()
    office = rotations.create_schedule(key="office", name="Office", time_zone="UTC")
    windows = ({"days": ["mon"], "start": "09:00", "end": "17:00"},)
    plan = LayerPlan(name="Days", people=(cast.ravi,), anchor_date=now.date(), windows=windows)
    rotations.plan_layer(schedule=office, plan=plan, by=None, now=now)
    assert attention.concerns(now=now) == []
    buffered = LayerPlan(name="Days", people=(cast.ravi, None), anchor_date=now.date(), unit="day")
    rotations.plan_layer(
        schedule=office, plan=buffered, by=None, now=now, layer=office.layers.get()
    )
    concern = found("Gaps in the next 30 days")
    assert concern.count >= 14 and len(concern.rows) == attention.SHOWN
    assert concern.rows[0].text.startswith("Office: nobody from ")
    assert maya.get(concern.rows[0].url).status_code == 200


def test_what_waits_at_the_door_is_named(maya: Client, cast: Cast) -> None:
    now, source = clock.now(), build.integration("alertmanager").row
    Delivery.objects.create(
        integration=source, adapter="alertmanager", received_at=now, body=b"[1,2"
    )
    build.alert(build.native(), summary="Queue depth", severity="warning")
    intake.normalise_due(now=now)
    bad, unrouted = found("Deliveries in quarantine"), found("Alerts without a surface")
    assert (bad.count, bad.tone) == (1, "danger")
    assert [row.text for row in unrouted.rows] == ["Queue depth"]
    for concern in (bad, unrouted):
        assert maya.get(concern.rows[0].url).status_code == 200
        assert maya.get(concern.all_url).status_code == 200


def test_a_key_that_ends_soon_is_named_until_it_is_rotated(maya: Client) -> None:
    now = clock.now()
    for name, days in (("soon", 5), ("later", 60), ("gone", -1)):
        accounts.create_key(
            name=name, scopes=["events:read"], expires_at=now + timedelta(days=days), now=now
        )
    concern = found("Keys that expire in two weeks")
    assert [row.text.split(" until ")[0] for row in concern.rows] == ["soon"]
    row = concern.rows[0]
    key = accounts.ApiKey.objects.get(name="soon")
    assert row.url == f"/admin/accounts/apikey/{key.pk}/change/"
    accounts.rotate_key(key=key, overlap=timedelta(days=1), by=None, now=now)
    names = [r.text for r in found("Keys that expire in two weeks").rows]
    assert len(names) == 1  # the new key ends as soon as the old one did, and is named instead


def test_a_worker_that_stands_and_a_mail_server_that_lacks_come_first(
    maya: Client, cast: Cast
) -> None:
    build.surface("portal.web", primary=cast.ravi, backup=cast.bea)
    Site.objects.update(smtp_host="")
    later = clock.now() + timedelta(hours=1)
    titles = [one.title for one in attention.concerns(now=later)]
    assert titles[:2] == ["The worker is late", "Mail cannot leave"]
    assert titles[-1] == "Surfaces without a schedule"


def test_the_start_page_costs_the_same_for_few_and_for_many(maya: Client, cast: Cast) -> None:
    build.surface("bare.one")
    few = queries(maya, "/admin/")
    for number in range(6):
        surface = build.surface(f"bare.p{number}", primary=cast.ravi)
        build.schedule(cast.ravi, cast.bea, key=f"s{number}", surfaces=[surface])
    assert queries(maya, "/admin/") <= few
