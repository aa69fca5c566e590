"""What customers say back: it comes to the commander, bundled so that forty of them ring once."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from apps.accounts.models import Person
from apps.core.audit import Actor
from apps.core.text import clip, one_line
from apps.incidents import update_notices as words
from apps.incidents.models import Incident, Mark, TimelineEntry
from apps.incidents.models.framework import Role
from apps.incidents.selectors import updates as facts
from apps.incidents.services import outreach
from apps.incidents.services.timeline import record
from apps.notifications import services as notifications

WHAT = "still_broken"
APART = timedelta(minutes=10)  # between two messages about it
MOST = 500  # characters of what a customer said
RECENT = timedelta(days=1)


@transaction.atomic
def still_broken(
    *, incident: Incident, ref: str, url: str, text: str, actor: Actor, now: datetime
) -> TimelineEntry:
    """A customer says that it is not over: the timeline has it, and the commander hears of it.

    `ref` and `url` name where it was said (a ticket, and the very word in it), `text` is what
    was said, empty where not everybody may read it. At most one message in ten minutes: what
    comes in between is in the next one. What stands at one `url` is noted once, however often it
    is brought.
    """
    rows = Incident.objects.select_for_update(of=("self",), no_key=True)
    incident = rows.select_related("commander", "surface").get(pk=incident.pk)
    known = incident.timeline.filter(what=WHAT, subject_ref=ref[:60], subject_url=url[:300]).first()
    if known is not None:
        return known
    said = clip(one_line(text), MOST)
    entry = record(
        incident=incident,
        what=WHAT,
        text=f"{ref}: still broken, says the customer." + (f" “{said}”" if said else ""),
        actor=actor,
        now=now,
        subject=("ticket", ref[:60], url[:300]),
    )
    tell_commander(incident=incident, now=now)
    return entry


def tell_commander(*, incident: Incident, now: datetime) -> bool:
    """One message about all that nobody was told of yet, unless the last was a moment ago.

    The caller holds the incident's lock.
    """
    last = _last(incident)
    if last is not None and now - last < APART:
        return False
    fresh = incident.timeline.filter(what=WHAT, recorded_at__gt=now - RECENT)
    if last is not None:
        fresh = fresh.filter(recorded_at__gt=last)
    entries = list(fresh.order_by("-at", "-pk")[:20])
    if not entries:
        return False
    slot = f"{WHAT}:{now.isoformat()}"
    Mark.objects.create(incident=incident, slot=slot, at=now, was_sent=True)
    outreach.customers_say(
        incident=incident,
        people=_listeners(incident),
        said=[_word(entry) for entry in entries],
        count=fresh.count(),
        dedupe=f"incident:{incident.pk}:{slot}",
        now=now,
    )
    return True


def _last(incident: Incident) -> datetime | None:
    marks = Mark.objects.filter(incident=incident, slot__startswith=f"{WHAT}:")
    return marks.order_by("-at").values_list("at", flat=True).first()


def _word(entry: TimelineEntry) -> words.Word:
    _, _, said = entry.text.partition("“")
    url = notifications.absolute(entry.subject_url) if entry.subject_url else ""
    return words.Word(ref=entry.subject_ref, url=url, text=said.rstrip("”"))


def _listeners(incident: Incident) -> list[tuple[Person, str]]:
    """The commander, and the support liaison who talks with these customers; else a manager."""
    found: dict[int, tuple[Person, str]] = {}
    leads = facts.commander(incident)
    if leads is not None:
        found[leads.pk] = (leads, "you command it")
    liaison = facts.holder(incident, Role.SUPPORT)
    if liaison is not None:
        found.setdefault(liaison.pk, (liaison, "you are support liaison"))
    if found:
        return list(found.values())
    managers = Person.objects.active().managers().order_by("pk")
    return [(one, "you are a manager and nobody commands it") for one in managers]
