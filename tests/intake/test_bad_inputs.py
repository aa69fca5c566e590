"""Every row of the catalog of bad inputs has its place: tried here, tried elsewhere by name, or
belonging to a part that is not built yet, with the reason. A row that nobody accounts for fails.

The rows name kinds of paths; here they meet ours: what creates a ticket there declares an incident
here, what ingests a webhook is `/api/v1/events` and the hooks.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import pytest
from django.core.cache import cache
from django.test import Client, RequestFactory, override_settings
from structlog.testing import capture_logs

from apps.accounts import services as accounts
from apps.accounts.models import ApiKey
from apps.alerts.models import Alert
from apps.core import clock
from apps.core.middleware import client_ip
from apps.incidents.models import Incident
from apps.intake import services as intake
from apps.intake.models import Delivery, Event
from apps.paging.models import Page
from apps.rotations.models import Handoff, Override
from tests import builders as build
from tests.calls import Caller, Reply, nobody, signed_in, tool
from tests.conftest import Cast
from tests.intake.lean import Lean, swept  # noqa: F401 - a fixture
from tests.intake.lean import Reply as LeanReply
from tests.intake.test_asgi import PAGERDUTY, signature
from tests.world import World

ROWS: dict[str, dict[str, Any]] = {
    row["id"]: row
    for row in json.loads((Path(__file__).parents[1] / "vectors" / "bad_inputs.json").read_text())[
        "inputs"
    ]
}

PACKS = "packs and their files come with packs"
FEEDS = "calendar feeds come with the rotations issue"
LATER = {
    "path-traversal-pack": PACKS, "zip-bomb": PACKS, "yaml-unsafe": PACKS,
    "ical-token-guess": FEEDS, "ical-injection": FEEDS,
}  # fmt: skip

PASTE = "test_what_was_pasted_comes_back_escaped_and_as_csv_without_formulas"
ADMIN = "tests.opsportal.test_admin_registry"
WIRE = "tests.intake.test_wire"
DESK = "tests.support.test_bad_inputs"  # which tries other rows once more, on tickets
TWICE = "test_a_request_that_two_servers_could_read_differently_is_refused"
VENDORS = "tests.intake.test_vendor_bad_inputs"  # which tries other rows on every vendor's hook
UNSIGNED = f"{VENDORS}:test_a_stripe_delivery_without_a_good_signature_is_not_even_kept"
PINGED = "tests.intake.test_ping_door"
ELSEWHERE = {
    "ping-unknown": f"{PINGED}:test_a_wrong_address_is_told_so_and_keeps_nothing",
    "ping-flood": f"{PINGED}:test_a_flood_of_pings_is_one_state_and_a_limit_when_there_is_one",
    "sig-missing": UNSIGNED,
    "sig-stale": UNSIGNED,
    "resolve-before-trigger": f"{VENDORS}:"
    "test_a_payment_before_its_older_failure_leaves_no_open_alert",
    "nul-admin-filter": f"{ADMIN}:test_the_same_addresses_through_the_whole_site",
    "surrogate-admin-json": f"{ADMIN}:test_a_form_survives_poison_in_every_field",
    "admin-action-bad-pk": f"{ADMIN}:test_a_list_survives_any_action",
    "nul-header-charset": f"{WIRE}:{TWICE}",
    "dup-content-length": f"{WIRE}:{TWICE}",
    "chunked-endless": f"{WIRE}:test_an_endless_body_is_cut_off_and_others_are_served_meanwhile",
    "csv-formula": f"tests.portal.test_people_import:{PASTE}",
    "xss-filename": f"{DESK}:test_a_file_name_with_markup_is_only_a_name",
    "svg-html-upload": f"{DESK}:test_a_file_that_would_run_is_served_as_a_download",
    "polyglot-exe": f"{DESK}:test_a_program_in_a_pictures_clothes_is_never_shown",
    "concurrent-ack": "tests.alerts.test_api:test_twenty_acknowledgements_at_once_are_one",
    **{
        f"ssrf-{n}": "tests.notifications.test_guard:test_every_known_attack_is_blocked"
        for n in (1, 4, 5, 6, 9, 10)
    },
}

F = TypeVar("F", bound=Callable[..., None])
HERE: dict[str, Callable[..., None]] = {}
LEAN: dict[str, Callable[[Lean], None]] = {}


def row(*names: str) -> Callable[[F], F]:
    """The function tries these rows through Django."""
    return lambda found: HERE.update(dict.fromkeys(names, found)) or found


def lean_row(*names: str) -> Callable[[F], F]:
    """The function tries these rows on the lean path."""
    return lambda found: LEAN.update(dict.fromkeys(names, found)) or found


def sent(name: str) -> bytes:
    """The row's own body, as bytes."""
    if "body" in ROWS[name]:
        return str(ROWS[name]["body"]).encode("utf-8", "surrogatepass")
    made = eval(ROWS[name]["body_gen_python"])  # noqa: S307 - expressions of a file of ours
    return made if isinstance(made, bytes) else str(made).encode()


