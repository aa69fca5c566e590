"""Incidents over the API: declared, driven, told."""

from __future__ import annotations

from typing import Any

import pytest

from apps.incidents.models import Incident
from tests import builders as build
from tests.calls import signed_in, tool
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
SCOPES = ("incidents:read", "incidents:write")


def test_an_incident_is_declared_and_shown_in_one_shape(cast: Cast) -> None:
    build.surface("inspect.api")
    build.surface("inspect.report")
    caller = tool(*SCOPES, name="bot")
    made = caller.post(
        "incidents",
        {
            "title": "Reports fail", "severity": "SEV2", "kind": "drill",
            "surfaces": ["inspect.api", "inspect.report", "inspect.api"],
            "summary": "All of them", "status": "closed", "leader": "x", "id": 7,
        },
    )  # fmt: skip
    assert made.status == 201
    assert made["ref"] == made["id"] == f"INC-{Incident.objects.get().pk}"
    assert (made["status"], made["severity"], made["kind"]) == ("investigating", "SEV2", "drill")
    assert (made["surface"], made["surfaces"]) == ("inspect.api", ["inspect.api", "inspect.report"])
    assert (made["commander"], made["roles"], made["type"]) == (None, [], None)
    assert {row["key"] for row in made["blockers"]} == {
        "mitigation_note", "impact_summary", "detection_source",
    } - ({"detection_source"} if made["detection_source"] else set())  # fmt: skip
    assert made["next_states"] == ["identified", "mitigated", "resolved"]
    assert caller.get(f"incidents/{made['ref']}").body == made.body
    assert caller.get(f"incidents/{made['ref'].lower()}").status == 200
    (row,) = caller.get("incidents")["results"]
    assert row == {name: made[name] for name in row}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "title"),
    ({"title": "x" * 201}, "title"),
    ({"title": None}, "title"),
    ({"severity": "SEV9"}, "severity"),
    ({"severity": 2}, "severity"),
    ({"surfaces": "inspect.api"}, "surfaces"),
    ({"surfaces": ["nothing"]}, "surfaces[0]"),
    ({"surfaces": [{"key": "x"}]}, "surfaces[0]"),
    ({"kind": "joke"}, "kind"),
    ({"detection_source": "oracle"}, "detection_source"),
]


@pytest.mark.parametrize(("changes", "field"), WRONG, ids=str)
def test_an_incident_that_makes_no_sense_is_refused(changes: dict[str, Any], field: str) -> None:
    reply = tool(*SCOPES).post("incidents", {"title": "x", "severity": "SEV3", **changes})
    assert (reply.status, reply.fields) == (400, {field}), reply.body
    assert not Incident.objects.exists()


def test_it_goes_its_way_and_no_other(cast: Cast) -> None:
    caller = tool(*SCOPES, name="bot")
    ref = caller.post("incidents", {"title": "x", "severity": "SEV3"})["ref"]

    def step(to: str, **more: str) -> Any:
        return caller.post(f"incidents/{ref}/transition", {"to": to, **more})

    assert step("identified", note="Found it.")["status"] == "identified"
    illegal = step("closed")
    assert (illegal.status, illegal.code) == (409, "illegal_transition")
    assert step("merged").fields == step("nowhere").fields == {"to"}
    done = step(
        "resolved", impact_summary="12 reports late", detection_source="customer",
        no_public_message="internal only",
    )  # fmt: skip
    assert (done.status, done["status"], done["impact_summary"]) == (
        200, "resolved", "12 reports late",
    )  # fmt: skip
    assert done["detection_source"] == "customer" and done["resolved_at"] is not None
    assert step("investigating").code == "note_needed"
    assert step("investigating", note="It is back.")["resolved_at"] is None
    texts = [row["text"] for row in caller.get(f"incidents/{ref}/timeline")["results"]]
    told = next(text for text in texts if text.startswith("bot resolved the incident."))
    assert "12 reports late" in told and "No public message: internal only" in told
    assert texts[-1] == "bot reopened it. It is back."


