"""The API's reading room: Swagger UI from our own files, under the strict policy, for everybody."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests import builders as build
from tests.browser.test_setup_pages import Looks

pytestmark = pytest.mark.browser


def test_the_reading_room_is_readable_for_everybody(
    live: str, open_page: Callable[..., Page], accessible: Callable[[Page], None]
) -> None:
    looks = Looks(live, open_page, accessible)
    looks.sign_in(build.person("Maya Lind", "manager"))
    looks.at("api-docs", "/api/docs", lambda tab: tab.wait_for_selector(".opblock-summary"))
