"""The status page as data: states, days, what the public may see, JSON and the feed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from apps.core import audit
from apps.core.errors import Invalid
from apps.incidents import statusatom, statusjson, statuspage
from apps.incidents.models import Audience, Component, ComponentImpact, Incident, StatusUpdate
from apps.incidents.selectors import status as selectors
from apps.incidents.services import status
from apps.incidents.statuspage import Day, Span
from tests import builders as build

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")
DOWN, PARTLY, SLOW = "major_outage", "partial_outage", "degraded_performance"


# -- pure: days and uptime


def days(*spans: Span, started: date = date(2020, 1, 1), count: int = 3) -> tuple[Day, ...]:
    return statuspage.days(spans, started_on=started, now=NOW, zone=BERLIN, count=count)


def test_a_span_over_midnight_counts_on_both_days_of_the_zone() -> None:
    late = Span(DOWN, datetime(2026, 3, 8, 22, 30, tzinfo=UTC), datetime(2026, 3, 9, 0, tzinfo=UTC))
    found = days(late)
    assert [one.on.day for one in found] == [7, 8, 9]
    assert [one.seconds for one in found] == [{}, {DOWN: 1800.0}, {DOWN: 3600.0}]


def test_where_two_things_hold_the_worse_one_has_the_time() -> None:
    slow = Span(SLOW, NOW - 4 * HOUR, None)
    down = Span(DOWN, NOW - 3 * HOUR, NOW - 2 * HOUR)
    assert days(slow, down)[-1].seconds == {SLOW: 3 * 3600.0, DOWN: 3600.0}
    assert days(slow, down)[-1].state == DOWN


def test_before_a_component_is_shown_there_is_nothing() -> None:
    found = days(Span(DOWN, NOW - 40 * HOUR, NOW - 30 * HOUR), started=date(2026, 3, 9))
    assert [one.state for one in found] == ["", "", "operational"]


@pytest.mark.parametrize(
    ("zone", "on", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
    ],
)
def test_a_day_of_a_clock_change_has_the_hours_that_it_has(
    zone: str, on: date, hours: float
) -> None:
    now = datetime.combine(on + timedelta(days=1), datetime.min.time(), ZoneInfo(zone)) + HOUR
    always = Span(DOWN, now - timedelta(days=9), None)
    found = statuspage.days(
        [always], started_on=date(2020, 1, 1), now=now.astimezone(UTC), zone=ZoneInfo(zone), count=2
    )
    assert (found[0].on, found[0].seconds) == (on, {DOWN: hours * 3600})


@pytest.mark.parametrize(
    ("spans", "percent"),
    [
        ([], 100.0),
        ([Span(DOWN, NOW - HOUR, NOW)], 98.33),  # one of 59 hours and 60 shown
        ([Span(PARTLY, NOW - HOUR, NOW)], 99.5),  # counts three tenths
        ([Span(SLOW, NOW - 9 * HOUR, None)], 100.0),
        ([Span(DOWN, NOW - timedelta(days=9), None)], 0.0),
    ],
)
def test_uptime_is_cut_and_never_rounded_up(spans: list[Span], percent: float) -> None:
    shown = days(*spans, count=3)  # from midnight of the 7th in Berlin: 61 hours
    found = statuspage.uptime(shown, now=NOW, zone=BERLIN)
    assert found == pytest.approx(percent, abs=0.04)
    assert found is not None
    assert found <= percent + 0.04


def test_an_hour_of_a_quarter_year_does_not_read_as_a_hundred_percent() -> None:
    second = Span(DOWN, NOW - timedelta(seconds=10), NOW)
    shown = statuspage.days([second], started_on=date(2020, 1, 1), now=NOW, zone=BERLIN)
    assert statuspage.uptime(shown, now=NOW, zone=BERLIN) == 99.99


@pytest.mark.parametrize(
    ("stage", "incident", "said"),
    [
        ("initial", "triage", "investigating"),
        ("update", "identified", "identified"),
        ("update", "mitigated", "monitoring"),
        ("resolved", "mitigated", "resolved"),
        ("postmortem", "closed", "postmortem"),
        ("update", "", "investigating"),
    ],
)
def test_an_update_says_where_the_incident_was(stage: str, incident: str, said: str) -> None:
    assert statuspage.update_status(stage, incident) == said


# -- services


def part(key: str = "reports", **more: Any) -> Component:
    wanted = {"name": key.title(), "started_on": date(2025, 1, 1), **more}
    return Component.objects.create(key=key, **wanted)


def bare(**more: Any) -> Incident:
    wanted = {"title": "internal words", "severity": "SEV2", "status": "investigating",
              "detected_at": NOW - HOUR, **more}  # fmt: skip
    return Incident.objects.create(**wanted)


def public(**more: Any) -> Audience:
    wanted = {"name": "Public", "side": "public", "on_status_page": True, "to_subscribers": True,
              **more}  # fmt: skip
    row, _ = Audience.objects.get_or_create(key=more.pop("key", "public"), defaults=wanted)
    Audience.objects.filter(pk=row.pk).update(**{k: v for k, v in wanted.items() if k != "key"})
    row.refresh_from_db()
    return row


def said(incident: Incident, subject: str, at: datetime = NOW, **more: Any) -> StatusUpdate:
    wanted = {
        "audience": public(), "status": "published", "published_at": at, "body": "Words.",
        "incident_status": "investigating", "created_at": at, "changed_at": at, **more,
    }  # fmt: skip
    return StatusUpdate.objects.create(incident=incident, subject=subject, **wanted)


def spans_of(component: Component) -> list[tuple[str, datetime, datetime | None]]:
    rows = ComponentImpact.objects.filter(component=component).order_by("pk")
    return list(rows.values_list("state", "from_at", "to_at"))


def test_a_worse_state_ends_the_one_before_and_both_stay_in_the_history(db: None) -> None:
    component, incident = part(), bare()
    for hours, state in enumerate((SLOW, SLOW, DOWN, "operational")):
        status.set_states(incident=incident, states={"reports": state}, now=NOW + hours * HOUR)
    assert spans_of(component) == [
        (SLOW, NOW, NOW + 2 * HOUR),
        (DOWN, NOW + 2 * HOUR, NOW + 3 * HOUR),
    ]


def test_of_two_incidents_the_worse_counts_until_it_is_over(db: None) -> None:
    component, one, other = part(), bare(), bare()
    status.set_states(incident=one, states={"reports": SLOW}, now=NOW)
    status.set_states(incident=other, states={"reports": DOWN}, now=NOW)
    assert status.effective(component=component, now=NOW) == DOWN
    assert status.clear(incident=other, now=NOW + HOUR) == 1
    assert status.effective(component=component, now=NOW + HOUR) == SLOW
    assert status.clear(incident=other, now=NOW + HOUR) == 0


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ({"nothing": DOWN}, "no component 'nothing'"),
        ({"reports": "on_fire"}, "cannot be 'on_fire'"),
        ({"reports": "under_maintenance"}, "cannot be"),
        ({"old": DOWN}, "no component 'old'"),
    ],
)
def test_an_unknown_component_or_state_is_refused(
    db: None, states: dict[str, str], words: str
) -> None:
    part()
    part("old", archived_at=NOW)
    with pytest.raises(Invalid, match=words) as refused:
        status.set_states(incident=bare(), states=states, now=NOW)
    assert list(refused.value.fields) == ["states"]


@pytest.mark.parametrize(
    "more", [{"kind": "drill"}, {"kind": "test"}, {"visibility": "restricted"}]
)
def test_a_drill_or_a_restricted_incident_hurts_nothing_in_public(
    db: None, more: dict[str, str]
) -> None:
    component = part()
    assert status.set_states(incident=bare(**more), states={"reports": DOWN}, now=NOW) == 0
    assert spans_of(component) == []


# -- what the public sees


def test_the_internal_title_never_leaves_the_first_subject_stands(db: None) -> None:
    incident = bare()
    said(incident, "Reports are slow", NOW - HOUR)
    said(incident, "Still slow", NOW)
    page = selectors.page(NOW)
    (shown,) = page.incidents
    assert (shown.title, [one.title for one in shown.updates]) == (
        "Reports are slow", ["Still slow", "Reports are slow"],
    )  # fmt: skip
    everything = json.dumps([statusjson.summary(page), statusjson.incidents(page)])
    assert "internal words" not in everything + statusatom.feed(page, lambda text: text)


@pytest.mark.parametrize(
    ("incident", "update"),
    [
        ({"kind": "drill"}, {}),
        ({"kind": "test"}, {}),
        ({"kind": "backfilled"}, {}),
        ({"visibility": "restricted"}, {}),
        ({}, {"status": "draft", "published_at": None}),
        ({}, {"status": "pending", "published_at": None}),
        ({}, {"status": "withdrawn", "published_at": None}),
    ],
)
def test_what_is_not_for_the_public_is_not_there(
    db: None, incident: dict[str, Any], update: dict[str, Any]
) -> None:
    said(bare(**incident), "Secret", **update)
    page = selectors.page(NOW)
    assert page.incidents == ()
    assert page.sentence == "Everything is working"


def test_an_update_for_people_here_is_not_there(db: None) -> None:
    inside = Audience.objects.create(key="inside", name="Inside", side="internal")
    said(bare(), "Secret", audience=inside)
    assert selectors.page(NOW).incidents == ()


def test_what_was_merged_shows_under_the_other_one_alone(db: None) -> None:
    survivor = bare()
    said(survivor, "Reports are slow", NOW - 2 * HOUR)
    child = bare(status="merged", merged_into=survivor)
    said(child, "Tiles do not load", NOW - HOUR)
    page = selectors.page(NOW)
    (shown,) = page.incidents
    assert [one.title for one in shown.updates] == ["Tiles do not load", "Reports are slow"]
    assert page.merged == {child.ref: survivor.ref}


def test_what_was_merged_into_a_restricted_one_is_gone(db: None) -> None:
    child = bare(status="merged", merged_into=bare(visibility="restricted"))
    said(child, "Tiles do not load")
    assert selectors.page(NOW).incidents == ()


def test_the_version_changes_with_everything_that_the_page_shows(db: None) -> None:
    component, incident = part(), bare()
    seen = [selectors.version()]

    def differs() -> bool:
        seen.append(selectors.version())
        return seen[-1] != seen[-2]

    assert not differs()
    update = said(incident, "Slow")
    assert differs()
    status.set_states(incident=incident, states={"reports": SLOW}, now=NOW)
    assert differs()
    status.clear(incident=incident, now=NOW)
    assert differs()
    Component.objects.filter(pk=component.pk).update(name="Reporting")
    assert differs()
    component.surfaces.add(build.surface())
    assert differs()
    Audience.objects.filter(pk=update.audience_id).update(on_status_page=False)
    assert differs()
    Incident.objects.filter(pk=incident.pk).update(visibility="restricted")
    assert differs()
    assert not differs()


def test_asking_for_the_version_is_one_query(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        selectors.version()


# -- for programs


def full_page(db: None) -> statuspage.Page:
    from apps.alerts import services as alerts

    component = part(group="Web", description="Opening reports")
    part("sign-in", position=2)
    surface = build.surface()
    component.surfaces.add(surface)
    incident = bare(status="mitigated")
    said(incident, "Reports <are> slow & odd", NOW - HOUR, states={"reports": SLOW, "gone": DOWN})
    said(incident, "Better", NOW, incident_status="mitigated", body="**Fine** <script>x</script>")
    status.set_states(incident=incident, states={"reports": SLOW}, now=NOW - HOUR)
    said(bare(status="closed", resolved_at=NOW, detected_at=NOW - 9 * HOUR), "Over", NOW - 8 * HOUR)
    alerts.announce_maintenance(
        title="Upgrade", surfaces=[surface], starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR,
        actor=audit.SYSTEM, now=NOW,
    )  # fmt: skip
    return selectors.page(NOW)


def test_the_summary_has_the_shape_that_readers_of_statuspage_know(db: None) -> None:
    page = full_page(db)
    found = statusjson.summary(page)
    assert set(found) == {"page", "status", "components", "incidents", "scheduled_maintenances"}
    assert found["status"] == {"indicator": "minor", "description": "Reports: degraded"}
    kinds = [(one["id"], one["status"], one["group"]) for one in found["components"]]
    assert kinds == [
        ("group-web", SLOW, True), ("reports", SLOW, False), ("sign-in", "operational", False),
    ]  # fmt: skip
    (incident,) = found["incidents"]
    assert (incident["status"], incident["impact"]) == ("monitoring", "minor")
    assert incident["monitoring_at"] == "2026-03-09T12:00:00.000Z"
    assert incident["resolved_at"] is None
    first = incident["incident_updates"][-1]
    assert first["affected_components"] == [
        {"code": "reports", "name": "Reports", "new_status": SLOW}
    ]
    (work,) = found["scheduled_maintenances"]
    assert (work["status"], work["scheduled_for"]) == ("scheduled", "2026-03-09T13:00:00.000Z")
    assert [one["id"] for one in work["components"]] == ["reports"]
    assert len(statusjson.incidents(page)["incidents"]) == 2


def test_the_feed_is_xml_whatever_the_words_are(db: None) -> None:
    page = full_page(db)
    odd = replace(page.incidents[0], title="Null \x00 and \ud800 & <b>")
    from apps.core.text import markdown

    text = statusatom.feed(replace(page, incidents=(odd, *page.incidents[1:])), markdown)
    root = ElementTree.fromstring(text)  # noqa: S314 - our own words
    entries = root.findall("{*}entry")
    assert [one.findtext("{*}title") for one in entries][-1] == "Over"
    assert {one.findtext("{*}title") for one in entries} == {
        "Null   and   & <b>", "Over", "Maintenance: Upgrade",
    }  # fmt: skip
    content = entries[[e.findtext("{*}title") for e in entries].index("Null   and   & <b>")]
    html = content.findtext("{*}content") or ""
    assert "<strong>Fine</strong>" in html
    assert "<script" not in html


def test_maintenance_shows_while_it_lasts_and_in_the_days(db: None) -> None:
    from apps.alerts import services as alerts

    component, surface = part(), build.surface()
    component.surfaces.add(surface)
    alerts.announce_maintenance(
        title="Upgrade", surfaces=[surface], starts_at=NOW, ends_at=NOW + HOUR,
        actor=audit.SYSTEM, now=NOW - HOUR,
    )  # fmt: skip
    alerts.maintain_due(now=NOW)
    during = selectors.page(NOW + HOUR / 2)
    assert (during.sentence, during.indicator) == ("Maintenance is under way", "maintenance")
    assert status.effective(component=component, now=NOW) == "under_maintenance"
    alerts.maintain_due(now=NOW + HOUR)
    after = selectors.page(NOW + 2 * HOUR)
    assert after.sentence == "Everything is working"
    assert after.components[0].days[-1].seconds == {"under_maintenance": 3600.0}
    assert after.components[0].uptime == 100.0
