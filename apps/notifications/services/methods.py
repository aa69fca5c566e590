"""Contact methods: added by their owner, proved by a code, then used."""

from __future__ import annotations

import secrets as random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core import signing
from django.db import transaction
from django.db.models import F

from apps.accounts.models import Person
from apps.core import heartbeats, secrets
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.models import Heartbeat
from apps.notifications import rules, wording
from apps.notifications.channels import CHANNELS
from apps.notifications.channels.base import missing
from apps.notifications.models import (
    Channel,
    ContactMethod,
    NotificationRule,
    QuietHours,
    Urgency,
)
from apps.notifications.services.outbox import (
    hint,
    reader_of,
    send_to_address,
)
from apps.notifications.services.site import absolute, site, site_config

CODE_LASTS = timedelta(minutes=10)
TEST_LASTS = timedelta(days=1)
_TEST_SALT = "opsportal.notifications.test_page"
MAX_TRIES = 5
MAX_METHODS = 10


@transaction.atomic
def add_method(
    *, person: Person, channel: str, address: str, label: str = "", secret: str = "", now: datetime
) -> ContactMethod:
    """Add a way to reach `person` and send the code that proves it is theirs.

    Raises Invalid with a sentence when the address cannot be one, or the site lacks the
    channel's account.
    """
    if channel not in CHANNELS or channel == Channel.MAILBOX:
        raise Invalid("Choose a channel.", fields={"channel": ["Choose one of the list."]})
    if ContactMethod.objects.filter(person=person).count() >= MAX_METHODS:
        raise Invalid(f"A person has at most {MAX_METHODS} contact methods.")
    config = {**site_config(channel), **({"secret": secret} if secret else {})}
    if not person.is_demo and missing(CHANNELS[channel], config):
        raise _not_set_up(channel)
    clean = CHANNELS[channel].check_address(address, config)
    method = ContactMethod.objects.create(
        person=person,
        channel=channel,
        label=label.strip()[:60],
        address_sealed=secrets.seal(clean),
        address_hint=hint(channel, clean),
        secret_sealed=secrets.seal(secret),
        created_at=now,
    )
    send_code(method=method, now=now)
    return method


def _not_set_up(channel: str) -> Invalid:
    label = CHANNELS[channel].label
    cures = {
        Channel.EMAIL: "The mail server is not set up yet. A manager does it in the site settings.",
        Channel.WEBHOOK: "A webhook needs a signing secret. Enter one beside the address.",
    }
    cure = cures.get(Channel(channel)) or (
        f"{label} is not set up on this site. A manager enters its account in the site settings."
    )
    return Invalid(cure, code="channel_not_set_up", fields={"channel": [cure]})


@transaction.atomic
def send_code(*, method: ContactMethod, now: datetime) -> None:
    """Send a new six-digit code; at most one a minute."""
    if method.code_sent_at and now - method.code_sent_at < timedelta(minutes=1):
        raise Conflict("A code was sent less than a minute ago. Look for it, or wait a moment.")
    code = f"{random.randbelow(1_000_000):06d}"
    method.code_digest = secrets.digest(f"{method.pk}:{code}")
    method.code_sent_at, method.code_tries = now, 0
    method.save(update_fields=["code_digest", "code_sent_at", "code_tries"])
    facts = wording.Code(code=code, minutes=10, site=site().name)
    send_to_address(
        person=method.person,
        channel=method.channel,
        address=secrets.unseal(method.address_sealed),
        method=method,
        texts=wording.verification_code(facts, reader_of(method.person), now),
        what="code",
        subject=("contact_method", str(method.pk)),
        dedupe=f"code:{method.pk}:{now.isoformat()}",
        now=now,
    )


def confirm(*, method: ContactMethod, code: str, now: datetime) -> ContactMethod:
    """Prove a method with its code. Five wrong tries, or ten minutes, and a new one is needed."""
    if method.verified_at:
        return method
    expired = not method.code_sent_at or now - method.code_sent_at > CODE_LASTS
    # The try is counted before the code is looked at, so that guesses in parallel count as well.
    mine = ContactMethod.objects.filter(pk=method.pk, code_tries__lt=MAX_TRIES)
    if expired or not mine.update(code_tries=F("code_tries") + 1):
        raise Invalid(
            "This code is used up. Send a new one.",
            code="code_expired",
            fields={"code": ["Send a new code."]},
        )
    method.refresh_from_db(fields=["code_tries", "code_digest"])
    given = secrets.digest(f"{method.pk}:{''.join(code.split())}")
    if not random.compare_digest(given, method.code_digest):
        left = MAX_TRIES - method.code_tries
        raise Invalid(
            f"That is not the code. {left} tries left.",
            code="wrong_code",
            fields={"code": ["That is not the code that was sent."]},
        )
    method.verified_at, method.code_digest = now, ""
    method.save(update_fields=["verified_at", "code_digest"])
    return method


