"""Routing rules in the admin: in their order, in words, switched on and off."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.alerts.models import RoutingRule
from tests import builders as build
from tests.adminkit import fields, messages, send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

ADD = "/admin/alerts/routingrule/add/"
LIST = "/admin/alerts/routingrule/"


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


def test_a_rule_is_made_at_the_end_of_the_order_and_routes(maya: Client, cast: Cast) -> None:
    surface = build.surface()
    RoutingRule.objects.create(name="First", position=40, surface=surface)
    form = fields(maya, ADD)
    assert form["position"] == ["50"]
    form |= {"name": ["Queues"], "surface": [str(surface.pk)], "component": ["queue*"]}
    assert send(maya, ADD, form).status_code == 302
    rule = RoutingRule.objects.get(name="Queues")
    assert rule.created_by == cast.maya
    RoutingRule.objects.filter(name="First").delete()
    alert = build.alert(build.native(), component="queue-7", severity="warning")
    assert alert.surface == surface
    assert "component queue*" in text_of(maya.get(LIST))


def test_a_rule_without_a_pattern_says_that_it_always_matches(maya: Client) -> None:
    RoutingRule.objects.create(name="Everything", surface=build.surface())
    assert "◆ always" in text_of(maya.get(LIST))


def test_a_label_needs_a_name(maya: Client) -> None:
    form = fields(maya, ADD) | {"name": ["x"], "surface": [str(build.surface().pk)]}
    assert "Write name=pattern" in text_of(send(maya, ADD, form | {"label": ["=data-*"]}))
    assert send(maya, ADD, form | {"label": ["team=data-*"]}).status_code == 302


def test_a_rule_is_switched_off_and_deleted(maya: Client) -> None:
    rule = RoutingRule.objects.create(name="Off", surface=build.surface())
    answer = maya.post(LIST, {"action": "switch_off", "_selected_action": [rule.pk]})
    assert messages(answer) == ["1 switched off."]
    rule.refresh_from_db()
    assert rule.active is False
    assert maya.post(f"{LIST}{rule.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not RoutingRule.objects.exists()


def test_an_alert_leads_to_its_page_in_the_portal(maya: Client, cast: Cast) -> None:
    alert = build.alert(build.native(), severity="warning")
    page = f"/admin/alerts/alert/{alert.pk}/change/"
    assert f'href="/alerts/{alert.pk}/"' in maya.get(page).content.decode()
    assert alert.summary in text_of(maya.get("/admin/alerts/alert/?routing=unrouted"))
