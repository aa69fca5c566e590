"""From an empty database to the first page that a real person answered, in so many clicks.

Everything is real: the browser, the server, the engine, the mail server. Typing costs nothing,
every press of a mouse button does: buttons, links, boxes, and choices in a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import Person
from apps.core import clock
from apps.intake.models import Integration
from apps.notifications import services as notifications
from apps.notifications.models import ContactMethod
from apps.paging.models import Page as PagingPage
from apps.rotations.models import Schedule
from tests.flows.product import Inbox, inbox, link_in

pytestmark = pytest.mark.browser
MOST_CLICKS = 25
TABLE = """name,email,roles,teams
Ravi Rao,ravi@example.com,responder,Inspect
Bea Bell,bea@example.com,responder,Inspect

surface,name,tier,kind,team,primary,backup,lead
inspect.profiler,Profiler,1,engine,Inspect,ravi@example.com,bea@example.com,Maya Lind
"""


class Hand:
    """A hand on the mouse in one browser: counts what it presses over all browsers."""

    pressed: list[str]

    def __init__(self, tab: Page, pressed: list[str]) -> None:
        self.tab, self.pressed = tab, pressed

    def press(self, name: str, role: str = "button") -> None:
        """Click a button or link by the words on it."""
        self.tab.get_by_role(role, name=name, exact=True).first.click()  # type: ignore[arg-type]
        self.pressed.append(name)

    def tick(self, label: str) -> None:
        self.tab.get_by_label(label, exact=True).check()
        self.pressed.append(f"☑ {label}")

    def choose(self, label: str, value: str) -> None:
        """A list costs two: opening it and choosing."""
        self.tab.get_by_label(label, exact=True).select_option(value)
        self.pressed += [label, value]

    def write(self, **fields: str) -> None:
        """Typing into fields by their names; the Tab key leads from one to the next."""
        for name, text in fields.items():
            self.tab.locator(f"[name={name}]").fill(text)


@pytest.fixture
def post() -> Iterator[Inbox]:
    """The mail server of this story."""
    with inbox() as box:
        yield box


def test_from_an_empty_database_to_the_first_answered_page(
    live: str,
    engine: None,
    post: Inbox,
    open_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    clicks: list[str] = []
    maya = Hand(open_page(), clicks)
    ravi = Hand(open_page(width=360, height=740), clicks)

    _first_run(maya, live, post, accessible)
    _import(maya, accessible)
    _rotation(maya, accessible)
    _join(ravi, post, accessible)
    _confirm_method(ravi, post, accessible)
    _test_page(ravi, post, accessible)
    _real_page(maya, ravi, post, live)

    with capsys.disabled():
        print(f"\n{len(clicks)} clicks: {', '.join(clicks)}")
    assert len(clicks) <= MOST_CLICKS


def _first_run(maya: Hand, live: str, post: Inbox, accessible: Callable[[Page], None]) -> None:
    """One page: who, where, which mail server; the test mail shows that it works."""
    maya.tab.goto(f"{live}/")
    maya.tab.goto(f"{live}/welcome/")
    accessible(maya.tab)
    expect(maya.tab.locator("[name=time_zone]")).to_have_value("Europe/Berlin")
    expect(maya.tab.locator("[name=address]")).to_have_value(live)
    maya.write(name="Maya Lind", email="maya@example.com", password="correct horse battery")
    maya.write(smtp_host="127.0.0.1", smtp_port=str(post.port))
    maya.choose("Encryption", "none")
    maya.press("Send me a test mail")
    expect(maya.tab.get_by_text("took a test mail for maya@example.com")).to_be_visible()
    post.wait("maya@example.com", "[TEST] Mail from OpsPortal works")
    maya.press("Set up this site")
    maya.tab.wait_for_url(f"{live}/setup/")
    expect(maya.tab.get_by_role("heading", name="1 of 7 done")).to_be_visible()
    accessible(maya.tab)


def _import(maya: Hand, accessible: Callable[[Page], None]) -> None:
    """Two real people and a surface, looked at before they are saved."""
    maya.press("Paste people and surfaces", "link")
    accessible(maya.tab)
    maya.write(table=TABLE)
    maya.press("Check")
    expect(maya.tab.get_by_text("2 new")).to_be_visible()
    accessible(maya.tab)
    maya.press("Import 3 lines")
    expect(maya.tab.get_by_text("2 invitations are on the way")).to_be_visible()


def _rotation(maya: Hand, accessible: Callable[[Page], None]) -> None:
    """Weekly, Monday 09:00, these two; the sentence says who is on call."""
    maya.press("Make a rotation", "link")
    maya.tab.get_by_label("Ravi Rao", exact=True).check()
    maya.tab.get_by_label("Bea Bell", exact=True).check()
    maya.pressed += ["☑ Ravi Rao", "☑ Bea Bell"]
    maya.tab.get_by_label("Place of Ravi Rao").fill("1")
    maya.tab.get_by_label("Place of Ravi Rao").press("Tab")
    expect(maya.tab.locator("#preview")).to_contain_text("Ravi Rao is on call from now until")
    accessible(maya.tab)
    maya.press("Make the rotation")
    maya.tab.wait_for_url("**/setup/")
    assert Schedule.objects.get().covers.get().surface.key == "inspect.profiler"


def _join(ravi: Hand, post: Inbox, accessible: Callable[[Page], None]) -> None:
    """The invitation, on a phone."""
    ravi.tab.goto(link_in(post.wait("ravi@example.com", "invites you"), "/join/"))
    ravi.pressed.append("the link in the invitation")
    accessible(ravi.tab)
    ravi.write(password="a long enough secret")
    ravi.press("Join")
    ravi.tab.wait_for_url("**/profile/")
    person = Person.objects.active().get(email="ravi@example.com")
    assert (person.time_zone, person.has_usable_password()) == ("Europe/Berlin", True)


def _confirm_method(ravi: Hand, post: Inbox, accessible: Callable[[Page], None]) -> None:
    """Another address than the one of the invitation, proved by its code."""
    accessible(ravi.tab)
    ravi.choose("How", "email")
    ravi.write(address="ravi.night@example.com")
    ravi.press("Send a code there")
    accessible(ravi.tab)
    code = str(post.wait("ravi.night@example.com", "is your OpsPortal code")["Subject"])[:6]
    ravi.write(code=code)
    ravi.press("Confirm")
    expect(ravi.tab.get_by_text("is confirmed. Pages can reach you there.")).to_be_visible()
    assert ContactMethod.objects.usable().filter(person__name="Ravi Rao").count() == 2


def _test_page(ravi: Hand, post: Inbox, accessible: Callable[[Page], None]) -> None:
    """A test page by that address, answered by its one button."""
    row = ravi.tab.locator("li.method", has_text="r…t@example.com")
    row.get_by_role("button", name="Send me a test page").click()
    ravi.pressed.append("Send me a test page")
    mail = post.wait("ravi.night@example.com", "[TEST] A page from OpsPortal")
    ravi.tab.goto(link_in(mail, "/profile/test-page/"))
    ravi.pressed.append("the link in the test page")
    accessible(ravi.tab)
    ravi.press("It works")
    expect(ravi.tab.get_by_text("This way to reach you works")).to_be_visible()
    assert notifications.tested_at(ContactMethod.objects.all())


def _real_page(maya: Hand, ravi: Hand, post: Inbox, live: str) -> None:
    """An integration made on one page, its own snippet sent, and the page it opens answered."""
    maya.press("Add an integration", "link")
    maya.tick("Your own scripts: our events and telemetry API")
    maya.press("Make the integration")
    key = maya.tab.locator("#key").inner_text()
    answer = maya.tab.request.post(
        f"{live}/api/v1/events",
        headers={"Authorization": f"Bearer {key}"},
        data={"action": "trigger", "summary": "Snowflake times out", "severity": "critical"},
    )
    assert answer.status == 202, answer.text()
    expect(maya.tab.get_by_role("link", name="Snowflake times out")).to_be_visible()
    mail = post.wait("ravi.night@example.com", "Snowflake times out")
    assert "You are on call" in str(mail["Subject"])
    ravi.tab.goto(link_in(mail, "/ack/"))
    ravi.pressed.append("the link in the page")
    ravi.press("I am on it")
    paged = PagingPage.objects.get()
    assert (paged.status, paged.acknowledged_label) == ("acknowledged", "Ravi Rao")
    assert Integration.objects.get(kind="native").surface is not None
    maya.tab.goto(f"{live}/setup/")
    expect(maya.tab.get_by_role("heading", name="7 of 7 done")).to_be_visible()
    assert paged.acknowledged_at is not None and paged.acknowledged_at <= clock.now()
