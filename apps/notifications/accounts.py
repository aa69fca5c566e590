"""Sign-in through allauth: nobody signs up by themselves, and its mails go through the outbox."""

from __future__ import annotations

import hashlib
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from apps.accounts.models import Person
from apps.core import clock
from apps.notifications.models import Channel
from apps.notifications.services import send_to_address
from apps.notifications.wording import Texts


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth ships no types
    """The few places where allauth asks us."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """allauth's words, our outbox: retried, shown to demo people in their mailbox."""
        now = clock.now()
        mail = self.render_mail(template_prefix, email, context)
        text = str(mail.body)
        stable = hashlib.sha256(f"{template_prefix}:{email}:{now}".encode()).hexdigest()[:24]
        send_to_address(
            person=Person.objects.active().filter(email=email.lower()).first(),
            channel=Channel.EMAIL,
            address=email,
            texts=Texts(subject=str(mail.subject), text=text, html=None, short=text[:160]),
            what="account",
            subject=("account", stable),
            dedupe=f"account:{stable}",
            now=now,
        )
