"""Who may open a page and press its buttons, and what everybody else is told."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import Person
from apps.portal.context import Shell
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import Scene, scene, sign_in, text_of
from tests.world import World

PAGES = [
    "/",
    "/incidents/",
    "/incidents/INC-{incident}/",
    "/alerts/",
    "/incidents/severity/",
    "/incidents/figures/",
    "/alerts/{alert}/",
    "/tickets/",
    "/tickets/views/",
    "/oncall/",
    "/oncall/profiler/",
    "/people/{person}/",
    "/ownership/",
    "/ownership/inspect.profiler/",
    "/search/?q=a",
]
ACTIONS = [
    ("/pages/{page}/acknowledge/", "/"),
    ("/incidents/INC-{incident}/acknowledge/", "/incidents/INC-{incident}/"),
    ("/incidents/INC-{incident}/move/", "/incidents/INC-{incident}/"),
    ("/incidents/INC-{incident}/severity/", "/incidents/INC-{incident}/"),
    ("/incidents/INC-{incident}/comment/", "/incidents/INC-{incident}/"),
    ("/incidents/INC-{incident}/command/", "/incidents/INC-{incident}/"),
    ("/incidents/INC-{incident}/hint/", "/incidents/INC-{incident}/"),
    ("/incidents/INC-{incident}/snooze/", "/incidents/INC-{incident}/"),
    ("/incidents/INC-{incident}/run/", "/incidents/INC-{incident}/"),
    ("/incidents/INC-{incident}/do/role/", "/incidents/INC-{incident}/"),
    ("/incidents/INC-{incident}/updates/1/publish/", "/incidents/INC-{incident}/"),
    ("/alerts/{alert}/acknowledge/", "/alerts/{alert}/"),
    ("/alerts/{alert}/resolve/", "/alerts/{alert}/"),
    ("/alerts/{alert}/comment/", "/alerts/{alert}/"),
    ("/alerts/{alert}/route/", "/alerts/{alert}/"),
    ("/tickets/bulk/", "/tickets/"),
]


@pytest.fixture
def made(world: World, cast: Cast) -> Scene:
    return scene(world, cast)


def _fill(address: str, made: Scene, person: Person) -> str:
    return address.format(
        incident=made.incident.pk, alert=made.alert.pk, page=made.page.pk, person=person.pk
    )


def test_without_a_session_everything_leads_to_the_sign_in(
    made: Scene, cast: Cast, client: Client
) -> None:
    for address in [*PAGES, "/incidents/new/", "/tickets/log/", *(action for action, _ in ACTIONS)]:
        for answer in (client.get, client.post):
            response = answer(_fill(address, made, cast.ravi))
            assert response.status_code == 302, address
            assert response["Location"].startswith("/accounts/login/?next="), address


def test_a_viewer_reads_every_page(made: Scene, cast: Cast) -> None:
    client = sign_in(cast.olu)
    for address in PAGES:
        assert client.get(_fill(address, made, cast.ravi)).status_code == 200, address


def test_a_viewer_acts_on_nothing_and_is_told_why(made: Scene, cast: Cast) -> None:
    client = sign_in(cast.olu)
    for address, _ in [*ACTIONS, ("/incidents/new/", ""), ("/tickets/log/", "")]:
        response = client.post(_fill(address, made, cast.ravi), {"text": "Hello"})
        assert response.status_code == 403, address
        assert "role" in text_of(response), address
    for row in (made.page, made.incident, made.alert):
        row.refresh_from_db()
    assert made.page.is_waiting
    assert made.incident.status == "triage"
    assert made.alert.status == "firing"
    assert not made.incident.timeline.filter(what="comment").exists()


def test_an_action_that_is_only_visited_leads_to_its_page_and_changes_nothing(
    made: Scene, cast: Cast
) -> None:
    client = sign_in(cast.maya)
    for address, page in ACTIONS:
        response = client.get(_fill(address, made, cast.ravi))
        assert response.status_code == 302, address
        assert response["Location"] == _fill(page, made, cast.ravi)
        assert client.put(_fill(address, made, cast.ravi)).status_code == 405, address
    made.page.refresh_from_db()
    assert made.page.is_waiting


def test_a_support_agent_acknowledges_but_does_not_route(made: Scene, cast: Cast) -> None:
    client = sign_in(cast.sam)
    refused = client.post(f"/alerts/{made.alert.pk}/route/", {"surface": "inspect.profiler"})
    assert refused.status_code == 403
    assert "responder, maintainer or manager" in text_of(refused)
    assert client.post(f"/pages/{made.page.pk}/acknowledge/").status_code == 302


def test_somebody_without_a_role_is_sent_to_a_manager(made: Scene, cast: Cast) -> None:
    cast.olu.roles = []
    cast.olu.save()
    client = sign_in(cast.olu)
    for address in PAGES:
        response = client.get(_fill(address, made, cast.ravi))
        assert response.status_code == 403
        assert "no role here yet" in text_of(response)


def test_a_restricted_incident_is_not_there_for_who_is_not_on_it(cast: Cast) -> None:
    hidden = build.incident(by=cast.maya, visibility="restricted")
    olu, sam, maya = sign_in(cast.olu), sign_in(cast.sam), sign_in(cast.maya)
    page = f"/incidents/{hidden.ref}/"
    for address in (page, f"{page}live/"):
        assert maya.get(address).status_code == 200
        assert sam.get(address).status_code == 404
        assert olu.get(address).status_code == 404
    for action in ("acknowledge", "move", "severity", "comment", "command"):
        form = {"text": "Hello", "to": "resolved", "severity": "SEV1"}
        assert sam.post(f"{page}{action}/", form).status_code == 404, action
        assert olu.post(f"{page}{action}/", form).status_code == 403, action
    hidden.refresh_from_db()
    kept = (hidden.status, hidden.severity, hidden.commander)
    assert kept == ("investigating", "SEV3", cast.maya)


def test_a_restricted_incident_is_named_nowhere_to_outsiders(cast: Cast) -> None:
    build.incident(title="Leaked names", severity="SEV1", by=cast.maya, visibility="restricted")
    client = sign_in(cast.olu)
    for address in ("/", "/incidents/?state=all", "/search/?q=leaked", "/oncall/"):
        assert "Leaked names" not in text_of(client.get(address)).replace("“leaked”", "")


def test_a_polled_part_asks_a_signed_out_browser_to_reload(made: Scene, client: Client) -> None:
    for address in ("/now/live/", f"/incidents/{made.incident.ref}/live/"):
        response = client.get(address)
        assert response.status_code == 401
        assert response["HX-Refresh"] == "true"
        assert response.content == b""


def test_a_form_returns_only_to_addresses_of_ours(made: Scene, cast: Cast) -> None:
    client, address = sign_in(cast.ravi), f"/pages/{made.page.pk}/acknowledge/"
    assert client.post(address, {"next": "/alerts/"})["Location"] == "/alerts/"
    for foreign in (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:x",
        "",
    ):
        assert client.post(address, {"next": foreign})["Location"] == "/", foreign


def test_the_menu_shows_what_the_person_may_see(made: Scene, cast: Cast) -> None:
    def labels(person: Person) -> list[str]:
        groups = sign_in(person).get("/").context["shell"].nav
        return [item["label"] for group in groups for item in group]

    everybody = ["Now", "Tickets", "Incidents", "Alerts", "On call", "Follow-ups", "Runbooks"]
    everybody += ["Reviews", "Telemetry", "Objectives", "Rules", "Heartbeats", "Integrations"]
    everybody += ["Status page", "Customers", "Ownership"]
    assert labels(cast.olu) == everybody
    assert labels(cast.maya) == [*everybody, "Admin"]


def test_the_menu_counts_what_waits(made: Scene, cast: Cast) -> None:
    shell: Shell = sign_in(cast.ravi).get("/").context["shell"]
    counted = {item["key"]: (item["count"], item["tone"]) for group in shell.nav for item in group}
    assert counted["now"] == (1, "danger")
    assert counted["incidents"] == (1, "danger")
    assert counted["alerts"] == (0, "")


def test_the_top_says_who_is_on_call_and_who_you_are(made: Scene, cast: Cast) -> None:
    shell: Shell = sign_in(cast.maya).get("/").context["shell"]
    assert [(turn["schedule"], turn["person"]) for turn in shell.duty] == [("Profiler", "Ravi")]
    assert shell.me is not None
    assert shell.me["name"] == "Maya"
    assert "/profile/" in [item["url"] for item in shell.menu]


def test_a_sev2_stands_in_the_banner_unless_the_engine_is_late(
    made: Scene, cast: Cast, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.core import heartbeats
    from apps.portal import context

    client = sign_in(cast.olu)
    monkeypatch.setattr(context, "STARTING", 1e9)
    assert "The engine has never run." not in text_of(client.get("/alerts/"))
    monkeypatch.setattr(context, "STARTING", 0)
    assert "The engine has never run." in text_of(client.get("/alerts/"))
    heartbeats.beat(heartbeats.ENGINE, now=world.now)
    banner = client.get("/alerts/").context["shell"].banner
    assert (banner["chip"], banner["text"]) == ("SEV2", "Snowflake profiling times out")
    assert banner["note"] == "since 06:30 UTC, triage"
    world.advance(minutes=1)
    world.forget()
    assert "The engine has not run for 1 m." in text_of(client.get("/alerts/"))


def test_a_frame_that_fails_leaves_the_page_standing(
    made: Scene, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    for name in ("oncall.schedules_of", "system.vitals", "Incident.objects.visible_to"):
        monkeypatch.setattr(f"apps.portal.context.{name}", broken)
    response = sign_in(cast.maya).get("/ownership/")
    assert response.status_code == 200
    shell: Shell = response.context["shell"]
    assert shell.duty == []
    assert shell.banner is None
    assert [
        item["count"] for group in shell.nav for item in group if item["key"] == "incidents"
    ] == [0]


def test_an_unknown_address_is_a_page_that_says_so(cast: Cast) -> None:
    response = sign_in(cast.olu).get("/nothing/here/")
    assert response.status_code == 404
    assert "There is nothing here for you" in text_of(response)


def test_tools_get_a_problem_instead_of_a_page(client: Client) -> None:
    response = client.get("/v2/nothing")
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "not_found"


def test_a_poisoned_address_is_refused(cast: Cast) -> None:
    client = sign_in(cast.maya)
    for address in ("/incidents/?surface=%00", "/search/?q=%00"):
        assert client.get(address).status_code == 400
    assert client.get("/ownership/%00/").status_code in {400, 404}


def test_a_sign_in_address_is_not_changed_by_whoever_sits_there(cast: Cast) -> None:
    response = sign_in(cast.ravi).post("/accounts/email/", {"email": "evil@example.com"})
    assert response.status_code == 302
    cast.ravi.refresh_from_db()
    assert cast.ravi.email == "ravi@example.com"


def test_nobody_signs_up_by_themselves(client: Client, db: None) -> None:
    response = client.get("/accounts/signup/")
    assert "Accounts are by invitation" in text_of(response)
    client.post("/accounts/signup/", {"email": "new@example.com", "password1": "long enough 12"})
    assert not Person.objects.get_queryset().filter(email="new@example.com").exists()
