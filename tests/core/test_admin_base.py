"""The admin's base: one face, safe fields, rows without scripts, the portal's colors."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from apps.core.admin_base import forms as fields
from apps.core.admin_base.lists import chip
from apps.core.admin_base.rows import WindowsField, WindowsWidget
from apps.core.errors import Invalid
from tests import builders as build
from tests.adminkit import fields as read_fields
from tests.adminkit import send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

ROOT = Path(settings.BASE_DIR)


def test_one_file_alone_names_unfold() -> None:
    """A fall-back to the stock admin is a change of that file."""
    named = [
        path.relative_to(ROOT).as_posix()
        for folder in ("apps", "opsportal")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"^\s*(from|import) unfold\b", path.read_text(encoding="utf-8"), re.M)
    ]
    assert named == ["apps/core/admin_base/face.py"]


def tokens(name: str) -> dict[str, str]:
    text = (ROOT / "static/css" / name).read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for key, value in re.findall(r"(--[\w-]+):\s*([^;]+);", text):
        found.setdefault(key, " ".join(value.split()))  # later ones are for contrast and print
    return found


def test_admin_and_portal_have_the_same_colors() -> None:
    portal, admin = tokens("opsportal.css"), tokens("admin.css")
    colors = {name for name, value in admin.items() if value.startswith("light-dark(")}
    assert len(colors) > 40
    assert {name: admin[name] for name in colors if admin[name] != portal.get(name)} == {}


# -- moments


def test_a_moment_is_read_on_the_viewers_clock() -> None:
    field = fields.MomentField()
    with timezone.override(ZoneInfo("Europe/Berlin")):
        assert field.clean("2026-07-01T09:00") == datetime(2026, 7, 1, 7, tzinfo=UTC)
        shown = field.prepare_value(datetime(2026, 7, 1, 7, tzinfo=UTC))
        assert f"{shown:%H:%M}" == "09:00"
    field.zone = ZoneInfo("America/New_York")
    assert field.clean("2026-07-01T09:00") == datetime(2026, 7, 1, 13, tzinfo=UTC)
    # Twice on the clock: the first of the two. Never on the clock: an hour later.
    assert field.clean("2026-11-01T01:30") == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert field.clean("2026-03-08T02:30") == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)


NO_MOMENTS = ["soon", "0001-01-01T00:00", "9999-12-31T23:59", "2026-13-01T00:00", "1e999", "-1"]


@pytest.mark.parametrize("text", [*NO_MOMENTS, "2026-01-01T00:00\x00", "2026-01-01T00:00\ud800"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        fields.MomentField().clean(text)


# -- JSON, should a field of it ever be shown

BAD_JSON = ['{"a":"\\ud800"}', '{"a":"x\\u0000"}', '{"a": NaN}', '{"a": Infinity}', '{"a": 1e999}',
            "[" * 5000 + "]" * 5000, '{"a":', '{"a": ' + "9" * 5000 + "}"]  # fmt: skip


@pytest.mark.parametrize("text", BAD_JSON, ids=lambda text: text[:20])
def test_json_that_the_database_could_not_keep_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        fields.SafeJSONField().clean(text)


def test_ordinary_json_is_taken() -> None:
    assert fields.SafeJSONField().clean('{"a": [1, "ü"]}') == {"a": [1, "ü"]}


# -- weekly windows


def posted(*rows: dict[str, Any]) -> Any:
    data = QueryDict(mutable=True)
    for index, row in enumerate(rows):
        for part, value in row.items():
            data.setlist(f"hours-{index}-{part}", value if isinstance(value, list) else [value])
    return WindowsWidget().value_from_datadict(data, None, "hours")


def test_windows_are_ticked_and_typed() -> None:
    value = posted({"days": ["fri", "mon", "someday"], "start": "9:00", "end": "17:30:59"}, {})
    assert WindowsField().clean(value) == [
        {"days": ["mon", "fri"], "start": "09:00", "end": "17:30"}
    ]
    assert WindowsField().clean(posted({"start": "", "end": ""})) == []


WRONG_WINDOWS = [
    ({"start": "09:00", "end": "10:00"}, "Window 1: tick at least one day."),
    ({"days": ["mon"], "start": "9 am", "end": "10:00"}, "Window 1: “from” is a time"),
    ({"days": ["mon"], "start": "09:00", "end": "25:00"}, "Window 1: “until” is a time"),
    ({"days": ["mon"], "start": "09:00", "end": ""}, "Window 1: “until” is a time"),
    ({"days": ["mon"], "start": "09:00+02:00", "end": "10:00"}, "Window 1: “from” is a time"),
    ({"days": ["mon"], "start": "NaN", "end": "1e999"}, "Window 1: “from” is a time"),
    ({"days": ["mon"], "start": "\ud800", "end": "10:00"}, "Window 1: “from” is a time"),
]


@pytest.mark.parametrize(("row", "said"), WRONG_WINDOWS, ids=[said for _, said in WRONG_WINDOWS])
def test_a_window_that_is_none_is_said_with_its_number(row: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        WindowsField().clean(posted(row))
    assert said in " ".join(refused.value.messages)


def test_a_form_takes_so_many_windows_and_no_more() -> None:
    row = {"days": ["mon"], "start": "09:00", "end": "10:00"}
    assert len(WindowsField().clean(posted(*[row] * 50))) == WindowsWidget.max_rows


def test_windows_that_were_not_touched_have_not_changed() -> None:
    stored = [{"days": ["mon"], "start": "09:00", "end": "17:00"}]
    assert not WindowsField().has_changed(stored, posted(*stored))
    assert not WindowsField().has_changed([], posted({}))
    assert WindowsField().has_changed(stored, posted({**stored[0], "end": "18:00"}))


# -- refusals


class Plain(forms.Form):
    name = forms.CharField()


def refuse(error: Exception) -> Plain:
    form = Plain({"name": "x"})
    assert form.is_valid()
    fields.add_refusal(form, error)
    return form


def test_a_refusal_stands_at_the_field_that_it_names_or_else_on_top() -> None:
    at_field = refuse(Invalid("No.", fields={"name": ["Too plain."], "other": ["x"]}))
    assert at_field.errors == {"name": ["Too plain."]}
    assert refuse(Invalid("No.", fields={"other": ["x"]})).non_field_errors() == ["No."]
    assert refuse(Invalid("No.")).non_field_errors() == ["No."]
    assert refuse(ValidationError({"name": ["Bad."]})).errors == {"name": ["Bad."]}
    assert refuse(ValidationError("Bad.")).non_field_errors() == ["Bad."]
    assert refuse(ValidationError({"gone": ["Bad."]})).non_field_errors() == ["Bad."]


def test_a_clash_that_no_form_foresaw_is_said_and_nothing_is_kept(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else was faster: the database refuses, the form stands there again."""
    from apps.alerts.admin import RoutingRuleAdmin

    def clash(*args: Any, **more: Any) -> None:
        raise IntegrityError("duplicate key")

    monkeypatch.setattr(RoutingRuleAdmin, "save_model", clash)
    client, add = sign_in(cast.maya), "/admin/alerts/routingrule/add/"
    form = read_fields(client, add) | {"name": ["Mine"], "surface": [str(build.surface().pk)]}
    answer = send(client, add, form)
    assert answer.status_code == 200
    assert "This clashes with something that is there already." in text_of(answer)
    assert 'value="Mine"' in answer.content.decode()


def test_a_chip_says_its_meaning_by_a_shape_too_and_escapes() -> None:
    assert "▲" in chip("Nobody", "danger") and "●" in chip("Yes", "success")
    assert "&lt;b&gt;" in chip("<b>", "info")


# -- times


def test_times_are_shown_on_each_viewers_clock(cast: Cast, client: Client) -> None:
    cast.maya.time_zone = "Asia/Tokyo"
    cast.maya.save()
    build.key("events:read")
    from apps.accounts.models import ApiKey

    ApiKey.objects.update(last_used_at=datetime(2026, 1, 5, 23, 30, tzinfo=UTC))
    said = text_of(sign_in(cast.maya).get("/admin/accounts/apikey/"))
    assert "Tue 6 Jan" in said and "08:30" in said
