"""What is told of drawn lives: the notes, timelines, links and status histories."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import models

from apps.alerts.models import Alert, AlertNote
from apps.core import audit
from apps.core.audit import Actor
from apps.core.models import StatusChange
from apps.incidents.models import Incident, IncidentLink, TimelineEntry
from apps.intake.models import Integration
from apps.paging.models import Page, PageNote
from opsportal.demo.bulk import Life, Told


class Tales:
    """Collects the rows of many lives; `rows` gives them by table."""

    def __init__(self, integration: Integration) -> None:
        self.source = audit.system(integration.name)
        self.alert_notes: list[AlertNote] = []
        self.page_notes: list[PageNote] = []
        self.timeline: list[TimelineEntry] = []
        self.links: list[IncidentLink] = []
        self.history: list[StatusChange] = []

    def rows(self) -> tuple[Sequence[models.Model], ...]:
        return self.alert_notes, self.page_notes, self.timeline, self.links, self.history

    def tell(
        self, life: Life, alerts: Sequence[Alert], page: Page | None, incident: Incident | None
    ) -> None:
        for alert in alerts:
            self._alert(life, alert)
        if page:
            self._page(life, alerts, page)
        if incident and page:
            self._incident(life, alerts, page, incident)

    # -- alerts and pages

    def _alert(self, life: Life, alert: Alert) -> None:
        def note(at: datetime, what: str, text: str, by: Actor) -> None:
            row = AlertNote(alert=alert, at=at, what=what, text=text, **by.columns())
            self.alert_notes.append(row)

        seen, was = alert.first_seen_at, "firing"
        note(seen, "triggered", alert.summary, self.source)
        note(seen, "routed", f"Routed to {life.surface.key} ({alert.routed_by}).", self.source)
        if alert.acknowledged_at and life.taken_by:
            by = audit.person(life.taken_by)
            note(alert.acknowledged_at, "acknowledged", f"Acknowledged by {by.label}.", by)
            was = self._moved(alert, was, "acknowledged", alert.acknowledged_at, by)
        text = f"Resolved by {self.source.label}. Source says so."
        note(life.end, "resolved", text, self.source)
        self._moved(alert, was, "resolved", life.end, self.source)

    def _page(self, life: Life, alerts: Sequence[Alert], page: Page) -> None:
        def note(at: datetime, what: str, text: str, by: Actor) -> None:
            row = PageNote(page=page, at=at, what=what, text=text, **by.columns())
            self.page_notes.append(row)

        was = "open"
        note(life.start, "opened", f"Opened: {life.summary}", self.source)
        for told in life.told:
            note(told.at, "told", _told(told), audit.SYSTEM)
        for alert in alerts[1:]:
            text = f"Joined: {alert.get_severity_display()}: {alert.summary}"
            note(alert.first_seen_at, "joined", text, self.source)
        if life.taken_at and life.taken_by:
            by = audit.person(life.taken_by)
            note(life.taken_at, "acknowledged", f"Acknowledged by {by.label}.", by)
            was = self._moved(page, was, "acknowledged", life.taken_at, by)
        note(life.end, "resolved", f"Resolved by {self.source.label}.", self.source)
        self._moved(page, was, "resolved", life.end, self.source)

    # -- incidents

    def _incident(
        self, life: Life, alerts: Sequence[Alert], page: Page, incident: Incident
    ) -> None:
        assert life.taken_at is not None and life.taken_by is not None
        by = audit.person(life.taken_by)
        opened = f"{incident.severity} opened in triage: {life.summary}"
        self._say(incident, life.start, "opened", opened, self.source)
        for told in life.told:
            self._say(incident, told.at, "paged", _told(told), audit.SYSTEM)
        for alert in alerts:
            if alert is not alerts[0]:
                text = f"Alert joined: {alert.summary}"
                self._say(incident, alert.first_seen_at, "alert", text, self.source)
            self._link(incident, "alert", str(alert.pk), f"/alerts/{alert.pk}/", alert.summary)
        self._link(incident, "page", str(page.pk), "", "")
        text = f"{by.label} acknowledged the page."
        self._say(incident, life.taken_at, "acknowledged", text, by)
        if life.incident == "declined":
            said = "declined it: not an incident"
            self._went_on(incident, "triage", "declined", life.end, by, said)
        elif incident.declared_at is None:
            self._ended_by_itself(life, alerts, incident)
        else:
            self._worked_on(life, alerts, incident, incident.declared_at, by)

    def _ended_by_itself(self, life: Life, alerts: Sequence[Alert], incident: Incident) -> None:
        self._alerts_ended(life, alerts, incident)
        said = "All its alerts are resolved; nobody had declared it, so it is resolved."
        self._say(incident, life.end, "resolved", said, audit.SYSTEM)
        self._moved(incident, "triage", "resolved", life.end, self.source)

    def _worked_on(
        self,
        life: Life,
        alerts: Sequence[Alert],
        incident: Incident,
        declared_at: datetime,
        by: Actor,
    ) -> None:
        assert incident.resolved_at is not None
        said = "declared the incident"
        self._went_on(incident, "triage", "investigating", declared_at, by, said)
        self._say(incident, declared_at, "commander", f"{by.label} is commander.", by)
        self._alerts_ended(life, alerts, incident)
        clear = "All alerts of this group are resolved. Say whether the incident is over."
        self._say(incident, life.end, "all_clear", clear, audit.SYSTEM)
        said = "resolved the incident"
        self._went_on(incident, "investigating", "resolved", incident.resolved_at, by, said)
        if life.incident in {"closed", "in_review"}:
            at = incident.closed_at or incident.resolved_at + timedelta(hours=1)
            said = "closed the incident" if incident.closed_at else "opened the review"
            self._went_on(incident, "resolved", life.incident, at, by, said)

    def _alerts_ended(self, life: Life, alerts: Sequence[Alert], incident: Incident) -> None:
        for alert in alerts:
            text = f"Alert resolved: {alert.summary}"
            self._say(incident, life.end, "alert_resolved", text, self.source)

    def _went_on(
        self, incident: Incident, was: str, to: str, at: datetime, by: Actor, said: str
    ) -> None:
        self._say(incident, at, to, f"{by.label} {said}.", by)
        self._moved(incident, was, to, at, by)

    # -- one row each

    def _say(self, incident: Incident, at: datetime, what: str, text: str, by: Actor) -> None:
        self.timeline.append(
            TimelineEntry(
                incident=incident, at=at, recorded_at=at, what=what, text=text, **by.columns()
            )
        )

    def _link(self, incident: Incident, kind: str, ref: str, url: str, label: str) -> None:
        self.links.append(
            IncidentLink(
                incident=incident,
                kind=kind,
                ref=ref,
                url=url,
                label=label,
                created_at=incident.detected_at,
            )
        )

    def _moved(self, row: models.Model, was: str, became: str, at: datetime, by: Actor) -> str:
        self.history.append(
            StatusChange(
                kind=row._meta.label_lower,
                ref=str(row.pk),
                was=was,
                became=became,
                at=at,
                **by.columns(),
            )
        )
        return became


def _told(told: Told) -> str:
    names = ", ".join(person.name for person in told.people)
    return f"Told {names} ({told.step + 1} of 3)."
