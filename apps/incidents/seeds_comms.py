"""Whom a new site tells of incidents, and in which prepared words.

Nothing that somebody changed is written again; what was archived stays archived. The words fit any
product: its name comes from the site settings. They name no cause before it is known, promise the
next message each time, and the last one says what became of data: whoever sends it must write
that part themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from apps.incidents.models import Audience, CommsTemplate, SeverityLevel
from apps.incidents.models.comms import Stage

INSIDE, OUTSIDE = Audience.Side.INTERNAL, Audience.Side.PUBLIC


@dataclass(frozen=True, kw_only=True)
class Seed:
    """An audience as it ships; `levels` are the severities whose framework names it."""

    key: str
    name: str
    description: str
    side: str
    levels: tuple[str, ...]
    on_status_page: bool = False
    to_subscribers: bool = False
    to_tickets: bool = False
    to_participants: bool = False


AUDIENCES = (
    Seed(
        key="public",
        name="Everybody outside",
        description="The status page, its subscribers, and every ticket of the incident.",
        side=OUTSIDE,
        levels=("SEV1", "SEV2"),
        on_status_page=True,
        to_subscribers=True,
        to_tickets=True,
    ),
    Seed(
        key="customers",
        name="Customers with a ticket",
        description="Only those who reported it, in their tickets; nothing on the status page.",
        side=OUTSIDE,
        levels=("SEV1", "SEV2"),
        to_tickets=True,
    ),
    Seed(
        key="internal",
        name="People on it",
        description="Everybody who takes part in the incident. Add teams that should follow.",
        side=INSIDE,
        levels=("SEV1", "SEV2", "SEV3", "SEV4"),
        to_participants=True,
    ),
    Seed(
        key="support",
        name="Support",
        description="Those who answer customers: what to say. Add their team.",
        side=INSIDE,
        levels=("SEV1", "SEV2", "SEV3"),
    ),
    Seed(
        key="exec",
        name="Management",
        description="Those who answer for the product: effect, not detail. Add the people.",
        side=INSIDE,
        levels=("SEV1",),
    ),
)


@dataclass(frozen=True)
class Words:
    """A template as it ships; its key is audience-stage."""

    audience: str
    stage: str
    name: str
    subject: str
    body: str


NEXT = "We write again by {{ next_update }}, also if nothing is new by then."

TEMPLATES = (
    Words(
        "public", Stage.INITIAL, "Outside: first message",
        "Problems with {{ affected }}",
        "Since {{ started_at }} something is wrong with {{ affected }}. We know about it and are "
        "working on it.\n\n"
        "How far it reaches we do not know yet.\n\n" + NEXT,
    ),
    Words(
        "public", Stage.SCOPE, "Outside: what is affected",
        "Problems with {{ affected }}: what we know",
        "**What you may see:** {{ seen }}\n\n"
        "**Since when:** {{ started_at }}\n\n"
        "**What we do:** {{ progress }}\n\n" + NEXT,
    ),
    Words(
        "public", Stage.UPDATE, "Outside: update",
        "Problems with {{ affected }}: where we are",
        "{{ progress }}\n\n" + NEXT,
    ),
    Words(
        "public", Stage.LONG, "Outside: it takes longer",
        "Problems with {{ affected }} go on",
        "The problems with {{ affected }} have gone on for {{ duration }}. It takes longer than we "
        "hoped.\n\n"
        "**What you may see:** {{ seen }}\n\n"
        "**Where we are:** {{ progress }}\n\n"
        "From now on we write less often, and at once when something changes. " + NEXT,
    ),
    Words(
        "public", Stage.RESOLVED, "Outside: it is over",
        "Solved: {{ affected }}",
        "Since {{ ended_at }} there are no more problems with {{ affected }}.\n\n"
        "**What happened:** {{ impact }}\n\n"
        "**What we did:** {{ mitigation }}\n\n"
        "**Your data:** {{ data_effect }}\n\n"
        "It began on {{ started_at }} and lasted {{ duration }}. If you still see it, tell us.",
    ),
    Words(
        "public", Stage.POSTMORTEM, "Outside: what we learned",
        "What we learned from {{ ref }}",
        "On {{ started_at }} problems began with {{ affected }}; they lasted {{ duration }}.\n\n"
        "**What it meant for you:** {{ impact }}\n\n"
        "**Why it happened and what we change:** {{ progress }}\n\n"
        "**Your data:** {{ data_effect }}",
    ),
    Words(
        "public", Stage.MAINTENANCE, "Outside: planned work",
        "Planned work on {{ affected }}",
        "We work on {{ affected }}.\n\n"
        "**When, and what you may see:** {{ seen }}\n\n"
        "You need to do nothing. If it takes longer, we say so on {{ status_page }}.",
    ),
    Words(
        "customers", Stage.INITIAL, "Tickets: first message",
        "We are on it: {{ affected }}",
        "Thank you for telling us. What you see is a fault on our side: since {{ started_at }} "
        "something is wrong with {{ affected }}. It is being worked on as {{ ref }}.\n\n"
        "You need to do nothing more. " + NEXT,
    ),
    Words(
        "customers", Stage.UPDATE, "Tickets: update",
        "News about {{ affected }}",
        "{{ progress }}\n\n" + NEXT,
    ),
    Words(
        "customers", Stage.RESOLVED, "Tickets: it is over",
        "Solved: {{ affected }}",
        "What you reported is repaired: since {{ ended_at }} there are no more problems with "
        "{{ affected }}.\n\n"
        "**What we did:** {{ mitigation }}\n\n"
        "**Your data:** {{ data_effect }}",
    ),
    Words(
        "internal", Stage.INITIAL, "Inside: first message",
        "{{ severity }} declared: {{ title }}",
        "**{{ title }}**, on {{ surface }}, since {{ started_at }}.\n\n"
        "{{ commander }} leads it. It is {{ state }}; what it reaches is not known yet.\n\n"
        "Whoever changed something there lately, say so in the timeline: {{ link }}\n\n"
        "Next message by {{ next_update }}.",
    ),
    Words(
        "internal", Stage.UPDATE, "Inside: update",
        "{{ ref }} {{ state }}: {{ title }}",
        "**New:** {{ progress }}\n\n"
        "It is {{ severity }} and {{ state }}; customers known to be hurt: {{ customers }}.\n\n"
        "Next message by {{ next_update }}.",
    ),
    Words(
        "internal", Stage.RESOLVED, "Inside: it is over",
        "{{ ref }} is over: {{ title }}",
        "It lasted {{ duration }}.\n\n"
        "**Effect:** {{ impact }}\n\n"
        "**What ended it:** {{ mitigation }}\n\n"
        "**Data:** {{ data_effect }}\n\n"
        "What is left to do stands on {{ link }}",
    ),
    Words(
        "support", Stage.INITIAL, "Support: what to say",
        "{{ ref }}: what to tell customers about {{ affected }}",
        "Something is wrong with {{ affected }} since {{ started_at }} ({{ severity }}).\n\n"
        "**Say:** “This is a fault on our side, we are working on it, and we write to you as soon "
        "as there is news.”\n\n"
        "**Do not say yet:** why it happened, or when it will be over.\n\n"
        "Link each ticket about it to {{ ref }}: they are all answered by the next update. "
        "Customers who say that it is still broken come to {{ commander }} by themselves.\n\n"
        "Next message by {{ next_update }}.",
    ),
    Words(
        "support", Stage.UPDATE, "Support: update",
        "{{ ref }}: news about {{ affected }}",
        "**New:** {{ progress }}\n\n"
        "Linked tickets were answered if an update went outside. Next message by "
        "{{ next_update }}.",
    ),
    Words(
        "support", Stage.RESOLVED, "Support: it is over",
        "{{ ref }}: no more problems with {{ affected }}",
        "**What happened:** {{ impact }}\n\n"
        "**What was done:** {{ mitigation }}\n\n"
        "**Data:** {{ data_effect }}\n\n"
        "Linked tickets have the last update. Resolve those whose customer agrees; who still sees "
        "it opens the incident again.",
    ),
    Words(
        "exec", Stage.INITIAL, "Management: first message",
        "{{ severity }}: {{ affected }}",
        "Customers of {{ product }} are hurt since {{ started_at }}: {{ title }}.\n\n"
        "{{ commander }} leads the work. Customers known to be hurt: {{ customers }}.\n\n"
        "Next message by {{ next_update }}. Please ask {{ commander }} and nobody who works on it.",
    ),
    Words(
        "exec", Stage.UPDATE, "Management: update",
        "{{ ref }} is {{ state }}: {{ affected }}",
        "{{ progress }}\n\nCustomers known to be hurt: {{ customers }}. Next message by "
        "{{ next_update }}.",
    ),
    Words(
        "exec", Stage.RESOLVED, "Management: it is over",
        "{{ ref }} is over: {{ affected }}",
        "It lasted {{ duration }}.\n\n**Effect:** {{ impact }}\n\n**Data:** {{ data_effect }}\n\n"
        "The review says why, and what we change.",
    ),
)  # fmt: skip


@transaction.atomic
def ensure_comms() -> None:
    """Audiences and templates that are not there yet; an audience joins its severity levels when
    it is made, where they are there already."""
    for place, seed in enumerate(AUDIENCES):
        row, fresh = Audience.objects.get_or_create(
            key=seed.key,
            defaults={
                "name": seed.name,
                "description": seed.description,
                "side": seed.side,
                "on_status_page": seed.on_status_page,
                "to_subscribers": seed.to_subscribers,
                "to_tickets": seed.to_tickets,
                "to_participants": seed.to_participants,
                "position": place,
            },
        )
        if fresh:
            for level in SeverityLevel.objects.filter(key__in=seed.levels):
                level.audiences.add(row)
    rows = {row.key: row for row in Audience.objects.all()}
    for words in TEMPLATES:
        CommsTemplate.objects.get_or_create(
            key=f"{words.audience}-{words.stage}",
            defaults={
                "name": words.name,
                "stage": words.stage,
                "audience": rows[words.audience],
                "subject": words.subject,
                "body": words.body,
            },
        )
