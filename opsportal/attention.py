"""What needs a manager's attention, each with the page that mends it.

A dozen queries whatever the number of surfaces, people and schedules; nothing counts a whole table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Model, Q
from django.urls import reverse
from django.utils.http import urlencode

from apps.accounts.models import ApiKey, Person
from apps.accounts.roles import Role as PersonRole
from apps.alerts.models import Alert
from apps.core.admin_base import local_time
from apps.core.admin_base.lists import edit_url
from apps.intake.models import Delivery
from apps.notifications import services as notifications
from apps.notifications.models import Message
from apps.notifications.selectors import reach_of
from apps.ownership.models import Surface
from apps.ownership.selectors import owners_of
from apps.rotations.coverage import explained_gaps
from apps.rotations.models import LayerMember, Role, Schedule, Shift, SurfaceSchedule
from apps.rotations.selectors import gaps_of
from apps.support.models import InboundMail, Mailbox, RequestType, SlaPolicy
from opsportal import health

SHOWN = 5  # rows of each concern; the rest is behind its link
MOST = 1000  # rows that are counted
LOOK_AHEAD = timedelta(days=7)
GAPS_AHEAD = timedelta(days=30)
KEYS_AHEAD = timedelta(days=14)


@dataclass(frozen=True)
class Row:
    """One thing to mend: its words, where it is mended, and what the link says."""

    text: str
    url: str
    verb: str


@dataclass(frozen=True)
class Concern:
    """A kind of trouble: what it is, why it matters, how many, the first few of them."""

    title: str
    why: str
    tone: str
    count: int
    rows: list[Row] = field(default_factory=list)
    all_url: str = ""

    @property
    def more(self) -> int:
        return max(0, self.count - len(self.rows))


def concerns(*, now: datetime) -> list[Concern]:
    """Everything that stands, the worst first; what is in order is left out."""
    found = [
        *_system(now),
        _quarantined(),
        _unrouted(),
        *_surfaces(now),
        _gaps(now),
        _gone(now),
        _hard_to_wake(now),
        _keys(now),
        _people(),
        *_support(),
    ]
    order = {"danger": 0, "warning": 1, "info": 2}
    return sorted((one for one in found if one.count), key=lambda one: order[one.tone])


def _list_url(model: type[Model], **filters: str) -> str:
    meta = model._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    return f"{url}?{urlencode(filters)}" if filters else url


def _rows(objects: Iterable[Model], verb: str) -> list[Row]:
    return [Row(str(one), edit_url(one), verb) for one in list(objects)[:SHOWN]]


def _system(now: datetime) -> list[Concern]:
    state = health.look(now=now)
    beats = reverse("admin:core_heartbeat_changelist")
    late = [
        Row(f"The {name} was last seen {local_time(now - age) if age else 'never'}", beats, "Look")
        for name, is_late, age in (
            ("engine, which pages people,", state.engine_late, state.engine_age),
            ("cluster, which does handoffs,", state.cluster_late, state.cluster_age),
        )
        if is_late
    ]
    failed = Message.Status.FAILED
    site = notifications.site()
    no_mail = [] if site.smtp_host else [Row("No mail server is set", reverse("site"), "Set it")]
    return [
        Concern("The worker is late", "Nobody is paged while the engine stands.", "danger",
                len(late), late),
        Concern("Mail cannot leave", "Pages by e-mail and invitations wait in the outbox.",
                "danger", len(no_mail), no_mail),
        Concern("Messages failed since yesterday", "Somebody was not told.", "danger",
                state.failed_messages, all_url=_list_url(Message, status__exact=failed)),
    ]  # fmt: skip


def _quarantined() -> Concern:
    waiting = Delivery.objects.filter(status=Delivery.Status.QUARANTINED).defer("body", "headers")
    rows = [
        Row(f"{one}: {one.error[:100]}", edit_url(one), "Look and replay")
        for one in waiting.order_by("-received_at")[:SHOWN]
    ]
    return Concern(
        "Deliveries in quarantine", "They could not be read; an alert may be among them.",
        "danger", len(waiting.values_list("pk")[:MOST]), rows,
        _list_url(Delivery, status=Delivery.Status.QUARANTINED),
    )  # fmt: skip


def _unrouted() -> Concern:
    alerts = Alert.objects.unrouted().real().order_by("-last_seen_at")
    rows = [
        Row(one.summary[:120], reverse("alert", args=[one.pk]), "Route")
        for one in alerts.defer("details", "links")[:SHOWN]
    ]
    return Concern(
        "Alerts without a surface", "The fallback is paged for them, not the owner.", "warning",
        len(alerts.values_list("pk")[:MOST]), rows, f"{reverse('alerts')}?state=unrouted",
    )  # fmt: skip


def _surfaces(now: datetime) -> list[Concern]:
    live = (Surface.Lifecycle.LIVE, Surface.Lifecycle.PREVIEW, Surface.Lifecycle.DEPRECATED)
    surfaces = list(Surface.objects.current().filter(lifecycle__in=live).order_by("tier", "key"))
    owners = owners_of(surfaces, at=now)
    covered = set(
        SurfaceSchedule.objects.filter(schedule__archived_at=None)
        .values_list("surface_id", flat=True)
    )  # fmt: skip
    no_primary = [one for one in surfaces if owners[one.pk].primary is None]
    no_backup = [one for one in surfaces if owners[one.pk].backup is None]
    bare = [one for one in surfaces if not {one.pk, one.parent_id} & covered]
    return [
        Concern("Surfaces without a primary", "Nobody answers for them.", "danger",
                len(no_primary), _rows(no_primary, "Name one"),
                _list_url(Surface, owners="no_primary")),
        Concern("Surfaces without a schedule", "Nobody is on call: pages go to the owners.",
                "warning", len(bare), _rows(bare, "Cover"), _list_url(Surface, cover="none")),
        Concern("Surfaces without a backup", "When the primary is away, nobody is next.",
                "warning", len(no_backup), _rows(no_backup, "Name one"),
                _list_url(Surface, owners="no_backup")),
    ]  # fmt: skip


def _gaps(now: datetime) -> Concern:
    schedules = list(Schedule.objects.current())
    end = now + GAPS_AHEAD
    bare = gaps_of(schedules, now, end)
    found = [
        (gap.start, schedule, gap)
        for schedule in schedules
        if bare[schedule.pk]
        for gap in explained_gaps(schedule, now, end)
        if gap.cause != "outside_windows"
    ]
    found.sort(key=lambda one: one[0])
    rows = [
        Row(
            f"{schedule.name}: nobody from {_wall(gap.start, schedule)} "
            f"to {_wall(gap.end, schedule)}",
            edit_url(schedule),
            "Fill",
        )
        for _, schedule, gap in found[:SHOWN]
    ]
    return Concern(
        "Gaps in the next 30 days",
        "Nobody is on call then. Hours outside a schedule's own windows are left out.",
        "warning", len(found), rows, _list_url(Schedule),
    )  # fmt: skip


def _gone(now: datetime) -> Concern:
    """Deactivated people who keep a place in a turn: in their hours nobody is on call."""
    members = (
        LayerMember.objects.filter(person__is_active=False, version__layer__archived_at=None)
        .filter(Q(version__effective_to=None) | Q(version__effective_to__gt=now))
        .filter(version__layer__schedule__archived_at=None)
        .select_related("person", "version__layer__schedule")
        .order_by("version__layer__schedule__name", "person__name")
    )
    first: dict[tuple[int, int], LayerMember] = {}
    for member in members:
        first.setdefault((member.version.layer.schedule_id, member.person_id or 0), member)
    rows = [
        Row(
            f"{one.person} in {one.version.layer.schedule}",
            edit_url(one.version.layer.schedule),
            "Take out",
        )
        for one in list(first.values())[:SHOWN]
    ]
    return Concern(
        "Deactivated people who are still in a turn", "Nobody is woken in their hours.", "danger",
        len(first), rows, _list_url(Schedule),
    )  # fmt: skip


def _wall(instant: datetime, schedule: Schedule) -> str:
    return f"{instant.astimezone(ZoneInfo(schedule.time_zone)):%a %-d %b, %H:%M}"


def _hard_to_wake(now: datetime) -> Concern:
    shifts = (
        Shift.objects.overlapping(now, now + LOOK_AHEAD)
        .filter(schedule__archived_at=None)
        .exclude(role=Role.SHADOW)
        .select_related("person", "schedule")
        .order_by("start_at")
    )
    first: dict[int, Shift] = {}
    for shift in shifts:
        first.setdefault(shift.person_id, shift)
    reach = reach_of([shift.person for shift in first.values()])
    hard = [shift for pk, shift in first.items() if reach[pk].route == "email"]
    rows = [
        Row(f"{one.person} (on call in {one.schedule})", edit_url(one.person), "Ask them")
        for one in hard[:SHOWN]
    ]
    return Concern(
        "On call this week with e-mail only",
        "E-mail wakes nobody. They add a phone on their profile; only they can.",
        "warning", len(hard), rows, _list_url(Person),
    )  # fmt: skip


def _keys(now: datetime) -> Concern:
    ending = ApiKey.objects.usable(now).filter(expires_at__lt=now + KEYS_AHEAD)
    ending = ending.filter(rotated_to=None).order_by("expires_at")
    rows = [
        Row(f"{one.name} until {local_time(one.expires_at)}", edit_url(one), "Rotate")
        for one in ending[:SHOWN]
    ]
    return Concern(
        "Keys that expire in two weeks", "Their tools stop then.", "warning", len(ending), rows,
        _list_url(ApiKey, state="usable"),
    )  # fmt: skip


def _people() -> Concern:
    bare = list(Person.objects.active().filter(roles=[])[:MOST])
    return Concern(
        "People without a role", "They can sign in and see nothing.", "info", len(bare),
        _rows(bare, "Give one"), _list_url(Person),
    )  # fmt: skip


def _support() -> list[Concern]:
    """What keeps tickets from coming in, from being promised anything, from finding their owner.

    A site that has no request type does no support, and is left alone.
    """
    types = list(RequestType.objects.filter(archived_at=None).order_by("position")[:MOST])
    if not types:
        return []
    failing = list(
        Mailbox.objects.filter(is_active=True, archived_at=None, failing_since__isnull=False)
        .order_by("address")[:MOST]
    )  # fmt: skip
    lost = InboundMail.objects.filter(status=InboundMail.Status.FAILED).defer("raw")
    lost_rows = list(lost.order_by("-taken_at")[:SHOWN])
    policies = reverse("admin:support_slapolicy_changelist")
    default = SlaPolicy.objects.filter(is_default=True, is_active=True)
    bare = [] if default.exists() else [Row("No policy is the default", policies, "Add it")]
    answering = [PersonRole.SUPPORT_AGENT, PersonRole.RESPONDER, PersonRole.MAINTAINER]
    agents = Person.objects.active().filter(roles__overlap=answering)
    nobody = [] if agents.exists() else [Row("Nobody has such a role", _list_url(Person), "Give")]
    unowned = [one for one in types if one.surface_id is None and one.owner_id is None]
    return [
        Concern("Mailboxes that cannot be read", "Customers write, and nobody hears of it.",
                "danger", len(failing),
                [Row(f"{one}: {one.last_error[:100]}", edit_url(one), "Mend")
                 for one in failing[:SHOWN]]),
        Concern("Mails that could not be placed", "A customer waits for an answer to them.",
                "danger", len(lost.values_list("pk")[:MOST]) if lost_rows else 0,
                [Row(f"{one.sender}: {one.subject[:80]}", edit_url(one), "Look")
                 for one in lost_rows],
                _list_url(InboundMail, status=InboundMail.Status.FAILED)),
        Concern("No default SLA policy", "Tickets that no policy takes are promised nothing.",
                "warning", len(bare), bare),
        Concern("Nobody to answer tickets", "Only managers may, until somebody has a role for it.",
                "warning", len(nobody), nobody),
        Concern("Request types without a surface",
                "Such a ticket finds no owner unless it names a surface itself.", "info",
                len(unowned), _rows(unowned, "Name one"), _list_url(RequestType)),
    ]  # fmt: skip
