"""What every address of the API does alike: refusals in words, pages, filters, bodies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from psycopg.errors import DeadlockDetected
from structlog.testing import capture_logs

from apps.accounts import services as accounts
from apps.core import clock
from apps.core.api.fields import as_id, instant
from tests import builders as build
from tests.calls import nobody, signed_in, tool
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


def test_no_key_and_a_wrong_key_and_a_revoked_key_hear_the_same() -> None:
    wrong, revoked = tool("events:read"), tool("events:read")
    wrong.text = "opk_live_wrong"
    assert revoked.row is not None
    accounts.revoke_key(key=revoked.row, now=clock.now())
    replies = [caller.get("alerts") for caller in (nobody(), wrong, revoked)]
    assert {reply.status for reply in replies} == {401}
    assert {reply.code for reply in replies} == {"not_authenticated"}
    assert {reply.headers["WWW-Authenticate"] for reply in replies} == {'Bearer realm="opsportal"'}
    assert len({reply["detail"] for reply in replies}) == 1


def test_a_key_is_refused_from_the_instant_it_expires() -> None:
    caller = tool("events:read")
    assert caller.row is not None and caller.get("alerts").status == 200
    caller.row.expires_at = clock.now() - timedelta(microseconds=1)
    caller.row.save()
    assert caller.get("alerts").status == 401


def test_another_scheme_or_a_key_in_the_address_is_no_key() -> None:
    caller = tool("admin")
    assert caller.get("alerts", Authorization=f"Basic {caller.text}").status == 401
    assert nobody().get("alerts", {"api_key": caller.text}).status == 401


def test_a_key_in_the_address_is_never_logged() -> None:
    caller = tool("admin")
    with capture_logs() as logs:
        nobody().get("alerts", {"api_key": caller.text})
    assert logs and caller.text not in str(logs)


def test_a_scope_opens_what_it_names_and_nothing_else() -> None:
    caller = tool("rotations:read")
    assert caller.get("schedules").status == 200
    reply = caller.get("alerts")
    assert (reply.status, reply.code) == (403, "permission_denied")
    assert reply["detail"] == "This needs the scope events:read."
    assert tool("admin").get("alerts").status == 200


def test_a_method_that_an_address_does_not_have_is_405_for_whoever_may_call() -> None:
    caller = tool("events:read")
    reply = caller.call("DELETE", "alerts")
    assert (reply.status, reply.code) == (405, "method_not_allowed")
    assert caller.post("alerts/1", {}, X_HTTP_Method_Override="DELETE").status == 405
    assert caller.call("OPTIONS", "alerts").status == 405
    assert nobody().call("DELETE", "alerts").status == 401


def test_an_unknown_address_is_a_problem_too() -> None:
    for path in ("nothing", "alerts/1/explode", "alerts/", "", "alerts/%2e%2e/x"):
        for method in ("GET", "POST", "DELETE"):
            reply = nobody().call(method, path)
            assert (reply.status, reply.code) == (404, "not_found"), (method, path)


@pytest.mark.parametrize(
    "path", ["alerts/0", "alerts/99999999999999999999", "alerts/abc", "alerts/%20", "alerts/-1",
             "alerts/１２", "pages/x", "incidents/42", "incidents/INC-", "incidents/INC-9",
             "deliveries/1e3", "surfaces/nope", "schedules/nope", "schedules/7/shifts"],
)  # fmt: skip
def test_an_id_that_is_none_is_not_found(path: str) -> None:
    reply = tool("admin").get(path)
    assert (reply.status, reply.code) == (404, "not_found")


def test_a_nul_in_an_address_is_no_address_and_in_a_parameter_refused() -> None:
    caller = tool("admin")
    reply = caller.get("alerts/%00")
    assert (reply.status, reply.code) == (404, "not_found")
    for path in ("alerts?dedup_key=%00", "alerts?search=%00", "oncall?at=%00"):
        reply = caller.get(path)
        assert (reply.status, reply.code) == (400, "poison"), path


BAD_BODIES: list[tuple[bytes, int, str]] = [
    (b"{", 400, "not_json"),
    (b"[1,2]", 400, "not_an_object"),
    (b"null", 400, "not_an_object"),
    (b'"text"', 400, "not_an_object"),
    (b'{"title":"a\\u0000b"}', 400, "unsafe_text"),
    (b'{"title":"a","k\\u0000":1}', 400, "unsafe_text"),
    (b'{"title":"\\ud800"}', 400, "unsafe_text"),
    (b'{"title":"\xff\xfe"}', 400, "bad_encoding"),
    (b'{"title":"a","m":' + b"[" * 1000 + b"1" + b"]" * 1000 + b"}", 400, "too_deep"),
    (b'{"a":"' + b"a" * 1_100_000 + b'"}', 413, "too_large"),
    (b"{" + b",".join(b'"k%d":1' % n for n in range(30_000)) + b"}", 400, "too_many_values"),
]


@pytest.mark.parametrize(("body", "status", "code"), BAD_BODIES, ids=[b[2] for b in BAD_BODIES])
@pytest.mark.parametrize("again", [{}, {"Idempotency_Key": "one"}], ids=["plain", "with a key"])
def test_a_body_that_cannot_be_taken_is_refused(
    body: bytes, status: int, code: str, again: dict[str, str]
) -> None:
    reply = tool("incidents:write").post("incidents", body, **again)
    assert (reply.status, reply.code) == (status, code)


def test_a_byte_order_mark_an_int_of_400_digits_and_a_key_twice_do_no_harm() -> None:
    caller = tool("incidents:write")
    body = b'\xef\xbb\xbf{"title":"x","title":"y","severity":"SEV3","n":' + b"9" * 400 + b"}"
    reply = caller.post("incidents", body)
    assert (reply.status, reply["title"]) == (201, "y")


def test_another_media_type_is_415_and_a_form_cannot_be_smuggled_in() -> None:
    caller = tool("incidents:write")
    for media in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
        reply = caller.post("incidents", b"title=x", Content_Type=media)
        assert (reply.status, reply.code) == (415, "unsupported_media_type")


def test_head_answers_like_get_and_nothing_is_kept_by_a_cache() -> None:
    caller = tool("admin")
    for path in ("alerts", "oncall", "surfaces"):
        read, head = caller.get(path), caller.call("HEAD", path)
        assert (head.status, head.headers["Content-Length"]) == (
            200,
            read.headers["Content-Length"],
        )
        assert read.headers["Cache-Control"] == "no-store"
    assert nobody().get("alerts").headers["Cache-Control"] == "no-store"


def test_whatever_a_tool_accepts_it_gets_json() -> None:
    reply = tool("admin").get("alerts", Accept="text/html, */*;q=0")
    assert reply.status == 200 and reply.headers["Content-Type"] == "application/json"


def test_an_unknown_or_repeated_parameter_is_refused_not_ignored() -> None:
    caller = tool("admin")
    for query in (
        "owner__password__startswith=p", "_connector=OR", "ordering=title;drop", "offset=100000000",
        "format=json", "status=firing&status=resolved", "page=2",
    ):  # fmt: skip
        reply = caller.get(f"alerts?{query}")
        assert (reply.status, reply.code) == (400, "invalid"), query
    assert caller.get("oncall?when=now").status == 400
    assert caller.post("schedules/preview?x=1", {}).status == 400


@pytest.mark.parametrize(
    "query",
    ["status=on", "severity=5", "integration=abc", "integration=" + "9" * 30, "since=yesterday",
     "since=2026-10-01", "since=9999-12-31T23:59:59-12:00", "since=2026-02-30T00:00:00Z",
     "limit=0", "limit=-1", "limit=abc", "limit=%20", "cursor=x", "cursor=WzFd", "cursor=bnVsbA==",
     "cursor=WyJhYmMiXQ==", "cursor=%ff"],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_is_400(query: str) -> None:
    reply = tool("admin").get(f"alerts?{query}")
    assert (reply.status, reply.code) == (400, "invalid")
    assert reply.fields == {query.partition("=")[0]}


def test_pages_follow_each_other_while_rows_come_in() -> None:
    caller, source = tool("events:read"), build.native()
    for number in range(5):
        build.alert(source, dedup_key=f"a{number}", severity="info")
    first = caller.get("alerts", {"limit": "2"})
    build.alert(source, dedup_key="late", severity="info")
    rows, following = first["results"], first["next"]
    while following:
        assert following.startswith("http://testserver/api/v1/alerts?")
        reply = caller.get(following.removeprefix("http://testserver"))
        rows, following = rows + reply["results"], reply["next"]
    assert [row["dedup_key"] for row in rows] == ["a4", "a3", "a2", "a1", "a0"]


def test_a_page_is_never_longer_than_200_and_its_last_one_says_so() -> None:
    reply = tool("events:read").get("alerts", {"limit": "100000"})
    assert (reply.status, reply["results"], reply["next"]) == (200, [], None)


def test_rows_of_the_same_instant_are_all_listed() -> None:
    from apps.changes import services as changes

    at = datetime(2026, 9, 7, tzinfo=UTC)
    for number in range(7):
        changes.record(kind="flag", ref=f"f{number}", summary="x", occurred_at=at, now=clock.now())
    caller, seen, path = tool("events:read"), [], "changes?limit=3"
    while path:
        reply = caller.get(path)
        seen += [row["ref"] for row in reply["results"]]
        path = (reply["next"] or "").removeprefix("http://testserver")
    assert sorted(seen) == [f"f{number}" for number in range(7)]


def test_a_strange_host_is_refused_and_never_repeated(settings: object) -> None:
    reply = tool("admin").get("alerts", Host="evil.example")
    assert (reply.status, reply.code) == (400, "bad_request")
    assert "evil" not in str(reply.body)


def test_changes_by_session_need_the_csrf_token(cast: Cast) -> None:
    caller = signed_in(cast.maya)
    assert caller.get("incidents").status == 200
    reply = caller.post("incidents", {"title": "x", "severity": "SEV3"})
    assert (reply.status, reply.code) == (403, "permission_denied")
    token = "a" * 32
    caller.client.cookies["csrftoken"] = token
    done = caller.post("incidents", {"title": "x", "severity": "SEV3"}, X_CSRFToken=token)
    assert done.status == 201


def test_a_role_opens_what_it_grants(cast: Cast) -> None:
    viewer = signed_in(cast.olu)
    viewer.client.cookies["csrftoken"] = token = "a" * 32
    assert viewer.get("incidents").status == 200
    body = {"title": "x", "severity": "SEV3"}
    assert viewer.post("incidents", body, X_CSRFToken=token).status == 403
    cast.olu.roles = []
    cast.olu.save()
    assert viewer.get("incidents").status == 403


def test_a_database_that_is_away_is_503_with_retry_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from apps.alerts.api import views

    def gone(user: object) -> None:
        raise OperationalError("server closed the connection: password=hunter2")

    caller = tool("admin")
    monkeypatch.setattr(views, "alerts", gone)
    reply = caller.get("alerts")
    assert (reply.status, reply.code) == (503, "database_away")
    assert reply.headers["Retry-After"] == "5" and "hunter2" not in str(reply.body)


def test_a_row_that_somebody_else_holds_is_503_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.alerts.api import views

    def held(user: object) -> None:
        raise OperationalError("deadlock detected") from DeadlockDetected()

    caller = tool("admin")
    monkeypatch.setattr(views, "alerts", held)
    reply = caller.get("alerts")
    assert (reply.status, reply.code, reply.headers["Retry-After"]) == (503, "busy", "5")


def test_every_answer_has_a_request_id_and_keeps_a_given_one() -> None:
    caller = tool("admin")
    assert len(caller.get("alerts").headers["X-Request-ID"]) == 32
    assert caller.get("alerts", X_Request_ID="deploy-2026.1").headers["X-Request-ID"] == (
        "deploy-2026.1"
    )
    odd = "a\tb" * 9
    assert caller.get("alerts", X_Request_ID=odd).headers["X-Request-ID"] != odd


INSTANTS: list[tuple[str, str]] = [
    ("2026-10-01T09:00:00Z", "2026-10-01T09:00:00+00:00"),
    ("2026-10-01t09:00z", "2026-10-01T09:00:00+00:00"),
    ("2026-10-01T09:00:00.5+02:00", "2026-10-01T07:00:00.500000+00:00"),
    ("2026-10-01T09:00:00 02:00", "2026-10-01T07:00:00+00:00"),  # a plus sign lost in an address
    ("2026-10-01 09:00:00-05:00", "2026-10-01T14:00:00+00:00"),
]


@pytest.mark.parametrize(("text", "meant"), INSTANTS)
def test_an_instant_is_read_with_its_offset(text: str, meant: str) -> None:
    assert instant(text) == datetime.fromisoformat(meant)


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-10-01", "2026-10-01T09:00:00", "20261001T090000Z", "2026-W40-1T00:00Z",
     "2026-13-01T00:00:00Z", "2026-10-01T25:00:00Z", "9999-12-31T23:59:59-12:00",
     "0001-01-01T00:00:00+12:00", "1969-12-31T00:00:00Z", "２０２６-10-01T09:00:00Z", "2" * 5000],
)  # fmt: skip
def test_anything_else_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r"Use|There is no such time"):
        instant(text)


def test_an_id_is_up_to_eighteen_plain_digits() -> None:
    assert as_id("42") == 42
    assert [as_id(text) for text in ("", "-1", "４２", "1.0", "9" * 19, "0x1")] == [None] * 6
