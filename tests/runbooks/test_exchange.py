"""Runbooks as files: out and in again the same; what is no runbook names its line or step."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.runbooks.exchange import FORMATS, Document, Unreadable, guess, read, write
from apps.runbooks.exchange.model import checked
from apps.runbooks.steps import KINDS, StepIn, tidy

FULL = Document(
    key="rb-snowflake-timeouts",
    title="Snowflake profiling times out",
    summary="When more than one customer fails.\n\nNot for one alone.",
    cadence_days=60,
    change_note="Never resize a customer's warehouse",
    surfaces=("profiler.snowflake", "profiler"),
    triggers=(("alert", "snowflake timeout"), ("code", "ERR-1")),
    steps=(
        StepIn(
            title="Confirm the scope",
            kind="check",
            instruction="Compare.\n\n```\n# not a heading\nselect 1;\n```\n\n- Kind: my own",
            expected="One type stands out.",
            minutes=5,
            role="lead",
        ),
        StepIn(
            title="2. Turn the flag off #",
            instruction="## A heading of the text\n\\# kept\n  ### indented is text",
            on_fail="goto",
            on_fail_step=1,
            on_fail_text="### Look again\nthen ask.",
            is_irreversible=True,
        ),
        StepIn(title="Verify: 2% < x & \"quoted\" yes", kind="verify", on_fail="stop"),
    ),
)  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
def test_a_runbook_goes_out_and_comes_in_the_same(form: str) -> None:
    text = write(FULL, form=form)
    assert guess(text) == form
    assert read(text) == FULL
    assert write(read(text), form=form) == text


def test_markdown_reads_well_by_itself() -> None:
    text = write(replace(FULL, steps=FULL.steps[:1], surfaces=(), change_note=""), form="markdown")
    assert text.startswith(
        "# Snowflake profiling times out\n"
        "- Key: rb-snowflake-timeouts\n"
        "- Review every: 60 days\n"
        "- Trigger: alert snowflake timeout\n"
        "- Trigger: code ERR-1\n"
        "\n"
        "When more than one customer fails.\n"
        "\n"
        "Not for one alone.\n"
        "\n"
        "## 1. Confirm the scope\n"
        "- Kind: check\n"
        "- Takes: 5 min\n"
        "- Role: lead\n"
        "\n"
        "Compare.\n"
    )


HAND_WRITTEN = """\ufeff
# Quota is used up

* Key: rb-quota
* Review every: 30

When a full refresh ran.

## Look at the jobs

Find them by label.