def test_comments_and_events_stand_in_the_order_in_which_they_happened(cast: Cast) -> None:
    caller = tool(*SCOPES, name="bot")
    ref = caller.post("incidents", {"title": "x", "severity": "SEV3"})["ref"]
    reply = caller.post(f"incidents/{ref}/timeline", {"text": "**Look**"})
    assert (reply.status, reply["is_markdown"], reply["by"]) == (201, True, "bot")
    assert caller.post(f"incidents/{ref}/timeline", {"text": " "}).fields == {"text"}
    seen, path = [], f"incidents/{ref}/timeline?limit=2"
    while path:
        page = caller.get(path)
        seen += page["results"]
        path = (page["next"] or "").removeprefix("http://testserver")
    assert [row["what"] for row in seen] == ["opened", "investigating", "comment"]
    assert [row["at"] for row in seen] == sorted(row["at"] for row in seen)


def test_acknowledging_takes_all_its_pages(cast: Cast) -> None:
    build.alert(build.native(), severity="critical", dedup_key="a")
    incident = Incident.objects.get()
    caller = tool(*SCOPES)
    shown = caller.get(f"incidents/{incident.ref}")
    assert len(shown["alerts"]) == len(shown["pages"]) == 1 and shown["status"] == "triage"
    first = caller.post(f"incidents/{incident.ref}/acknowledge")
    again = caller.post(f"incidents/{incident.ref}/acknowledge")
    assert (first.body, again["acknowledged"]) == ({"ref": incident.ref, "acknowledged": 1}, 0)
    assert caller.get(f"incidents/{incident.ref}")["acknowledged_at"] is not None


def test_the_list_is_filtered_newest_first(
    cast: Cast, django_assert_max_num_queries: object
) -> None:
    surface = build.surface("inspect.api")
    made = [build.incident(severity=f"SEV{n}", surface=surface if n == 2 else None, by=cast.maya)
            for n in (1, 2, 3)]  # fmt: skip
    caller = tool(*SCOPES)

    def asked(**query: str) -> list[str]:
        return [row["ref"] for row in caller.get("incidents", query)["results"]]

    with django_assert_max_num_queries(5):  # type: ignore[operator]
        assert asked() == [incident.ref for incident in reversed(made)]
    assert asked(severity="SEV2") == asked(surface="inspect.api") == [made[1].ref]
    assert asked(status="triage") == asked(kind="drill") == asked(type="vendor") == []
    assert asked(standing="false") == []
    assert asked(standing="true") == [incident.ref for incident in reversed(made)]


def test_a_restricted_incident_is_hidden_from_who_is_not_on_it(cast: Cast) -> None:
    incident = build.incident(visibility="restricted", by=cast.ravi)
    hidden = [tool(*SCOPES), signed_in(cast.bea), signed_in(cast.olu)]
    for caller in hidden:
        for what in ("", "/timeline"):
            assert caller.get(f"incidents/{incident.ref}{what}").status == 404
        assert caller.get("incidents")["results"] == []
    for what in ("transition", "timeline", "acknowledge"):
        reply = hidden[0].post(f"incidents/{incident.ref}/{what}", {"to": "resolved", "text": "x"})
        assert reply.status == 404
    for caller in (signed_in(cast.ravi), signed_in(cast.maya), tool("admin")):
        assert caller.get(f"incidents/{incident.ref}").status == 200


def test_a_key_of_a_team_sees_its_incidents_and_declares_on_its_surfaces(cast: Cast) -> None:
    mine, theirs = build.team("inspect"), build.team("billing")
    own = build.incident(surface=build.surface("inspect.api", team=mine))
    other = build.incident(surface=build.surface("billing.api", team=theirs))
    nobody_s = build.incident()
    key = tool(*SCOPES, team=mine)
    rows = key.get("incidents")["results"]
    assert {row["ref"] for row in rows} == {own.ref, nobody_s.ref}
    assert key.get(f"incidents/{other.ref}").status == 404
    for surfaces in (["billing.api"], ["inspect.api", "billing.api"]):
        body = {"title": "x", "severity": "SEV3", "surfaces": surfaces}
        reply = key.post("incidents", body)
        assert (reply.status, reply.fields) == (400, {f"surfaces[{len(surfaces) - 1}]"})
    assert Incident.objects.count() == 3
