"""A manager edits next week's order in the admin: by arrows, by the mouse, without any script."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from apps.accounts.models import ApiKey, Person
from apps.core import clock
from apps.intake import services as intake
from apps.rotations import selectors
from apps.rotations.models import LayerVersion, Schedule, Shift
from tests import builders as build

pytestmark = pytest.mark.browser
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
Open = Callable[..., Page]
Check = Callable[[Page], None]


def enter(tab: Page, live: str, person: Person) -> None:
    """Somebody's session, as a browser keeps it."""
    client = Client()
    client.force_login(person, backend=BACKEND)
    name = settings.SESSION_COOKIE_NAME
    tab.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live}])


@pytest.fixture
def maya(live: str) -> Person:
    return build.person("Maya Lind", "manager", time_zone="Europe/Berlin")


@pytest.fixture
def schedule(live: str) -> Schedule:
    """Ravi, Bea, Sam, weekly since three weeks; who is on now depends on today."""
    people = [build.person(name) for name in ("Ravi Rao", "Bea Bell", "Sam Sand")]
    since = clock.now() - timedelta(weeks=3)
    made = build.schedule(*people, time_zone="Europe/Berlin", now=since)
    build.surface(primary=people[0], backup=people[1])
    return made


@pytest.fixture
def edited(maya: Person, schedule: Schedule, live: str, page: Page) -> Page:
    """The schedule's page, opened by Maya."""
    enter(page, live, maya)
    page.goto(f"{live}/admin/rotations/schedule/{schedule.pk}/change/")
    expect(page.get_by_role("heading", name="Profiler")).to_be_visible()
    return page


def handoff(schedule: Schedule) -> datetime:
    """The next one, as it was before anybody edited."""
    return Shift.objects.filter(schedule=schedule).at(clock.now()).get().end_at


def turns(schedule: Schedule, first: datetime) -> list[str]:
    """Who is on call in the running week and the three after it."""
    moments = [clock.now(), *(first + timedelta(weeks=n, hours=1) for n in range(3))]
    return [selectors.on_call(schedule, at=at)[0].name for at in moments]


def rows(tab: Page) -> list[str]:
    """The order on the page, as somebody reads it."""
    shown = tab.locator(".ops-turn [data-row]:not([data-blank]) select")
    return [one.locator("option:checked").inner_text() for one in shown.all()]


def test_next_weeks_order_is_changed_with_the_arrows(edited: Page, schedule: Schedule) -> None:
    first = handoff(schedule)
    now, second, third, _ = turns(schedule, first)
    past = list(Shift.objects.filter(end_at__lte=clock.now()).order_by("pk").values_list())
    assert rows(edited) == [now, second, third]
    edited.get_by_role("button", name="Move up: Place 3").click()
    assert rows(edited) == [now, third, second]
    edited.get_by_role("button", name="Preview").click()
    expect(edited.get_by_text("Preview, not saved yet.")).to_be_visible()
    assert LayerVersion.objects.count() == 1
    assert rows(edited) == [now, third, second]
    edited.get_by_role("button", name="Save").click()
    expect(edited.get_by_text("future shifts changed for 2 people.")).to_be_visible()
    assert turns(schedule, first) == [now, third, second, now]
    assert list(Shift.objects.filter(end_at__lte=clock.now()).order_by("pk").values_list()) == past


def test_a_row_is_dragged_to_its_place(edited: Page, schedule: Schedule) -> None:
    first = handoff(schedule)
    now, second, third, _ = turns(schedule, first)
    grip = edited.locator(".ops-turn [data-row]").nth(2).locator(".ops-grip").bounding_box()
    goal = edited.locator(".ops-turn [data-row]").nth(1).bounding_box()
    assert grip and goal
    edited.mouse.move(grip["x"] + 6, grip["y"] + 6)
    edited.mouse.down()
    edited.mouse.move(grip["x"] + 6, goal["y"] + 20, steps=8)
    edited.mouse.move(grip["x"] + 6, goal["y"] + 4, steps=4)
    edited.mouse.up()
    assert rows(edited) == [now, third, second]
    edited.get_by_role("button", name="Save").click()
    expect(edited.get_by_text("Profiler is saved.")).to_be_visible()
    assert turns(schedule, first)[1:3] == [third, second]


