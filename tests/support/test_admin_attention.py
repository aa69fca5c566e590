"""What managers see first of support: what keeps tickets from coming in and being answered."""

from __future__ import annotations

import pytest

from apps.core import clock
from apps.support.models import Mailbox, RequestType, SlaPolicy
from apps.support.seeds import ensure_support
from apps.support.seeds_sla import ensure_sla
from apps.support.services import mailing
from opsportal import attention
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

pytestmark = pytest.mark.django_db
TITLES = (
    "Mailboxes that cannot be read", "Mails that could not be placed", "No default SLA policy",
    "Nobody to answer tickets", "Request types without a surface",
)  # fmt: skip


def found() -> dict[str, attention.Concern]:
    rows = attention.concerns(now=clock.now())
    return {row.title: row for row in rows if row.title in TITLES}


def test_a_site_without_support_is_not_told_about_it(cast: Cast) -> None:
    assert not found()


def test_each_trouble_is_named_with_the_page_that_mends_it(cast: Cast) -> None:
    ensure_support(now=clock.now())
    kind = RequestType.objects.get(key="other")
    box = Mailbox.objects.create(
        name="Help", address="help@x.example", queue=kind.queue, request_type=kind,
        failing_since=clock.now(), last_error="The server refused user or password.",
    )  # fmt: skip
    mail = mailing.keep(
        raw=b"Subject: Hm\r\n\r\nx", received_at=clock.now(), now=clock.now(), mailbox=None
    )
    type(mail).objects.filter(pk=mail.pk).update(status="failed")
    SlaPolicy.objects.update(is_default=False)
    type(cast.sam).objects.exclude(pk=cast.maya.pk).update(roles=["viewer"])
    shown = found()
    assert set(shown) == set(TITLES)
    assert "refused user or password" in shown[TITLES[0]].rows[0].text
    assert shown[TITLES[4]].count == 8
    client = sign_in(cast.maya)
    for concern in shown.values():
        for url in (*(row.url for row in concern.rows), concern.all_url):
            assert not url or client.get(url).status_code == 200, url
    assert "Mailboxes that cannot be read" in text_of(client.get("/admin/"))
    Mailbox.objects.filter(pk=box.pk).update(is_active=False)
    assert TITLES[0] not in found()


def test_what_is_in_order_is_left_out(cast: Cast) -> None:
    ensure_support(now=clock.now())
    ensure_sla(clock.now())
    RequestType.objects.update(surface=build.surface())
    assert not found()
    SlaPolicy.objects.update(is_default=False)
    assert list(found()) == ["No default SLA policy"]