## 2) Cancel them
- Kind: Action
- If not: Escalate
### If not
Ask the customer.
"""


def test_what_people_write_by_hand_is_understood() -> None:
    found = read(HAND_WRITTEN.replace("\n", "\r\n"))
    assert (found.key, found.cadence_days, found.summary) == (
        "rb-quota",
        30,
        "When a full refresh ran.",
    )
    first, second = found.steps
    assert first == StepIn(title="Look at the jobs", instruction="Find them by label.")
    assert second == StepIn(
        title="Cancel them", on_fail="escalate", on_fail_text="Ask the customer."
    )


def test_plain_words_of_yaml_stay_text() -> None:
    found = read(
        "key: rb-a\ntitle: yes\nsteps:\n- title: 2026-03-09\n  expected: 0x1F\n  role: null\n"
    )
    assert (found.title, found.steps[0].title, found.steps[0].expected) == (
        "yes",
        "2026-03-09",
        "0x1F",
    )


HEAD = "key: rb-a\ntitle: A\n"
BOMB = "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: [*c,*c,*c]\n"
WRONG_YAML: list[tuple[str, str]] = [
    ("", "A runbook's file is a list of names and values"),
    ("- a\n- b\n", "A runbook's file is a list of names and values"),
    ("just text", "A runbook's file is a list of names and values"),
    ("key: rb-a\n", "title is missing."),
    (HEAD, "steps is missing."),
    (HEAD + "steps: []\n", "A runbook has at least one step."),
    (HEAD + "steps:\n", "A runbook has at least one step."),
    (HEAD + "steps: 7\n", "Line 3: steps: write a list here"),
    (HEAD + "steps:\n- look\n", "Line 4: Step 1: a step has a title and more"),
    (HEAD + "steps:\n- kind: check\n", "Line 4: Step 1: title is missing."),
    (HEAD + "steps:\n- title: [1]\n", "Line 4: Step 1: title: write text here, not a list."),
    (HEAD + "steps:\n- title: A\n- title: B\n  titel: C\n", "Line 6: Step 2: “titel” is not"),
    (HEAD + "steps:\n- title: A\n  title: B\n", "Line 5: Step 1: title stands here a second"),
    (HEAD + "title: B\nsteps:\n- title: A\n", "Line 3: title stands here a second time."),
    (HEAD + "steps:\n- title: A\n  minutes: five\n", "Line 5: Step 1: minutes: write a whole"),
    (HEAD + "steps:\n- title: A\n  minutes: 99999999\n", "write a whole number here."),
    (HEAD + "steps:\n- title: A\n  minutes: -1\n", "write a whole number here."),
    (HEAD + "steps:\n- title: A\n  minutes: ١\n", "write a whole number here."),
    (HEAD + "steps:\n- title: A\n  irreversible: maybe\n", "Line 5: Step 1: irreversible: write"),
    (HEAD + "steps:\n- title: A\n  kind: dance\n", "Step 1: “dance” is no kind."),
    (HEAD + "steps:\n- title: A\n  on_fail: goto\n", "Step 1: Say which step to go to."),
    (HEAD + "steps:\n- title: A\n  on_fail: goto\n  on_fail_step: 9\n", "There is no step 9"),
    (HEAD + "steps:\n- title: ''\n", "Step 1: Say in one line what to do."),
    (HEAD + "triggers: [smell]\nsteps:\n- title: A\n", "Line 3: triggers: write each as a sort"),
    (HEAD + "triggers:\n- smell: x\nsteps:\n- title: A\n", "Line 4: “smell” is not known."),
    (HEAD + "triggers:\n- {alert: a, code: b}\nsteps:\n- title: A\n", "Line 4: triggers: write"),
    (HEAD + f"surfaces: [{'abc,' * 101}]\nsteps:\n- title: A\n", "at most 100"),
    (HEAD + "steps:\n" + "- title: A\n" * 201, "201 steps are too many"),
    ("? [a, b]\n: c\n", "Line 1: a name has to be plain text."),
    (BOMB, "Line 1: Anchors and aliases (& and *) are not taken."),
    ("key: *nowhere\n", "Line 1: Anchors and aliases"),
    ("key: !!python/object/apply:os.system ['true']\n", "is not taken."),
    ("key: !!binary aGk=\n", "Line 1: The tag tag:yaml.org,2002:binary is not taken."),
    ("<<: {key: a}\n", "Line 1: “<<” is not known."),
    (HEAD + "---\nkey: b\n", "One file holds one runbook; a second one begins here."),
    ("a: b: c\n", "Line 1: This is not YAML"),
    ("key: 'open\n", "This is not YAML"),
    ("\tkey: a\n", "This is not YAML"),
    ("key: a\x00b\n", "This is not YAML"),
    ("key: a\x07b\n", "This is not YAML"),
    ("%YAML 9.9\n---\nkey: a\n", "This is not YAML"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), WRONG_YAML)
def test_what_is_no_runbook_in_yaml_says_where(text: str, said: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(text, form="yaml")
    assert said in str(caught.value)


WRONG_MARKDOWN: list[tuple[str, str]] = [
    ("", "The file is empty."),
    ("Hello\n", "Line 1: Begin with “# ” and the title"),
    ("## 1. Look\n", "Line 1: Begin with “# ” and the title"),
    ("# A\n- Key: rb-a\n", "There is no step."),
    ("# A\n## B\n", "Line 1: “- Key: rb-…” is missing"),
    ("# A\n- Key: a\n- Key: b\n## B\n", "Line 3: “Key” stands here a second time."),
    ("# A\n- Key: a\n# B\n", "Line 3: A second title."),
    ("# \n- Key: a\n## B\n", "Line 1: The title is empty."),
    ("# A\n- Key: a\n## 1. \n", "Line 3: Step 1: Say in one line what to do."),
    ("# A\n- Colour: a\n## B\n", "Line 2: “Colour” is not known."),
    ("# A\n- Key: a\n- Review every: often\n## B\n", "Line 3: “often” is no number of days."),
    ("# A\n- Key: a\n- Trigger: smell x\n## B\n", "Line 3: Write a trigger as one of"),
    ("# A\n- Key: a\n## B\n- Takes: long\n", "Line 4: “long” is no number of minutes."),
    ("# A\n- Key: a\n## B\n- Irreversible: perhaps\n", "Line 4: Irreversible is “yes” or “no”."),
    ("# A\n- Key: a\n## B\n- If not: run\n", "Line 4: Step 1: “If not” is note, escalate"),
    ("# A\n- Key: a\n## B\n### Why\n", "Line 4: “Why” is not known here."),
    ("# A\n- Key: a\n### Expected\n## B\n", "Line 3: “Expected” is not known here."),
    ("# A\n- Key: a\n## B\n### Expected\nx\n### Expected\n", "Line 6: “Expected” stands here a"),
    ("# A\n- Key: a\n## B\n- If not: go to step 7\n", "Step 1: There is no step 7 to go to."),
    ("# A\n- Key: a\n" + "## B\n" * 201, "Line 203: At most 200 steps."),
    ("# A\n- Key: a\n" + "- Trigger: code x\n" * 101 + "## B\n", "Line 103: At most 100 triggers."),
    ("# A\n" + "\n" * 20_001, "Line 20001: The file has more than 20,000 lines."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), WRONG_MARKDOWN)
def test_what_is_no_runbook_in_markdown_says_where(text: str, said: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(text, form="markdown")
    assert said in str(caught.value)


K256 = 256 * 1024
HUGE = {
    "too large": ("x" * (K256 + 1), "larger than 256 KiB"),
    "too large in bytes": ("é" * (K256 - 10), "larger than 256 KiB"),
    "lists without end": ("[" * K256, "nested deeper than 20 levels"),
    "mappings without end": ("{a: " * (K256 // 4), "nested deeper than 20 levels"),
    "dashes without end": ("- " * (K256 // 2), "nested deeper than 20 levels"),
    "indents without end": (
        "".join(f"{' ' * depth}a:\n" for depth in range(700)), "nested deeper than 20 levels",
    ),
    "values without end": ("[" + "a," * (K256 // 2 - 2) + "]", "too many values"),
    "names without end": ("".join(f"a{n}: 1\n" for n in range(20_000)), "too many values"),
    "quotes without end": ('"' * K256, "Line 1"),
    "bombs": ("a: &a [x]\n" + "".join(f"b{n}: [*a]\n" for n in range(9_000)), "Anchors"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), HUGE.values(), ids=HUGE.keys())
def test_what_is_meant_to_take_long_is_refused_at_once(text: str, said: str) -> None:
    began = time.process_time()
    with pytest.raises(Unreadable) as caught:
        read(text, form="yaml")
    assert said in str(caught.value)
    assert time.process_time() - began < 2


def test_markdown_that_is_meant_to_take_long_does_not() -> None:
    began = time.process_time()
    for text in ("`" * K256, "#" * K256, "- " * (K256 // 2), "\\" * K256, "# a\n" + "- a" * 80_000):
        with pytest.raises(Unreadable):
            read(text, form="markdown")
    assert time.process_time() - began < 2


# -- any runbook

text = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("#-`~\\:|>&*!%@ \n\t'\"[]{}"),
    max_size=60,
)
line = text.map(lambda one: " ".join(one.split()))


def _steps(count: int) -> st.SearchStrategy[tuple[StepIn, ...]]:
    def step(position: int) -> st.SearchStrategy[StepIn]:
        others = [other for other in range(1, count + 1) if other != position]
        plain = st.tuples(st.sampled_from(["note", "escalate", "stop"]), st.none())
        ways: Any = plain
        if others:
            ways = plain | st.tuples(st.just("goto"), st.sampled_from(others))
        return st.builds(
            lambda way, **more: StepIn(on_fail=way[0], on_fail_step=way[1], **more),
            way=ways,
            title=line.filter(bool),
            kind=st.sampled_from(KINDS),
            instruction=text,
            expected=text,
            on_fail_text=text,
            minutes=st.none() | st.integers(1, 1440),
            role=line.map(lambda one: one[:20].strip()),
            is_irreversible=st.booleans(),
        )

    return st.tuples(*(step(position) for position in range(1, count + 1)))


documents = st.builds(
    Document,
    key=st.just("rb-a"),
    title=line.filter(bool),
    summary=text,
    cadence_days=st.integers(7, 730),
    change_note=line,
    surfaces=st.just(("a.b",)),
    triggers=st.lists(
        st.tuples(st.sampled_from(["alert", "code", "factor"]), line.filter(bool)), max_size=2
    ).map(tuple),
    steps=st.integers(1, 3).flatmap(_steps),
)


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=documents)
def test_any_runbook_goes_out_and_comes_in_the_same(form: str, document: Document) -> None:
    kept = _kept(document)
    if kept is None:
        return
    again = read(write(kept, form=form), form=form)
    if form == "markdown":  # a fence that nobody closed is closed
        again, kept = _closed(again), _closed(kept)
    assert again == kept


pieces = st.sampled_from(
    ["key: a\n", "title: b\n", "steps:\n", "- title: c\n", "  kind: check\n", "# A\n", "## B\n",
     "### Expected\n", "- Key: a\n", "- If not: stop\n", "```\n", "&a ", "*a ", "!!str ", "? ",
     "|\n", ">-\n", "[", "]", "{", "}", ": ", "- ", "  ", "\n", "\t", "'", '"', "%", "@",
     "---\n", "...\n", "\x00", "\x85", "\u2028", "\ufeff", "\\",
     '"\\ud800"', '"\\x00"', "<<: ", "null", "~"]
) | st.text(max_size=5)  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(parts=st.lists(pieces, max_size=20), begun=st.booleans())
def test_any_text_is_a_runbook_or_refused_in_words(
    form: str, parts: list[str], begun: bool
) -> None:
    head = {"yaml": f"{HEAD}steps:\n- title: A\n", "markdown": "# A\n- Key: a\n## B\n"}[form]
    try:
        found = read((head if begun else "") + "".join(parts), form=form)
    except Unreadable as error:
        assert str(error)
        return
    assert found.steps
    assert read(write(found, form="yaml"), form="yaml") == found
    assert "\x00" not in str(found) and str(found).encode()


def _kept(document: Document) -> Document | None:
    """As the database keeps it; None for steps that are refused before."""
    try:
        return checked(replace(document, steps=tuple(tidy(one) for one in document.steps)))
    except Unreadable:
        return None


def _closed(document: Document) -> Document:
    def bare(one: str) -> str:
        return one.rstrip("`~\n")

    steps = tuple(
        replace(
            step, instruction=bare(step.instruction), expected=bare(step.expected),
            on_fail_text=bare(step.on_fail_text),
        )
        for step in document.steps
    )  # fmt: skip
    return replace(document, summary=bare(document.summary), steps=steps)


@pytest.mark.parametrize("half", ["\ud800", "key: \udfff", "# \ud83d"])
def test_half_a_character_is_said_to_be_no_text(half: str) -> None:
    with pytest.raises(Unreadable):
        read(half, form="yaml")
