"""The status page for programs, in the shape of Statuspage's API v2. Pure.

Readers of that format need the names of the fields and the words of the states; ids are ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from apps.incidents.statuspage import LABELS, Component, Incident, Page, Update, Work

MOST = 50  # incidents, and works, of one answer
PAGE_ID = "status"


def summary(page: Page) -> dict[str, Any]:
    """How it is, each component, what stands, what is announced."""
    return {
        **_head(page),
        **status(page),
        "components": _components(page),
        "incidents": [_incident(page, one) for one in page.standing],
        "scheduled_maintenances": [_work(page, one) for one in (*page.under_way, *page.upcoming)],
    }


def status(page: Page) -> dict[str, Any]:
    said = {"indicator": page.indicator, "description": page.sentence}
    return {**_head(page), "status": said}


def components(page: Page) -> dict[str, Any]:
    return {**_head(page), "components": _components(page)}


def incidents(page: Page) -> dict[str, Any]:
    return {**_head(page), "incidents": [_incident(page, one) for one in page.incidents[:MOST]]}


def maintenances(page: Page) -> dict[str, Any]:
    works = [_work(page, one) for one in page.works[:MOST]]
    return {**_head(page), "scheduled_maintenances": works}


def _head(page: Page) -> dict[str, Any]:
    return {
        "page": {
            "id": PAGE_ID,
            "name": page.name,
            "url": f"{page.url}/status/",
            "time_zone": page.zone.key,
            "updated_at": _at(page.built_at),
        }
    }


def _components(page: Page) -> list[dict[str, Any]]:
    """The components, each group as one of its own before its members."""
    found: list[dict[str, Any]] = []
    groups: dict[str, list[Component]] = {}
    for one in page.components:
        groups.setdefault(one.group, []).append(one)
    for name, members in groups.items():
        if name:
            found.append(_group(page, name, members))
        found += [_component(page, one) for one in members]
    return found


def _group_id(name: str) -> str:
    return "group-" + "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())


def _group(page: Page, name: str, members: Iterable[Component]) -> dict[str, Any]:
    inside = list(members)
    first = min(one.position for one in inside)
    worst = max((one.state for one in inside), key=list(LABELS).index)
    started = min(one.started_on for one in inside).isoformat()
    basic = _basic(page, _group_id(name), name, worst, first, started)
    return {
        **basic, "description": None, "group_id": None, "group": True,
        "components": [one.key for one in inside],
    }  # fmt: skip


def _component(page: Page, one: Component) -> dict[str, Any]:
    started = one.started_on.isoformat()
    return {
        **_basic(page, one.key, one.name, one.state, one.position, started),
        "description": one.description or None,
        "group_id": _group_id(one.group) if one.group else None,
        "group": False,
    }


def _basic(
    page: Page, key: str, name: str, state: str, position: int, started: str
) -> dict[str, Any]:
    return {
        "id": key,
        "name": name,
        "status": state,
        "created_at": f"{started}T00:00:00.000Z",
        "updated_at": _at(page.built_at),
        "position": position,
        "showcase": True,
        "start_date": started,
        "page_id": PAGE_ID,
        "only_show_if_degraded": False,
    }


def _incident(page: Page, one: Incident) -> dict[str, Any]:
    first_of = {update.status: update.at for update in one.updates}  # newest first: the oldest wins
    return {
        "id": one.ref,
        "name": one.title,
        "status": one.status,
        "created_at": _at(one.updates[-1].at),
        "updated_at": _at(one.updates[0].at),
        "monitoring_at": _at(first_of.get("monitoring")),
        "resolved_at": _at(one.resolved_at),
        "impact": one.impact,
        "shortlink": f"{page.url}/status/incidents/{one.ref}/",
        "started_at": _at(one.started_at),
        "page_id": PAGE_ID,
        "incident_updates": [_update(page, one.ref, update) for update in one.updates],
        "components": [_component(page, c) for c in page.components if c.key in one.components],
    }


def _update(page: Page, ref: str, one: Update) -> dict[str, Any]:
    names = {component.key: component.name for component in page.components}
    return {
        "id": f"{ref}-{one.id}",
        "status": one.status,
        "body": one.body,
        "incident_id": ref,
        "created_at": _at(one.at),
        "updated_at": _at(one.at),
        "display_at": _at(one.at),
        "affected_components": [
            {"code": key, "name": names[key], "new_status": state}
            for key, state in one.states.items()
            if key in names
        ],
    }


def _work(page: Page, one: Work) -> dict[str, Any]:
    started, ended = one.started_at or one.starts_at, one.ended_at
    return {
        "id": one.ref,
        "name": one.title,
        "status": one.status,
        "created_at": _at(one.said_at),
        "updated_at": _at(one.changed_at),
        "monitoring_at": None,
        "resolved_at": _at(ended),
        "impact": "maintenance",
        "shortlink": f"{page.url}/status/#{one.ref}",
        "started_at": _at(started),
        "page_id": PAGE_ID,
        "scheduled_for": _at(one.starts_at),
        "scheduled_until": _at(one.ends_at),
        "incident_updates": [
            {
                "id": f"{one.ref}-1",
                "status": one.status,
                "body": one.body,
                "incident_id": one.ref,
                "created_at": _at(one.said_at),
                "updated_at": _at(one.changed_at),
                "display_at": _at(one.changed_at),
                "affected_components": [],
            }
        ],
        "components": [_component(page, c) for c in page.components if c.key in one.components],
    }


def _at(at: datetime | None) -> str | None:
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
