"""The vendors' addresses on the lean path: who may post, what is signed, what is taken once; and
deliveries that come twice, late, cut off or beside bad ones end as the model says."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.alerts.models import Alert
from apps.core import audit, clock
from apps.intake import services as intake
from apps.intake.doors.hooks import HOOKS
from apps.intake.models import Delivery, Integration
from apps.paging.models import Page
from tests import builders as build
from tests.intake.lean import Lean, Reply, swept  # noqa: F401 - a fixture
from tests.intake.test_signatures import signed

PAYLOADS = Path(__file__).parents[1] / "vectors" / "payloads"
lean_path = pytest.mark.usefixtures("swept")
SECRET = "whsec_secret"
T = 1_790_000_000  # seconds since 1970
SIGNING = ("stripe", "fivetran", "sentry", "github", "grafana")
TRIGGERS = {
    "grafana": ("grafana/webhook_v1_firing", {}),
    "stripe": ("stripe/invoice_payment_failed", {}),
    "fivetran": ("fivetran/sync_end_failure", {}),
    "sentry": ("sentry/issue_created", {"sentry-hook-resource": "issue"}),
    "github": ("github/deployment_status_failure", {"x-github-event": "deployment_status"}),
}


@pytest.fixture
def lean(transactional_db: None) -> Iterator[Lean]:
    made = Lean()
    yield made
    made.close()


def raw_of(file: str, **changes: Any) -> bytes:
    return json.dumps({**json.loads((PAYLOADS / f"{file}.json").read_text()), **changes}).encode()


def post(lean: Lean, path: str, raw: bytes, method: str = "POST", **headers: str) -> Reply:
    return lean.call(method, path, raw, **headers)


# -- who may post


@lean_path
@pytest.mark.parametrize("kind", SIGNING)
def test_a_signed_delivery_is_taken_and_any_other_refused(lean: Lean, kind: str) -> None:
    made = build.integration(kind, secret=SECRET)
    file, headers = TRIGGERS[kind]
    raw, now = raw_of(file), int(time.time())
    good = {**headers, **signed(kind, SECRET, raw, now)}
    assert post(lean, made.path, raw, **good).status == 202
    assert post(lean, made.path, raw + b" ", **good).status == 401
    assert post(lean, made.path, raw, **{**headers, **signed(kind, "x", raw, now)}).status == 401
    unsigned = post(lean, made.path, raw, **headers)
    assert unsigned.status == (202 if kind == "grafana" else 401)  # which signs where it is told to
    if kind == "stripe":
        stale = {**headers, **signed(kind, SECRET, raw, now - 301)}
        assert post(lean, made.path, raw, **stale).code == "bad_signature"
    intake.normalise_due(now=clock.now())
    assert set(Delivery.objects.values_list("status", flat=True)) == {"normalised"}
    assert Alert.objects.get().status == "firing"


@lean_path
def test_two_secrets_are_active_while_one_is_rotated(lean: Lean) -> None:
    made = build.integration("sentry", secret="old")
    intake.set_secret(integration=made.row, secret="new")
    raw = raw_of("sentry/issue_created")
    for secret, status in (("old", 202), ("new", 202), ("older", 401)):
        assert post(lean, made.path, raw, **signed("sentry", secret, raw, 0)).status == status
    intake.end_old_secret(integration=Integration.objects.get())
    assert post(lean, made.path, raw, **signed("sentry", "old", raw, 0)).status == 401


@lean_path
def test_a_token_opens_its_own_kind_alone_and_nothing_says_which(lean: Lean) -> None:
    made = build.integration("stripe")
    raw = raw_of("stripe/invoice_paid")
    replies = [
        post(lean, f"/hooks/{made.token}/{kind}", raw)
        for kind in (*sorted(HOOKS - {"stripe"}), "opsgenie", "pagerduty", "nothing", "stripe/x")
    ]
    replies += [post(lean, f"/hooks/{token}/stripe", raw) for token in ("", "x" * 40, "é")]
    assert {reply.status for reply in replies} == {404}
    assert len({reply.raw for reply in replies}) == 1 and made.token.encode() not in replies[0].raw
    intake.archive_integration(integration=made.row, now=clock.now())
    assert post(lean, made.path, raw).status == 404


@lean_path
def test_grafana_may_be_told_to_put(lean: Lean) -> None:
    made = build.integration("grafana")
    raw = raw_of("grafana/webhook_v1_firing")
    assert post(lean, made.path, raw, "PUT").status == 202
    refused = post(lean, made.path, raw, "GET")
    assert (refused.status, refused.headers["allow"]) == (405, "PUT, POST")


@lean_path
def test_fivetran_may_try_the_address_with_its_test_event(lean: Lean) -> None:
    made = build.integration("fivetran", secret=SECRET)
    raw = raw_of("fivetran/test_event")
    assert post(lean, made.path, raw, **signed("fivetran", SECRET, raw, 0)).status == 202
    intake.normalise_due(now=clock.now())
    assert Delivery.objects.get().status == "ignored"


@lean_path
def test_the_same_stripe_event_is_taken_once_however_often_it_comes(lean: Lean) -> None:
    made = build.integration("stripe")
    raw = raw_of("stripe/charge_dispute_created", livemode=True)
    replies = lean.together(*[(made.path, raw, "")] * 10)
    assert {reply.status for reply in replies} == {202}
    assert len({reply["delivery_id"] for reply in replies}) == 1
    intake.normalise_due(now=clock.now())
    assert Alert.objects.get().count == 1 and Page.objects.count() == 1


# -- late, repeated and cut-off deliveries, through the engine


def take(source: Integration, raw: bytes, headers: dict[str, str] | None = None) -> None:
    intake.receive_hook(integration=source, body=raw, headers=headers, now=clock.now())


def state_of(key: str) -> str:
    rows = Alert.objects.filter(dedup_key=key).order_by("pk").values_list("status", flat=True)
    return ",".join(rows) or "none"


def stripe_event(name: str, number: int, created: int) -> bytes:
    found = {"id": "in_1", "object": "invoice", "number": "A-1"}
    body = {"id": f"evt_{number}", "type": name, "created": created, "livemode": True}
    return json.dumps({**body, "data": {"object": found}}).encode()


LIFE = [
    stripe_event("invoice.payment_failed", 1, T + 1000),
    stripe_event("invoice.payment_failed", 2, T + 2000),
    stripe_event("invoice.paid", 3, T + 3000),
]


@pytest.mark.django_db
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_a_paid_invoice_never_stays_open_in_whatever_order_stripe_tells(
    order: tuple[int, ...],
) -> None:
    source = build.integration("stripe", surface=build.surface()).row
    for number in order:
        take(source, LIFE[number])
        intake.normalise_due(now=clock.now())
    assert not Alert.objects.exclude(status="resolved").exists()
    assert not Page.objects.exclude(status="resolved").exists()


@pytest.mark.django_db
def test_a_failure_of_the_same_second_as_the_payment_opens_nothing() -> None:
    """As in Stripe's own examples, whose events all have one time."""
    source = build.integration("stripe").row
    take(source, stripe_event("invoice.paid", 1, T))
    take(source, stripe_event("invoice.payment_failed", 2, T))
    intake.normalise_due(now=clock.now())
    assert state_of("invoice:in_1") == "none"
    take(source, stripe_event("invoice.payment_failed", 3, T + 1))
    intake.normalise_due(now=clock.now())
    assert state_of("invoice:in_1") == "firing"


