"""Following the status page by mail: asked, confirmed, told, ended; and what strangers try."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from apps.alerts import services as alerts
from apps.core import audit
from apps.core.errors import Invalid, NotFound
from apps.core.secrets import unseal
from apps.incidents import handlers
from apps.incidents.models import Audience, Component, Incident, StatusUpdate, Subscription
from apps.incidents.services import status, subscriptions
from apps.notifications import guard
from apps.notifications.channels.compose import compose
from apps.notifications.events import MessageFailed
from apps.notifications.models import Message
from apps.notifications.services import sender
from tests import builders as build

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def ask(address: str = "ana@bramble.example", now: datetime = NOW, **more: Any) -> None:
    subscriptions.subscribe(address=address, now=now, **more)


def mails(what: str = "status_ask") -> list[Message]:
    return list(Message.objects.filter(what=what).order_by("pk"))


def token_of(mail: Message, way: str = "confirm") -> str:
    found = re.search(rf"/status/{way}/(\S+)", mail.body)
    assert found is not None
    return found[1]


def follow(address: str, now: datetime = NOW, **more: Any) -> Subscription:
    ask(address, now, **more)
    return subscriptions.confirm(token=token_of(mails()[-1]), now=now)


def part(key: str = "reports") -> Component:
    return Component.objects.create(key=key, name=key.title(), started_on=date(2025, 1, 1))


def published(**more: Any) -> StatusUpdate:
    audience, _ = Audience.objects.update_or_create(
        key="public",
        defaults={"name": "Public", "side": "public", "on_status_page": True,
                  "to_subscribers": True},
    )  # fmt: skip
    incident = more.pop("incident", None) or Incident.objects.create(
        title="internal words", severity="SEV2", status="investigating", detected_at=NOW
    )
    wanted = {
        "subject": "Reports are slow", "body": "We **look** into it. <b>x</b>",
        "status": "published", "published_at": NOW, "incident_status": "investigating",
        "created_at": NOW, "changed_at": NOW, **more,
    }  # fmt: skip
    return StatusUpdate.objects.create(incident=incident, audience=audience, **wanted)


# -- asking and saying yes


def test_nobody_is_told_before_they_have_said_yes(db: None) -> None:
    ask()
    assert subscriptions.announce(update=published(), now=NOW) == 0
    subscriptions.confirm(token=token_of(mails()[0]), now=NOW + HOUR)
    assert subscriptions.announce(update=published(), now=NOW) == 1


def test_an_address_is_asked_once_in_ten_minutes_whoever_types_it(db: None) -> None:
    for minutes in (0, 1, 9, 10, 11):
        ask("Ana@Bramble.Example", NOW + minutes * MINUTE)
        ask("ana@bramble.example", NOW + minutes * MINUTE)
    assert len(mails()) == 2
    assert Subscription.objects.count() == 1


def test_asking_again_makes_the_link_before_it_worthless(db: None) -> None:
    ask()
    ask(now=NOW + 10 * MINUTE)
    old, new = (token_of(one) for one in mails())
    with pytest.raises(NotFound):
        subscriptions.confirm(token=old, now=NOW + HOUR)
    subscriptions.confirm(token=new, now=NOW + HOUR)


def test_a_link_that_is_too_old_asks_to_subscribe_again(db: None) -> None:
    ask()
    with pytest.raises(NotFound, match="Subscribe once more"):
        subscriptions.confirm(token=token_of(mails()[0]), now=NOW + timedelta(days=3, seconds=1))


def test_who_left_can_come_back_and_who_follows_can_choose_anew(db: None) -> None:
    part()
    row = follow("ana@bramble.example")
    subscriptions.unsubscribe(token=subscriptions.leave_token(row), now=NOW)
    again = follow("ana@bramble.example", NOW + HOUR, components=["reports"])
    assert (again.pk, again.ended_at) == (row.pk, None)
    assert [one.key for one in again.components.all()] == ["reports"]


@pytest.mark.parametrize(
    "address",
    [
        "ana@bramble.example\r\nBcc: everybody@example.com",
        "ana@bramble.example\nSubject: x",
        "\nana@bramble.example",
        "ana@bramble.example\x00",
        "Ana <ana@bramble.example>",
        "ana@bramble.example,bob@example.com",
        "ana@bramble.example bob@example.com",
        "ana@",
        "@bramble.example",
        "a" * 300 + "@bramble.example",
        "",
    ],
)
def test_what_is_not_one_plain_address_is_refused(db: None, address: str) -> None:
    with pytest.raises(Invalid) as refused:
        ask(address)
    assert list(refused.value.fields) == ["address"]
    assert not Subscription.objects.exists()
    assert not Message.objects.exists()


def test_a_component_that_is_not_there_is_refused(db: None) -> None:
    with pytest.raises(Invalid) as refused:
        ask(components=["nothing"])
    assert list(refused.value.fields) == ["components"]


def test_the_row_does_not_show_the_address(db: None) -> None:
    ask()
    row = Subscription.objects.get()
    assert "ana@" not in f"{row.address_sealed}{row.address_digest}{row.hint}{row}"


def test_so_many_in_an_hour_and_then_no_more(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "MOST_AN_HOUR", 3)
    for number in range(3):
        ask(f"a{number}@bramble.example")
    with pytest.raises(subscriptions.TooOften):
        ask("late@bramble.example")
    ask("late@bramble.example", NOW + HOUR + MINUTE)
    assert len(mails()) == 4


def test_who_never_says_yes_is_forgotten_after_a_week(db: None) -> None:
    ask("gone@bramble.example")
    kept = follow("kept@bramble.example")
    ask("new@bramble.example", NOW + timedelta(days=8))
    assert Subscription.objects.filter(pk=kept.pk).exists()
    assert Subscription.objects.count() == 2


# -- tokens


def test_a_token_opens_its_own_thing_and_nothing_else(db: None) -> None:
    ana, bob = follow("ana@bramble.example"), follow("bob@bramble.example")
    leave = subscriptions.leave_token(ana)
    for forged in (leave[:-2], leave + "x", "", "a.b.c", token_of(mails()[0])):
        with pytest.raises(NotFound):
            subscriptions.unsubscribe(token=forged, now=NOW)
    with pytest.raises(NotFound):
        subscriptions.confirm(token=leave, now=NOW)
    subscriptions.unsubscribe(token=leave, now=NOW)
    subscriptions.unsubscribe(token=leave, now=NOW + HOUR)
    ana.refresh_from_db()
    bob.refresh_from_db()
    assert (ana.ended_at, bob.ended_at) == (NOW, None)


# -- what they are told


def test_an_update_goes_to_each_once_with_a_way_out(db: None) -> None:
    part()
    for name in ("ana", "bob"):
        follow(f"{name}@bramble.example")
    update = published(states={"reports": "partial_outage"}, next_update_at=NOW + HOUR)
    subscriptions.announce(update=update, now=NOW)
    subscriptions.announce(update=update, now=NOW + HOUR)
    first, second = mails("status_update")
    assert first.subject == "[OpsPortal] Investigating: Reports are slow"
    assert "Reports: Partly down" in first.body
    assert "Next update by: 13:00 UTC" in first.body
    assert "internal words" not in first.body + first.body_html
    assert "<strong>look</strong>" in first.body_html
    assert "<b>x</b>" not in first.body_html
    assert token_of(first, "unsubscribe") != token_of(second, "unsubscribe")
    assert first.lane == Message.Lane.BULK
    assert first.headers["automatic"] == "auto-generated"


@pytest.mark.parametrize(
    "more", [{"kind": "drill"}, {"kind": "test"}, {"kind": "backfilled"},
             {"visibility": "restricted"}],
)  # fmt: skip
def test_of_a_drill_or_what_is_restricted_nobody_hears(db: None, more: dict[str, str]) -> None:
    follow("ana@bramble.example")
    incident = Incident.objects.create(
        title="x", severity="SEV2", status="investigating", detected_at=NOW, **more
    )
    assert subscriptions.announce(update=published(incident=incident), now=NOW) == 0
    assert mails("status_update") == []


def test_a_draft_and_an_audience_without_followers_tell_nobody(db: None) -> None:
    follow("ana@bramble.example")
    draft = published(status="draft", published_at=None)
    assert subscriptions.announce(update=draft, now=NOW) == 0
    update = published()
    Audience.objects.update(to_subscribers=False)
    update.audience.refresh_from_db()
    assert subscriptions.announce(update=update, now=NOW) == 0


def test_who_chose_parts_hears_of_those_alone(db: None) -> None:
    part("reports")
    part("billing")
    follow("all@bramble.example")
    follow("bills@bramble.example", components=["billing"])
    follow("reads@bramble.example", components=["reports"])
    update = published(states={"reports": "major_outage"})
    assert subscriptions.announce(update=update, now=NOW) == 2
    status.set_states(incident=update.incident, states={"billing": "major_outage"}, now=NOW)
    assert subscriptions.announce(update=published(incident=update.incident), now=NOW) == 2


def test_a_crowd_is_told_in_batches_each_once(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "BATCH", 2)
    queued: list[dict[str, Any]] = []
    monkeypatch.setattr(
        subscriptions.jobs, "enqueue", lambda task, **given: queued.append(given) or "id"
    )
    for number in range(5):
        follow(f"a{number}@bramble.example")
    assert subscriptions.announce(update=published(), now=NOW) == 2
    while queued:
        job = queued.pop()
        subscriptions.tell_next(**job, now=NOW)
        subscriptions.tell_next(**job, now=NOW)  # a task may run twice
        del queued[1:]
    told = [one.subject_ref for one in mails("status_update")]
    assert len(told) == len(set(told)) == 5


# -- maintenance


def test_each_move_of_public_maintenance_is_told_and_a_hidden_one_is_not(db: None) -> None:
    component, surface = part(), build.surface()
    component.surfaces.add(surface)
    follow("ana@bramble.example")
    given: dict[str, Any] = {
        "title": "Database upgrade", "surfaces": [surface], "starts_at": NOW + HOUR,
        "ends_at": NOW + 2 * HOUR, "actor": audit.SYSTEM, "now": NOW,
    }  # fmt: skip
    row = alerts.announce_maintenance(**given)
    hidden = alerts.announce_maintenance(**given, is_public=False)
    said = []
    for what, pk in (("announced", row.pk), ("announced", hidden.pk), ("moved", row.pk)):
        if what == "moved":
            alerts.change_maintenance(
                window=row, fields={"ends_at": NOW + 3 * HOUR}, actor=audit.SYSTEM, now=NOW
            )
        for _ in range(2):
            subscriptions.announce_maintenance(window_id=pk, what=what, now=NOW)
        said = [one.subject for one in mails("status_maintenance")]
    assert said == [
        "[OpsPortal] Maintenance announced: Database upgrade",
        "[OpsPortal] Maintenance moved: Database upgrade",
    ]
    assert "Affects: Reports" in mails("status_maintenance")[0].body
    assert "Until: 15:00 UTC" in mails("status_maintenance")[1].body


# -- webhooks


HOOK = "https://hooks.bramble.example/status"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name is found, outside or in our own network by what it is called."""
    inside = {"metadata.internal": "169.254.169.254", "db.internal": "10.0.0.7"}
    monkeypatch.setattr(
        guard.socket, "getaddrinfo",
        lambda host, port, **_: [(0, 0, 0, "", (inside.get(host, "93.184.215.14"), port))],
    )  # fmt: skip


