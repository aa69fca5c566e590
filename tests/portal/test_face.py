"""The face as a whole: promises that hold for every template, script and style."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import django_htmx
import pytest
from django.template.loader import render_to_string

from apps.portal.templatetags import _vocabulary

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 9, 7, 7, 12, 4, tzinfo=UTC)
TEMPLATES = sorted(p for p in (ROOT / "templates").rglob("*.html") if "admin" not in p.parts)
SPRITE = (ROOT / "templates/portal/components/sprite.html").read_text()


def markup(path: Path) -> str:
    return re.sub(r"\{% comment %\}.*?\{% endcomment %\}", "", path.read_text(), flags=re.DOTALL)


FORBIDDEN = {
    "an inline style": r"<[^>]*\sstyle\s*=",
    "an inline handler": r"<[^>]*\son[a-z]+\s*=",
    "a style element": r"<style",
    "an inline script": r"<script(?![^>]*\ssrc=)",
    "a javascript address": r"javascript:",
    "a foreign host": r"(?:src|href)=[\"']https?://",
    "an evaluated htmx attribute": r"hx-(?:on|vals=.js:)",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_template_has(what: str) -> None:
    found = [p.name for p in TEMPLATES if re.search(FORBIDDEN[what], markup(p))]
    assert found == []


@pytest.mark.parametrize(
    ("what", "sample"),
    [
        ("an inline style", '<p class="a" style="x">'),
        ("an inline handler", '<a href="#" onclick="x()">'),
        ("an inline script", "<script>x</script>"),
        ("a foreign host", '<img src="https://x.example/a.png">'),
    ],
)
def test_the_search_for_it_finds_a_sample(what: str, sample: str) -> None:
    assert re.search(FORBIDDEN[what], sample)


def test_no_short_template_comment_runs_over_a_line_and_so_into_the_page() -> None:
    broken = [p.name for p in TEMPLATES if re.search(r"\{#(?:(?!#\}).)*\n", p.read_text())]
    assert broken == []


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    named = {name for p in TEMPLATES for name in re.findall(r'\{% icon "([\w-]+)"', p.read_text())}
    drawn = {name for p in TEMPLATES for name in re.findall(r'\{% glyph "([\w-]+)"', p.read_text())}
    assert {n for n in named if f'id="i-{n}"' not in SPRITE} == set()
    assert {n for n in drawn if f'id="g-{n}"' not in SPRITE} == set()
    assert {n for n in ("oncall", "now", "owner", "user") if f'id="i-{n}"' not in SPRITE} == set()


def test_every_glyph_of_the_vocabulary_is_in_the_sprite() -> None:
    looks = [look for words in _vocabulary.VOCABULARIES.values() for look in words.values()]
    names = {look.glyph for look in looks} | set(_vocabulary.LEVEL_GLYPHS.values())
    assert {name for name in names if f'id="g-{name}"' not in SPRITE} == set()


@pytest.mark.parametrize("code", [400, 403, 404, 429, 500, 503])
def test_an_error_page_needs_no_request_database_or_manifest(code: int) -> None:
    html = render_to_string(f"{code}.html")
    assert f"Error {code}" in html
    assert 'href="/static/css/opsportal.css"' in html
    sources = [
        (ROOT / "templates/errors" / name).read_text() for name in ("base.html", f"{code}.html")
    ]
    assert not any("{% static " in source for source in sources)


def test_an_error_page_shows_the_reference_to_ask_about() -> None:
    assert "7f21-9c" in render_to_string("500.html", {"request_id": "7f21-9c"})


def test_the_style_guide_shows_every_component_within_the_budget() -> None:
    html = render_to_string("portal/styleguide.html", {"now": NOW})
    assert len(html.encode()) < 100_000
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert sorted(ids) == sorted(set(ids))
    for name in ("chip", "btn--primary", "refused", "confirm", "summary-error", "figures", "clocks",
                 "stepper", "setup", "ledger", "story", "tl-svg", "empty", "ack-about", "mail-text",
                 "dryrun", "pager", "callout--danger", "scheme-dark", "scheme-light"):  # fmt: skip
        assert f'class="{name}' in html or f" {name}" in html, name


def test_scripts_stay_within_the_budget_of_a_page() -> None:
    bases = [ROOT / "templates/base.html", ROOT / "templates/portal/base.html"]
    names = {n for p in bases for n in re.findall(r"static 'js/([\w-]+\.js)'", p.read_text())}
    assert names == {"early.js", "times.js", "forms.js", "keys.js"}

    htmx = (Path(django_htmx.__file__).parent / "static/django_htmx/htmx-2.min.js").stat().st_size
    own = sum((ROOT / "static/js" / name).stat().st_size for name in names)
    assert own < 8_000
    assert htmx + own < 60_000
    palette = (ROOT / "static/js/palette.js").stat().st_size  # only once it is opened
    assert htmx + own + palette <= 60 * 1024


def test_the_stylesheet_asks_nobody_else_and_keeps_to_its_layers() -> None:
    css = (ROOT / "static/css/opsportal.css").read_text()
    assert not re.search(r"@import|url\((?!#)", css)
    assert re.findall(r"^@layer ([\w, ]+);", css, re.M) == [
        "reset, tokens, base, components, pages, print"
    ]
    outside = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    tops = re.findall(r"^(?!\s|\}|@layer)(\S.*)$", outside, re.M)
    assert tops == []


TONES = ("danger", "warning", "success", "info")
GROUNDS = ("canvas", "surface", "sunken", "raised", "hover", "selected", "neutral-soft", "note")
READABLE = [
    *[(ink, ground) for ink in ("ink", "ink-2") for ground in GROUNDS],
    *[("ink-3", ground) for ground in GROUNDS[:6]],
    *[("ink", f"p{n}") for n in range(1, 11)],
    *[(tone, f"{tone}-soft") for tone in TONES],
    *[(ink, f"{tone}-soft") for ink in ("ink", "ink-2") for tone in TONES],
    *[(tone, "surface") for tone in ("accent", *TONES)],
    ("accent", "sunken"), ("accent-ink", "accent"), ("accent-ink", "accent-hover"),
    ("danger-on", "danger-solid"), ("ink-off", "sunken"), ("danger", "sunken"),
]  # fmt: skip


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_has_aa_contrast_on_every_ground_it_stands_on(scheme: int) -> None:
    css = (ROOT / "static/css/opsportal.css").read_text()
    pairs = re.findall(r"--([\w-]+):\s*light-dark\((#\w{6}), (#\w{6})\)", css)
    tokens = {name: values[scheme] for name, *values in pairs}
    weak = [
        (ink, ground, round(contrast(tokens[ink], tokens[ground]), 2))
        for ink, ground in READABLE
        if contrast(tokens[ink], tokens[ground]) < 4.5
    ]
    assert weak == []
    assert contrast(tokens["line-ctl"], tokens["surface"]) >= 3
    assert contrast("#777777", "#ffffff") < 4.5  # a pair that is known to fail