def test_every_row_has_its_place() -> None:
    places = [HERE, LEAN, ELSEWHERE, LATER]
    found = [name for place in places for name in place]
    assert sorted(found) == sorted(ROWS), set(found) ^ set(ROWS)


@pytest.mark.parametrize("place", sorted(set(ELSEWHERE.values())))
def test_what_is_tried_elsewhere_is_there(place: str) -> None:
    module, _, name = place.partition(":")
    assert callable(getattr(import_module(module), name, None)), f"{place} is gone"


@pytest.mark.django_db
@pytest.mark.parametrize("name", HERE)
def test_a_bad_input_does_no_harm(name: str, request: pytest.FixtureRequest) -> None:
    wanted = HERE[name].__annotations__
    given = {"name": name, "cast": "cast", "world": "world"}
    found = {
        argument: name if argument == "name" else request.getfixturevalue(given[argument])
        for argument in wanted
        if argument in given
    }
    HERE[name](**found)


def refused(reply: Reply | LeanReply, *statuses: int) -> None:
    """A problem in words, without a trace, SQL or a secret."""
    assert reply.status in (statuses or (400,)) and reply.code
    text = str(reply.body).lower()
    assert not any(word in text for word in ("traceback", "select ", "psycopg", "opk_live"))


# -- text, JSON and sizes, where an incident is declared


@row("nul-in-text", "nul-in-json-value", "nul-in-json-key")
def nul_in_a_body(name: str) -> None:
    refused(tool("incidents:write").post("incidents", sent(name)))
    assert not Incident.objects.exists()


@row("nul-query-filter", "nul-search")
def nul_in_a_filter(name: str) -> None:
    for query in ("title=%00", "search=%00", "dedup_key=%00", "dedup_key=a%00b"):
        refused(tool("admin").get(f"alerts?{query}"))


@row("nul-path", "pk-overflow")
def an_id_that_is_none() -> None:
    for path in ("alerts/%00/", "alerts/%00", "alerts/99999999999999999999/", "pages/" + "9" * 20):
        refused(tool("admin").get(path), 404)


@row("nul-cookie")
def nul_in_a_cookie() -> None:
    client = Client(raise_request_exception=False)
    client.cookies.load("sessionid=%00abc")
    answer = client.get("/")
    assert answer.status_code == 302 and "/login/" in answer["Location"]
    assert client.get("/api/v1/alerts").status_code == 401


@row("bom", "emoji-zwj-combining", "dup-keys")
def odd_but_good_text(name: str) -> None:
    body = sent(name).decode("utf-8-sig")[:-1] + ',"severity":"SEV3"}'
    raw = (b"\xef\xbb\xbf" if name == "bom" else b"") + body.encode()
    reply = tool("incidents:write").post("incidents", raw)
    titles = {"bom": "x", "emoji-zwj-combining": "👩‍👩‍👧‍👦 e\u0301 \ufdfa", "dup-keys": "y"}
    assert (reply.status, reply["title"]) == (201, titles[name])  # of a key twice the last counts
    assert Incident.objects.get().title == titles[name]