@pytest.mark.parametrize(
    "url",
    [
        "https://metadata.internal/latest", "https://db.internal/", "https://127.0.0.1/",
        "https://169.254.169.254/", "https://[::1]/", "http://hooks.bramble.example/",
        "https://me:secret@hooks.bramble.example/", "https://hooks.bramble.example:25/",
        "https://hooks.bramble.example/\r\nX: y", "https://0x7f.1/",
    ],
)  # fmt: skip
def test_a_webhook_into_our_own_network_is_refused(
    db: None, names: None, settings: Any, url: str
) -> None:
    settings.OUTGOING_ALLOW_PRIVATE = settings.OUTGOING_ALLOW_HTTP = False
    with pytest.raises(Invalid) as refused:
        ask(url, channel="webhook")
    assert list(refused.value.fields) == ["address"]
    assert not Subscription.objects.exists()


def test_a_webhook_is_asked_and_told_like_an_address(db: None, names: None) -> None:
    ask(HOOK, channel="webhook")
    (asked,) = mails()
    assert (asked.channel, asked.is_outside) == ("webhook", True)
    row = subscriptions.confirm(token=token_of(asked), now=NOW)
    subscriptions.announce(update=published(), now=NOW)
    (told,) = mails("status_update")
    (parcel,) = [p for p in sender.claim(now=NOW, limit=9) if p.carrier.pk == told.pk]
    outgoing = sender._outgoing(parcel, NOW)
    assert (outgoing.address, outgoing.event) == (HOOK, "status.update")
    assert outgoing.config["secret"] == unseal(row.secret_sealed)
    assert outgoing.config["secret"].startswith("whsec_")