def remove_method(*, method: ContactMethod, now: datetime) -> None:
    """Stop using a method; messages that went by it stay readable."""
    Heartbeat.objects.filter(name=_arrival(method)).delete()
    method.delete()


@transaction.atomic
def send_test_page(*, method: ContactMethod, now: datetime) -> None:
    """A page that looks like a real one and says that it is a test."""
    if not method.verified_at:
        raise Conflict("Confirm this method with its code first.")
    token = signing.dumps([method.pk, int(now.timestamp())], salt=_TEST_SALT)
    link = absolute(f"/profile/test-page/{token}/")
    facts = wording.TestPage(
        by=method.person.name, method=str(method), ack_url=link, site=site().name
    )
    send_to_address(
        person=method.person,
        channel=method.channel,
        address=secrets.unseal(method.address_sealed),
        method=method,
        texts=wording.test_page(facts, reader_of(method.person), now),
        what="test_page",
        subject=("contact_method", str(method.pk)),
        dedupe=f"test:{method.pk}:{now.isoformat()}",
        now=now,
        link=link,
    )


@dataclass(frozen=True)
class TestArrival:
    """A test page behind its link: by which method, when it went, when it was answered."""

    __test__ = False  # a fact, not a class of tests

    method: ContactMethod
    sent_at: datetime
    answered_at: datetime | None


def read_test_page(*, token: str, now: datetime) -> TestArrival:
    """What the link of a test page is about; NotFound when it is forged, cut or a day old."""
    try:
        method_pk, stamp = signing.loads(token, salt=_TEST_SALT, max_age=TEST_LASTS)
        sent_at = datetime.fromtimestamp(int(stamp), UTC)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise NotFound("This test link is older than a day or not complete.") from error
    method = ContactMethod.objects.select_related("person").filter(pk=method_pk).first()
    if method is None or not method.person.is_active:
        raise NotFound("The contact method of this test was removed.")
    beat = Heartbeat.objects.filter(name=_arrival(method), beat_at__gte=sent_at).first()
    return TestArrival(method, sent_at, beat.beat_at if beat else None)


def answer_test_page(*, token: str, now: datetime) -> TestArrival:
    """The person pressed the button: the way to them works. Pressing twice is no fault."""
    found = read_test_page(token=token, now=now)
    if found.answered_at is None:
        heartbeats.beat(_arrival(found.method), now=now, person=found.method.person_id)
    return read_test_page(token=token, now=now)


def tested_at(methods: Iterable[ContactMethod]) -> dict[int, datetime]:
    """When a test page by each method was last answered, by the method's id. One query."""
    names = {_arrival(method): method.pk for method in methods}
    rows = Heartbeat.objects.filter(name__in=names).values_list("name", "beat_at")
    return {names[name]: at for name, at in rows}


def _arrival(method: ContactMethod) -> str:
    return f"test-page:{method.pk}"


@transaction.atomic
def set_rules(*, person: Person, urgency: str, rows: Sequence[tuple[ContactMethod, int]]) -> None:
    """Replace a person's rules for one urgency by (method, minutes) pairs."""
    if urgency not in Urgency.values:
        raise Invalid("Choose urgent or low.")
    if any(method.person_id != person.pk for method, _ in rows):
        raise Invalid("That contact method belongs to somebody else.")
    if any(not 0 <= minutes <= 120 for _, minutes in rows):
        raise Invalid("A wait is 0 to 120 minutes.", fields={"delay": ["0 to 120 minutes."]})
    NotificationRule.objects.filter(person=person, urgency=urgency).delete()
    NotificationRule.objects.bulk_create(
        NotificationRule(person=person, urgency=urgency, method=method, delay_minutes=minutes)
        for method, minutes in dict.fromkeys(rows)
    )


def set_quiet_hours(*, person: Person, windows: list[dict[str, Any]]) -> QuietHours:
    """Weekly windows in which low urgency waits; never holds back an urgent page."""
    try:
        rules.parse_windows(windows)
    except ValueError as error:
        raise Invalid(str(error), fields={"windows": [str(error)]}) from error
    row, _ = QuietHours.objects.update_or_create(person=person, defaults={"windows": windows})
    return row


def can_be_woken(person: Person) -> bool:
    """Whether a verified method other than e-mail reaches the person."""
    channels = (
        ContactMethod.objects.filter(person=person).usable().values_list("channel", flat=True)
    )
    return any(CHANNELS[channel].wakes for channel in channels if channel in CHANNELS)
