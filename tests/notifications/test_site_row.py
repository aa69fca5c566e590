"""The site's one row, read once for a long piece of work."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.notifications import services as notifications
from apps.notifications.services.site import address, read_once

NOW = datetime(2026, 9, 7, 6, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def test_inside_a_long_piece_of_work_the_row_is_read_once(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    notifications.save_site(values={"address": "https://ops.example.com/"}, now=NOW)
    with django_assert_num_queries(1), read_once():
        assert [address() for _ in range(3)] == ["https://ops.example.com"] * 3


def test_a_change_of_the_row_inside_is_seen_inside_and_afterwards_it_is_read_anew() -> None:
    with read_once():
        assert address() == "http://localhost:8000"
        notifications.save_site(values={"address": "https://ops.example.com"}, now=NOW)
        assert address() == "https://ops.example.com"
    notifications.save_site(values={"address": "https://new.example.com"}, now=NOW)
    assert address() == "https://new.example.com"
