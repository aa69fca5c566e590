"""Signed hooks are verified on raw bytes, and nothing a stranger sends makes a verifier raise."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from apps.intake.signatures import VERIFIERS, same, verify, verify_basic, verify_github

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "signatures.json").read_text()
)["vectors"]
# The vectors' names of the schemes that are built, and of those whose integration comes later.
BUILT = {"github": "github"}
LATER = {
    "slack_v0",
    "stripe",
    "fivetran",
    "standard_webhooks",
    "sentry",
    "grafana",
    "pagerduty_v3",
}
GITHUB = next(v for v in VECTORS if v["id"] == "github-docs")
GOOD = GITHUB["headers"]["X-Hub-Signature-256"]
BODY = GITHUB["body"].encode()


def test_every_scheme_of_the_vectors_is_built_or_known_to_come_later() -> None:
    assert {v["scheme"] for v in VECTORS} == BUILT.keys() | LATER
    assert not BUILT.keys() & LATER
    assert set(VERIFIERS) == set(BUILT.values())


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS if v["scheme"] in BUILT], ids=lambda v: str(v["id"])
)
def test_the_published_vectors_hold(vector: dict[str, Any]) -> None:
    answer = verify(
        BUILT[vector["scheme"]],
        secrets=[vector["secret"]],
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
