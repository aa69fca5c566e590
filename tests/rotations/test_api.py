"""Who is on call, over the API: schedules, shifts, cover, previews and overrides."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine

from apps.accounts import services as accounts
from apps.core import audit
from apps.notifications.models import Channel
from apps.rotations import services
from apps.rotations.models import Override
from tests import builders as build
from tests.calls import Caller, signed_in, tool
from tests.conftest import Cast
from tests.vectors import adapt
from tests.vectors.adapt import Json, instant

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 9, 9, 12, 0, tzinfo=UTC)  # a Wednesday
CASES = [case for case in adapt.load("rotations") if case["kind"] == "oncall"]


@pytest.fixture(autouse=True)
def stopped_clock() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def reader() -> Caller:
    return tool("rotations:read")


# -- who is on call


def test_it_says_who_is_on_call_until_when_and_who_follows(reader: Caller, cast: Cast) -> None:
    surface = build.surface()
    build.schedule(cast.ravi, cast.bea, surfaces=[surface])
    build.method(cast.ravi, Channel.NTFY, "https://ntfy.example.com/ravi")
    reply = reader.get("oncall", {"surface": surface.key})
    assert (reply.status, reply["at"], reply["gaps"]) == (200, "2026-09-09T12:00:00Z", [])
    (row,) = reply["results"]
    assert row["schedule"] == "profiler" and row["role"] == "primary"
    assert row["user"] == cast.ravi.email and row["user_name"] == "Ravi Rao"
    assert row["user_id"] == str(cast.ravi.pk)
    assert row["until"] == "2026-09-14T09:00:00Z"
    assert row["next"]["user"] == cast.bea.email
    assert row["next"]["start"] == "2026-09-14T09:00:00Z"
    assert (row["reachable"], row["route"]) == (True, "wakes")
    assert "ntfy.example" not in str(reply.body)


def test_it_knows_who_will_be_and_who_was(reader: Caller, cast: Cast) -> None:
    build.schedule(cast.ravi, cast.bea)
    for at, user in (
        ("2026-09-14T08:59:59Z", cast.ravi), ("2026-09-14T09:00:00Z", cast.bea),
        ("2026-09-21T11:00:00+02:00", cast.ravi),
    ):  # fmt: skip
        assert reader.get("oncall", {"at": at})["results"][0]["user"] == user.email
    with time_machine.travel(NOW + timedelta(days=30), tick=False):
        assert reader.get("oncall", {"at": "2026-09-15T00:00:00Z"})["results"][0]["user"] == (
            cast.bea.email
        )
    assert reader.get("oncall", {"at": "2028-01-01T00:00:00Z"}).fields == {"at"}


def test_the_filters_narrow_and_an_unknown_name_is_404(reader: Caller, cast: Cast) -> None:
    team = build.team("inspect")
    surface = build.surface("inspect.api", team=team)
    build.schedule(cast.ravi, key="one", team=team)
    two = build.schedule(cast.bea, key="two", surfaces=[surface])
    build.schedule(cast.sam, key="three")

    def asked(**query: str) -> list[str]:
        return [row["schedule"] for row in reader.get("oncall", query)["results"]]

    assert asked() == ["one", "three", "two"]
    assert asked(team="inspect") == ["one", "two"]  # its own, and the one that covers its surface
    assert asked(schedule="two") == asked(schedule=str(two.pk)) == asked(surface="inspect.api")
    assert asked(surface="inspect.api", schedule="one") == []
    for query in ({"team": "x"}, {"surface": "x"}, {"schedule": "x"}, {"schedule": "9" * 30}):
        reply = reader.get("oncall", query)
        assert (reply.status, reply.code) == (404, "not_found")


def test_nobody_on_call_is_a_gap_with_its_cause(reader: Caller, cast: Cast) -> None:
    schedule = services.create_schedule(key="empty", name="Empty", time_zone="UTC")
    assert reader.get("oncall")["gaps"] == [
        {"schedule": "empty", "schedule_id": str(schedule.pk), "surface": None, "until": None,
         "cause": "no_layer"}
    ]  # fmt: skip
    plan = services.LayerPlan(
        name="Office", people=(cast.ravi,), anchor_date=NOW.date(),
        windows=({"days": ["thu"], "start": "09:00", "end": "17:00"},),
    )  # fmt: skip
    services.plan_layer(schedule=schedule, plan=plan, by=None, now=NOW)
    (gap,) = reader.get("oncall")["gaps"]
    assert (gap["cause"], gap["until"]) == ("outside_windows", "2026-09-10T09:00:00Z")
    bare = build.surface("bare")
    (gap,) = reader.get("oncall", {"surface": bare.key})["gaps"]
    assert (gap["surface"], gap["schedule"], gap["cause"]) == ("bare", None, "no_schedule")


def test_somebody_who_was_deactivated_is_not_on_call(reader: Caller, cast: Cast) -> None:
    build.schedule(cast.ravi)
    accounts.deactivate(person=cast.ravi, actor=audit.SYSTEM, now=NOW)
    reply = reader.get("oncall")
    assert reply["results"] == [] and reply["gaps"][0]["schedule"] == "profiler"


def test_a_key_of_a_team_sees_its_own_cover_and_no_other(cast: Cast) -> None:
    mine, theirs = build.team("inspect"), build.team("billing")
    surface = build.surface("inspect.api", team=mine)
    build.surface("billing.api", team=theirs)
    build.schedule(cast.ravi, key="shared", surfaces=[surface])
    build.schedule(cast.bea, key="billing", team=theirs)
    key = tool("rotations:read", "rotations:write", team=mine)
    assert [row["schedule"] for row in key.get("oncall")["results"]] == ["shared"]
    for query in ({"schedule": "billing"}, {"team": "billing"}, {"surface": "billing.api"}):
        assert key.get("oncall", query).status == 404
    assert key.get("schedules")["results"] == []
    assert key.get("schedules/billing").status == 404
    assert key.post("schedules/billing/overrides", override(cast)).status == 404
    assert key.post("schedules/shared/overrides", override(cast)).status == 404


# -- schedules, shifts, coverage


def test_a_schedule_is_shown_by_id_and_key_as_a_preview_takes_it(
    reader: Caller, cast: Cast
) -> None:
    surface = build.surface()
    schedule = build.schedule(cast.ravi, cast.bea, surfaces=[surface], time_zone="Europe/Berlin")
    (row,) = reader.get("schedules")["results"]
    shown = reader.get("schedules/profiler")
    assert reader.get(f"schedules/{schedule.pk}").body == shown.body
    assert {name: shown[name] for name in row} == row and row["id"] == str(schedule.pk)
    assert shown["surfaces"] == [surface.key]
    body = {
        "time_zone": shown["time_zone"], "layers": shown["layers"], "layer_mode": "priority",
        "start": "2026-09-10T00:00:00Z", "end": "2026-09-24T00:00:00Z",
    }  # fmt: skip
    preview = reader.post("schedules/preview", body)
    shifts = reader.get("schedules/profiler/shifts", {"start": body["start"], "end": body["end"]})
    want = [(s["user"], s["start"], s["end"]) for s in shifts["shifts"]]
    assert [(s["user"], s["start"], s["end"]) for s in preview["shifts"]] == want
    assert want[0] == (cast.ravi.email, "2026-09-10T00:00:00Z", "2026-09-14T07:00:00Z")


def test_shifts_are_clipped_and_gaps_have_causes(reader: Caller, cast: Cast) -> None:
    schedule = build.schedule(cast.ravi)
    services.add_override(
        schedule=schedule, kind=Override.Kind.REMOVE, person=cast.ravi, by=None, now=NOW,
        start_at=NOW + timedelta(hours=1), end_at=NOW + timedelta(hours=3),
    )  # fmt: skip
    reply = reader.get(
        "schedules/profiler/shifts",
        {"start": "2026-09-09T12:30:00Z", "end": "2026-09-09T16:00:00Z"},
    )
    assert [(s["start"][11:16], s["end"][11:16]) for s in reply["shifts"]] == [
        ("12:30", "13:00"), ("15:00", "16:00"),
    ]  # fmt: skip
    assert reply["gaps"] == [
        {"start": "2026-09-09T13:00:00Z", "end": "2026-09-09T15:00:00Z", "cause": "override"}
    ]
    cover = reader.get(
        "schedules/profiler/coverage",
        {"start": "2026-09-09T12:00:00Z", "end": "2026-09-09T16:00:00Z"},
    )
    assert (cover["total_seconds"], cover["covered_seconds"]) == (14400, 7200)
    assert cover["gaps"] == reply["gaps"] and cover["email_only"] == [cast.ravi.email]


def test_fewer_people_than_wanted_are_thin_cover(reader: Caller, cast: Cast) -> None:
    schedule = services.create_schedule(
        key="pair", name="Pair", time_zone="UTC", layer_mode="cumulative", min_people=2
    )
    for name, person, windows in (
        ("always", cast.ravi, ()),
        ("day", cast.bea, ({"days": ["wed"], "start": "13:00", "end": "15:00"},)),
    ):
        plan = services.LayerPlan(
            name=name, people=(person,), anchor_date=NOW.date(), anchor_time=time(0),
            windows=windows,
        )  # fmt: skip
        services.plan_layer(schedule=schedule, plan=plan, by=None, now=NOW)
    cover = reader.get(
        "schedules/pair/coverage", {"start": "2026-09-09T12:00:00Z", "end": "2026-09-09T18:00:00Z"}
    )
    assert cover["gaps"] == []
    assert [(t["start"][11:16], t["end"][11:16], t["people"]) for t in cover["thin"]] == [
        ("12:00", "13:00", 1), ("15:00", "18:00", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"start": "2026-09-09T12:00:00Z", "end": "2026-09-09T12:00:00Z"}, "end"),
        ({"start": "2026-09-10T12:00:00Z", "end": "2026-09-09T12:00:00Z"}, "end"),
        ({"start": "2025-01-01T00:00:00Z", "end": "2026-09-09T12:00:00Z"}, "end"),
        ({"end": "2028-09-09T12:00:00Z"}, "end"),
        ({"start": "2026-09-09T12:00:00"}, "start"),
        ({"start": "yesterday"}, "start"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(
    reader: Caller, cast: Cast, query: dict[str, str], field: str
) -> None:
    build.schedule(cast.ravi)
    for what in ("shifts", "coverage"):
        reply = reader.get(f"schedules/profiler/{what}", query)
        assert (reply.status, reply.fields) == (400, {field})


# -- previews

PREVIEW: Json = {
    "time_zone": "America/Chicago",
    "start": "2026-10-01T00:00:00Z",
    "end": "2026-11-05T00:00:00Z",
    "layers": [
        {
            "name": "weekly",
            "rotation": {
                "unit": "week", "every": 1, "anchor_local": "2026-09-28T09:00",
                "participants": ["ravi", None, "bea"],
            },
        }
    ],
}  # fmt: skip


def test_a_preview_computes_and_keeps_nothing(reader: Caller) -> None:
    reply = reader.post("schedules/preview", PREVIEW)
    assert reply.status == 200
    assert reply["shifts"][0] == {
        "user": "ravi", "role": "primary", "layer": "weekly", "cause": "rotation",
        "start": "2026-10-01T00:00:00Z", "end": "2026-10-05T14:00:00Z",
    }  # fmt: skip
    assert reply["handoffs"][0] == "2026-10-05T14:00:00Z"
    assert reply["handoffs"][-1] == "2026-11-02T15:00:00Z"  # the clocks went back meanwhile
    assert reply["gaps"][0] == {"start": "2026-10-05T14:00:00Z", "end": "2026-10-12T14:00:00Z"}
    assert set(reply["on_call_seconds"]) == {"ravi", "bea"}
    assert reader.get("schedules")["results"] == []


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_cases_of_other_products_come_out_over_http(reader: Caller, case: Json) -> None:
    body, expect = adapt.preview_body(case), case["expect"]
    reply = reader.post("schedules/preview", body)
    assert reply.status == 200, reply.body
    if "shifts" not in expect:
        return
    start, end = instant(body["start"]), instant(body["end"])
    rows = [
        (s["user"], max(instant(s["start"]), start), min(instant(s["end"]), end))
        for s in expect["shifts"]
    ]
    found = [(s["user"], instant(s["start"]), instant(s["end"])) for s in reply["shifts"]]
    assert _joined(found) == _joined(rows)


def _joined(rows: list[tuple[str, datetime, datetime]]) -> dict[str, list[list[datetime]]]:
    spans: dict[str, list[list[datetime]]] = {}
    for user, start, end in sorted(rows, key=lambda row: row[1]):
        mine = spans.setdefault(user, [])
        if mine and start <= mine[-1][1]:
            mine[-1][1] = max(end, mine[-1][1])
        else:
            mine.append([start, end])
    return spans


def changed(path: str, value: Any) -> Json:
    """PREVIEW with one value replaced: `layers.0.rotation.every`."""
    import copy

    body = copy.deepcopy(PREVIEW)
    *way, last = path.split(".")
    place: Any = body
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    place[last] = value
    return body


WRONG_PREVIEWS: list[tuple[str, Any, str]] = [
    ("time_zone", "Mars/Olympus", "time_zone"),
    ("end", "2026-10-01T00:00:00Z", "end"),
    ("end", "2028-10-01T00:00:00Z", "end"),
    ("start", "2026-10-01T00:00:00", "start"),
    ("start", "9999-12-31T23:59:59-12:00", "start"),
    ("layer_mode", "random", "layer_mode"),
    ("layers", {}, "layers"),
    ("layers", [{"name": "x"}], "layers[0].rotation"),
    ("layers.0.rotation.every", 0, "layers[0].rotation.every"),
    ("layers.0.rotation.every", 2147483648, "layers[0].rotation.every"),
    ("layers.0.rotation.every", "two", "layers[0].rotation.every"),
    ("layers.0.rotation.unit", "year", "layers[0].rotation.unit"),
    ("layers.0.rotation.participants", [], "layers[0].rotation.participants"),
    ("layers.0.rotation.anchor_local", "2026-09-28T09:00+02:00", "layers[0].rotation.anchor_local"),
    ("layers.0.rotation.anchor_local", "2026-02-30T09:00", "layers[0].rotation.anchor_local"),
    ("layers.0.rotation.reference", {"at": "2026-10-01T00:00:00Z", "index": 7},
     "layers[0].rotation.reference"),
    ("layers.0.windows", [{"days": ["someday"], "start": "09:00", "end": "17:00"}],
     "layers[0].windows[0].days[0]"),
    ("layers.0.windows", [{"days": ["mon"], "start": "25:00", "end": "17:00"}],
     "layers[0].windows[0].start"),
    ("layers.0.windows", [{"days": [], "start": "09:00", "end": "17:00"}],
     "layers[0].windows[0].days"),
    ("overrides", [{"kind": "replace", "user": "sam", "start": "2026-10-01T00:00:00Z",
                    "end": "2026-10-02T00:00:00Z"}], "overrides[0].replaces"),
    ("swaps", [{"from": "ravi", "to": "bea", "start": "2026-10-02T00:00:00Z",
                "end": "2026-10-01T00:00:00Z"}], "swaps[0].end"),
    ("temporary_schedules", [{"start": "2026-10-01T00:00:00Z", "end": "2026-10-02T00:00:00Z",
      "shifts": [{"user": "", "start": "2026-10-01T00:00:00Z", "end": "2026-10-02T00:00:00Z"}]}],
     "temporary_schedules[0].shifts[0].user"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "field"), WRONG_PREVIEWS, ids=[row[2] for row in WRONG_PREVIEWS]
)
def test_a_preview_that_cannot_be_computed_names_the_field(
    reader: Caller, path: str, value: Any, field: str
) -> None:
    reply = reader.post("schedules/preview", changed(path, value))
    assert (reply.status, reply.code) == (400, "invalid")
    assert reply.fields == {field}


def test_a_preview_has_its_limits(reader: Caller) -> None:
    rotation = PREVIEW["layers"][0]["rotation"]
    layers = [{"user": "ravi", "name": str(n)} for n in range(51)]
    crowd = {**rotation, "participants": [f"p{n}" for n in range(501)]}
    hourly = {**rotation, "unit": "hour"}
    for body in (
        changed("layers", layers), changed("layers.0.rotation", crowd),
        {**changed("layers", [{"rotation": hourly, "role": r} for r in ["primary"] * 50]),
         "layer_mode": "cumulative", "end": "2027-11-01T00:00:00Z"},
    ):  # fmt: skip
        reply = reader.post("schedules/preview", body)
        assert (reply.status, reply.code) == (400, "invalid"), reply.body


def test_a_time_that_the_clocks_skip_makes_no_shift_of_no_length(reader: Caller) -> None:
    body = changed("time_zone", "Europe/Berlin")
    body |= {"start": "2026-03-27T00:00:00Z", "end": "2026-04-02T00:00:00Z"}
    body["layers"][0]["rotation"] |= {"unit": "day", "anchor_local": "2026-03-27T02:30"}
    reply = reader.post("schedules/preview", body)
    assert reply.status == 200
    assert all(s["start"] < s["end"] for s in reply["shifts"])
    assert "2026-03-29T01:00:00Z" in reply["handoffs"]  # 02:30 does not exist: the jump itself


# -- overrides


def override(cast: Cast, **changed: Any) -> Json:
    return {
        "kind": "replace", "user": cast.bea.email, "replaces": cast.ravi.email,
        "start": "2026-09-10T00:00:00Z", "end": "2026-09-11T00:00:00Z", "reason": "dentist",
        **changed,
    }  # fmt: skip


def test_an_override_changes_the_shifts_at_once(cast: Cast) -> None:
    build.schedule(cast.ravi)
    writer = tool("rotations:write", "rotations:read")
    reply = writer.post("schedules/profiler/overrides", override(cast))
    assert reply.status == 201
    assert (reply["user"], reply["replaces"]) == (cast.bea.email, cast.ravi.email)
    row = writer.get("oncall", {"at": "2026-09-10T12:00:00Z"})["results"][0]
    assert (row["user"], row["cause"]) == (cast.bea.email, "override")
    shown = writer.get("schedules/profiler")["overrides"]
    assert [one["id"] for one in shown] == [reply["id"]]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"user": "nobody@example.com"}, "user"),
        ({"user": ["x"]}, "user"),
        ({"kind": "swap"}, "kind"),
        ({"start": "2026-09-10T00:00:00"}, "start"),
        ({"end": "2026-09-10T00:00:00Z"}, ""),
        ({"start": "2026-09-01T00:00:00Z", "end": "2026-09-02T00:00:00Z"}, "end"),
        ({"layer": "attic"}, "layer"),
        ({"reason": "x" * 201}, "reason"),
    ],
    ids=str,
)
def test_an_override_that_makes_no_sense_is_refused(
    cast: Cast, changes: dict[str, Any], field: str
) -> None:
    build.schedule(cast.ravi)
    reply = tool("rotations:write").post("schedules/profiler/overrides", override(cast, **changes))
    assert (reply.status, reply.fields) == (400, {field}), reply.body
    assert not Override.objects.exists()


def test_only_who_edits_rotations_may_override(cast: Cast) -> None:
    build.schedule(cast.ravi)
    assert tool("rotations:read").post("schedules/profiler/overrides", override(cast)).status == 403
    ravi, maya = signed_in(cast.ravi), signed_in(cast.maya)
    for caller, status in ((ravi, 403), (maya, 201)):
        caller.client.cookies["csrftoken"] = token = "a" * 32
        reply = caller.post("schedules/profiler/overrides", override(cast), X_CSRFToken=token)
        assert reply.status == status
    assert Override.objects.get().created_by == cast.maya
