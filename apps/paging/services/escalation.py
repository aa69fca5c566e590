"""The engine's step: take every escalation step that is due, once, and say who is next."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction

from apps.accounts.models import Person
from apps.core import audit, events
from apps.core.models import Kind
from apps.core.transitions import move
from apps.notifications import services as notifications
from apps.notifications import wording
from apps.ownership import selectors as ownership
from apps.paging import links, plan, targets
from apps.paging.events import PageExhausted, PageStepTaken
from apps.paging.models import Page, PageStep
from apps.paging.services.pages import topic, write_note
from apps.rotations import services as rotations

log = structlog.get_logger("opsportal.paging")
Status = Page.Status


def take_due_steps(*, now: datetime, limit: int = 50) -> int:
    """Take due steps page by page; answers how many pages moved.

    Each page in its own transaction: step row, messages and next due time are one commit, so a
    crash leaves all or nothing, and a page that fails does not hold up the others.
    """
    due = list(Page.objects.due(now).order_by("next_at", "pk").values_list("pk", flat=True)[:limit])
    moved = 0
    for pk in due:
        try:
            moved += _take(pk, now)
        except Exception:
            log.exception("step failed", page=pk)
    return moved


@transaction.atomic
def _take(pk: int, now: datetime) -> int:
    page = (
        Page.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("surface", "surface__team", "surface__team__lead")
        .filter(pk=pk)
        .due(now)
        .first()
    )
    if page is None:
        return 0
    # Steps that find nobody are passed at once, so at most one round of them happens here.
    for _ in range(len(page.policy_snapshot["steps"]) + 1):
        if _step(page, now) or page.status != Status.OPEN or (page.next_at or now) > now:
            break
    return 1


def _step(page: Page, now: datetime) -> bool:
    """Take the page's next step; whether somebody was told."""
    snapshot = page.policy_snapshot
    if page.step >= len(snapshot["steps"]):
        _exhaust(page, now)
        return True
    due_at, loop, step = page.next_at or now, page.loop, page.step
    meant, empty = targets.resolve(
        snapshot["steps"][step]["targets"], page.surface, snapshot["name"], now
    )
    meant = [one for one in meant if _may_reach(page, one.person)]
    following = plan.after(snapshot, loop=loop, step=step, taken_at=now)
    taken, fresh = PageStep.objects.get_or_create(
        page=page,
        round=page.round,
        loop=loop,
        step=step,
        defaults={"due_at": due_at, "taken_at": now},
    )
    if fresh:
        _tell(page, meant, step, following, now)
        _note(page, meant, empty, step, now)
        taken.people.set([one.person for one in meant])
        _record_gaps(page, empty, taken, now)
    _advance(page, following, found_somebody=bool(meant), now=now)
    return bool(meant)


def _may_reach(page: Page, person: Person) -> bool:
    """A page that is not real reaches nobody but its own list."""
    return page.kind == Kind.REAL or person.pk in page.recipients


def _advance(page: Page, following: plan.Position, *, found_somebody: bool, now: datetime) -> None:
    """Store what comes next. Nobody there: it comes at once, or at the next opening."""
    ends_loop = following.loop != page.loop or following.step >= _length(page)
    if not found_somebody and ends_loop and not _told_in_loop(page):
        _exhaust(page, now)  # no loop will find anybody: the managers need not wait for it
        return
    next_at = following.due_at
    if not found_somebody and following.loop == page.loop:
        next_at = plan.earliest(page.policy_snapshot, following.step, now)
    page.loop, page.step, page.next_at = following.loop, following.step, next_at
    page.save(update_fields=["loop", "step", "next_at"])


def _length(page: Page) -> int:
    return len(page.policy_snapshot["steps"])


def _told_in_loop(page: Page) -> bool:
    taken = PageStep.objects.filter(page=page, round=page.round, loop=page.loop)
    return taken.filter(people__isnull=False).exists()


def _exhaust(page: Page, now: datetime) -> None:
    """Every step is taken. Nothing is dropped: if nobody was ever told, managers are now."""
    ever = PageStep.objects.filter(page=page, round=page.round, people__isnull=False).exists()
    move(page, to=Status.EXHAUSTED, actor=audit.SYSTEM, now=now, next_at=None)
    write_note(
        page=page,
        what="exhausted",
        text="Every step was taken; nobody acknowledged.",
        actor=audit.SYSTEM,
        now=now,
    )
    if not ever and page.kind == Kind.REAL:
        managers = Person.objects.active().managers().order_by("name")
        meant = [targets.Meant(p, "fallback", page.policy_snapshot["name"]) for p in managers]
        _tell(page, meant, max(0, len(page.policy_snapshot["steps"]) - 1), None, now)
        _note(page, meant, [], len(page.policy_snapshot["steps"]), now)
    events.publish(PageExhausted(page_id=page.pk, at=now))