def test_people_and_hours_are_added_by_buttons(
    edited: Page, schedule: Schedule, maya: Person
) -> None:
    first = handoff(schedule)
    edited.get_by_role("button", name="Add a person").first.click()
    edited.locator(".ops-turn [data-row] select").nth(3).select_option(label="Maya Lind")
    layer = edited.locator(f"#layer-{schedule.layers.get().pk}")
    layer.get_by_text("Advanced").click()
    layer.get_by_role("button", name="Add a window").click()
    for window, (days, start, end) in enumerate(
        [
            (("Mon", "Tue"), "00:00", "00:00"),
            (("Wed", "Thu", "Fri", "Sat", "Sun"), "00:00", "00:00"),
        ]
    ):
        box = layer.locator(".ops-window").nth(window)
        for day in days:
            box.get_by_role("checkbox", name=day, exact=True).check()
        box.locator("input[type=time]").nth(0).fill(start)
        box.locator("input[type=time]").nth(1).fill(end)
    edited.get_by_role("button", name="Save").click()
    expect(edited.get_by_text("Profiler is saved.")).to_be_visible()
    version = LayerVersion.objects.latest("effective_from")
    assert [window["days"] for window in version.windows] == [
        ["mon", "tue"], ["wed", "thu", "fri", "sat", "sun"]
    ]  # fmt: skip
    assert selectors.on_call(schedule, at=first + timedelta(weeks=2, hours=1)) == [maya]


def test_everything_works_without_a_line_of_script(
    maya: Person, schedule: Schedule, live: str, open_page: Open
) -> None:
    tab = open_page(java_script_enabled=False)
    enter(tab, live, maya)
    first = handoff(schedule)
    now, second, third, _ = turns(schedule, first)
    tab.goto(f"{live}/admin/rotations/schedule/{schedule.pk}/change/")
    layer = tab.locator(f"#layer-{schedule.layers.get().pk}")
    layer.get_by_label("Place 2", exact=True).fill("3")
    layer.get_by_label("Place 3", exact=True).fill("2")
    tab.get_by_role("button", name="Save").click()
    expect(tab.get_by_text("future shifts changed for 2 people.")).to_be_visible()
    assert turns(schedule, first) == [now, third, second, now]


def test_a_key_is_shown_once_and_a_reload_makes_no_second(
    maya: Person, live: str, page: Page
) -> None:
    enter(page, live, maya)
    page.goto(f"{live}/admin/accounts/apikey/add/")
    page.get_by_label("Name").fill("Airflow")
    page.get_by_text("Post events:").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("This is shown once.")).to_be_visible()
    text = page.get_by_label("Key").input_value()
    row = ApiKey.objects.get()
    assert text.startswith(row.prefix)
    page.reload()
    expect(page).to_have_url(f"{live}/admin/accounts/apikey/{row.pk}/change/")
    assert text not in page.content()
    assert ApiKey.objects.count() == 1


def test_the_admin_wears_what_the_viewer_chose_in_the_portal(
    maya: Person, live: str, page: Page
) -> None:
    enter(page, live, maya)
    page.goto(f"{live}/profile/")
    page.evaluate("localStorage.setItem('ops', JSON.stringify({scheme: 'dark'}))")
    page.goto(f"{live}/admin/")
    expect(page.locator("html")).to_have_class("dark")
    background = page.evaluate("getComputedStyle(document.querySelector('#main')).backgroundColor")
    assert background == "rgb(20, 22, 26)"  # the portal's canvas in the dark


VIEWS: list[dict[str, Any]] = [
    {"width": 1440}, {"width": 1440, "color_scheme": "dark"}, {"width": 360},
]  # fmt: skip


@pytest.mark.parametrize("view", VIEWS, ids=["desk", "dark", "phone"])
def test_the_admin_is_readable_for_everybody(
    view: dict[str, Any], maya: Person, schedule: Schedule, live: str, open_page: Open,
    accessible: Check,
) -> None:  # fmt: skip
    """axe finds nothing serious, and nothing is wider than a phone."""
    policy = build.policy(build.PolicyStep(0, [{"kind": "managers"}]))
    surface = build.surface("portal.web", primary=maya)
    source = build.native(surface=surface)
    delivery = build.event(source)
    intake.normalise_due(now=clock.now())
    tab = open_page(**view)
    enter(tab, live, maya)
    for path in (
        "", "accounts/person/", f"accounts/person/{maya.pk}/change/", "accounts/apikey/add/",
        f"rotations/schedule/{schedule.pk}/change/", "rotations/schedule/",
        f"paging/escalationpolicy/{policy.pk}/change/", "intake/delivery/", "history/",
        f"intake/delivery/{delivery.pk}/change/", f"ownership/surface/{surface.pk}/change/",
        f"accounts/person/{maya.pk}/do/invite/", "changes/change/",
    ):  # fmt: skip
        tab.goto(f"{live}/admin/{path}")
        tab.locator("#main").wait_for()
        accessible(tab)
        wide = tab.evaluate("document.documentElement.scrollWidth")
        assert wide <= view["width"], (path, wide)
