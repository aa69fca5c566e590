"""The clients that people really use, against the product as it really runs, over TLS.

Each test runs where its client is installed and says loudly where it is not. One product serves
them all; nobody is in it, so nobody is paged: what counts is what became of the alerts.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flows.product import Product, alertmanager, fire, fresh_copy, running, until
from tests.notifications.receivers import http_receiver

pytestmark = [pytest.mark.flow, pytest.mark.timeout(600)]

PAYLOADS = Path(__file__).parents[1] / "vectors" / "payloads"
NODE = Path(__file__).parent / "node"
SECRET = "whsec_of_these_tests"
MAKE = f"""
from apps.accounts import services as accounts
from apps.core import clock
from apps.intake import services as intake
from apps.support.seeds import ensure_support

ensure_support(now=clock.now())  # as a first run does: without types of requests no issue fits
answer = {{}}
for kind in ("alertmanager", "pagerduty", "opsgenie", "stripe", "github"):
    secret = "{SECRET}" if kind in ("stripe", "github") else ""
    made = intake.create_integration(kind=kind, secret=secret, now=clock.now())
    answer[kind] = [made.row.pk, made.path, made.token]
key = accounts.create_key(name="all", scopes=["admin", "events:write"], now=clock.now())
answer["api"] = key.text
"""


@dataclass
class Site:
    """The running product, its integrations by kind, and a key that reads everything."""

    product: Product
    made: dict[str, Any]
    certificate: str

    def url(self, kind: str) -> str:
        return f"{self.product.url}{self.made[kind][1]}"

    def key(self, kind: str) -> str:
        return str(self.made[kind][2])

    def api(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.made['api']}"}
        client = self.product.client
        answer = client.request(method, f"/api/v1/{path}", json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def post(self, path: str, raw: bytes, headers: dict[str, str]) -> httpx.Response:
        return self.product.client.post(path, content=raw, headers=headers)

    def alerts(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api("GET", f"alerts?integration={self.made[kind][0]}")[
            "results"
        ]
        return found

    def becomes(self, kind: str, status: str, dedup_key: str = "") -> dict[str, Any]:
        """The one alert of a source (by its key), once it is firing, acknowledged or resolved."""

        def look() -> dict[str, Any] | None:
            rows = [a for a in self.alerts(kind) if not dedup_key or a["dedup_key"] == dedup_key]
            assert len(rows) <= 1, rows
            return next((row for row in rows if row["status"] == status), None)

        return until(f"the alert of {kind} is {status}: {self.alerts(kind)}", look, within=30)

    def delivery(self, pk: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            row: dict[str, Any] = self.api("GET", f"deliveries/{pk}")
            return row if row["state"] != "received" else None

        return until(f"delivery {pk} is read", look)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPSPORTAL_OUTGOING_ALLOW_HTTP", "1")  # the receiver of what we send
        with running(fresh_copy(tmp_path_factory.mktemp("copy")), tls=True) as product:
            trust = next(line for line in product.output if line.startswith("SSL_CERT_FILE="))
            yield Site(product, product.query(MAKE), trust.partition("=")[2])


def installed(package: str, named: str) -> None:
    """Skip, and say what to install, where a client of Python is not here."""
    if find_spec(package) is None:
        pytest.skip(f"NOT TRIED with the real client: pip install {named} to try it")


def python(site: Site, script: str, *words: str) -> str:
    """Run a script of a client with nothing set up but the certificate to trust."""
    return told(site, [sys.executable, "-c", script, *words])


def told(site: Site, command: list[str]) -> str:
    environment = {"PATH": "/usr/bin:/bin", "SSL_CERT_FILE": site.certificate}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


# -- Alertmanager


def test_alertmanager_fires_and_resolves_over_three_protocols(site: Site, tmp_path: Path) -> None:
    if not (shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")):
        pytest.skip("NOT TRIED with the real Alertmanager: install prometheus-alertmanager")
    http = {"tls_config": {"ca_file": site.certificate}}
    own = {"send_resolved": True, "http_config": http}
    receiver = {
        "webhook_configs": [{**own, "url": site.url("alertmanager")}],
        "pagerduty_configs": [
            {**own, "url": site.url("pagerduty"), "routing_key": site.key("pagerduty")}
        ],
        "opsgenie_configs": [
            {**own, "api_url": f"{site.product.url}/", "api_key": site.key("opsgenie"),
             "priority": "P1", "details": {"surface": "nowhere"}}
        ],
    }  # fmt: skip
    kinds = ("alertmanager", "pagerduty", "opsgenie")
    labels = {"alertname": "ProfilerFailing", "severity": "critical", "instance": "worker-3"}
    with alertmanager(tmp_path, receiver) as source:
        fire(source, **labels)
        fired = {kind: site.becomes(kind, "firing") for kind in kinds}
        fire(source, resolved=True, **labels)
        for kind in kinds:
            site.becomes(kind, "resolved", fired[kind]["dedup_key"])
    assert fired["alertmanager"]["severity"] == "critical"
    assert fired["opsgenie"]["severity"] == "critical"
    assert all("ProfilerFailing" in alert["summary"] for alert in fired.values())


# -- PagerDuty's client and command line

PAGERDUTY = """
import sys, pagerduty
client = pagerduty.EventsApiV2Client(sys.argv[1], base_url=sys.argv[2])
key = client.trigger("Workers are out of memory", "worker-3", severity="warning")
client.acknowledge(key)
named = client.trigger("Disk is full", "worker-4", dedup_key="disk/4", severity="info")
client.resolve(named)
client.send_change_event({"summary": "Deployed 1.2.3", "source": "ci"})
print(key, named)
"""


def test_pagerduty_s_client_triggers_takes_and_resolves(site: Site) -> None:
    installed("pagerduty", "pagerduty")
    key, named = python(site, PAGERDUTY, site.key("pagerduty"), site.product.url).split()
    alert = site.becomes("pagerduty", "acknowledged", key)
    assert (alert["summary"], alert["severity"]) == ("Workers are out of memory", "warning")
    site.becomes("pagerduty", "resolved", named)
    changes = site.api("GET", "changes")["results"]
    assert [change["summary"] for change in changes] == ["Deployed 1.2.3"]


def test_pagerduty_s_command_line_triggers_and_resolves(site: Site) -> None:
    installed("pagerduty", "pagerduty")
    program = str(Path(sys.executable).parent / "pagerduty")
    where = ["-k", site.key("pagerduty"), "--base-url", site.product.url]
    words = ["--description", "It leaks", "--source", "worker-5", "-i", "leak"]
    told(site, [program, "trigger", *words, *where])
    assert site.becomes("pagerduty", "firing", "leak")["summary"] == "It leaks"
    told(site, [program, "resolve", "-i", "leak", *where])
    site.becomes("pagerduty", "resolved", "leak")


# -- Opsgenie's client

OPSGENIE = """
import sys, opsgenie_sdk as sdk
conf = sdk.Configuration()
conf.host, conf.ssl_ca_cert = sys.argv[2], sys.argv[3]
conf.api_key["Authorization"] = sys.argv[1]
conf.retry_enabled = False
api = sdk.AlertApi(sdk.ApiClient(conf))
alias, by = "report/77", {"identifier": "report/77", "identifier_type": "alias"}
body = sdk.CreateAlertPayload(
    message="Report generation failed", alias=alias, priority="P2", source="inspect",
    entity="report-worker", tags=["inspect"], details={"job": "77"})
