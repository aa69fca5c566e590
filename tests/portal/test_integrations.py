"""Sources of events: what they sent, their credential once, a trial that pages nobody."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.alerts.models import Alert
from apps.core import clock, secrets
from apps.core.models import Kind
from apps.intake import services as intake
from apps.intake.models import Delivery, Integration
from apps.intake.samples import sample
from apps.paging.models import Page
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

pytestmark = pytest.mark.django_db
TRIED = ["pagerduty", "alertmanager", "grafana", "gcp", "github", "stripe", "fivetran", "sentry"]


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


def read() -> None:
    intake.normalise_due(now=clock.now())


@pytest.mark.parametrize("kind", [*TRIED, "opsgenie"])
def test_a_trial_goes_the_whole_way_and_pages_nobody(maya: Client, kind: str) -> None:
    row = build.integration(kind).row
    maya.post(f"/integrations/{row.pk}/test/")
    read()
    delivery = Delivery.objects.get(integration=row)
    assert delivery.status in ("normalised", "ignored"), delivery.error
    assert all(event.test for event in delivery.events.all())
    assert not Page.objects.exists()
    assert not Alert.objects.exclude(kind=Kind.TEST).exists()


def test_most_kinds_show_an_alert_for_a_trial(maya: Client) -> None:
    for kind in ("pagerduty", "alertmanager", "grafana", "gcp", "fivetran", "sentry", "opsgenie"):
        row = build.integration(kind).row
        intake.send_test(integration=row, now=clock.now())
    read()
    assert Alert.objects.filter(kind=Kind.TEST).count() == 7


def test_a_kind_without_a_sample_has_no_button_and_refuses_a_post(maya: Client) -> None:
    assert sample("mail", now=clock.now()) is None
    row = build.integration("mail").row
    assert "Send a test" not in text_of(maya.get(f"/integrations/{row.pk}/"))
    said = maya.post(f"/integrations/{row.pk}/test/", follow=True)
    assert "tried from outside" in text_of(said)
    assert not Delivery.objects.exists()


def test_the_list_tells_silent_heard_and_unreadable_ones_apart(maya: Client) -> None:
    for name in ("quiet", "heard", "broken"):
        made = build.integration("alertmanager").row
        Integration.objects.filter(pk=made.pk).update(name=name)
    heard, broken = Integration.objects.get(name="heard"), Integration.objects.get(name="broken")
    good = sample("alertmanager", now=clock.now())
    assert good is not None
    intake.receive_hook(integration=heard, body=good.body, now=clock.now())
    intake.receive_hook(integration=broken, body=b"{", now=clock.now())
    read()
    page = maya.get("/integrations/")
    rows = {row.integration.name: row for row in page.context["rows"]}
    assert (rows["quiet"].last_at, rows["heard"].deliveries) == (None, 1)
    assert rows["broken"].quarantined == 1
    for words in ("Silent", "Heard", "Cannot read some"):
        assert words in text_of(page)


def test_what_was_set_aside_is_read_again_at_a_press(maya: Client) -> None:
    row = build.integration("alertmanager").row
    intake.receive_hook(integration=row, body=b"{", now=clock.now())
    read()
    aside = Delivery.objects.get()
    assert "Read again" in text_of(maya.get(f"/integrations/{row.pk}/"))
    maya.post(f"/integrations/{row.pk}/deliveries/{aside.pk}/replay/")
    aside.refresh_from_db()
    assert aside.status == Delivery.Status.RECEIVED
    other = build.integration("gcp").row
    assert maya.post(f"/integrations/{other.pk}/deliveries/{aside.pk}/replay/").status_code == 404


def test_a_new_address_is_shown_once_and_the_old_one_is_dead(maya: Client) -> None:
    made = build.integration("alertmanager")
    page = maya.post(f"/integrations/{made.row.pk}/rotate/", follow=True)
    key = page.context["key"]
    made.row.refresh_from_db()
    assert made.row.digest == secrets.digest(key) != secrets.digest(made.token)
    assert f"/hooks/{key}/alertmanager" in text_of(page)


def test_two_secrets_are_active_until_the_old_one_is_ended(maya: Client) -> None:
    row = build.integration("github", secret="first").row
    maya.post(f"/integrations/{row.pk}/secret/", {"secret": "second"})
    row.refresh_from_db()
    sealed = [row.secret_sealed, row.secret_old_sealed]
    assert [secrets.unseal(one) for one in sealed] == ["second", "first"]
    page = maya.get(f"/integrations/{row.pk}/")
    assert "the one before is still valid" in text_of(page)
    assert "second" not in page.content.decode()
    maya.post(f"/integrations/{row.pk}/end-old-secret/")
    row.refresh_from_db()
    assert (row.secret_old_sealed, secrets.unseal(row.secret_sealed)) == ("", "second")


def test_an_owner_is_named_and_taken_away_again(maya: Client, cast: Cast) -> None:
    row = build.integration().row
    maya.post(f"/integrations/{row.pk}/owner/", {"owner": cast.ravi.pk})
    row.refresh_from_db()
    assert row.owner == cast.ravi
    said = maya.post(f"/integrations/{row.pk}/owner/", {"owner": ""}, follow=True)
    row.refresh_from_db()
    assert row.owner is None and "Managers are told" in text_of(said)
    assert maya.post(f"/integrations/{row.pk}/owner/", {"owner": "99999"}).status_code == 400


def test_an_archived_one_takes_no_trial_and_comes_back(maya: Client) -> None:
    row = build.integration().row
    maya.post(f"/integrations/{row.pk}/archive/")
    assert row.name in text_of(maya.get("/integrations/?view=archived"))
    said = maya.post(f"/integrations/{row.pk}/test/", follow=True)
    assert "Bring it back first" in text_of(said)
    maya.post(f"/integrations/{row.pk}/restore/")
    row.refresh_from_db()
    assert row.archived_at is None


def test_who_may_not_change_integrations_reads_and_sees_no_credential(cast: Cast) -> None:
    made = build.integration("alertmanager")
    ravi = sign_in(cast.ravi)
    page = ravi.get(f"/integrations/{made.row.pk}/")
    assert page.status_code == 200 and made.token not in page.content.decode()
    for do in ("test", "rotate", "secret", "owner", "archive"):
        assert ravi.post(f"/integrations/{made.row.pk}/{do}/").status_code == 403


def test_what_is_not_there_is_404(maya: Client) -> None:
    ours = intake.internal_integration(now=clock.now())
    assert maya.get(f"/integrations/{ours.pk}/").status_code == 404
    row = build.integration().row
    assert maya.post(f"/integrations/{row.pk}/explode/").status_code == 404
