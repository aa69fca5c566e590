"""Where events come from: five kinds of integrations, keys, and the rules that route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from apps.accounts import services as accounts
from apps.accounts.models import ApiKey, Person, Team
from apps.accounts.roles import Scope
from apps.alerts.models import RoutingRule
from apps.intake import services as intake
from apps.intake.models import Integration
from apps.intake.services import NewIntegration
from apps.ownership.models import Surface


@dataclass(frozen=True)
class Sources:
    """The integrations by what the stories call them."""

    metrics: Integration  # Alertmanager
    workers: NewIntegration  # the PagerDuty client in the hosted profile workers
    cloud: Integration  # Google Cloud Monitoring
    package: Integration  # GitHub: releases of the package
    deploys: Integration  # GitHub: deployments of the hosted product
    hook: Integration  # the native key that CI steps and the shell hook use
    keys: tuple[ApiKey, ...]
    rules: tuple[RoutingRule, ...]

    @property
    def integrations(self) -> list[Integration]:
        vendor = [self.metrics, self.workers.row, self.cloud, self.package, self.deploys]
        return [*vendor, self.hook]


def connect(
    cast: Mapping[str, Person],
    teams: Mapping[str, Team],
    surfaces: Mapping[str, Surface],
    *,
    now: datetime,
) -> Sources:
    """Make all of it. The credentials are shown to nobody: to try one out, rotate it."""
    kinds = Integration.Kind
    made = {
        name: intake.create_integration(
            kind=kind, name=label, surface=surfaces.get(surface), secret=secret, now=now
        )
        for name, kind, label, surface, secret in (
            ("metrics", kinds.ALERTMANAGER, "Prometheus Alertmanager", "", ""),
            ("workers", kinds.PAGERDUTY, "Hosted profile workers", "inspect.profiler", ""),
            ("cloud", kinds.GCP, "Google Cloud Monitoring", "", ""),
            ("package", kinds.GITHUB, "GitHub: package", "inspect.profiler", "demo-signing"),
            ("deploys", kinds.GITHUB, "GitHub: deploys", "platform.deploy.cloud", "demo-signing"),
        )
    }
    key = accounts.create_key(
        name="dft hook in CI", scopes=[Scope.EVENTS_WRITE], created_by=cast["nora"], now=now
    )
    reader = accounts.create_key(
        name="Packs wallboard",
        scopes=[Scope.OWNERSHIP_READ, Scope.ROTATIONS_READ],
        team=teams["packs"],
        created_by=cast["dele"],
        now=now,
    )
    hook = intake.native_integration(api_key=key.row, surface=None, now=now)
    return Sources(
        metrics=made["metrics"].row,
        workers=made["workers"],
        cloud=made["cloud"].row,
        package=made["package"].row,
        deploys=made["deploys"].row,
        hook=hook,
        keys=(key.row, reader.row),
        rules=_route(surfaces, cast["nora"]),
    )


def _route(surfaces: Mapping[str, Surface], by: Person) -> tuple[RoutingRule, ...]:
    wanted = (
        ("Snowflake runs", {"label": "warehouse=snowflake"}, "inspect.profiler.snowflake"),
        ("BigQuery runs", {"label": "warehouse=bigquery"}, "inspect.profiler.bigquery"),
        ("Playground", {"source": "dataface-playground*"}, "platform.deploy.playground"),
        ("Hosted product", {"source": "dataface-cloud*"}, "cloud.projects"),
        ("Zendesk boards", {"component": "charts/zendesk/*"}, "pack.zendesk"),
    )
    rules = []
    for position, (name, patterns, key) in enumerate(wanted):
        rule = RoutingRule(
            position=position, name=name, surface=surfaces[key], created_by=by, **patterns
        )
        rule.full_clean()
        rule.save()
        rules.append(rule)
    return tuple(rules)