PREVIEW = {
    "time_zone": "Europe/Berlin", "start": "2026-03-27T00:00:00Z", "end": "2026-04-02T00:00:00Z",
    "layers": [{"rotation": {"unit": "day", "every": 1, "anchor_local": "2026-03-27T02:30",
                             "participants": ["ravi", "bea"]}}],
}  # fmt: skip


def previewed(**changes: Any) -> Reply:
    body = json.loads(json.dumps(PREVIEW))
    body["layers"][0]["rotation"] |= changes
    return tool("rotations:read").post("schedules/preview", body)


@row("fullwidth-digit", "int4-overflow")
def odd_numbers() -> None:
    taken = previewed(every="１２")
    assert taken.status == 200 and len(taken["handoffs"]) == 1  # every twelve days
    refused(previewed(every=2147483648))
    refused(previewed(every=10**400))


@row("date-naive-dst-gap")
def a_time_that_does_not_exist() -> None:
    reply = previewed()
    assert reply.status == 200 and all(s["start"] < s["end"] for s in reply["shifts"])
    assert "2026-03-29T01:00:00Z" in reply["handoffs"]  # 02:30 was skipped: the jump itself


@row("date-overflow")
def a_time_past_all_time(cast: Cast) -> None:
    build.schedule(cast.ravi)
    body = {"kind": "add", "user": cast.bea.email, "start": "9999-12-31T23:59:59-12:00",
            "end": "9999-12-31T23:59:59-12:00"}  # fmt: skip
    refused(tool("rotations:write").post("schedules/profiler/overrides", body))
    refused(tool("admin").get("alerts", {"since": "9999-12-31T23:59:59-12:00"}))
    assert not Override.objects.exists()


@row("deep-offset", "filter-bad-int", "filter-bad-date", "sql-ordering", "orm-lookup-inj")
def a_filter_that_is_none(name: str) -> None:
    query = ROWS[name]["path_kind"].partition("?")[2]
    ours = {"filter-bad-int": "integration=abc", "filter-bad-date": "since=not-a-date"}
    for wanted in (query, ours.get(name, "_connector=OR&_negated=1")):
        refused(tool("admin").get(f"alerts?{wanted}"))


@row("too-many-form-fields")
def a_form_without_end() -> None:
    answer = Client(raise_request_exception=False).post(
        "/accounts/login/", sent("too-many-form-fields").decode(),
        content_type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert answer.status_code == 400


# -- who is it


@row("key-in-query")
def a_key_in_the_address() -> None:
    key = tool("admin")
    with capture_logs() as logs:
        reply = nobody().get("alerts", {"api_key": key.text})
    refused(reply, 401)
    assert key.text not in str(logs)


@row("idor-read")
def another_team_s_object() -> None:
    mine, theirs = build.team("inspect"), build.team("billing")
    build.surface("billing.api", team=theirs)
    other = build.alert(build.native(), dedup_key="a", surface="billing.api")
    key = tool("admin", team=mine)
    hidden, absent = key.get(f"alerts/{other.pk}"), key.get(f"alerts/{other.pk + 1}")
    refused(hidden, 404)
    assert hidden.body == absent.body and key.get("alerts")["results"] == []


@row("idor-write-fk")
def another_team_s_object_in_a_body() -> None:
    mine = build.team("inspect")
    build.surface("billing.api", team=build.team("billing"))
    body = {"title": "x", "severity": "SEV3", "surfaces": ["billing.api"]}
    refused(tool("incidents:write", team=mine).post("incidents", body), 400, 403)
    assert not Incident.objects.exists()


@row("method-override")
def a_method_in_a_header() -> None:
    alert = build.alert(build.native(), dedup_key="a")
    for name in ("X_HTTP_Method_Override", "X_Method_Override"):
        reply = tool("admin").post(f"alerts/{alert.pk}", {}, **{name: "DELETE"})
        refused(reply, 405, 400)
    assert Alert.objects.filter(pk=alert.pk).exists()


@row("csrf-missing")
def a_form_from_elsewhere(cast: Cast) -> None:
    maya = signed_in(cast.maya)
    refused(maya.post("incidents", {"title": "x", "severity": "SEV3"}), 403)
    assert maya.client.post("/incidents/new/", {"title": "x"}).status_code == 403
    assert not Incident.objects.exists()


@row("host-header")
def a_host_that_is_not_ours() -> None:
    refused(tool("admin").get("alerts", Host="evil.com"))
    reset = Client().post(
        "/accounts/password/reset/", {"email": "a@b.c"}, headers={"Host": "evil.com"}
    )
    assert reset.status_code == 400 and b"evil" not in reset.content


@row("xff-spoof")
def an_address_that_the_sender_chose() -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="10.1.1.1")
    request.META["HTTP_X_FORWARDED_FOR"] = "1.2.3.4, 127.0.0.1"
    assert client_ip(request) == "10.1.1.1"
    with override_settings(TRUSTED_PROXY_HOPS=1):
        assert client_ip(request) == "127.0.0.1"  # what our own proxy wrote, the last of the list


