"""What one follower of the status page is sent; everything goes by the outbox."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from apps.alerts.models import MaintenanceWindow
from apps.core.models import Kind
from apps.core.secrets import unseal
from apps.core.text import markdown
from apps.incidents import statusletters as letters
from apps.incidents import statuspage
from apps.incidents.models import Component, Incident, StatusUpdate, Subscription
from apps.incidents.models.comms import State
from apps.notifications import services as notifications
from apps.notifications.models import Message

ASK_DAYS = 3


@dataclass(frozen=True)
class Fact:
    """What happened: (`update`, its id) or (`maintenance`, the window's id, what happened)."""

    kind: str
    ref: int
    what: str = ""

    def is_public(self) -> bool:
        """Whether people outside may still hear of it."""
        if self.kind == "maintenance":
            return self.what in letters.MAINTENANCE and self.window().is_public
        incident = self.update().incident
        return incident.kind == Kind.REAL and incident.visibility == Incident.Visibility.OPEN

    def update(self) -> StatusUpdate:
        return StatusUpdate.objects.select_related("incident").get(pk=self.ref)

    def window(self) -> MaintenanceWindow:
        return MaintenanceWindow.objects.get(pk=self.ref)

    def components(self) -> list[Component]:
        """What it is about; none means that everybody hears it."""
        live = Component.objects.filter(archived_at=None)
        if self.kind == "maintenance":
            return list(live.filter(surfaces__maintenance=self.ref).distinct())
        update = self.update()
        hurt = live.filter(impacts__incident=update.incident_id)
        named = live.filter(key__in=list(update.states))
        return list((hurt | named).distinct())

    def news(self) -> News:
        """What all followers are told, read once."""
        if self.kind == "update":
            return News(self.kind, f"status:update:{self.ref}", _said(self.update()))
        window, names = self.window(), [one.name for one in self.components()]
        times = f"{int(window.starts_at.timestamp())}-{int(window.ends_at.timestamp())}"
        dedupe = f"status:work:{self.ref}:{self.what}:{times}"
        return News(self.kind, dedupe, _work(window, self.what, names))


@dataclass(frozen=True)
class News:
    """A fact in words; `dedupe` names it, so that nobody is told it twice."""

    kind: str
    dedupe: str
    said: letters.Update | letters.Work


@dataclass(frozen=True)
class Following:
    """One subscription, and the ways it is reached."""

    row: Subscription
    WAYS: ClassVar[frozenset[str]] = frozenset(Subscription.Channel)

    def ask(self, *, token: str, components: Sequence[Component], now: datetime) -> None:
        """Ask for a yes."""
        url = notifications.absolute(f"/status/confirm/{token}")
        names = [one.name for one in components]
        letter = letters.ask(notifications.site().name, url, names, ASK_DAYS)
        dedupe = f"status:ask:{self.row.pk}:{int(now.timestamp())}"
        lane = Message.Lane.NORMAL
        self._send(letter, url, what="status_ask", dedupe=dedupe, now=now, lane=lane)

    def tell(self, news: News, *, leave: str, now: datetime) -> None:
        """One fact, once."""
        place = self._place(leave)
        letter = (
            letters.update(news.said, place, now)
            if isinstance(news.said, letters.Update)
            else letters.maintenance(news.said, place, now)
        )
        dedupe = f"{news.dedupe}:s{self.row.pk}"
        self._send(
            letter, place.page_url, what=f"status_{news.kind}", dedupe=dedupe, now=now,
            leave_url=place.leave_url,
        )  # fmt: skip

    def take_back(self, *, now: datetime) -> int:
        """What still waits for this follower is not sent any more."""
        return notifications.cancel(subject=self._subject, now=now)

    @property
    def _subject(self) -> tuple[str, str]:
        return ("subscription", str(self.row.pk))

    def _place(self, leave: str) -> letters.Place:
        site = notifications.site()
        return letters.Place(
            site=site.name,
            zone=ZoneInfo(site.time_zone),
            page_url=notifications.absolute("/status/"),
            leave_url=notifications.absolute(f"/status/unsubscribe/{leave}"),
        )

    def _send(
        self,
        letter: letters.Letter,
        link: str,
        *,
        what: str,
        dedupe: str,
        now: datetime,
        lane: int = Message.Lane.BULK,
        leave_url: str = "",
    ) -> None:
        stable = hashlib.sha256(dedupe.encode()).hexdigest()[:32]
        message_id = f"status-{stable}@{notifications.site_host()}"
        address = unseal(self.row.address_sealed)
        if self.row.channel == Subscription.Channel.WEBHOOK:
            notifications.post_outside(
                url=address,
                secret_sealed=self.row.secret_sealed,
                event=what.replace("_", "."),
                subject=letter.subject,
                text=letter.text,
                link=link,
                message_id=message_id,
                what=what,
                subject_ref=self._subject,
                dedupe=dedupe,
                now=now,
                kind=Kind.REAL,
                lane=lane,
            )
            return
        notifications.mail_outside(
            to_address=address,
            to_name="",
            from_name=notifications.site().name,
            reply_to="",
            subject=letter.subject,
            body_text=letter.text,
            body_html=letter.html,
            message_id=message_id,
            in_reply_to="",
            references=(),
            what=what,
            subject_ref=self._subject,
            dedupe=dedupe,
            now=now,
            automatic=True,
            kind=Kind.REAL,
            lane=lane,
            unsubscribe_url=leave_url,
        )


def _said(update: StatusUpdate) -> letters.Update:
    names = {one.key: one.name for one in Component.objects.filter(key__in=list(update.states))}
    return letters.Update(
        title=update.subject,
        status=statuspage.stage_label(update.stage, update.incident_status),
        body=update.body,
        body_html=str(markdown(update.body)),
        components=[
            (names[key], State(state).label)
            for key, state in update.states.items()
            if key in names and state in State
        ],
        next_at=update.next_update_at,
    )


def _work(window: MaintenanceWindow, what: str, components: Sequence[str]) -> letters.Work:
    return letters.Work(
        what=what,
        title=window.title,
        body=window.description,
        body_html=str(markdown(window.description)),
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        components=components,
    )