answers = [
    api.create_alert(body),
    api.acknowledge_alert(**by),
    api.add_note(**by, add_note_to_alert_payload=sdk.AddNoteToAlertPayload(note="Looking")),
]
if sys.argv[4] == "close":
    answers.append(api.close_alert(**by))
print([(answer.result, answer.request_id) for answer in answers])
"""


def test_opsgenie_s_client_raises_takes_notes_and_closes(site: Site) -> None:
    installed("opsgenie_sdk", "opsgenie-sdk")
    words = (site.key("opsgenie"), site.product.url, site.certificate)
    said = python(site, OPSGENIE, *words, "leave")
    assert said.count("Request will be processed") == 3
    alert = site.becomes("opsgenie", "acknowledged", "report/77")
    assert (alert["severity"], alert["summary"]) == ("error", "Report generation failed")
    python(site, OPSGENIE, *words, "close")
    site.becomes("opsgenie", "resolved", "report/77")


# -- Stripe's and GitHub's signatures


def test_what_stripe_s_library_signs_is_taken_and_nothing_else(site: Site) -> None:
    installed("stripe", "stripe")
    from stripe import WebhookSignature

    raw = (PAYLOADS / "stripe" / "invoice_payment_failed.json").read_text()
    path = site.made["stripe"][1]

    def sent(secret: str, at: float) -> httpx.Response:
        signature = WebhookSignature.generate_signature_header(raw, secret, int(at))
        return site.post(path, raw.encode(), {"Stripe-Signature": signature})

    taken = sent(SECRET, time.time())
    assert taken.status_code == 202, taken.text
    assert site.delivery(taken.json()["delivery_id"])["state"] == "normalised"
    assert sent("whsec_of_somebody_else", time.time()).status_code == 401
    assert sent(SECRET, time.time() - 400).status_code == 401


def test_what_github_s_library_signs_is_taken_and_nothing_else(site: Site) -> None:
    node = shutil.which("node")
    if node is None or not (NODE / "node_modules" / "@octokit" / "webhooks").is_dir():
        pytest.skip(
            "NOT TRIED with GitHub's library: install Node.js and run "
            "npm install --prefix tests/flows/node"
        )
    body = json.loads((PAYLOADS / "github" / "issues_opened.json").read_text())
    body["issue"]["title"] = "A naïve 🚀"  # what is signed is UTF-8
    raw = json.dumps(body, ensure_ascii=False).encode()

    def sent(secret: str, delivery: str) -> httpx.Response:
        command = [node, str(NODE / "sign.js"), secret]
        signed = subprocess.run(command, input=raw, capture_output=True, check=True, timeout=60)
        headers = {
            "X-Hub-Signature-256": signed.stdout.decode(),
            "X-GitHub-Event": "issues",
            "X-GitHub-Delivery": delivery,
        }
        return site.post(site.made["github"][1], raw, headers)

    taken = sent(SECRET, "d-1")
    assert taken.status_code == 202, taken.text
    (event,) = site.delivery(taken.json()["delivery_id"])["events"]
    assert (event["action"], event["summary"]) == ("open_ticket", "A naïve 🚀")
    assert sent("another secret", "d-2").status_code == 401


# -- CloudEvents


@pytest.mark.parametrize("mode", ["structured", "binary"])
def test_events_of_the_cloudevents_library_are_taken(site: Site, mode: str) -> None:
    installed("cloudevents", "cloudevents")
    from cloudevents.core.bindings.http import to_binary_event, to_structured_event
    from cloudevents.core.v1.event import CloudEvent

    data = {"action": "trigger", "severity": "error", "summary": f"Built {mode}", "dedup_key": mode}
    given = {"id": mode, "source": "/ci/nightly", "type": "org.example.build.failed",
             "specversion": "1.0", "datacontenttype": "application/json"}  # fmt: skip
    event = CloudEvent(given, data)
    message = (to_structured_event if mode == "structured" else to_binary_event)(event)
    headers = {**message.headers, "Authorization": f"Bearer {site.made['api']}"}
    answer = site.post("/api/v1/events", message.body, headers)
    assert answer.status_code == 202, answer.text
    (taken,) = site.delivery(answer.json()["delivery_id"])["events"]
    assert (taken["summary"], taken["source"]) == (f"Built {mode}", "/ci/nightly")
    assert taken["dedup_key"] == mode


# -- Standard Webhooks: what we send


def test_what_we_send_is_verified_by_the_library_of_standard_webhooks(site: Site) -> None:
    installed("standardwebhooks", "standardwebhooks")
    from standardwebhooks import Webhook, WebhookVerificationError

    with http_receiver() as receiver:
        body = {"url": receiver.url, "description": "CRM", "events": ["*"]}
        made = site.api("POST", "webhooks", body)
        site.api("POST", f"webhooks/{made['id']}/test", {})
        request = until("our webhook came", lambda: next(iter(receiver.requests), None))
        headers = {name.lower(): value for name, value in request.headers.items()}
        told = Webhook(made["secret"]).verify(request.body, headers)
        assert told == json.loads(request.body) and told["type"] == "test"
        with pytest.raises(WebhookVerificationError):
            Webhook(made["secret"]).verify(request.body + b" ", headers)
        with pytest.raises(WebhookVerificationError):
            Webhook("whsec_" + "A" * 32).verify(request.body, headers)
