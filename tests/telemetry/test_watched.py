"""Whom rules about age look at: the same sources that the page of freshness shows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core import audit
from apps.customers.services import rows
from apps.telemetry import services
from apps.telemetry.models import ProfiledSource
from apps.telemetry.selectors import freshness, watched
from tests import builders as build
from tests.builders import telemetry as told
from tests.builders.telemetry import NOON

pytestmark = pytest.mark.django_db
LATE = NOON + timedelta(days=9)


def shown() -> set[str]:
    """What the page calls stale."""
    found = freshness.sources(now=LATE)
    return {row.label for row in found if row.state in {"stale", "never"}}


def looked_at() -> set[str]:
    """What rules may fire for."""
    return {one.label for one in watched.sources() if not one.is_paused}


def test_a_source_of_which_only_types_are_known_is_no_rule_s_business() -> None:
    told.inventory(told.profiler(), {"vault.s.t.c": "email"})
    assert shown() == looked_at() == set()


def test_a_source_whose_connection_was_archived_is_not_waited_for() -> None:
    connection = build.connection(cadence_seconds=3600, now=NOON)
    told.runs(told.profiler(), 1, connection=connection.key)
    assert shown() == looked_at() == {"warehouse"}
    rows.archive(row=connection, actor=audit.SYSTEM, now=NOON)
    assert shown() == looked_at() == set()


def test_a_connection_is_waited_for_again_when_the_source_that_spoke_for_it_is_archived() -> None:
    connection = build.connection(cadence_seconds=3600, now=NOON)
    told.runs(told.profiler(), 1, connection=connection.key)
    services.archive_source(source=ProfiledSource.objects.get(), actor=audit.SYSTEM, now=NOON)
    assert shown() == {connection.name}
    assert looked_at() == {f"{connection.name} (never profiled)"}
