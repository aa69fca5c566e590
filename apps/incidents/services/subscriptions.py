"""Following the status page by mail or webhook: asked, confirmed, told, ended.

Nobody hears anything before they have said yes through a link in their own mailbox, and the page
answers the same whether an address is known or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.core import signing
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac

from apps.core import jobs
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.secrets import seal
from apps.incidents.models import Component, StatusUpdate, Subscription
from apps.incidents.services import status
from apps.incidents.services.status_mail import Fact, Following
from apps.notifications.channels.base import AddressError
from apps.notifications.channels.email import Email
from apps.notifications.channels.webhook import checked_url, new_secret
from apps.notifications.services.outbox import hint
from apps.notifications.services.site import read_once, site_config

ASK_AGAIN = timedelta(minutes=10)  # the soonest that one address is asked for its yes once more
CONFIRM_WITHIN = timedelta(days=3)
FORGET_AFTER = timedelta(days=7)  # an address that never said yes
MOST_AN_HOUR = 500  # requests for a yes that leave in an hour, whoever asks for them
MOST_FAILURES = 5
BATCH = 100  # subscribers that one transaction tells
_SALT = "opsportal.incidents.subscription"
_CONFIRM = "opsportal.incidents.subscription.confirm"
_LEAVE = "opsportal.incidents.subscription.leave"
_THEIR_FAULT = ("recipient", "address", "gone", "blocked")  # what cannot get better by waiting
Channel = Subscription.Channel


class TooOften(Conflict):
    """So many requests in so short a time."""

    code = "too_often"
    status = 429


def subscriptions_live() -> QuerySet[Subscription]:
    """Who has said yes and not ended it."""
    return Subscription.objects.filter(confirmed_at__isnull=False, ended_at=None)


# -- asking and saying yes


@transaction.atomic
def subscribe(
    *,
    address: str,
    components: Sequence[str] = (),
    channel: str = Channel.EMAIL,
    now: datetime,
) -> None:
    """Ask an address for its yes; `components` are keys, none of them means all.

    The answer is the same for an address that is new, waits, follows already or has left. Raises
    Invalid, by field, for what cannot be an address or a component, TooOften when very many have
    been asked within the hour.
    """
    plain = _checked(channel, address)  # may look a name up, so it comes before the locks
    wanted = _components(components)
    _forget(now)
    digest = address_digest(plain if channel == Channel.EMAIL else f"hook {plain}")
    row, fresh = Subscription.objects.get_or_create(
        channel=channel,
        address_digest=digest,
        defaults={
            "address_sealed": seal(plain),
            "hint": hint(channel, plain),
            "secret_sealed": seal(new_secret()) if channel == Channel.WEBHOOK else "",
            "created_at": now,
            "asked_at": now,
        },
    )
    row = Subscription.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if not fresh and now - row.asked_at < ASK_AGAIN:
        return
    if Subscription.objects.filter(asked_at__gt=now - timedelta(hours=1)).count() > MOST_AN_HOUR:
        raise TooOften("Very many people subscribe just now. Try again in an hour.")
    row.asked_at = now
    row.save(update_fields=["asked_at"])
    Following(row).ask(token=_confirm_token(row, wanted), components=wanted, now=now)


def address_digest(address: str) -> str:
    """Finds an address again without showing it; letters' case matters in a webhook's alone."""
    text = address if address.startswith("hook ") else address.lower()
    return salted_hmac(_SALT, text, algorithm="sha256").hexdigest()


def _checked(channel: str, address: str) -> str:
    if channel not in Following.WAYS:
        said = "Choose e-mail or webhook."
        raise Invalid(said, fields={"channel": [said]})
    try:
        if any(ord(char) < 32 or ord(char) == 127 for char in address):
            raise AddressError("Write one e-mail address, such as ravi@example.com.")
        if channel == Channel.WEBHOOK:
            return checked_url(address, site_config("webhook"))
        return Email().check_address(address)
    except AddressError as error:
        raise Invalid(error.message, code=error.code, fields={"address": [error.message]}) from None


def _components(keys: Sequence[str]) -> list[Component]:
    found = list(Component.objects.filter(key__in=list(keys)[:200], archived_at=None))
    if len(found) != len(set(keys)):
        said = "One of these components does not exist any more. Choose again."
        raise Invalid(said, fields={"components": [said]})
    return found


def _forget(now: datetime) -> None:
    """Addresses that never said yes are not kept; a few with each request."""
    old = Subscription.objects.filter(confirmed_at=None, asked_at__lt=now - FORGET_AFTER)
    Subscription.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:100])).delete()


def _confirm_token(row: Subscription, components: Sequence[Component]) -> str:
    parts = [row.pk, int(row.asked_at.timestamp()), sorted(one.pk for one in components)]
    return signing.dumps(parts, salt=_CONFIRM)


def asked_by(*, token: str, now: datetime) -> tuple[Subscription, list[Component]]:
    """Whom a confirmation link is for, and what they chose; NotFound for one that is forged or
    over, or that a newer one has replaced."""
    try:
        pk, asked, chosen = signing.loads(token, salt=_CONFIRM)
        at = datetime.fromtimestamp(int(asked), UTC)
    except (signing.BadSignature, ValueError, TypeError, OverflowError) as error:
        raise _broken("Subscribe once more, and you get a new link.") from error
    row = Subscription.objects.filter(pk=pk).first()
    newest = row is not None and int(row.asked_at.timestamp()) == int(asked)
    if row is None or not newest or not now - CONFIRM_WITHIN <= at <= now:
        raise _broken("It is too old. Subscribe once more, and you get a new link.")
    return row, list(Component.objects.filter(pk__in=chosen, archived_at=None))


@transaction.atomic
def confirm(*, token: str, now: datetime) -> Subscription:
    """The yes. Said again it changes nothing; it also brings back who had left."""
    found, components = asked_by(token=token, now=now)
    row = Subscription.objects.select_for_update(of=("self",)).get(pk=found.pk)
    row.confirmed_at, row.ended_at, row.ended_why, row.failures = now, None, "", 0
    row.save(update_fields=["confirmed_at", "ended_at", "ended_why", "failures"])
    row.components.set(components)
    return row


def leave_token(row: Subscription) -> str:
    """Ends this subscription whenever it is used; it opens nothing else."""
    return signing.dumps([row.pk, row.address_digest[:16]], salt=_LEAVE)


def followed_by(*, token: str) -> Subscription:
    """Whose unsubscribe link it is; NotFound for one that is forged or forgotten."""
    try:
        pk, start = signing.loads(token, salt=_LEAVE)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise _broken("Open it again from our newest mail.") from error
    row = Subscription.objects.filter(pk=pk, address_digest__startswith=start).first()
    if row is None:
        raise _broken("This address does not follow the page any more.")
    return row


@transaction.atomic
def unsubscribe(*, token: str, now: datetime) -> Subscription:
    """End it; done twice it is done once."""
    row = Subscription.objects.select_for_update(of=("self",)).get(pk=followed_by(token=token).pk)
    return _end(row, "unsubscribed", now)


@transaction.atomic
def end(*, subscription: Subscription, now: datetime) -> Subscription:
    """Somebody here ends it."""
    rows = Subscription.objects.select_for_update(of=("self",))
    return _end(rows.get(pk=subscription.pk), "ended by a manager", now)


def _broken(advice: str) -> NotFound:
    return NotFound(f"This link does not open. {advice}", code="link_broken")


def _end(row: Subscription, why: str, now: datetime) -> Subscription:
    if row.ended_at is None:
        row.ended_at, row.ended_why = now, why[:80]
        row.save(update_fields=["ended_at", "ended_why"])
        Following(row).take_back(now=now)
    return row


@transaction.atomic
def not_delivered(*, subscription_id: int, error: str, now: datetime) -> None:
    """A message was given up: an address that does not exist ends, another one after a few.

    A failure of our own mail server says nothing about the address and ends nothing.
    """
    rows = Subscription.objects.select_for_update(of=("self",))
    row = rows.filter(pk=subscription_id, ended_at=None).first()
    if row is None or row.confirmed_at is None:
        return
    kind = error.partition(":")[0]
    row.failures += kind in _THEIR_FAULT or row.channel == Channel.WEBHOOK
    row.save(update_fields=["failures"])
    if kind in _THEIR_FAULT:
        _end(row, f"bounced: {kind}", now)
    elif row.failures >= MOST_FAILURES:
        _end(row, f"failed {MOST_FAILURES} times", now)


# -- telling them


@transaction.atomic
def announce(*, update: StatusUpdate, now: datetime) -> int:
    """Tell everybody who follows what this published update is about; answers how many so far.

    The first hundred in the caller's transaction, the others by a task that goes on from there.
    Nothing goes out for a drill, a test, what is past, or what is restricted.
    """
    published = update.status == StatusUpdate.Status.PUBLISHED
    if not (published and update.audience.to_subscribers and status.is_public(update.incident)):
        return 0
    return _begin(Fact("update", update.pk), now)


@transaction.atomic
def announce_maintenance(*, window_id: int, what: str, now: datetime) -> int:
    """The same for announced work; `what` as in `alerts.events.MaintenanceChanged`."""
    fact = Fact("maintenance", window_id, what)
    return _begin(fact, now) if fact.is_public() else 0


def _begin(fact: Fact, now: datetime) -> int:
    if not subscriptions_live().exists():
        return 0
    told, last = _batch(fact, 0, now)
    _go_on(fact, last)
    return told


@transaction.atomic
def tell_next(*, kind: str, ref: int, what: str, after: int, now: datetime) -> int:
    """The next batch of subscribers behind id `after`; enqueues the one behind it."""
    fact = Fact(kind, ref, what)
    if not fact.is_public():
        return 0
    told, last = _batch(fact, after, now)
    _go_on(fact, last)
    return told


def _go_on(fact: Fact, last: int | None) -> None:
    if last is not None:
        jobs.enqueue(
            "apps.incidents.tasks.tell_subscribers",
            kind=fact.kind, ref=fact.ref, what=fact.what, after=last,
        )  # fmt: skip


def _batch(fact: Fact, after: int, now: datetime) -> tuple[int, int | None]:
    """How many were told, and the last one's id when there are more behind it."""
    rows = subscriptions_live().filter(pk__gt=after).order_by("pk")
    about = fact.components()
    if about:
        followed = Subscription.components.through.objects.values("subscription_id")
        wanted = followed.filter(component_id__in=[one.pk for one in about])
        rows = rows.filter(~Q(pk__in=followed) | Q(pk__in=wanted))
    found = list(rows[: BATCH + 1])
    news = fact.news()
    with read_once():
        for row in found[:BATCH]:
            Following(row).tell(news, leave=leave_token(row), now=now)
    more = len(found) > BATCH
    return len(found[:BATCH]), found[BATCH - 1].pk if more else None
