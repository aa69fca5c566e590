"""The rows of the catalog of bad inputs that name a hook, tried on the address of every vendor."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.alerts.models import Alert
from apps.core import clock
from apps.intake import services as intake
from apps.intake.models import Delivery
from tests import builders as build
from tests.intake.lean import Lean, swept  # noqa: F401 - a fixture
from tests.intake.test_signatures import signed
from tests.intake.test_vendor_hooks import SECRET, TRIGGERS, raw_of

VECTORS = Path(__file__).parents[1] / "vectors"
ROWS: dict[str, dict[str, Any]] = {
    row["id"]: row for row in json.loads((VECTORS / "bad_inputs.json").read_text())["inputs"]
}
POISON = [
    name
    for name, row in ROWS.items()
    if row["path_kind"] in ("webhook_ingest", "alertmanager_webhook", "pagerduty_enqueue")
    and {"body", "body_gen_python"} & row.keys()
    and name != "chunked-endless"  # a matter of the wire alone: test_wire.py
]
TOO_MUCH = {"wide-200k-keys", "body-over-limit"}
KINDS = sorted({*TRIGGERS, "gcp", "alertmanager"})
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("swept")]


@pytest.fixture
def lean(transactional_db: None) -> Iterator[Lean]:
    made = Lean()
    yield made
    made.close()


def bytes_of(name: str) -> bytes:
    row = ROWS[name]
    if "body" in row:
        return str(row["body"]).encode("utf-8", "surrogatepass")
    made = eval(row["body_gen_python"])  # noqa: S307 - expressions of a file of ours
    text = json.dumps(made) if isinstance(made, dict) else made
    return text if isinstance(text, bytes) else str(text).encode()


def test_there_is_poison_to_try() -> None:
    assert len(POISON) >= 12 and set(POISON) >= TOO_MUCH


@pytest.mark.parametrize("kind", KINDS)
def test_poison_is_refused_or_kept_aside_and_costs_no_neighbor(lean: Lean, kind: str) -> None:
    made = build.integration(kind, secret=SECRET if kind in TRIGGERS else "")
    file, headers = TRIGGERS.get(kind, ("alertmanager/webhook_v4_firing_recorded", {}))
    good = raw_of(file if kind != "gcp" else "gcp/incident_open_v1_2")
    kept: list[bytes] = []
    for name in POISON:
        for raw in (bytes_of(name), good):
            more = signed(kind, SECRET, raw, int(time.time())) if kind in TRIGGERS else {}
            reply = lean.post(made.path, raw, **{**headers, **more})
            assert reply.status == (413 if raw is not good and name in TOO_MUCH else 202), name
            assert made.token not in reply.raw.decode() and SECRET not in reply.raw.decode()
            kept += [raw] if raw is not good and reply.status == 202 else []
    intake.normalise_due(now=clock.now(), limit=200)
    rows = [bytes(row.body) for row in Delivery.objects.order_by("pk")]
    assert [raw for raw in rows if raw != good] == kept
    assert not Delivery.objects.filter(status="received").exists()
    assert set(Delivery.objects.exclude(body=good).values_list("status", flat=True)) <= {
        "quarantined", "ignored", *(["normalised"] if kind in ("alertmanager", "grafana") else []),
    }  # fmt: skip
    assert not Delivery.objects.filter(body=good).exclude(status="normalised").exists()
    assert Alert.objects.exists()


def test_a_stripe_delivery_without_a_good_signature_is_not_even_kept(lean: Lean) -> None:
    """sig-missing, sig-stale"""
    made = build.integration("stripe", secret=SECRET)
    raw, now = bytes_of("sig-missing"), int(time.time())
    stale = signed("stripe", SECRET, raw, now - 301)
    ahead = signed("stripe", SECRET, raw, now + 400)
    v0 = {"Stripe-Signature": stale["Stripe-Signature"].replace("v1=", "v0=")}
    for headers in ({}, stale, ahead, v0, {"Stripe-Signature": "é"}, {"Stripe-Signature": "t=,v1"}):
        reply = lean.post(made.path, raw, **headers)
        assert (reply.status, reply.code) == (401, "bad_signature")
    assert not Delivery.objects.exists()
    assert lean.post(made.path, raw, **signed("stripe", SECRET, raw, now)).status == 202


def test_a_payment_before_its_older_failure_leaves_no_open_alert(lean: Lean) -> None:
    """resolve-before-trigger"""
    made = build.integration("stripe")
    paid = raw_of("stripe/invoice_paid", created=1_790_000_500, livemode=True)
    failed = raw_of("stripe/invoice_payment_failed", created=1_790_000_000, livemode=True)
    for raw in (paid, failed, paid, failed):
        assert lean.post(made.path, raw).status == 202
    intake.normalise_due(now=clock.now())
    assert Delivery.objects.count() == 2 and not Alert.objects.exists()


@pytest.mark.parametrize("kind", sorted(TRIGGERS))
def test_a_signature_that_is_no_text_is_a_wrong_one(lean: Lean, kind: str) -> None:
    """sig-nonascii"""
    made = build.integration(kind, secret=SECRET)
    names = signed(kind, SECRET, b"{}", 0)
    for odd in ("sha256=é", "é", "\xff\xfe", "v1=é,t=1"):
        assert lean.post(made.path, b"{}", **dict.fromkeys(names, odd)).status == 401
    assert not Delivery.objects.exists()