@row("unicode-casefold-username")
def a_name_that_looks_like_another() -> None:
    build.person("Admin Ann", "manager", email="admin@fish.example.com")
    for name in ("admın@fish.example.com", "admin@ﬁsh.example.com"):
        assert not Client().login(username=name, password=build.PASSWORD)
        answer = Client().post("/accounts/login/", {"login": name, "password": build.PASSWORD})
        assert answer.status_code == 200 and "_auth_user_id" not in answer.wsgi_request.session


@row("brute-force")
def many_guesses(cast: Cast) -> None:
    cache.clear()  # the limit on all sign-ins of an address: 30 a minute

    def guess(name: str, password: str = "wrong", address: str = "10.0.0.1") -> int:
        form = {"login": name, "password": password}
        return Client(REMOTE_ADDR=address).post("/accounts/login/", form).status_code

    with override_settings(AXES_ENABLED=True):
        known = [guess(cast.ravi.email) for _ in range(12)]
        unknown = [guess("nobody@example.com") for _ in range(12)]
        assert known == unknown and set(known[:7]) == {200} and set(known[8:]) == {429}
        assert guess(cast.ravi.email, build.PASSWORD) == 429
        assert guess(cast.bea.email, build.PASSWORD) == 302  # nobody else is hurt
        assert guess(cast.ravi.email, build.PASSWORD, "10.0.0.2") == 302  # nor locked out elsewhere
        assert {guess(f"{n}@example.com") for n in range(26)} == {200, 429}
    cache.clear()


@row("idem-key-long")
def an_idempotency_key_without_end() -> None:
    body = {"title": "x", "severity": "SEV3"}
    refused(tool("incidents:write").post("incidents", body, Idempotency_Key="x" * 5000))
    assert not Incident.objects.exists()


# -- what an event may not do, once it is taken


@row("xss-alert-label")
def a_script_in_a_label(cast: Cast) -> None:
    source = build.integration("alertmanager").row
    intake.receive_hook(integration=source, body=sent("xss-alert-label"), now=clock.now())
    intake.normalise_due(now=clock.now())
    alert = Alert.objects.get()
    assert all("javascript" not in link["href"] for link in alert.links)
    maya = signed_in(cast.maya).client
    for page in (f"/alerts/{alert.pk}/", "/alerts/", "/"):
        shown = maya.get(page).content
        assert b"<script>alert(1)" not in shown and b'href="javascript:' not in shown, page


