"""Integrations and deliveries in the admin: credentials shown once, quarantine replayed."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.core import clock, secrets
from apps.intake import services
from apps.intake.models import Delivery, Event, Integration
from tests import builders as build
from tests.adminkit import fields, messages, send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

ADD = "/admin/intake/integration/add/"
DELIVERIES = "/admin/intake/delivery/"


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


def change(row: Integration) -> str:
    return f"/admin/intake/integration/{row.pk}/change/"


def value(response: object, number: int) -> str:
    text = response.content.decode()  # type: ignore[attr-defined]
    return str(text.split(f'id="secret-{number}" value="')[1].split('"')[0])


def quarantined(body: bytes = b"[1,2", **more: object) -> Delivery:
    """A delivery that could not be read."""
    source = build.integration("alertmanager").row
    row = Delivery.objects.create(
        integration=source, adapter="alertmanager", received_at=clock.now(), body=body, **more
    )
    services.normalise_due(now=clock.now())
    row.refresh_from_db()
    assert row.status == Delivery.Status.QUARANTINED
    return row


# -- integrations


def test_a_hooks_address_is_shown_once_and_works(maya: Client, cast: Cast) -> None:
    surface = build.surface()
    form = fields(maya, ADD) | {"kind": ["alertmanager"], "surface": [str(surface.pk)]}
    answer = send(maya, ADD, form)
    row = Integration.objects.get()
    address = value(answer, 1)
    token = address.split("/hooks/")[1].split("/")[0]
    assert address.endswith(f"/hooks/{token}/alertmanager")
    assert secrets.digest(token) == row.digest
    assert "no-store" in answer["Cache-Control"]
    assert "webhook_configs" in text_of(answer)
    assert row.name == "Prometheus Alertmanager for inspect.profiler"
    assert token not in maya.get(change(row)).content.decode()


def test_a_mail_hook_is_shown_with_the_command_that_feeds_it(maya: Client) -> None:
    answer = send(maya, ADD, fields(maya, ADD) | {"kind": ["mail"], "name": ["Support mail"]})
    address = value(answer, 1)
    assert address.endswith("/mail") and f"curl {address} " in text_of(answer)


def test_a_mail_of_every_byte_is_shown_and_cut(maya: Client) -> None:
    body = b"From: a@b.example\r\n\r\n" + bytes(range(256)) * 200
    row = services.receive_hook(
        integration=build.integration("mail").row, body=body, now=clock.now()
    )
    services.normalise_due(now=clock.now())
    page = maya.get(f"{DELIVERIES}{row.pk}/change/")
    assert page.status_code == 200 and "more bytes" in text_of(page)


def test_a_routing_key_is_shown_beside_its_address(maya: Client) -> None:
    answer = send(maya, ADD, fields(maya, ADD) | {"kind": ["pagerduty"], "name": ["Zabbix"]})
    assert value(answer, 1).endswith("/v2/enqueue")
    assert len(value(answer, 2)) == 32
    assert secrets.digest(value(answer, 2)) == Integration.objects.get(name="Zabbix").digest


def test_a_secret_is_taken_where_it_is_checked_and_shown_nowhere(maya: Client) -> None:
    form = fields(maya, ADD) | {"kind": ["gcp"], "secret": ["hush-hush"]}
    assert "a secret would never be checked" in text_of(send(maya, ADD, form))
    send(maya, ADD, form | {"kind": ["github"]})
    row = Integration.objects.get()
    assert secrets.unseal(row.secret_sealed) == "hush-hush"
    page = maya.get(change(row)).content.decode()
    assert "hush-hush" not in page and row.secret_sealed not in page
    act = f"/admin/intake/integration/{row.pk}/do/set_secret/"
    assert messages(maya.post(act, {"secret": "new"})) == ["The new secret is in force."]
    row.refresh_from_db()
    assert secrets.unseal(row.secret_sealed) == "new"
    assert secrets.unseal(row.secret_old_sealed) == "hush-hush"
    history = maya.get(f"/admin/intake/integration/{row.pk}/history/").content.decode()
    assert "hush-hush" not in history and row.secret_sealed not in history


def test_a_rotated_credential_replaces_the_old_one_at_once(maya: Client) -> None:
    made = build.integration("gcp")
    answer = maya.post(f"/admin/intake/integration/{made.row.pk}/do/rotate/")
    token = value(answer, 1).split("/hooks/")[1].split("/")[0]
    made.row.refresh_from_db()
    assert made.row.digest == secrets.digest(token) != secrets.digest(made.token)


def test_the_kind_of_an_integration_never_changes_and_its_name_may(maya: Client) -> None:
    row = build.integration("gcp").row
    form = fields(maya, change(row)) | {"kind": ["github"], "name": ["Clouds"], "rate": ["50"]}
    assert send(maya, change(row), form).status_code == 302
    before = row.digest
    row.refresh_from_db()
    assert (row.kind, row.name, row.rate, row.digest) == ("gcp", "Clouds", 50, before)


def test_an_archived_integration_takes_nothing_until_it_is_back(maya: Client) -> None:
    row = build.integration("alertmanager").row
    maya.post(f"/admin/intake/integration/{row.pk}/do/archive/")
    row.refresh_from_db()
    assert row.archived_at is not None
    assert change(row) not in maya.get("/admin/intake/integration/").content.decode()
    assert change(row) in maya.get("/admin/intake/integration/?archived=yes").content.decode()
    maya.post(f"/admin/intake/integration/{row.pk}/do/restore/")
    row.refresh_from_db()
    assert row.archived_at is None


def test_opsportals_own_source_cannot_be_edited_or_archived(maya: Client) -> None:
    row = services.internal_integration(now=clock.now())
    assert "name" not in fields(maya, change(row))
    assert maya.post(f"/admin/intake/integration/{row.pk}/do/archive/").status_code == 404
    assert maya.post(f"/admin/intake/integration/{row.pk}/do/rotate/").status_code == 404


def test_a_long_name_that_we_make_ourselves_is_cut(cast: Cast) -> None:
    surface = build.surface("a" * 80)
    assert len(build.integration("gcp", surface=surface).row.name) == 80


# -- deliveries


def test_quarantine_stands_first_and_says_why(maya: Client) -> None:
    row = quarantined()
    page = maya.get(f"{DELIVERIES}?status=quarantined")
    assert row.error[:20] in text_of(page)
    quick = text_of(maya.get(DELIVERIES))
    assert "All Quarantined Received Normalised Ignored" in quick
    assert row.error[:20] not in text_of(maya.get(f"{DELIVERIES}?status=ignored"))


def test_a_body_is_shown_as_text_and_cut(maya: Client) -> None:
    hostile = b'{"alerts": "</pre><script>alert(1)</script>"}'
    content = maya.get(f"{DELIVERIES}{quarantined(hostile).pk}/change/").content.decode()
    assert "<script>alert(1)" not in content
    assert "&lt;script&gt;alert(1)" in content
    long = quarantined(b'{"alerts": "' + b"x" * 500_000 + b'"}')
    page = maya.get(f"{DELIVERIES}{long.pk}/change/")
    assert len(page.content) < 120_000
    assert "480014 more bytes" in text_of(page)
    broken = quarantined(b"\xff\xfe\x00" + b"[" * 5000, headers={"x-evil": "<b>\u202e"})
    assert maya.get(f"{DELIVERIES}{broken.pk}/change/").status_code == 200


def test_a_delivery_is_replayed_after_its_cause_was_mended(maya: Client, cast: Cast) -> None:
    row = quarantined()
    replay = f"{DELIVERIES}{row.pk}/do/replay/"
    assert "It may open alerts and wake people." in text_of(maya.get(replay))
    Delivery.objects.filter(pk=row.pk).update(body=b'{"version": "4", "alerts": []}')
    assert messages(maya.post(replay)) == ["This delivery is read again."]
    row.refresh_from_db()
    assert (row.status, row.tries, row.error) == (Delivery.Status.RECEIVED, 0, "")
    services.normalise_due(now=clock.now())
    row.refresh_from_db()
    assert row.status in {Delivery.Status.IGNORED, Delivery.Status.NORMALISED}
    said = text_of(maya.get("/admin/core/statuschange/"))
    assert f"delivery {row.pk} quarantined received Maya Lind replayed" in said


def test_many_are_replayed_at_once_and_others_are_left_alone(maya: Client) -> None:
    first, second = quarantined(), quarantined(b"{")
    fine = build.event(build.native())
    services.normalise_due(now=clock.now())
    chosen = {"action": "replay_chosen", "_selected_action": [first.pk, second.pk, fine.pk]}
    assert "2 deliveries are read again." in messages(maya.post(DELIVERIES, chosen))
    fine.refresh_from_db()
    assert fine.status == Delivery.Status.NORMALISED
    assert Event.objects.filter(delivery=fine).exists()
    assert maya.post(f"{DELIVERIES}{fine.pk}/do/replay/").status_code == 404


def test_what_a_delivery_meant_is_shown_and_cannot_be_edited(maya: Client) -> None:
    row = build.event(build.native(), summary="Disk full on db-1")
    services.normalise_due(now=clock.now())
    page = maya.get(f"{DELIVERIES}{row.pk}/change/")
    assert "Disk full on db-1" in text_of(page)
    assert send(maya, f"{DELIVERIES}{row.pk}/change/", {"error": ["mine"]}).status_code == 403
