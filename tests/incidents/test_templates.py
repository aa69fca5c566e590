"""Prepared words: strict placeholders, what each side may read, and the words that ship."""

from __future__ import annotations

import pytest

from apps.core.errors import Invalid
from apps.incidents import templating
from apps.incidents.models import Audience, CommsTemplate, Component, IncidentType, SeverityLevel
from apps.incidents.seeds_comms import AUDIENCES, TEMPLATES, ensure_comms
from apps.incidents.services import templates
from apps.incidents.templating import PLACEHOLDERS, TemplateError
from apps.notifications.models import Site
from tests import builders as build
from tests.conftest import Cast
from tests.world import World

ALL = dict.fromkeys(PLACEHOLDERS, "something")


def test_a_placeholder_becomes_its_value() -> None:
    made = templating.render("{{product}} and {{ ref }}", ALL | {"ref": "INC-4"}, outside=True)
    assert made == "something and INC-4"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ foo }}", "no placeholder “foo”"),
        ("{{ title }}", "“title” is an internal word"),
        ("{{ product.secret }}", "is not a placeholder"),
        ("{{ product|upper }}", "is not a placeholder"),
        ("{{ 7*7 }}", "is not a placeholder"),
        ("{{ }}", "is not a placeholder"),
        ("{{ product", "is not a placeholder"),
        ("{% include 'x' %} {{ __class__ }}", "is not a placeholder"),
    ],
)
def test_a_template_takes_plain_known_names_and_nothing_else(text: str, said: str) -> None:
    with pytest.raises(TemplateError, match=said) as caught:
        templating.check(text, outside=True)
    assert "product" in caught.value.message or "internal" in caught.value.message


def test_a_message_may_show_code_with_braces_but_no_unknown_name() -> None:
    code = "Use `select * from {{ ref('orders') }}`."
    assert templating.render(code, ALL, outside=True) == code
    with pytest.raises(TemplateError, match="no placeholder “orders”"):
        templating.render("{{ orders }}", ALL, outside=True)


def test_a_missing_value_is_named_with_what_to_do() -> None:
    with pytest.raises(TemplateError, match=r"“impact” has no value yet\. Write") as error:
        templating.render("{{ impact }}", ALL | {"impact": "  "}, outside=True)
    assert error.value.name == "impact"


def test_a_value_is_text_and_never_read_again() -> None:
    made = templating.render(
        "{{ impact }}", ALL | {"impact": "{{ title }} {{ foo }}"}, outside=True
    )
    assert made == "{{ title }} {{ foo }}"


def test_what_is_too_long_is_refused_before_and_after_filling() -> None:
    with pytest.raises(TemplateError, match="20,001 characters"):
        templating.check("x" * 20_001, outside=True)
    with pytest.raises(TemplateError, match="Filled in"):
        templating.render("{{ impact }}", ALL | {"impact": "x" * 300}, outside=True, limit=200)


def test_reading_hostile_braces_takes_no_time() -> None:
    with pytest.raises(TemplateError):
        templating.check("{{" * 9_000, outside=True)


def test_filling_leaves_what_has_no_value() -> None:
    assert templating.fill("{{ ref }} {{ impact }}", {"ref": "INC-4"}) == "INC-4 {{ impact }}"


# -- the words that ship


@pytest.mark.parametrize("words", TEMPLATES, ids=lambda w: f"{w.audience}-{w.stage}")
def test_every_template_that_ships_is_sound(words: object) -> None:
    sides = {one.key: one.side for one in AUDIENCES}
    outside = sides[words.audience] == "public"  # type: ignore[attr-defined]
    for text in (words.subject, words.body):  # type: ignore[attr-defined]
        templating.check(text, outside=outside)
        assert "outage" not in text.lower()


def test_every_last_message_says_what_became_of_data_and_promises_nothing() -> None:
    last = [one for one in TEMPLATES if one.stage == "resolved"]
    assert {one.audience for one in last} == {one.key for one in AUDIENCES}
    for one in last:
        assert "data_effect" in templating.used(one.body)
        assert "next_update" not in templating.used(one.body)


def test_every_first_message_can_go_out_with_nothing_known_but_that_it_is_broken() -> None:
    by_hand = {name for name, one in PLACEHOLDERS.items() if one.by_hand}
    learned = {"impact", "mitigation", "ended_at"}
    for one in TEMPLATES:
        if one.stage == "initial":
            assert not set(templating.used(one.subject + one.body)) & (by_hand | learned), one.name


