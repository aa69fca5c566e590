"""The page of a Slack workspace: who is who, which group follows what, and the bot's token."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.alerts.models import SlackGroup, SlackMember
from apps.alerts.services import slack_calls
from apps.intake.models import Integration
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

pytestmark = pytest.mark.django_db
TOKEN = "xoxb-1234567890"


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


@pytest.fixture
def row(cast: Cast) -> Integration:
    return build.integration("slack", secret="s" * 32).row


def act(client: Client, row: Integration, do: str, **sent: Any) -> str:
    return text_of(client.post(f"/integrations/{row.pk}/slack/{do}/", sent, follow=True))


def test_a_manager_says_who_is_who_and_takes_it_back(
    maya: Client, cast: Cast, row: Integration
) -> None:
    assert "Nobody is known in Slack yet" in text_of(maya.get(f"/integrations/{row.pk}/slack/"))
    said = act(maya, row, "member", person=cast.ravi.pk, slack_user_id="u2cerlkja")
    assert "U2CERLKJA acts as Ravi Rao now" in said
    wrong = maya.post(
        f"/integrations/{row.pk}/slack/member/", {"person": cast.bea.pk, "slack_user_id": "@bea"}
    )
    assert (wrong.status_code, "A member ID looks like" in text_of(wrong)) == (400, True)
    act(maya, row, "forget", id=SlackMember.objects.get().pk)
    assert not SlackMember.objects.exists()


def test_a_group_follows_a_schedule_until_it_does_not(
    maya: Client, cast: Cast, row: Integration
) -> None:
    schedule = build.schedule(cast.ravi)
    said = act(maya, row, "group", schedule=schedule.pk, slack_group_id="S0614TZR7")
    assert "S0614TZR7 follows Profiler from the next minute on" in said
    assert "Needs a bot token" in said
    SlackGroup.objects.update(error="The bot lacks a scope.")
    assert "Does not follow" in text_of(maya.get(f"/integrations/{row.pk}/slack/"))
    act(maya, row, "unfollow", id=SlackGroup.objects.get().pk)
    assert not SlackGroup.objects.exists()


def test_the_token_goes_in_and_never_comes_out(maya: Client, row: Integration) -> None:
    act(maya, row, "bot", bot_token=TOKEN, channel="C024BE91L")
    page = maya.get(f"/integrations/{row.pk}/slack/").content.decode()
    assert TOKEN not in page and "C024BE91L" in page
    act(maya, row, "bot", bot_token="", channel="")
    row.refresh_from_db()
    assert slack_calls.config_of(row) == {"bot_token": TOKEN, "channel": ""}
    act(maya, row, "end")
    row.refresh_from_db()
    assert row.config_sealed == ""


def test_it_takes_a_manager_a_slack_and_a_number(
    maya: Client, cast: Cast, row: Integration
) -> None:
    ravi = sign_in(cast.ravi)
    assert ravi.get(f"/integrations/{row.pk}/slack/").status_code == 403
    assert ravi.post(f"/integrations/{row.pk}/slack/end/").status_code == 403
    other = build.integration("github").row
    assert maya.get(f"/integrations/{other.pk}/slack/").status_code == 404
    for text in ("", "x", "9" * 30, "0"):
        assert maya.post(f"/integrations/{row.pk}/slack/forget/", {"id": text}).status_code == 404
    assert maya.post(f"/integrations/{row.pk}/slack/nonsense/").status_code == 404