@row("template-inj")
def a_template_in_a_summary(world: World, cast: Cast) -> None:
    text = "{{ settings.SECRET_KEY }} {% debug %} {x.__class__} %(a)s ${b}"
    surface = build.surface(primary=cast.ravi)
    build.schedule(cast.ravi, surfaces=[surface], now=world.now)
    build.alert(build.native(surface=surface), dedup_key="a", summary=text, severity="critical",
                now=world.now)  # fmt: skip
    world.run()
    assert text in world.expect_page(to=cast.ravi).subject


@row("empty-rotation")
def nobody_left(cast: Cast) -> None:
    refused(previewed(participants=[]))
    empty = previewed(participants=[None])
    assert empty.status in (200, 400)
    build.surface("a", primary=cast.ravi, backup=cast.bea)
    bare = tool("admin").patch("surfaces/a", {"backup": None})
    assert (bare.status, bare["backup"]) == (200, None)  # a visible, truthful state
    (gap,) = tool("admin").get("oncall", {"surface": "a"})["gaps"]
    assert gap["cause"] == "no_schedule"


@row("concurrent-handoff")
def a_handoff_told_twice(world: World, cast: Cast) -> None:
    build.schedule(cast.ravi, cast.bea, now=world.now)
    world.advance(days=7)
    world.forget()
    told = [world.handoffs(), world.handoffs()]
    assert told[1] == 0 and Handoff.objects.filter(role="primary").count() == len(
        set(Handoff.objects.values_list("schedule", "role", "at"))
    )
    world.forget()


@row("worker-killer")
def an_event_that_kills_its_worker() -> None:
    source = build.native()
    killer, neighbor = build.event(source, dedup_key="a"), build.event(source, dedup_key="b")
    Delivery.objects.filter(pk=killer.pk).update(tries=intake.MAX_TRIES)  # it died so often
    intake.normalise_due(now=clock.now())
    states = dict(Delivery.objects.values_list("pk", "status"))
    assert states == {killer.pk: "quarantined", neighbor.pk: "normalised"}


# -- on the lean path


def event_key() -> str:
    return build.key("events:write").text


def native(lean: Lean, raw: bytes) -> LeanReply:
    return lean.post("/api/v1/events", raw, event_key())


def hook(lean: Lean, raw: bytes) -> LeanReply:
    token = build.integration("alertmanager").token
    return lean.post(f"/hooks/{token}/alertmanager", raw)


def taken(reply: LeanReply) -> Delivery:
    """It was taken: one row with the very bytes, which the engine reads without harm."""
    assert reply.status == 202
    intake.normalise_due(now=clock.now())
    return Delivery.objects.get(pk=int(reply["delivery_id"]))


@lean_row("invalid-utf8", "deep-1000", "top-level-array", "top-level-null")
def no_event_at_all(lean: Lean) -> None:
    for name in ("invalid-utf8", "deep-1000", "top-level-array", "top-level-null"):
        raw = sent(name)
        refused(native(lean, raw))
        row = taken(hook(lean, raw))  # a hook keeps what it cannot read
        assert (row.status, bytes(row.body)) == ("quarantined", raw) and row.error


@lean_row("payload-list", "alerts-null-labels")
def a_payload_of_the_wrong_types(lean: Lean) -> None:
    broken = taken(hook(lean, sent("payload-list")))
    odd = taken(hook(lean, sent("alerts-null-labels")))
    assert broken.status == "quarantined" and odd.status in ("normalised", "quarantined")


@lean_row("int-5000-digits", "int-400-digits")
def giant_numbers(lean: Lean) -> None:
    for name in ("int-5000-digits", "int-400-digits"):
        event = b'{"action":"trigger","summary":"a",' + sent(name)[1:]
        row = taken(native(lean, event))
        assert row.status == "normalised"
        shown = Caller(text=build.key("events:read").text).get(f"deliveries/{row.pk}")
        assert shown.status == 200 and "999" in str(shown["events"][0]["details"])


@lean_row("wide-200k-keys", "body-over-limit")
def too_much(lean: Lean) -> None:
    for name in ("wide-200k-keys", "body-over-limit"):
        refused(native(lean, sent(name)), 413)
        refused(hook(lean, sent(name)), 413)
    assert not Delivery.objects.exists()