def sync_of(status: str, created: str) -> bytes:
    return raw_of("fivetran/sync_end_failure", created=created, data={"status": status})


@pytest.mark.django_db
@pytest.mark.parametrize("order", list(itertools.permutations(range(2))), ids=str)
def test_a_late_failure_of_a_sync_never_outlives_the_success_after_it(
    order: tuple[int, ...],
) -> None:
    source = build.integration("fivetran").row
    life = [sync_of("FAILURE", "2026-11-20T01:00:00Z"),
            sync_of("SUCCESSFUL", "2026-11-20T02:00:00Z")]  # fmt: skip
    for number in order:
        take(source, life[number])
        intake.normalise_due(now=clock.now())
    assert state_of("connector_abc123") in ("none", "resolved")
    take(source, sync_of("RESCHEDULED", "2026-11-20T03:00:00Z"))
    intake.normalise_due(now=clock.now())
    assert state_of("connector_abc123") in ("none", "resolved") and not Page.objects.filter(
        status="open"
    )
    take(source, sync_of("FAILURE_WITH_TASK", "2026-11-20T04:00:00Z"))
    intake.normalise_due(now=clock.now())
    assert state_of("connector_abc123").endswith("firing")


@pytest.mark.django_db
def test_an_issue_of_sentry_ends_and_begins_again() -> None:
    source = build.integration("sentry").row
    told = [("created", 1), ("resolved", 2), ("created", 1), ("unresolved", 3), ("archived", 4)]
    states = []
    for action, at in told:
        headers = {"Sentry-Hook-Resource": "issue", "Sentry-Hook-Timestamp": str(1784700000 + at)}
        take(source, raw_of("sentry/issue_created", action=action), headers)
        intake.normalise_due(now=clock.now())
        states.append(state_of("issue:1170820242"))
    assert states == ["firing", "resolved", "resolved", "resolved,firing", "resolved,resolved"]


