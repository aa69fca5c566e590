"""Issues of GitHub open and resolve tickets: once, in whatever order they are told."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from apps.core import clock
from apps.intake import services as intake
from apps.intake.models import Delivery, Integration
from apps.notifications.models import Message
from apps.support.models import RequestType, Ticket
from apps.support.seeds import ensure_support
from apps.support.services import merging
from apps.support.services import tickets as rows
from tests import builders as build
from tests.conftest import Cast
from tests.support.desk import bare_desk

pytestmark = pytest.mark.django_db
_numbers = count(1)
NOW = clock.now().replace(microsecond=0)


@pytest.fixture
def github(cast: Cast) -> Integration:
    bare_desk()
    surface = build.surface("inspect.reports", primary=cast.ravi)
    return build.integration("github", surface=surface, secret="s").row


def issue(action: str, at: datetime, *, number: int = 12, **more: Any) -> dict[str, Any]:
    return {
        "action": action,
        "repository": {"full_name": "acme/reports"},
        "issue": {
            "number": number, "title": "Report is empty", "body": "Since Monday.",
            "user": {"login": "Octo.Cat"}, "labels": [{"name": "bug"}],
            "html_url": f"https://github.com/acme/reports/issues/{number}",
            "created_at": NOW.isoformat(), "updated_at": at.isoformat(),
            "closed_at": at.isoformat() if action == "closed" else None, **more,
        },
    }  # fmt: skip


def tell(
    github: Integration, action: str, at: datetime, *, now: datetime | None = None, **more: Any
) -> Delivery:
    """One delivery of the hook and what the engine makes of it."""
    delivery = intake.receive_hook(
        integration=github,
        body=json.dumps(issue(action, at, **more)).encode(),
        now=now or at,
        headers={"X-GitHub-Event": "issues", "X-GitHub-Delivery": f"d{next(_numbers)}"},
    )
    intake.normalise_due(now=now or at)
    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.NORMALISED, delivery.error
    return delivery


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def test_an_issue_opens_a_ticket_that_says_where_it_came_from(
    github: Integration, cast: Cast
) -> None:
    ensure_support(now=NOW)
    tell(github, "opened", NOW)
    ticket = Ticket.objects.get()
    assert (ticket.subject, ticket.channel, ticket.kind) == ("Report is empty", "tool", "real")
    assert (ticket.surface, ticket.owner) == (github.surface, cast.ravi)
    assert (ticket.source, ticket.source_ref) == (f"github:{github.pk}", "issue:acme/reports#12")
    assert ticket.source_url == "https://github.com/acme/reports/issues/12"
    assert (ticket.tags, ticket.request_type.key) == (["bug"], "other")
    assert [link.url for link in ticket.links.all()] == [ticket.source_url]
    assert ticket.messages.get().body == f"Since Monday.\n\n{ticket.source_url}"
    assert ticket.clocks.filter(state="running").exists()


def test_the_requester_is_the_author_and_never_gets_mail(github: Integration) -> None:
    tell(github, "opened", NOW)
    who = Ticket.objects.get().requester
    assert (who.email, who.name) == ("octo-cat@github.example", "Octo.Cat (GitHub)")
    tell(github, "opened", NOW, number=13, user={"login": "\u202e"})
    assert Ticket.objects.latest("pk").requester.email == "github@github.example"
    assert not Message.objects.filter(person=None).exists()


def test_the_same_issue_again_is_the_same_ticket(github: Integration) -> None:
    tell(github, "opened", NOW)
    tell(github, "opened", NOW, title="Report is still empty")
    tell(github, "reopened", later(1))
    assert Ticket.objects.get().messages.count() == 1


def test_closing_it_resolves_the_ticket_since_then(github: Integration) -> None:
    tell(github, "opened", NOW)
    tell(github, "closed", later(5), now=later(9))
    ticket = Ticket.objects.get()
    assert (ticket.status, ticket.resolution_code) == ("resolved", "fixed")
    assert ticket.resolved_at == later(5)
    tell(github, "closed", later(6))
    assert Ticket.objects.get().resolved_at == later(5)


def test_closing_what_was_never_opened_here_does_nothing(github: Integration) -> None:
    tell(github, "closed", NOW)
    assert not Ticket.objects.exists()


def test_opening_it_again_reopens_unless_that_is_older_than_the_end(github: Integration) -> None:
    tell(github, "opened", NOW)
    tell(github, "closed", later(5))
    tell(github, "opened", later(1), now=later(6))
    assert Ticket.objects.get().status == "resolved"
    tell(github, "reopened", later(7))
    ticket = Ticket.objects.get()
    assert (ticket.status, ticket.reopened_count) == ("open", 1)
    assert ticket.messages.latest("pk").body == "Opened again in GitHub."


def test_long_after_the_end_a_follow_up_takes_its_place(github: Integration) -> None:
    tell(github, "opened", NOW)
    tell(github, "closed", later(5))
    month = NOW + timedelta(days=30)
    tell(github, "reopened", month)
    first, second = Ticket.objects.order_by("pk")
    assert (first.status, second.status, second.follows) == ("resolved", "new", first)
    tell(github, "closed", month + timedelta(hours=1))
    second.refresh_from_db()
    assert second.status == "resolved"
    tell(github, "reopened", month + timedelta(hours=2))
    assert Ticket.objects.count() == 2


def test_a_merged_one_is_not_resolved_by_its_issue(github: Integration) -> None:
    tell(github, "opened", NOW)
    tell(github, "opened", NOW, number=13)
    one, two = Ticket.objects.order_by("pk")
    merging.merge(ticket=one, into=two, actor=build.audit.SYSTEM, now=later(1))
    tell(github, "closed", later(2))
    two.refresh_from_db()
    assert two.status == "new"


def test_a_label_names_the_type(github: Integration) -> None:
    labels = [{"name": "x" * 90}, {"name": "Failed Report"}, {"name": "billing"}]
    tell(github, "opened", NOW, labels=labels)
    ticket = Ticket.objects.get()
    assert (ticket.request_type.key, ticket.tags) == ("failed_report", ["failed report", "billing"])
    RequestType.objects.filter(key="other").update(archived_at=NOW)
    tell(github, "opened", NOW, number=13, labels="none", body={"a": 1})
    assert Ticket.objects.latest("pk").request_type.key == "stale_profile"
    assert Ticket.objects.latest("pk").messages.get().body == Ticket.objects.latest("pk").source_url


def test_a_body_that_is_too_long_is_cut_and_the_address_stays(github: Integration) -> None:
    tell(github, "opened", NOW, body="x" * 300_000, number=10**17)
    body = Ticket.objects.get().messages.get().body
    assert len(body) <= rows.MAX_BODY and body.endswith(f"/issues/{10**17}")


def test_without_a_type_the_delivery_waits_for_somebody(cast: Cast) -> None:
    bare = build.integration("github", secret="s").row
    delivery = intake.receive_hook(
        integration=bare, body=json.dumps(issue("opened", NOW)).encode(), now=NOW,
        headers={"X-GitHub-Event": "issues"},
    )  # fmt: skip
    intake.normalise_due(now=NOW)
    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.QUARANTINED