@lean_row("no-key", "wrong-key", "revoked-key")
def no_valid_key(lean: Lean) -> None:
    revoked = build.key("events:write")
    accounts.revoke_key(key=ApiKey.objects.get(), now=clock.now())
    with capture_logs() as logs:
        replies = [
            lean.post("/api/v1/events", {"action": "trigger", "summary": "x"}, key)
            for key in ("", "opk_live_wrong", revoked.text)
        ]
    for reply in replies:
        refused(reply, 401)
        assert reply.raw == replies[0].raw and "www-authenticate" in reply.headers
    assert sum(entry["event"] == "bad key" for entry in logs) == 3  # counted where logs are read
    assert revoked.text not in str(logs) and not Delivery.objects.exists()


@lean_row("field-type-confusion", "dedup-key-256", "summary-5000")
def pagerduty_limits(lean: Lean) -> None:
    key = build.integration("pagerduty").token
    confused = lean.post("/v2/enqueue", sent("field-type-confusion"))
    long = lean.post("/v2/enqueue", {**PAGERDUTY, "routing_key": key, "dedup_key": "k" * 256})
    for reply in (confused, long):
        assert (reply.status, reply["status"]) == (400, "invalid event") and reply["errors"]
    payload = {**PAGERDUTY["payload"], "summary": "s" * 5000}  # type: ignore[dict-item]
    cut = lean.post("/v2/enqueue", {**PAGERDUTY, "routing_key": key, "payload": payload})
    assert cut.status == 202
    intake.normalise_due(now=clock.now())
    assert Event.objects.get().summary == "s" * 1024 == Alert.objects.get().summary


@lean_row("sig-nonascii")
def a_signature_that_is_no_text(lean: Lean) -> None:
    source = build.integration("github", secret="s")
    path = f"/hooks/{source.token}/github"
    refused(lean.post(path, b"{}", X_Hub_Signature_256="sha256=é"), 401)
    refused(lean.post(path, b"{}"), 401)
    assert lean.post(path, b"{}", X_Hub_Signature_256=signature("s", b"{}")).status == 202


@lean_row("replay-pd-repeat")
def the_same_trigger_a_hundred_times(lean: Lean) -> None:
    body = {**PAGERDUTY, "routing_key": build.integration("pagerduty").token}
    replies = lean.together(*[("/v2/enqueue", body, "")] * 100)
    assert {(reply.status, reply["dedup_key"]) for reply in replies} == {(202, "job/1")}
    intake.normalise_due(now=clock.now(), limit=200)
    assert Alert.objects.get().count == 100 and Page.objects.count() == 1


@lean_row("dedup-cross-key", "resolve-unknown")
def a_resolve_from_elsewhere(lean: Lean) -> None:
    one, two = build.integration("pagerduty").token, build.integration("pagerduty").token
    resolve = {"event_action": "resolve", "dedup_key": "job/1"}
    assert lean.post("/v2/enqueue", {**resolve, "routing_key": one}).status == 202
    intake.normalise_due(now=clock.now())
    assert Event.objects.count() == 1 and not Alert.objects.exists()
    assert not Incident.objects.exists()
    assert lean.post("/v2/enqueue", {**PAGERDUTY, "routing_key": one}).status == 202
    assert lean.post("/v2/enqueue", {**resolve, "routing_key": two}).status == 202
    intake.normalise_due(now=clock.now() + timedelta(seconds=1))
    assert Alert.objects.get().status == "firing"


TRIED = {found: "+".join(n for n in LEAN if LEAN[n] is found) for found in LEAN.values()}


@pytest.mark.usefixtures("swept")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("found", TRIED, ids=TRIED.values())
def test_a_bad_event_does_no_harm(found: Callable[[Lean], None]) -> None:
    lean = Lean()
    try:
        found(lean)
    finally:
        lean.close()
