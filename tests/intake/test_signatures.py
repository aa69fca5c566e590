"""Signed hooks are verified on raw bytes, and nothing a stranger sends makes a verifier raise."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from apps.intake.signatures import VERIFIERS, same, verify, verify_basic, verify_github

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "signatures.json").read_text()
)["vectors"]
KIND_OF = {"slack_v0": "slack"}  # the other schemes of the vectors go by the names that we use
GITHUB = next(v for v in VECTORS if v["id"] == "github-docs")
GOOD = GITHUB["headers"]["X-Hub-Signature-256"]
BODY = GITHUB["body"].encode()


def scheme(vector: dict[str, Any]) -> str:
    return KIND_OF.get(vector["scheme"], vector["scheme"])


def test_every_scheme_of_the_vectors_is_built_and_none_besides() -> None:
    assert {scheme(v) for v in VECTORS} == set(VERIFIERS)
    assert len(VECTORS) == 19


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: str(v["id"]))
def test_the_published_vectors_hold(vector: dict[str, Any]) -> None:
    answer = verify(
        scheme(vector),
        secrets=["another secret", vector["secret"]],
        body=vector["body"].encode(),
        headers={name.lower(): value for name, value in vector["headers"].items()},
        now=float(vector.get("now", 0)),
    )
    assert answer is vector["valid"]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        "sha256=",
        "sha256=é",
        "sha256=\udc80",
        "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59",
        GOOD.removeprefix("sha256="),
        GOOD[:-1],
        GOOD + "0",
        "sha512=" + GOOD.removeprefix("sha256="),
        "garbage\x00",
    ],
)
def test_a_header_that_makes_no_sense_is_a_wrong_signature(header: str | None) -> None:
    assert verify_github(GITHUB["secret"], BODY, GOOD)
    assert not verify_github(GITHUB["secret"], BODY, header)


def test_an_empty_secret_fits_nothing() -> None:
    unsigned = "sha256=" + "0" * 64
    assert not verify_github("", BODY, unsigned)
    assert not verify_github("", BODY, GOOD)
    assert not same("", "")
    assert not same("x", None)
    assert same("x", "x")
    assert verify("github", secrets=[], body=BODY, headers={}, now=0) is False


def test_both_secrets_fit_while_one_is_rotated() -> None:
    headers = {"X-Hub-Signature-256": GOOD}
    both = ["the new secret", GITHUB["secret"]]
    assert verify("github", secrets=both, body=BODY, headers=headers, now=0) is True
    assert verify("github", secrets=both[:1], body=BODY, headers=headers, now=0) is False


def test_a_kind_that_does_not_sign_has_nothing_to_verify() -> None:
    assert verify("alertmanager", secrets=["s"], body=BODY, headers={}, now=0) is None
    assert verify("gcp", secrets=["s"], body=BODY, headers={}, now=0) is None


SIGNATURES = {
    "github": "X-Hub-Signature-256",
    "stripe": "Stripe-Signature",
    "fivetran": "X-Fivetran-Signature-256",
    "sentry": "Sentry-Hook-Signature",
    "grafana": "X-Grafana-Alerting-Signature",
    "slack": "X-Slack-Signature",
    "standard_webhooks": "webhook-signature",
    "pagerduty_v3": "X-PagerDuty-Signature",
}
GOOD_ONES = {scheme(v): v for v in VECTORS if v["valid"] and v["id"] != "github-unicode-body"}


def signed(kind: str, secret: str, body: bytes, at: int) -> dict[str, str]:
    """The headers that the vendor would send, made here by its documentation."""

    def of(key: str, text: bytes) -> str:
        return hmac.new(key.encode(), text, hashlib.sha256).hexdigest()

    stamp = str(at).encode()
    match kind:
        case "github":
            return {"X-Hub-Signature-256": f"sha256={of(secret, body)}"}
        case "stripe":
            return {"Stripe-Signature": f"t={at},v1={of(secret, stamp + b'.' + body)},v0=00"}
        case "slack":
            v0 = of(secret, b"v0:" + stamp + b":" + body)
            return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": f"v0={v0}"}
        case "grafana-with-time":
            return {
                "X-Grafana-Alerting-Timestamp": str(at),
                "X-Grafana-Alerting-Signature": of(secret, stamp + b":" + body),
            }
    return {SIGNATURES[kind]: of(secret, body)}


def fits(kind: str, headers: dict[str, str], *, secret: str = "s3", now: float = 1000.0) -> Any:
    return verify(kind, secrets=[secret], body=b"{}", headers=headers, now=now)


@pytest.mark.parametrize("kind", ["github", "stripe", "slack", "fivetran", "sentry", "grafana"])
def test_what_a_vendor_signs_fits_and_nothing_else(kind: str) -> None:
    good = signed(kind, "s3", b"{}", 1000)
    assert fits(kind, good) is True
    assert fits(kind, good, secret="other") is False
    assert fits(kind, signed(kind, "s3", b"{ }", 1000)) is False
    assert fits(kind, good, secret="") is False


@pytest.mark.parametrize("kind", sorted(SIGNATURES))
@pytest.mark.parametrize(
    "given", ["", " ", "=", "é", "\udc80", "t=,v1=", "v1=" + "0" * 64, "v0=", "v1,", "," * 5000]
)
def test_no_scheme_fails_on_a_header_that_makes_no_sense(kind: str, given: str) -> None:
    vector = GOOD_ONES.get(kind) or {"secret": "s", "headers": {}, "body": "{}"}
    headers = {**vector["headers"], SIGNATURES[kind]: given}
    now = float(vector.get("now", 0))
    body = vector["body"].encode()
    answer = verify(kind, secrets=[vector["secret"]], body=body, headers=headers, now=now)
    # Grafana signs only where it was told to: an empty header is none.
    assert answer is (None if kind == "grafana" and not given.strip() else False)


@pytest.mark.parametrize("kind", ["stripe", "slack", "grafana-with-time"])
@pytest.mark.parametrize(("now", "good"), [(700, True), (1300, True), (699, False), (1301, False)])
def test_a_signed_time_is_good_for_five_minutes_in_both_directions(
    kind: str, now: int, good: bool
) -> None:
    headers = signed(kind, "s3", b"{}", 1000)
    assert fits(kind.removesuffix("-with-time"), headers, now=now) is good


@pytest.mark.parametrize("stamp", ["", "abc", "1e3", "-1000", "１０００", "9" * 5000, "1000.0"])
def test_a_time_that_is_no_number_of_seconds_is_a_wrong_signature(stamp: str) -> None:
    for kind, name in (("slack", "X-Slack-Request-Timestamp"),
                       ("grafana", "X-Grafana-Alerting-Timestamp")):  # fmt: skip
        made = signed("grafana-with-time" if kind == "grafana" else kind, "s3", b"{}", 1000)
        if stamp or kind == "slack":  # Grafana without a time signs the body alone
            assert fits(kind, {**made, name: stamp}) is False
    assert fits("stripe", {"Stripe-Signature": f"t={stamp},v1=00"}) is False


def test_stripe_signs_with_both_secrets_while_one_is_rolled() -> None:
    old, new = (signed("stripe", s, b"{}", 1000)["Stripe-Signature"] for s in ("old", "new"))
    both = f"{old.removesuffix(',v0=00')},{new.partition(',')[2]}"
    assert fits("stripe", {"Stripe-Signature": both}, secret="old") is True
    assert fits("stripe", {"Stripe-Signature": both}, secret="new") is True
    assert fits("stripe", {"Stripe-Signature": both}, secret="older") is False


def test_fivetran_may_write_its_hex_in_capitals() -> None:
    given = signed("fivetran", "s3", b"{}", 0)["X-Fivetran-Signature-256"]
    assert fits("fivetran", {"X-Fivetran-Signature-256": given.upper()}) is True


def test_grafana_without_a_signature_has_nothing_to_verify() -> None:
    assert fits("grafana", {}) is None
    assert fits("grafana", {"X-Grafana-Alerting-Signature": "00"}) is False


@pytest.mark.parametrize("secret", ["whsec_", "whsec_%%%", "whsec_é", ""])
def test_a_secret_of_standard_webhooks_that_is_none_fits_nothing(secret: str) -> None:
    vector = next(v for v in VECTORS if v["id"] == "stdwebhooks-docs")
    assert fits("standard_webhooks", vector["headers"], secret=secret, now=vector["now"]) is False


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "fits"),
    [
        (basic("gcp:grün"), True),
        (basic("gcp:grün").replace("Basic", "basic"), True),
        (basic("gcp:wrong"), False),
        (basic(""), False),
        ("Basic !!!", False),
        ("Basic é", False),
        ("Bearer gcp:grün", False),
        ("", False),
        (None, False),
    ],
)
def test_basic_authentication_compares_user_and_password(header: str | None, fits: bool) -> None:
    assert verify_basic("gcp:grün", header) is fits
    assert not verify_basic("", header)