@pytest.mark.django_db
def test_what_is_not_live_is_kept_and_shown_and_pages_nobody() -> None:
    source = build.integration("stripe", surface=build.surface()).row
    take(source, raw_of("stripe/charge_dispute_created"))
    intake.normalise_due(now=clock.now())
    assert Alert.objects.get().kind == "test" and not Page.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("kind", sorted(TRIGGERS))
def test_a_delivery_that_was_cut_off_costs_no_neighbor_and_comes_whole_again(kind: str) -> None:
    source = build.integration(kind).row
    file, headers = TRIGGERS[kind]
    raw = raw_of(file)
    cut = [raw[: len(raw) // 2], raw[:-1], raw[:1]]
    for body in (*cut, raw):
        take(source, body, headers if body is raw else {**headers, "Request-ID": "cut"})
    intake.normalise_due(now=clock.now())
    rows = list(Delivery.objects.order_by("pk"))
    assert [row.status for row in rows] == ["quarantined"] * 3 + ["normalised"]
    assert [bytes(row.body) for row in rows] == [*cut, raw] and all(r.error for r in rows[:3])
    assert Alert.objects.count() == 1


@pytest.mark.django_db
def test_a_quarantined_delivery_is_read_again_when_it_can_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from apps.intake.adapters import stripe

    source = build.integration("stripe").row
    with monkeypatch.context() as broken:
        broken.setattr(stripe, "_RULES", {"invoice.payment_failed": None})
        take(source, LIFE[0])
        intake.normalise_due(now=clock.now())
    row = Delivery.objects.get()
    assert row.status == "quarantined" and "stripe" in row.error
    intake.replay(delivery=row, actor=audit.SYSTEM, now=clock.now())
    intake.normalise_due(now=clock.now() + timedelta(seconds=1))
    assert state_of("invoice:in_1") == "firing"


@pytest.mark.django_db
def test_what_nobody_can_take_yet_waits_in_quarantine_with_the_reason() -> None:
    """An issue of GitHub on a site that has no request types."""
    source = build.integration("github").row
    take(source, raw_of("github/issues_opened"), {"X-GitHub-Event": "issues"})
    intake.normalise_due(now=clock.now())
    row = Delivery.objects.get()
    assert (row.status, row.error) == (
        "quarantined", "There is no request type that such a ticket could have.",
    )  # fmt: skip
    build.support()
    intake.replay(delivery=row, actor=audit.SYSTEM, now=clock.now())
    intake.normalise_due(now=clock.now())
    row.refresh_from_db()
    assert row.status == "normalised" and row.events.get().action == "open_ticket"


# -- the command line


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "path"),
    [
        *((kind, f"/hooks/{{key}}/{kind}") for kind in (*sorted(HOOKS), "slack")),
        ("opsgenie", "/v2/alerts"),
        ("pagerduty", "/v2/enqueue"),
        ("heartbeat", "/ping/{key}"),
        ("native", "/api/v1/events"),
    ],
)
def test_every_kind_can_be_created_on_the_command_line(
    kind: str, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ravi = build.person("Ravi Rao")
    call_command("integration", "create", "--kind", kind, "--owner", ravi.email.upper())
    made = json.loads(capsys.readouterr().out)
    row = Integration.objects.get(pk=made["id"])
    assert made["url"].endswith(path.format(key=made["key"]))
    assert (row.kind, row.owner) == (kind, ravi)
    assert made["key"] not in (row.digest or "") and row.secret_sealed == ""


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["stripe", "fivetran", "sentry", "github", "grafana", "slack"])
def test_a_secret_is_kept_sealed_where_the_vendor_signs(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("integration", "create", "--kind", kind, "--secret", SECRET)
    out = capsys.readouterr().out
    row = Integration.objects.get()
    assert row.secret_sealed and SECRET not in row.secret_sealed + out


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["opsgenie", "heartbeat", "native", "alertmanager", "gcp"])
def test_a_secret_that_nothing_would_check_is_refused(kind: str) -> None:
    with pytest.raises(CommandError):
        call_command("integration", "create", "--kind", kind, "--secret", SECRET)
    with pytest.raises(CommandError, match="nobody here"):
        call_command("integration", "create", "--kind", kind, "--owner", "olu@example.com")
    assert not Integration.objects.exists()


def test_the_signature_of_these_tests_is_the_vendor_s() -> None:
    raw = b"{}"
    made = hmac.new(b"k", b"5." + raw, hashlib.sha256).hexdigest()
    assert made in signed("stripe", "k", raw, 5)["Stripe-Signature"]
