"""What people do in the stories of incidents beside moving them: roles, updates, tasks, reviews."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from apps.core import audit
from apps.core.audit import Actor
from apps.customers.models import Account
from apps.followups import services as followups
from apps.followups.models import Factor, FollowUp
from apps.incidents import services as incidents
from apps.incidents.models import Audience, IncidentType, StatusUpdate
from apps.incidents.services import impacts, review_steps, review_text, reviews, tasks, updates
from opsportal.demo.stage import Stage


def by(stage: Stage, who: str) -> Actor:
    return audit.person(stage.cast[who])


def role(stage: Stage, title: str, name: str, who: str, *, set_by: str, note: str = "") -> None:
    """Somebody takes a role; `note` is what whoever had it hands over."""
    incidents.assign(
        incident=stage.incident(title),
        role=name,
        person=stage.cast[who],
        handover_note=note,
        actor=by(stage, set_by),
        now=stage.now,
    )


def call_it(stage: Stage, title: str, kind: str) -> None:
    """What kind of incident it is."""
    incident = stage.incident(title)
    incident.type = IncidentType.objects.get(key=kind)
    incident.save(update_fields=["type"])


def began(stage: Stage, title: str, who: str, minutes: int, how: str) -> None:
    """The impact began that long before anybody noticed; `how` it is known."""
    incident = stage.incident(title)
    incidents.set_milestones(
        incident=incident,
        impact_started_at=incident.detected_at - timedelta(minutes=minutes),
        reason=how,
        actor=by(stage, who),
        now=stage.now,
    )


def tell(
    stage: Stage,
    title: str,
    who: str,
    audience: str,
    subject: str,
    body: str,
    *,
    step: str = "update",
    states: Mapping[str, str] | None = None,
    next_in: int = 0,
) -> None:
    """Publish an update, with the commander's yes where one is asked for; `next_in` minutes are
    promised until the next one."""
    draft = updates.draft(
        incident=stage.incident(title),
        audience=Audience.objects.get(key=audience),
        stage=step,
        subject=subject,
        body=body,
        states=states or {},
        next_update_at=stage.now + timedelta(minutes=next_in) if next_in else None,
        actor=by(stage, who),
        now=stage.now,
    )
    sent = updates.publish(
        update=draft, person=stage.cast[who], actor=by(stage, who), now=stage.now
    )
    if sent.status == StatusUpdate.Status.PENDING:
        yes = stage.incident(title).commander
        assert yes is not None
        updates.publish(update=sent, person=yes, actor=audit.person(yes), now=stage.now)
    stage.run()


def hurt(stage: Stage, title: str, who: str, *accounts: str, note: str = "") -> None:
    """Customers who suffer, by the beginning of their names."""
    incident = stage.incident(title)
    for name in accounts:
        impacts.add(
            incident=incident,
            account=Account.objects.get(name__startswith=name),
            from_at=incident.detected_at,
            note=note,
            actor=by(stage, who),
            now=stage.now,
        )


def finish_tasks(stage: Stage, title: str, who: str, *, leave: int = 0) -> None:
    """What the book asks for is done, but for the last `leave`."""
    rows = list(stage.incident(title).tasks.filter(status="open").order_by("position", "pk"))
    for row in rows[: len(rows) - leave]:
        tasks.finish(task=row, actor=by(stage, who), now=stage.now)


@dataclass(frozen=True)
class Promise:
    """A follow-up of a review: `days` until it is due, counted from the review."""

    title: str
    acceptance: str
    aim: str
    priority: str
    owner: str
    factor: str = ""
    days: int = 14


def learn(
    stage: Stage,
    title: str,
    who: str,
    sections: Mapping[str, str],
    factors: Mapping[str, str],
    promises: tuple[Promise, ...] = (),
) -> None:
    """Write the review of an incident that is over, with what is promised in it."""
    incident, actor = stage.incident(title), by(stage, who)
    review = reviews.open_review(
        incident=incident, author=stage.cast[who], actor=actor, now=stage.now
    )
    for section, text in sections.items():
        review.refresh_from_db()
        review_text.save_section(
            review=review, section=section, text=text, actor=actor, now=stage.now,
            version=review.version,
        )  # fmt: skip
    for key, note in factors.items():
        factor = Factor.objects.get(key=key)
        review_text.add_factor(review=review, factor=factor, note=note, actor=actor, now=stage.now)
    for one in promises:
        review_text.open_follow_up(
            review=review,
            title=one.title,
            acceptance=one.acceptance,
            aim=one.aim,
            priority=one.priority,
            owner=stage.cast[one.owner],
            due_on=stage.now.date() + timedelta(days=one.days),
            factor=Factor.objects.filter(key=one.factor).first(),
            actor=actor,
            now=stage.now,
        )


def publish_review(stage: Stage, title: str, approver: str) -> None:
    """Somebody else reads it, says yes, and it is published."""
    review = stage.incident(title).review
    author = review.author
    assert author is not None
    review_steps.submit(review=review, actor=audit.person(author), now=stage.now)
    yes = stage.cast[approver]
    review.refresh_from_db()
    review_steps.approve(review=review, person=yes, actor=audit.person(yes), now=stage.now)
    review.refresh_from_db()
    review_steps.publish(review=review, actor=audit.person(yes), now=stage.now)


def promise(stage: Stage, title: str) -> FollowUp:
    """The latest follow-up whose title begins with this."""
    found = FollowUp.objects.filter(title__startswith=title).order_by("-pk").first()
    assert found is not None, f"no follow-up begins with {title!r}"
    return found


def keep(stage: Stage, title: str, who: str, *, note: str, url: str = "", run: str = "") -> None:
    """Somebody did what was promised, and says what shows it."""
    row, actor = promise(stage, title), by(stage, who)
    followups.mark_done(
        follow_up=row, person=stage.cast[who], note=note, actor=actor, now=stage.now
    )
    followups.add_evidence(
        follow_up=row,
        type="execution" if run else "url",
        ref=run,
        url=url,
        note=note,
        actor=actor,
        now=stage.now,
    )


def check(stage: Stage, title: str, who: str, note: str) -> None:
    """Somebody else looked at the evidence: it holds."""
    row = promise(stage, title)
    followups.verify(
        follow_up=row, person=stage.cast[who], note=note, actor=by(stage, who), now=stage.now
    )
