"""Silences and rules in the admin: what a manager makes there, ends, and only reads."""

from __future__ import annotations

from datetime import timedelta

from apps.alerts import services
from apps.alerts.models import AlertRule, Firing, Silence
from apps.core import audit, clock
from tests import builders as build
from tests.adminkit import fields, messages, send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

LIST, RULES = "/admin/alerts/silence/", "/admin/alerts/alertrule/"
WALL = "%Y-%m-%dT%H:%M"
HOUR = timedelta(hours=1)


def test_a_silence_is_made_kept_longer_and_ended(cast: Cast) -> None:
    maya = sign_in(cast.maya)
    now = clock.now()
    form = fields(maya, f"{LIST}add/")
    form |= {"reason": ["Resized"], "dedup_key": ["disk:*"], "ends_at": [f"{now + HOUR:{WALL}}"]}
    assert send(maya, f"{LIST}add/", form).status_code == 302
    row = Silence.objects.get()
    assert (row.created_by, row.dedup_key) == (cast.maya, "disk:*")
    assert Silence.objects.holding(clock.now()).exists()
    page = f"{LIST}{row.pk}/change/"
    shown = fields(maya, page)
    assert "dedup_key" not in shown  # what it mutes stays
    longer = shown | {"ends_at": [f"{now + 2 * HOUR:{WALL}}"]}
    assert send(maya, page, longer).status_code == 302
    text = text_of(maya.get(f"{LIST}?state=holding"))
    assert "Resized" in text and "disk:*" in text and "Mutes now" in text
    assert messages(maya.post(f"{LIST}{row.pk}/do/end/", {})) == ["Ended."]
    assert "Resized" in text_of(maya.get(f"{LIST}?state=over"))
    assert maya.get(f"{LIST}{row.pk}/do/end/").status_code == 404


def test_one_that_names_nothing_is_refused_at_its_field(cast: Cast) -> None:
    maya = sign_in(cast.maya)
    form = fields(maya, f"{LIST}add/")
    form |= {"reason": ["All"], "ends_at": [f"{clock.now() + HOUR:{WALL}}"]}
    answer = send(maya, f"{LIST}add/", form)
    assert answer.status_code == 200
    assert "This would mute every alert of the site." in text_of(answer)
    assert not Silence.objects.exists()


def test_rules_and_their_firings_are_read_there_and_changed_in_the_portal(cast: Cast) -> None:
    now = clock.now()
    rule = services.create_rule(
        key="slow", name="Slow", kind="rate", params={}, actor=audit.SYSTEM, now=now
    )
    fired = Firing.objects.create(rule=rule, fired_at=now, text="12 of 20 failed.")
    maya = sign_in(cast.maya)
    assert "Slow" in text_of(maya.get(RULES))
    page = text_of(maya.get(f"{RULES}{rule.pk}/change/"))
    assert "More than 10.0% of profile runs" in page
    assert maya.get(f"{RULES}add/").status_code == 403
    assert "12 of 20 failed." in text_of(maya.get("/admin/alerts/firing/"))
    assert "12 of 20 failed." in text_of(maya.get(f"/admin/alerts/firing/{fired.pk}/change/"))
    AlertRule.objects.filter(pk=rule.pk).update(params={"windows": 3})
    assert "not valid any more" in text_of(maya.get(f"{RULES}{rule.pk}/change/"))


def test_the_admin_is_for_managers(cast: Cast) -> None:
    build.surface()
    ravi = sign_in(cast.ravi)
    for address in (LIST, RULES, "/admin/alerts/firing/"):
        assert ravi.get(address).status_code in {302, 403}
