"""What the tags write: times in the viewer's zone, states in one vocabulary, forms that explain."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.template import Context, Engine, engines

from apps.portal import charts
from apps.portal.templatetags import _vocabulary

NOW = datetime(2026, 9, 7, 7, 12, 4, tzinfo=UTC)
RAVI = SimpleNamespace(name="Ravi Menon")


def render(source: str, *, user: Any = None, **context: Any) -> str:
    """A snippet rendered with `{% load ui %}`, at NOW, for somebody."""
    engine = engines["django"].engine
    assert isinstance(engine, Engine)
    viewer = user or SimpleNamespace(time_zone="Europe/Berlin", hour_cycle="24", week_start=0)
    values = {"now": NOW, "request": SimpleNamespace(user=viewer), **context}
    return engine.from_string("{% load ui styleguide %}" + source).render(Context(values)).strip()


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def minutes(count: float) -> datetime:
    return NOW + timedelta(minutes=count)


# Times


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("ago", "1 h 12 m ago"),
        ("elapsed", "1 h 12 m"),
        ("when", "1 h 12 m ago , 08:00 Berlin"),
        ("until", "today 08:00, 1 h 12 m ago"),
        ("at", "08:00 Berlin"),
        ("clock", "08:00"),
        ("full_time", "Monday 7 September 2026, 08:00 Berlin (06:00 UTC)"),
    ],
)
def test_an_instant_is_a_time_element_in_the_viewers_zone(tag: str, text: str) -> None:
    html = render(f"{{% {tag} at %}}", at=minutes(-72))
    assert html.startswith('<time datetime="2026-09-07T06:00:04Z"')
    assert 'title="Monday 7 September 2026, 08:00 Berlin (06:00 UTC)"' in html
    assert words(html) == text


@pytest.mark.parametrize("tag", ["ago", "elapsed", "when", "until", "at"])
def test_an_instant_that_never_came_says_so(tag: str) -> None:
    assert render(f"{{% {tag} None %}}") == "never"
    assert render(f'{{% {tag} None never="not yet" %}}') == "not yet"


def test_twelve_hours_and_a_schedules_own_zone_are_respected() -> None:
    user = SimpleNamespace(time_zone="America/New_York", hour_cycle="12", week_start="sunday")
    assert words(render("{% at at %}", user=user, at=minutes(0))) == "3:12 am New York"
    assert words(render('{% at at zone="Asia/Kathmandu" %}', user=user, at=NOW)).endswith(
        "12:57 pm Kathmandu"
    )
    assert render("{% week_of at as w %}{{ w.isoformat }}", user=user, at=NOW).startswith(
        "2026-09-06T04:00"
    )


@pytest.mark.parametrize("zone", [None, "", "Nowhere/Land", "../../etc/passwd", "\0"])
def test_a_zone_that_does_not_exist_falls_back_to_utc(zone: str | None) -> None:
    user = SimpleNamespace(time_zone=zone, hour_cycle="24", week_start=0)
    assert words(render("{% at at %}", user=user, at=NOW)) == "07:12 UTC"


def test_a_visitor_without_an_account_sees_utc() -> None:
    assert words(render("{% at at %}", request=None, at=NOW)) == "07:12 UTC"


def test_spans_days_and_lengths_are_written_out() -> None:
    assert render("{% span a b %}", a=NOW, b=minutes(480)) == "Mon 7 Sep 09:12 to 17:12"
    assert render("{% span a None %}", a=NOW) == "from 09:12 Berlin"
    assert render("{% day a %}", a=minutes(-1500)) == "yesterday"
    assert render("{{ a|duration }} {{ b|duration }}{{ c|duration }}", a=timedelta(hours=2), b=90,
                  c=None) == "2 h 1 m"  # fmt: skip
    assert render("{% zone_name %}") == "Berlin, UTC+2"


# States


@pytest.mark.parametrize(
    ("at", "more", "text", "tone"),
    [
        (minutes(130), "", "2 h 10 m left due 11:22", "plain"),
        (minutes(60), "", "1 h left due 10:12", "warning"),
        (minutes(60), "warn_minutes=30", "1 h left due 10:12", "plain"),
        (minutes(0), "", "Breached 0 s due 09:12", "danger"),
        (minutes(-42), "", "Breached 42 m due 08:30", "danger"),
        (minutes(-42), "done_at=late", "Breached 36 m due 08:30", "danger"),
        (minutes(10), "done_at=late", "Met 09:06", "success"),
        (minutes(130), "paused=True", "Paused 2 h 10 m left", "dashed"),
        (None, "", "No target", "plain"),
    ],
)
def test_a_promise_says_what_is_left_and_when_it_is_due(
    at: datetime | None, more: str, text: str, tone: str
) -> None:
    html = render(f"{{% due at {more} %}}", at=at, late=minutes(-6))
    assert words(html) == text
    assert f"chip--{tone}" in html


@pytest.mark.parametrize("value", ["SEV2", "sev2", 2, "2"])
def test_a_severity_is_known_by_any_of_its_names(value: object) -> None:
    html = render("{% severity value %}", value=value)
    assert (words(html), "chip--danger" in html, "#g-tri" in html) == ("SEV2", True, True)


def test_a_state_nobody_foresaw_is_shown_in_its_own_words_and_harmless() -> None:
    assert words(render('{% incident_status "post_mortem" %}')) == "Post mortem"
    assert words(render("{% page_status None %}")) == "Unknown"
    assert "<b>" not in render('{% alert_status "<b>x</b>" %}')


def test_no_two_states_of_a_vocabulary_look_the_same() -> None:
    for name, vocabulary in _vocabulary.VOCABULARIES.items():
        looks = set(vocabulary.values())
        shapes = {(look.glyph, look.tone) for look in looks}
        assert len(shapes) == len(looks), f"two states of {name} look the same"


# People


def test_nobody_is_visible_and_dashed() -> None:
    html = render("{% who None %}")
    assert words(html) == "Nobody"
    assert "av--none" in html
    assert words(render('{% who None none="No backup" %}')) == "No backup"


def test_a_person_keeps_the_color_they_were_given() -> None:
    assert "av p8" in render("{% who ravi %}", ravi=RAVI)
    assert "av p3" in render("{% who p %}", p=SimpleNamespace(name="Ravi Menon", hue=3))


@pytest.mark.parametrize(
    "source",
    [
        "{% who evil %}",
        "{% chip evil value=evil %}",
        "{% state evil %}",
        "{% severity evil %}",
        "{% callout %}{{ evil }}{% endcallout %}",
        "{% entry now %}{{ evil }}{% endentry %}",
        "{% refused evil evil %}",
        "{% empty evil evil %}",
        '{% crumbs "a" "/" evil %}',
    ],
)
def test_texts_from_outside_are_escaped(source: str) -> None:
    html = render(source, evil='<img src=x onerror="x">')
    assert "<img" not in html
    assert "&lt;" in html


# Forms


class Contact(forms.Form):
    address = forms.EmailField(label="E-mail", help_text="Where pages go.")
    note = forms.CharField(label="Note", required=False)
    kinds = forms.MultipleChoiceField(
        label="Send", choices=[("a", "Alerts"), ("b", "Handoffs")],
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    agreed = forms.BooleanField(label="Tell people")


def test_a_field_wires_label_help_and_error_to_its_control() -> None:
    html = render("{% field form.address %}", form=Contact({"address": "sam@"}))
    assert '<label for="id_address">E-mail</label>' in html
    assert 'aria-describedby="id_address_helptext id_address_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_address_error"' in html
    assert 'id="id_address_helptext">Where pages go.</p>' in html


def test_a_field_without_mistakes_has_no_empty_references() -> None:
    html = render('{% field form.note draft="note-7" rows=3 %}', form=Contact())
    assert "aria-describedby" not in html
    assert "(optional)" in html
    assert 'data-draft="note-7"' in html
    silent = render("{% field form.address help=False %}", form=Contact())
    assert "Where" not in silent
    assert "aria-describedby" not in silent


def test_a_group_of_boxes_is_a_fieldset_and_a_single_box_has_its_label_beside() -> None:
    group = render("{% field form.kinds %}", form=Contact({}))
    assert "<legend>Send</legend>" in group
    assert (
        '<fieldset class="field field--group field--error" aria-describedby="id_kinds_error">'
        in group
    )
    assert '<label for="id_agreed"><input type="checkbox"' in render(
        "{% field form.agreed %}", form=Contact()
    )


def test_the_summary_links_every_mistake_to_its_control() -> None:
    html = render("{% form_errors form %}", form=Contact({"address": "sam@", "agreed": "on"}))
    assert "2 things need your attention" in html
    assert '<a href="#id_address">E-mail: Enter a valid email address.</a>' in html
    assert '<a href="#id_kinds_0">Send: This is missing.</a>' in html
    assert render("{% form_errors form %}", form=Contact()) == ""


def test_a_button_that_acts_is_a_post_form_with_its_token() -> None:
    source = '{% post url "Acknowledge" tone="primary" key="a" target="#page" n=value %}'
    html = render(source, csrf_token="t0ken", url="/x/?a=1&b=2", value="<1>")
    assert '<form class="inline" method="post" action="/x/?a=1&amp;b=2"' in html
    assert 'hx-post="/x/?a=1&amp;b=2" hx-target="#page"' in html
    assert 'name="csrfmiddlewaretoken" value="t0ken"' in html
    assert '<input type="hidden" name="n" value="&lt;1&gt;">' in html
    assert 'data-key="a"' in html


def test_a_refused_action_stays_reachable_with_its_reason() -> None:
    html = render('{% refused "Resolve" "2 alerts still fire" %}{% refused "Resolve" "again" %}')
    first, second = re.findall(r'aria-describedby="([^"]+)"', html)
    assert first != second
    assert f'id="{first}">2 alerts still fire</span>' in html
    assert html.count('aria-disabled="true"') == html.count('tabindex="0"') == 2
    assert "<button" not in html


def test_a_confirmation_says_what_it_will_do_before_its_button() -> None:
    source = '{% confirm "Remove" "/x/" "Remove 214 rows" keep="1" %}{{ what }}{% endconfirm %}'
    html = render(source, what="8 <people>")
    assert html.startswith('<details class="confirm">')
    assert html.index("8 &lt;people&gt;") < html.index("<form") < html.index("Remove 214 rows")
    assert 'name="keep" value="1"' in html


# Page pieces


def test_a_pager_without_a_page_before_it_refuses_instead_of_linking() -> None:
    html = render('{% pager next="?after=9" text="1 to 25 of 41" %}')
    assert 'href="?after=9" rel="next"' in html
    assert "this is the first page" in words(html)
    assert 'rel="prev"' not in html


def test_breadcrumbs_end_with_the_page_itself() -> None:
    html = render('{% crumbs "Incidents" "/incidents/" "INC-42" %}')
    assert '<a href="/incidents/">Incidents</a>' in html
    assert '<li aria-current="page">INC-42</li>' in html


def test_the_bottom_bar_takes_what_is_marked_or_the_first_four() -> None:
    groups = [[{"key": str(n)} for n in range(3)], [{"key": str(n)} for n in range(3, 6)]]
    source = "{% for i in g|short_items %}{{ i.key }}{% endfor %}"
    assert render(source, g=groups) == "0123"
    groups[1][2]["short"] = "yes"
    assert render(source, g=groups) == "5"
    assert render(source, g=None) == ""


def test_the_timeline_is_drawn_and_stands_as_a_table_behind() -> None:
    rows = [
        charts.Row(
            label="Profiler",
            shifts=[
                charts.Shift(start=NOW, end=minutes(3000), who="Ravi <Menon>", hue=2, url="/s/1"),
                charts.Shift(start=minutes(3000), end=minutes(4440), who=None),
            ],
        )
    ]
    html = render("{% timeline rows a b %}", rows=rows, a=minutes(-600), b=minutes(9000))
    assert html.count('href="/s/1"') == 2  # once wide, once for a phone
    assert "<title>Gap: nobody on call, " in html
    assert html.count("<td") == 8
    assert "Ravi <Menon>" not in html
    assert words(html).count("Nobody") == 1