def test_a_webhook_that_is_gone_or_fails_five_times_ends(db: None, names: None) -> None:
    row = follow(HOOK, channel="webhook")
    for number in range(5):
        assert (row.ended_at is None) == (number < 5)
        failed(row, "busy: The other side cannot take it now (503).")
    assert row.ended_why == "failed 5 times"


def test_a_mail_says_to_programs_how_it_ends(db: None) -> None:
    follow("ana@bramble.example")
    subscriptions.announce(update=published(), now=NOW)
    (told,) = mails("status_update")
    (parcel,) = [p for p in sender.claim(now=NOW, limit=9) if p.carrier.pk == told.pk]
    mail = compose(sender._outgoing(parcel, NOW), "ana@bramble.example")
    leave = f"http://localhost:8000/status/unsubscribe/{token_of(told, 'unsubscribe')}"
    assert f"\r\nList-Unsubscribe: <{leave}>\r\n".encode() in mail.as_bytes()
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


# -- when they end


def failed(row: Subscription, error: str) -> None:
    event = MessageFailed(
        message_id=1, what="status_update", subject_kind="subscription", subject_ref=str(row.pk),
        person_id=None, at=NOW, error=error,
    )  # fmt: skip
    handlers.message_failed(event)
    row.refresh_from_db()


def test_an_address_that_does_not_exist_ends(db: None) -> None:
    row = follow("ana@bramble.example")
    subscriptions.announce(update=published(), now=NOW)
    failed(row, "recipient: The mail server does not take mail for this address. (550)")
    assert (row.ended_at, row.ended_why) == (NOW, "bounced: recipient")
    assert [one.status for one in mails("status_update")] == ["cancelled"]


def test_a_failure_of_our_own_mail_server_ends_nobody(db: None) -> None:
    row = follow("ana@bramble.example")
    for _ in range(9):
        failed(row, "unreachable: No connection to the mail server.")
    assert (row.ended_at, row.failures) == (None, 0)
