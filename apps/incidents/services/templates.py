"""Prepared words: the template that fits, filled with what the incident knows."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from apps.core.errors import Invalid
from apps.core.text import one_line
from apps.incidents import templating
from apps.incidents.models import (
    Audience,
    CommsTemplate,
    Component,
    Incident,
    SeverityLevel,
    StatusUpdate,
)
from apps.incidents.models.comms import Stage
from apps.incidents.services.timeline import url_of
from apps.notifications import services as notifications
from apps.notifications.layout import duration, printable


def values(incident: Incident, *, next_update_at: datetime | None, now: datetime) -> dict[str, str]:
    """Every placeholder's value for an incident; empty where there is none yet.

    Times are in UTC: one message is read in many zones.
    """
    product = notifications.site().name
    began = incident.impact_started_at or incident.detected_at
    ended = incident.resolved_at or incident.mitigated_at
    level = SeverityLevel.objects.filter(key=incident.severity).first()
    alias = f" ({level.alias})" if level and level.alias else ""
    return {
        "product": product,
        "ref": incident.ref,
        "affected": _affected(incident, product),
        "started_at": _time(began),
        "ended_at": _time(ended),
        "duration": duration((ended or now) - began),
        "impact": incident.impact_summary.strip(),
        "mitigation": incident.mitigation_note.strip(),
        "next_update": _time(next_update_at),
        "status_page": notifications.absolute(f"/status/incidents/{incident.ref}/"),
        "title": incident.title,
        "severity": f"{incident.severity}{alias}",
        "state": incident.get_status_display().lower(),  # in a sentence
        "commander": incident.commander.name if incident.commander else "",
        "surface": incident.surface.key if incident.surface else "",
        "customers": str(incident.impacts.count()),
        "link": notifications.absolute(url_of(incident)),
    }


def _time(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%-d %b %Y, %H:%M} UTC" if at else ""


def _affected(incident: Incident, product: str) -> str:
    """The public names of what is hurt; without any, words that are true of any product."""
    surface = incident.surface
    hurt = Q(impacts__incident=incident, impacts__to_at=None)
    if surface is not None:
        hurt |= Q(surfaces__in=[pk for pk in (surface.pk, surface.parent_id) if pk])
    names = (
        Component.objects.filter(hurt, archived_at=None).distinct().values_list("name", flat=True)
    )
    found = list(names)
    if not found:
        return f"a part of {product}"
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"


def fitting(*, incident: Incident, audience: Audience, stage: str) -> CommsTemplate | None:
    """The template for this audience and stage: one for the incident's type before one for all."""
    rows = CommsTemplate.objects.filter(audience=audience, stage=stage, archived_at=None)
    mine = Q(type=None) | Q(type=incident.type_id) if incident.type_id else Q(type=None)
    return rows.filter(mine).order_by(F("type").asc(nulls_last=True), "pk").first()


def prepared(
    *,
    incident: Incident,
    audience: Audience,
    stage: str,
    now: datetime,
    template: CommsTemplate | None = None,
    next_update_at: datetime | None = None,
) -> tuple[str, str]:
    """Subject and body to begin a draft with; ("", "") where no template fits.

    What has no value yet stays a placeholder in it: it is filled when the message goes out, and
    without a value the message does not go.
    """
    chosen = template or fitting(incident=incident, audience=audience, stage=stage)
    if chosen is None:
        return "", ""
    known = values(incident, next_update_at=next_update_at, now=now)
    subject = templating.fill(chosen.subject, {k: one_line(v) for k, v in known.items()})
    return subject[: templating.MAX_SUBJECT], templating.fill(chosen.body, known)


def rendered(update: StatusUpdate, *, now: datetime) -> tuple[str, str]:
    """Subject and body of a draft as they would go out; raises Invalid, by field, for an unknown
    placeholder and for one without a value."""
    known = values(update.incident, next_update_at=update.next_update_at, now=now)
    outside = update.audience.side == Audience.Side.PUBLIC
    made = {}
    lines = {name: one_line(value) for name, value in known.items()}
    for field, text, source, limit in (
        ("subject", update.subject, lines, templating.MAX_SUBJECT),
        ("body", update.body, known, templating.MAX_BODY),
    ):
        try:
            made[field] = templating.render(text, source, outside=outside, limit=limit)
        except templating.TemplateError as error:
            raise refused(field, error) from error
    return made["subject"], made["body"]


def refused(field: str, error: templating.TemplateError) -> Invalid:
    """A template's error as doors show it."""
    return Invalid(error.message, code="placeholder", fields={field: [error.message]})


def check_words(subject: str, body: str, *, outside: bool, strict: bool) -> tuple[str, str]:
    """Subject and body as they are kept; raises Invalid by field for what cannot be kept.

    A subject is one line: a line break in it would start a header of its own in a mail.
    """
    subject = subject.strip()
    if not subject or not body.strip():
        missing = "subject" if not subject else "body"
        raise Invalid(f"Write a {missing}.", fields={missing: ["Write something."]})
    if any(unicodedata.category(one) in {"Cc", "Zl", "Zp"} for one in subject):
        text = "A subject is one line without control characters."
        raise Invalid(text, code="subject_line", fields={"subject": [text]})
    body = printable(body).strip()
    for field, value, limit in (
        ("subject", subject, templating.MAX_SUBJECT),
        ("body", body, templating.MAX_BODY),
    ):
        try:
            templating.check(value, outside=outside, limit=limit, strict=strict)
        except templating.TemplateError as error:
            raise refused(field, error) from error
    return one_line(subject), body


@transaction.atomic
def save_template(
    *, template: CommsTemplate | None, fields: Mapping[str, Any], now: datetime
) -> CommsTemplate:
    """Make or change a template. Raises Invalid by field for an unknown placeholder, an internal
    word in one for people outside, and a stage or audience that is not there."""
    row = template or CommsTemplate()
    for name in ("key", "name", "stage", "audience", "type", "subject", "body"):
        if name in fields:
            setattr(row, name, fields[name])
    if row.stage not in Stage.values:
        raise Invalid("There is no such stage.", fields={"stage": ["Unknown."]})
    outside = row.audience.side == Audience.Side.PUBLIC
    row.subject, row.body = check_words(row.subject, row.body, outside=outside, strict=True)
    row.full_clean()
    row.save()
    return row
