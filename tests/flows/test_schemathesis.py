"""Schemathesis against the running server: no 5xx but 503, and every answer as the document says.

`SCHEMATHESIS_SECONDS` (60; 20 in CI) and `SCHEMATHESIS_SEED` change a run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from apps.core import clock
from apps.intake import services as intake
from apps.intake.models import Delivery
from tests import builders as build
from tests.conftest import Cast
from tests.intake.lean import served

SECONDS = os.environ.get("SCHEMATHESIS_SECONDS") or ("20" if os.environ.get("CI") else "60")
SEED = os.environ.get("SCHEMATHESIS_SEED") or "20260907"
HERE = Path(__file__).parent
CHECKS = [
    "no_5xx_but_503", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "unsupported_method",
    "use_after_free",
]  # fmt: skip


@pytest.mark.flow
@pytest.mark.timeout(int(SECONDS) * 2 + 120)
@pytest.mark.django_db(transaction=True)
def test_nothing_that_a_stranger_sends_is_a_fault_of_ours(cast: Cast) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DB_POOL", "0")
        from opsportal.asgi import OnePlace
    key = _furnish(cast)
    with served(OnePlace()) as port:
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")), "run",
                f"http://127.0.0.1:{port}/api/schema",
                "--header", f"Authorization: Bearer {key}", "--max-time", SECONDS, "--seed", SEED,
                "--checks", ",".join(CHECKS), "--continue-on-failure", "--warnings", "off",
                "--request-timeout", "30", "--workers", "2",
            ],
            cwd=HERE, capture_output=True, text=True, timeout=int(SECONDS) * 2 + 90,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE)},
        )  # fmt: skip
    print(done.stdout[-1500:])
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    _engine_survives_what_was_taken()


def _furnish(cast: Cast) -> str:
    """Something of everything, so that not every address answers 404; gives an admin's key."""
    surface = build.surface("inspect.api", primary=cast.ravi, backup=cast.bea)
    build.schedule(cast.ravi, cast.bea, surfaces=[surface])
    for severity in ("critical", "warning", "info"):
        build.alert(build.native(surface=surface), dedup_key=severity, severity=severity)
    build.incident(surface=surface, by=cast.maya)
    for kind in ("alertmanager", "gcp", "github", "pagerduty"):
        build.integration(kind, surface=surface)
    return build.key("admin").text


def _engine_survives_what_was_taken() -> None:
    for _ in range(200):
        if not intake.normalise_due(now=clock.now()):
            break
    states = set(Delivery.objects.values_list("status", flat=True))
    assert "received" not in states and "normalised" in states