def test_every_message_on_the_way_promises_the_next_one() -> None:
    for one in TEMPLATES:
        if one.stage in {"initial", "scope", "update", "long"}:
            assert "next_update" in templating.used(one.body), one.name


# -- with an incident


@pytest.fixture
def comms(db: None) -> None:
    SeverityLevel.objects.bulk_create(
        [SeverityLevel(key=key, name="x", definition="x") for key in ("SEV1", "SEV2", "SEV3")],
        ignore_conflicts=True,
    )
    ensure_comms()


def test_seeding_twice_changes_nothing_that_somebody_wrote(comms: None) -> None:
    CommsTemplate.objects.filter(key="public-initial").update(subject="Ours")
    Audience.objects.filter(key="exec").update(name="The board")
    SeverityLevel.objects.get(key="SEV1").audiences.clear()
    ensure_comms()
    assert CommsTemplate.objects.get(key="public-initial").subject == "Ours"
    assert Audience.objects.get(key="exec").name == "The board"
    assert not SeverityLevel.objects.get(key="SEV1").audiences.exists()
    assert CommsTemplate.objects.count() == len(TEMPLATES)


def test_a_level_knows_whom_it_is_told_to(comms: None) -> None:
    keys = SeverityLevel.objects.get(key="SEV1").audiences.values_list("key", flat=True)
    assert set(keys) == {"public", "customers", "internal", "support", "exec"}


def test_the_first_message_names_product_and_parts_and_never_the_internal_title(
    world: World, cast: Cast, comms: None
) -> None:
    Site.objects.update_or_create(pk=1, defaults={"name": "Acme Charts"})
    surface = build.surface("inspect.profiler", now=world.now)
    incident = build.incident(title="oom in pod 7 again", surface=surface, now=world.now)
    public = Audience.objects.get(key="public")
    say = {"incident": incident, "audience": public, "stage": "initial", "now": world.now}
    subject, body = templates.prepared(**say)
    assert subject == "Problems with a part of Acme Charts"
    assert "oom" not in subject + body
    assert "{{ next_update }}" in body
    for name in ("Profiling", "Reports"):
        row = Component.objects.create(key=name.lower(), name=name, started_on=world.now.date())
        row.surfaces.add(surface)
    assert templates.prepared(**say)[0] == "Problems with Profiling and Reports"


def test_the_state_is_written_as_in_a_sentence(world: World, cast: Cast, comms: None) -> None:
    incident = build.incident(by=cast.maya, commander=cast.maya, now=world.now)
    inside = Audience.objects.get(key="internal")
    _, body = templates.prepared(incident=incident, audience=inside, stage="initial", now=world.now)
    assert "It is investigating; what it reaches" in body


def test_a_template_for_the_type_comes_before_the_one_for_all(
    world: World, cast: Cast, comms: None
) -> None:
    kind = IncidentType.objects.create(key="data", name="Data is wrong")
    public = Audience.objects.get(key="public")
    mine = templates.save_template(
        template=None,
        fields={
            "key": "data-first", "name": "Wrong data", "stage": "initial", "audience": public,
            "type": kind, "subject": "Wrong figures", "body": "Do not use them.",
        },
        now=world.now,
    )  # fmt: skip
    incident = build.incident(now=world.now)
    find = {"audience": public, "stage": "initial"}
    assert templates.fitting(incident=incident, **find).key == "public-initial"  # type: ignore[union-attr]
    incident.type = kind
    assert templates.fitting(incident=incident, **find) == mine
    CommsTemplate.objects.filter(stage="initial").update(archived_at=world.now)
    assert templates.prepared(incident=incident, now=world.now, **find) == ("", "")


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("body", "{{ foo }}", "no placeholder “foo”"),
        ("subject", "{{ title }}", "internal word"),
        ("subject", "Hello\r\nBcc: all@example.com", "one line"),
        ("subject", "", "Write a subject"),
        ("body", " ", "Write a body"),
        ("body", "x" * 20_001, "20,001 characters"),
        ("stage", "soon", "no such stage"),
    ],
)
def test_a_template_that_cannot_be_sent_cannot_be_saved(
    comms: None, world: World, field: str, text: str, said: str
) -> None:
    fields = {
        "key": "mine", "name": "Mine", "stage": "update", "subject": "S", "body": "B",
        "audience": Audience.objects.get(key="public"), field: text,
    }  # fmt: skip
    with pytest.raises(Invalid, match=said) as caught:
        templates.save_template(template=None, fields=fields, now=world.now)
    assert field in caught.value.fields
