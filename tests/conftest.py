"""The cast, clients for each of them, the world, and the browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.template import copy

if TYPE_CHECKING:
    from django.test import Client

    from apps.accounts.models import Person
    from tests.world import World

CHROMIUM = next(
    filter(
        None,
        (
            os.environ.get("CHROMIUM"),
            *(
                shutil.which(name)
                for name in (
                    "chromium",
                    "chromium-browser",
                    "google-chrome",
                    "google-chrome-stable",
                )
            ),
        ),
    ),
    None,
)
NEEDS_BROWSER = bool(os.environ.get("CI") or os.environ.get("REQUIRE_BROWSER"))


# Whole worlds, a desk with its promises for each test, real servers, real commits, every page of
# the admin by every role, a year in quarters of an hour: these run after the fast suite, which is
# to answer within a minute.
SLOW = (
    "tests/accounts/test_admin_keys.py",
    "tests/alerts/test_admin_rules.py",
    "tests/alerts/test_admin_silences.py",
    "tests/alerts/test_api.py",
    "tests/alerts/test_attacks_rules.py",
    "tests/alerts/test_heartbeats.py",
    "tests/alerts/test_heartbeats_api.py",
    "tests/alerts/test_maintenance.py",
    "tests/alerts/test_muting.py",
    "tests/alerts/test_muting_races.py",
    "tests/alerts/test_rules_api.py",
    "tests/alerts/test_rules_evaluation.py",
    "tests/alerts/test_rules_objectives.py",
    "tests/alerts/test_rules_races.py",
    "tests/alerts/test_rules_replay.py",
    "tests/alerts/test_silences.py",
    "tests/alerts/test_slack.py",
    "tests/architecture/test_access_matrix.py",
    "tests/calendars/test_admin.py",
    "tests/calendars/test_api.py",
    "tests/calendars/test_businesstime_properties.py",
    "tests/calendars/test_races.py",
    "tests/clients/test_send_client.py",
    "tests/clients/test_send_reading.py",
    "tests/clients/test_send_to_the_door.py",
    "tests/customers/test_admin.py",
    "tests/customers/test_api.py",
    "tests/flows/test_quiet_profiler.py",
    "tests/flows/test_snowflake_times_out.py",
    "tests/flows/test_types_change.py",
    "tests/followups/test_admin.py",
    "tests/followups/test_api.py",
    "tests/followups/test_moving.py",
    "tests/followups/test_races.py",
    "tests/followups/test_recurrence.py",
    "tests/followups/test_reminding.py",
    "tests/incidents/test_admin_framework.py",
    "tests/incidents/test_api.py",
    "tests/incidents/test_api_running.py",
    "tests/incidents/test_api_words.py",
    "tests/incidents/test_attacks.py",
    "tests/incidents/test_jobs.py",
    "tests/incidents/test_lifecycle_races.py",
    "tests/incidents/test_lifecycle_stateful.py",
    "tests/incidents/test_merging.py",
    "tests/incidents/test_milestones.py",
    "tests/incidents/test_review_races.py",
    "tests/incidents/test_reviews.py",
    "tests/incidents/test_subscriptions.py",
    "tests/incidents/test_update_races.py",
    "tests/incidents/test_updates.py",
    "tests/intake/test_admin_sources.py",
    "tests/intake/test_asgi.py",
    "tests/intake/test_attacks_telemetry.py",
    "tests/intake/test_bad_inputs.py",
    "tests/intake/test_mail_hook.py",
    "tests/intake/test_opsgenie.py",
    "tests/intake/test_owner_told.py",
    "tests/intake/test_ping_door.py",
    "tests/intake/test_telemetry_door.py",
    "tests/intake/test_vendor_bad_inputs.py",
    "tests/intake/test_vendor_hooks.py",
    "tests/intake/test_wire.py",
    "tests/notifications/test_admin_people.py",
    "tests/notifications/test_admin_webhooks.py",
    "tests/notifications/test_engine_outside.py",
    "tests/notifications/test_outside.py",
    "tests/notifications/test_races.py",
    "tests/notifications/test_webhooks_out.py",
    "tests/opsportal/test_admin_registry.py",
    "tests/opsportal/test_api_document.py",
    "tests/opsportal/test_attention.py",
    "tests/opsportal/test_demo.py",
    "tests/opsportal/test_demo_loading.py",
    "tests/opsportal/test_devpg.py",
    "tests/opsportal/test_runner.py",
    "tests/ownership/test_admin_surfaces.py",
    "tests/ownership/test_api.py",
    "tests/paging/test_admin_policies.py",
    "tests/portal/test_access.py",
    "tests/portal/test_ack.py",
    "tests/portal/test_alert_rules.py",
    "tests/portal/test_alerts.py",
    "tests/portal/test_attacks_telemetry.py",
    "tests/portal/test_customer_import.py",
    "tests/portal/test_customers.py",
    "tests/portal/test_detection.py",
    "tests/portal/test_followups.py",
    "tests/portal/test_heartbeats.py",
    "tests/portal/test_incident_declare.py",
    "tests/portal/test_incident_page.py",
    "tests/portal/test_incident_updates.py",
    "tests/portal/test_incidents.py",
    "tests/portal/test_integrations.py",
    "tests/portal/test_join.py",
    "tests/portal/test_now.py",
    "tests/portal/test_oncall.py",
    "tests/portal/test_operations.py",
    "tests/portal/test_people_import.py",
    "tests/portal/test_presets.py",
    "tests/portal/test_profile.py",
    "tests/portal/test_quick_log.py",
    "tests/portal/test_remove_demo.py",
    "tests/portal/test_requests.py",
    "tests/portal/test_reviews.py",
    "tests/portal/test_runbooks.py",
    "tests/portal/test_search.py",
    "tests/portal/test_silences.py",
    "tests/portal/test_site.py",
    "tests/portal/test_slack.py",
    "tests/portal/test_slos.py",
    "tests/portal/test_status.py",
    "tests/portal/test_telemetry.py",
    "tests/portal/test_ticket_import.py",
    "tests/portal/test_ticket_page.py",
    "tests/portal/test_ticket_queue.py",
    "tests/portal/test_ticket_reports.py",
    "tests/portal/test_welcome.py",
    "tests/rotations/test_admin_schedules.py",
    "tests/rotations/test_api.py",
    "tests/rotations/test_timeline_bruteforce.py",
    "tests/rotations/test_timeline_properties.py",
    "tests/rotations/test_timeline_refusals.py",
    "tests/runbooks/test_admin.py",
    "tests/runbooks/test_api.py",
    "tests/runbooks/test_races.py",
    "tests/runbooks/test_running.py",
    "tests/support/test_admin_policies.py",
    "tests/support/test_admin_records.py",
    "tests/support/test_admin_setup.py",
    "tests/support/test_api.py",
    "tests/support/test_api_acts.py",
    "tests/support/test_api_events.py",
    "tests/support/test_bad_inputs.py",
    "tests/support/test_clocks.py",
    "tests/support/test_conversation.py",
    "tests/support/test_escalate.py",
    "tests/support/test_importing.py",
    "tests/support/test_incident_fanout.py",
    "tests/support/test_lifecycle.py",
    "tests/support/test_links.py",
    "tests/support/test_mailboxes.py",
    "tests/support/test_mailing.py",
    "tests/support/test_merging.py",
    "tests/support/test_merging_races.py",
    "tests/support/test_policies.py",
    "tests/support/test_promises.py",
    "tests/support/test_promises_kept.py",
    "tests/support/test_queue.py",
    "tests/support/test_reports.py",
    "tests/support/test_requester.py",
    "tests/support/test_story.py",
    "tests/support/test_sweep.py",
    "tests/support/test_sweep_races.py",
    "tests/support/test_what_if.py",
    "tests/telemetry/test_admin.py",
    "tests/telemetry/test_api.py",
    "tests/telemetry/test_blame.py",
    "tests/telemetry/test_freshness.py",
    "tests/telemetry/test_looks_agree.py",
    "tests/telemetry/test_races.py",
    "tests/telemetry/test_retention.py",
    "tests/telemetry/test_rollups.py",
    "tests/telemetry/test_series.py",
    "tests/telemetry/test_slo_api.py",
    "tests/telemetry/test_slos.py",
    "tests/telemetry/test_taking.py",
    "tests/telemetry/test_views_selectors.py",
    "tests/telemetry/test_watched.py",
)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The test database is a copy of a migrated one before pytest-django looks for it."""
    from django.db import connection

    settings = connection.settings_dict
    copy(os.environ["DATABASE_URL"], settings["TEST"]["NAME"] or f"test_{settings['NAME']}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks what is slow. Without Chromium the browser tests are left out loudly, and fail where
    they must run."""
    for item in items:
        if item.nodeid.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
    if CHROMIUM or not any(item.get_closest_marker("browser") for item in items):
        return
    if NEEDS_BROWSER:
        raise pytest.UsageError("No Chromium was found, and the browser tests must run here.")
    skip = pytest.mark.skip(reason="NO CHROMIUM: install Debian's chromium, or set CHROMIUM=")
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(skip)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not CHROMIUM:
        terminalreporter.section("NO CHROMIUM", sep="!", red=True, bold=True)
        terminalreporter.line("The browser tests did not run. Install chromium or set CHROMIUM=.")


@dataclass(frozen=True)
class Cast:
    """Maya manages, Ravi is on call, Bea is the backup, Sam answers tickets, Olu is outside."""

    maya: Person
    ravi: Person
    bea: Person
    sam: Person
    olu: Person


@pytest.fixture
def cast(db: None) -> Cast:
    from tests import builders as build

    return Cast(
        maya=build.person("Maya Lind", "manager"),
        ravi=build.person("Ravi Rao", "responder", time_zone="Europe/Berlin"),
        bea=build.person("Bea Bell", "responder"),
        sam=build.person("Sam Sand", "support_agent"),
        olu=build.person("Olu Odd", "viewer"),
    )


@pytest.fixture
def world(db: None) -> Iterator[World]:
    from tests.world import World

    with World() as made:
        yield made


@pytest.fixture
def as_maya(cast: Cast, client: Client) -> Client:
    client.force_login(cast.maya, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def as_ravi(cast: Cast, client: Client) -> Client:
    client.force_login(cast.ravi, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client
