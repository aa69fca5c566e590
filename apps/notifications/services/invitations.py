"""Invitations: a manager adds a person, the person sets a password. No open sign-up."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.models import Person
from apps.accounts.roles import Role
from apps.core import secrets
from apps.core.errors import Invalid, NotFound
from apps.notifications import wording
from apps.notifications.models import Channel, ContactMethod, Invitation
from apps.notifications.services.outbox import hint, reader_of, send_to_address
from apps.notifications.services.site import absolute, site

LASTS = timedelta(days=7)


@transaction.atomic
def invite(*, person: Person, by: Person, now: datetime) -> str:
    """Mail `person` a link to set a password; answers the link, which is stored nowhere."""
    token = secrets.token(43)
    Invitation.objects.create(
        person=person,
        digest=secrets.digest(token),
        invited_by=by,
        created_at=now,
        expires_at=now + LASTS,
    )
    link = absolute(f"/join/{token}/")
    facts = wording.Invitation(
        by=by.name,
        url=link,
        expires_at=now + LASTS,
        site=site().name,
        team=", ".join(person.teams.values_list("name", flat=True)),
        role=", ".join(str(Role(role).label) for role in person.roles),
    )
    send_to_address(
        person=person,
        channel=Channel.EMAIL,
        address=person.email,
        texts=wording.invitation(facts, reader_of(person), now),
        what="invitation",
        subject=("person", str(person.pk)),
        dedupe=f"invitation:{person.pk}:{now.isoformat()}",
        now=now,
        link=link,
    )
    return link


def open_invitation(*, token: str, now: datetime) -> Invitation:
    """The invitation behind a link; NotFound when it is used, expired or was never made."""
    row = (
        Invitation.objects.select_related("person")
        .filter(digest=secrets.digest(token), accepted_at=None, expires_at__gt=now)
        .first()
    )
    if row is None or not row.person.is_active:
        raise NotFound("This invitation is used or expired. Ask a manager for a new one.")
    return row


@transaction.atomic
def accept(*, invitation: Invitation, name: str, password: str, now: datetime) -> Person:
    """Set name and password. The invitation came by mail, so that address is proved."""
    row = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if row.accepted_at is not None:
        raise NotFound("This invitation is used. Sign in, or ask for a new one.")
    person = row.person
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise Invalid("Choose another password.", fields={"password": error.messages}) from error
    person.name = name.strip() or person.name
    person.set_password(password)
    person.save(update_fields=["name", "password"])
    Invitation.objects.filter(person=person, accepted_at=None).update(accepted_at=now)
    if not ContactMethod.objects.filter(person=person, channel=Channel.EMAIL).exists():
        ContactMethod.objects.create(
            person=person,
            channel=Channel.EMAIL,
            label="Sign-in address",
            address_sealed=secrets.seal(person.email),
            address_hint=hint(Channel.EMAIL, person.email),
            created_at=now,
            verified_at=now,
        )
    return person
