"""Pages of silences, and silencing from an alert's page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.alerts import services
from apps.alerts.models import Silence
from apps.core import audit
from apps.paging.models import Page
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import fire, queries, sign_in, text_of
from tests.world import World

LIST, NEW = "/silences/", "/silences/new/"


@pytest.fixture
def source(world: World, cast: Cast) -> Any:
    world.at("2026-09-07 06:30")
    surface = build.surface(primary=cast.ravi, now=world.now)
    build.schedule(cast.ravi, surfaces=[surface], now=world.now)
    return build.native(surface=surface)


def silence(world: World, cast: Cast, **more: Any) -> Silence:
    wanted: dict[str, Any] = {
        "reason": "The warehouse is resized", "dedup_key": "snow*", "now": world.now,
        "ends_at": world.now + timedelta(hours=1), "actor": audit.person(cast.ravi), **more,
    }  # fmt: skip
    return services.create_silence(**wanted)


def given(**more: str) -> dict[str, str]:
    return {"reason": "Resized", "dedup_key": "snow*", "length": "60", **more}


def test_the_list_says_what_is_muted_now_and_what_of_it_is_critical(
    world: World, cast: Cast, source: Any
) -> None:
    row = silence(world, cast)
    fire(world, source, "snowflake")
    fire(world, source, "snowpipe", severity="error")
    fire(world, source, "bigquery", severity="info")
    text = text_of(sign_in(cast.olu).get(LIST))
    assert "The warehouse is resized dedup key snow*" in text
    assert "2 alerts Critical 1" in text and "until" in text.lower()
    assert "For 2 groups of alerts somebody should be paged now, and is not." in text
    page = text_of(sign_in(cast.olu).get(f"{LIST}{row.pk}/"))
    assert "1 critical alert stands and nobody is paged for it." in page
    assert "snowpipe is broken" in page and "bigquery is broken" not in page


def test_planned_over_and_none_have_their_words(world: World, cast: Cast, source: Any) -> None:
    client = sign_in(cast.ravi)
    assert "Nothing is silenced" in text_of(client.get(LIST))
    later = world.now + timedelta(hours=2)
    silence(world, cast, reason="Tonight", starts_at=later, ends_at=later + timedelta(hours=1))
    over = silence(world, cast, reason="Was short")
    services.end_silence(silence=over, actor=audit.person(cast.ravi), now=world.now)
    assert "Tonight" in text_of(client.get(f"{LIST}?view=planned"))
    assert "Was short" in text_of(client.get(f"{LIST}?view=over"))
    page = text_of(client.get(f"{LIST}{over.pk}/"))
    assert "It mutes nothing any more" in page and "Keep this" not in page


def test_work_in_progress_is_named_beside_silences(world: World, cast: Cast, source: Any) -> None:
    services.announce_maintenance(
        title="Database upgrade", surfaces=[source.surface], starts_at=world.now,
        ends_at=world.now + timedelta(hours=1), actor=audit.SYSTEM, now=world.now,
    )  # fmt: skip
    assert "Database upgrade inspect.profiler" in text_of(sign_in(cast.olu).get(LIST))


def test_a_silence_is_made_and_mutes_and_ends(world: World, cast: Cast, source: Any) -> None:
    client = sign_in(cast.ravi)
    answer = client.post(NEW, given(surface="inspect.profiler", length="240"))
    row = Silence.objects.get()
    assert answer.url == f"{LIST}{row.pk}/"
    assert (row.ends_at - row.starts_at, row.created_by) == (timedelta(hours=4), cast.ravi)
    fire(world, source, "snowflake")
    assert not Page.objects.exists()
    said = client.post(f"{LIST}{row.pk}/end/", follow=True)
    assert "What still stands pages within a minute" in text_of(said)
    assert services.unmute_due(now=world.now) == 1
    world.run()
    world.forget()
    again = client.post(f"{LIST}{row.pk}/end/", follow=True)
    assert "This silence is over" in text_of(again)


def test_what_would_fit_is_shown_before_anything_is_silenced(
    world: World, cast: Cast, source: Any
) -> None:
    fire(world, source, "snowflake")
    answer = sign_in(cast.ravi).post(NEW, given(do="look"))
    assert "Would fit now 1" in text_of(answer) and "snowflake is broken" in text_of(answer)
    assert not Silence.objects.exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"reason": ""}, "Why: This is missing."),
        ({"dedup_key": ""}, "This would mute every alert of the site"),
        ({"dedup_key": "*"}, "This would mute every alert of the site"),
        ({"length": "own"}, "Say until when"),
        ({"length": "own", "until": "2026-09-01T08:00"}, "It would be over already"),
        ({"length": "own", "until": "2026-12-01T08:00"}, "At most 30 days"),
        ({"surface": "nowhere"}, "There is no surface nowhere"),
        ({"rule": "nothing"}, "Select a valid choice"),
        ({"length": "7"}, "Select a valid choice"),
    ],
)
def test_a_form_that_is_wrong_keeps_what_was_typed(
    world: World, cast: Cast, source: Any, changed: dict[str, str], said: str
) -> None:
    answer = sign_in(cast.ravi).post(NEW, given(starts_at="2026-09-08T08:00", **changed))
    assert answer.status_code == 400
    assert said in text_of(answer) and b'value="2026-09-08T08:00"' in answer.content
    assert not Silence.objects.exists()


def test_times_are_read_where_the_viewer_is(world: World, cast: Cast, source: Any) -> None:
    sign_in(cast.ravi).post(NEW, given(length="own", until="2026-09-07T12:00"))  # Berlin
    assert Silence.objects.get().ends_at.hour == 10
    row = Silence.objects.get()
    changed = {"reason": "Longer", "ends_at": "2026-09-07T14:00"}
    sign_in(cast.ravi).post(f"{LIST}{row.pk}/change/", changed)
    row.refresh_from_db()
    assert (row.reason, row.ends_at.hour) == ("Longer", 12)
    wrong = sign_in(cast.ravi).post(
        f"{LIST}{row.pk}/change/", {"reason": "x", "ends_at": "2026-12-07T14:00"}
    )
    assert wrong.status_code == 400 and "At most 30 days" in text_of(wrong)


def test_an_alert_is_silenced_by_itself_from_its_page(
    world: World, cast: Cast, source: Any
) -> None:
    alert = fire(world, source, "disk*1")
    client = sign_in(cast.ravi)
    sent = {"reason": "Being moved", "length": "60"}
    said = text_of(client.post(f"/alerts/{alert.pk}/silence/", sent, follow=True))
    row = Silence.objects.get()
    assert (row.dedup_key, row.integration) == ("disk?1", source)
    assert "Nobody is paged for this alert until" in said
    assert "silenced by Ravi Rao: Being moved" in said and "A page that is out goes on." in said
    missing = client.post(f"/alerts/{alert.pk}/silence/", {"length": "60"})
    assert missing.status_code == 400
    form = client.get(f"{NEW}?alert={alert.pk}").content.decode()
    assert 'value="disk?1"' in form


def test_an_alert_that_is_muted_says_so_in_its_list_and_on_its_page(
    world: World, cast: Cast, source: Any
) -> None:
    silence(world, cast)
    alert = fire(world, source, "snowflake")
    client = sign_in(cast.olu)
    assert "Nobody is paged: silenced by Ravi Rao" in text_of(client.get("/alerts/"))
    text = text_of(client.get(f"/alerts/{alert.pk}/"))
    assert "If it still stands then, whoever is on call is paged." in text


def test_who_only_reads_is_refused(world: World, cast: Cast, source: Any) -> None:
    row = silence(world, cast)
    alert = fire(world, source, "bigquery", severity="info")
    client = sign_in(cast.olu)
    assert "Your role only reads." in text_of(client.get(LIST))
    assert client.get(NEW).status_code == 403
    for address in (f"{LIST}{row.pk}/end/", f"{LIST}{row.pk}/change/",
                    f"/alerts/{alert.pk}/silence/"):  # fmt: skip
        assert client.post(address, {"reason": "x", "length": "60"}).status_code == 403
    assert client.get(f"{LIST}999/").status_code == 404


def test_the_list_costs_the_same_for_more_silences(world: World, cast: Cast, source: Any) -> None:
    client = sign_in(cast.olu)
    silence(world, cast)
    fire(world, source, "snowflake")
    client.get(LIST)
    few = queries(client, LIST)
    for number in range(6):
        silence(world, cast, dedup_key=f"k{number}*", surface=source.surface)
        fire(world, source, f"k{number}")
    assert queries(client, LIST) == few