def _tell(
    page: Page,
    meant: list[targets.Meant],
    step: int,
    following: plan.Position | None,
    now: datetime,
) -> None:
    """Write to everybody whom a step means; without what follows, they are the last resort."""
    owner = ownership.owners(page.surface, at=now).primary
    last = following is None or following.step >= len(page.policy_snapshot["steps"])
    name = _names(page, following, now) if following and not last else ""
    url = notifications.absolute(page.opener_url or "/")
    for one in meant:
        ack = notifications.absolute(f"/ack/{links.make(page.pk, one.person.pk)}/")
        facts = wording.PageStep(
            topic=topic(page),
            urgency="high" if page.urgency == "high" else "low",
            why=wording.Why(role=one.reason, of=one.of, until=one.until),
            step=step + 1,
            steps=max(1, len(page.policy_snapshot["steps"])),
            started_at=page.opened_at,
            ack_url=ack,
            page_url=url,
            surface=page.surface.key if page.surface else "none yet (unrouted)",
            owner=owner.name if owner else ("nobody" if page.surface else ""),
            detail="\n".join(f"{link['text']}: {link['href']}" for link in page.links),
            next_name=name,
            next_at=following.due_at if following and not last else None,
        )
        where = "last" if following is None else f"l{page.loop}:s{step}"
        notifications.notify(
            person=one.person,
            what="page_step",
            write=wording.page_step,
            facts=facts,
            urgency=page.urgency,
            subject=("page", str(page.pk)),
            dedupe=f"page:{page.pk}:r{page.round}:{where}",
            thread_key=page.thread_key,
            kind=page.kind,
            link=ack,
            now=now,
        )


def _names(page: Page, position: plan.Position, now: datetime) -> str:
    """Who a coming step would tell, as it looks now."""
    meant, _ = targets.resolve(
        page.policy_snapshot["steps"][position.step]["targets"],
        page.surface,
        page.policy_snapshot["name"],
        position.due_at,
    )
    names = [one.person.name for one in meant if _may_reach(page, one.person)]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def next_told(page: Page, *, now: datetime) -> tuple[str, datetime] | None:
    """Who is told next and when, for a page that waits; None when nobody is."""
    if page.status != Status.OPEN or page.next_at is None:
        return None
    if page.step >= len(page.policy_snapshot["steps"]):
        return None
    position = plan.Position(page.loop, page.step, max(page.next_at, now))
    return _names(page, position, now) or "nobody yet", page.next_at


def _note(
    page: Page,
    meant: list[targets.Meant],
    empty: list[targets.Nobody],
    step: int,
    now: datetime,
) -> None:
    total = len(page.policy_snapshot["steps"])
    count = f"({min(step + 1, total)} of {total})"
    if meant:
        text = f"Told {', '.join(one.person.name for one in meant)} {count}."
    else:
        reason = "; ".join(nobody.what for nobody in empty) or "nobody may be told"
        text = f"Step {count} found nobody: {reason}. The next step follows at once."
    write_note(page=page, what="told" if meant else "gap", text=text, actor=audit.SYSTEM, now=now)
    events.publish(PageStepTaken(page_id=page.pk, text=text, at=now))


def _record_gaps(page: Page, empty: list[targets.Nobody], taken: PageStep, now: datetime) -> None:
    """A schedule without anybody on call is a fact that managers hear of."""
    if page.kind != Kind.REAL:
        return
    for nobody in empty:
        if nobody.schedule is None:
            continue
        gap = rotations.record_gap(
            schedule=nobody.schedule,
            surface=page.surface,
            at=now,
            what=nobody.what,
            source=("page_step", f"{taken.pk}:{nobody.schedule.pk}"),
        )
        facts = wording.CoverageGap(
            schedule=nobody.schedule.name,
            start=now,
            page=page.summary,
            surfaces=[page.surface.key] if page.surface else [],
            url=notifications.absolute("/oncall/"),
        )
        for manager in Person.objects.active().managers():
            notifications.notify(
                person=manager,
                what="coverage_gap",
                write=wording.coverage_gap,
                facts=facts,
                urgency="low",
                subject=("gap", str(gap.pk)),
                dedupe=f"gap:{gap.pk}",
                now=now,
            )


@transaction.atomic
def hurry(*, page_id: int, person_id: int | None, now: datetime) -> None:
    """A person could not be reached by any method: do not wait, take the next step now.

    Only when nobody else of the last step is left to answer.
    """
    page = Page.objects.select_for_update().filter(pk=page_id, status=Status.OPEN).first()
    if page is None:
        return
    person = Person.objects.get_queryset().filter(pk=person_id or 0).first()
    name = person.name if person else "Somebody"
    write_note(
        page=page,
        what="unreachable",
        actor=audit.SYSTEM,
        now=now,
        text=f"{name} could not be reached by any method. The next step follows at once.",
    )
    last = page.steps_taken.order_by("round", "loop", "step").last()
    others = last.people.exclude(pk=person_id or 0).exists() if last else False
    if not others and (page.loop == 0 or page.step > 0):  # a new loop waits: no storm
        page.next_at = now
        page.save(update_fields=["next_at"])
