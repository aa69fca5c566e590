"""A real server, a real engine and a real browser for tests that need all three.

`live` is the address of uvicorn serving this test's database, `engine` runs the alert path beside
it, `page` is a tab of Chromium in which a console error or a refused resource fails the test.
Rows must be committed to be seen by the server, so these tests run on an emptied database.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from tests.conftest import CHROMIUM

ROOT = Path(settings.BASE_DIR)
FAILED = pytest.StashKey[bool]()
T = TypeVar("T")


def until(what: str, look: Callable[[], T | None], within: float = 20.0) -> T:
    """The first true answer of `look`; fails with `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {within:.0f} s: {what}")


# -- server and engine


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the product would keep in `.data`."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def served(
    django_db_setup: None, django_db_blocker: Any, data_folder: Path
) -> Iterator[tuple[str, dict[str, str]]]:
    """One uvicorn for the whole run, on the test database: its address and environment."""
    port = _free_port()
    with django_db_blocker.unblock():
        environment = _environment(data_folder)
    words = ["-m", "uvicorn", "opsportal.asgi:application", "--port", str(port)]
    with _process([*words, "--log-level", "warning", "--no-proxy-headers"], environment) as server:
        url = f"http://127.0.0.1:{port}"
        until("the server answers", lambda: _answers(f"{url}/healthz", server), within=60)
        yield url, environment


@pytest.fixture
def live(served: tuple[str, dict[str, str]], transactional_db: None) -> str:
    """The address of the running site, whose database is empty now."""
    return served[0]


@pytest.fixture
def engine(served: tuple[str, dict[str, str]], live: str) -> Iterator[None]:
    """The alert path, as `manage.py worker` runs it."""
    with _process(["manage.py", "worker", "--only", "engine"], served[1]):
        yield


def _environment(data_folder: Path) -> dict[str, str]:
    given = connection.settings_dict
    who = quote(given["USER"] or "", safe="")
    password = f":{quote(given['PASSWORD'], safe='')}" if given["PASSWORD"] else ""
    host = quote(given["HOST"] or "", safe="")  # a folder when it is a socket
    port = f":{given['PORT']}" if given["PORT"] else ""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "opsportal.settings.test",
        "DATABASE_URL": f"postgres://{who}{password}@{host}{port}/{given['NAME']}",
        "OPSPORTAL_DATA_DIR": str(data_folder),
        "PYTHONWARNINGS": "ignore",
    }


@contextmanager
def _process(words: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A child of ours, ended with the test; by force when it does not go."""
    child = subprocess.Popen([sys.executable, *words], cwd=ROOT, env=environment)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(5)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _answers(url: str, server: subprocess.Popen[bytes]) -> bool:
    assert server.poll() is None, "the server ended before it answered"
    with suppress(OSError):
        return bool(urllib.request.urlopen(url, timeout=2).status == 200)
    return False


# -- browser


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Playwright keeps a loop in this thread, which Django would take for asynchronous code."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":  # type: ignore[attr-defined] # the hook's own result
        item.stash[FAILED] = report.failed  # type: ignore[attr-defined] # the same
    return report


@pytest.fixture
def open_page(
    chromium: Browser, request: pytest.FixtureRequest, transactional_db: None
) -> Iterator[Callable[..., Page]]:
    """Opens tabs, each a browser of its own (a person's, a phone's): `open_page(width=360)`.

    They close before the database is emptied, so that a page that asks for news by itself does
    not ask an empty one.
    When the test fails, what every tab shows is kept under `test-results/`.
    """
    said: list[str] = []
    contexts: list[BrowserContext] = []

    def make(*, width: int = 1280, height: int = 900, **options: Any) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, timezone_id="Europe/Berlin", **options
        )
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(10_000)
        tab.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
        tab.on("pageerror", lambda error: said.append(str(error)))
        return tab

    yield make
    failed = request.node.stash.get(FAILED, False)
    for number, context in enumerate(contexts):
        if failed and context.pages:
            path = ROOT / "test-results" / f"{request.node.name}-{number}.png"
            context.pages[0].screenshot(path=path, full_page=True)
        context.close()
    _nobody_asks()
    assert failed or not said, f"the browser complained: {said}"


def _nobody_asks() -> None:
    """Wait for what the server still works on: emptying the tables would lock it out, and it us."""
    busy = """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"""

    def look() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(busy)
            return bool(cursor.fetchone() == (0,))

    until("the server is done with the last request", look)


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """One tab at a desk."""
    return open_page()


def _violations(axe: Axe, tab: Page) -> list[Any]:
    """What axe finds; a page that renews a part of itself just then is asked again."""
    for _ in range(2):
        with suppress(Error):
            return list(axe.run(tab).response["violations"])
        tab.wait_for_timeout(300)
    return list(axe.run(tab).response["violations"])


@pytest.fixture(scope="session")
def accessible() -> Callable[[Page], None]:
    """Fails on serious findings of axe on the page as it stands."""
    axe = Axe()

    def check(tab: Page) -> None:
        found = _violations(axe, tab)
        serious = [
            f"{v['id']}: {v['help']} ({v['nodes'][0]['html'][:160]})"
            for v in found
            if v["impact"] in {"serious", "critical"}
        ]
        assert not serious, f"{tab.url}: {serious}"

    return check
