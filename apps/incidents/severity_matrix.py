"""Which severity four answers suggest, and the sentence that says why.

Pure. Source of the rules: the definitions of the four levels as the site is seeded with them.
Each rule that fits names a level; the worst one counts. What nobody can answer yet counts as the
worse answer: an incident that was called too high is lowered with one sentence, one that was
called too low has cost its first half hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

UNSURE: Final = ""


@dataclass(frozen=True)
class Choice:
    """One answer that can be given, as it is kept and as a person reads it."""

    key: str
    text: str


@dataclass(frozen=True)
class Question:
    """One of the four questions with its answers, the mildest first."""

    key: str
    text: str
    choices: tuple[Choice, ...]


class Suggestion(NamedTuple):
    """The level, and why, as one sentence that begins in lower case: "SEV2, because …"."""

    key: str
    why: str


QUESTIONS: Final = (
    Question(
        "who",
        "Who is hurt?",
        (
            Choice("one", "One customer, or only we ourselves"),
            Choice("several", "Several customers"),
            Choice("many", "Many customers"),
            Choice("most", "A quarter of all customers, or more"),
        ),
    ),
    Question(
        "data_wrong",
        "Is data wrong or lost, and shown as if it were right?",
        (Choice("no", "No"), Choice("maybe", "Perhaps"), Choice("yes", "Yes")),
    ),
    Question(
        "money_or_security",
        "Is it about money or security: wrong charges, something exposed?",
        (Choice("no", "No"), Choice("yes", "Yes")),
    ),
    Question(
        "workaround",
        "Is there a safe way around it?",
        (Choice("yes", "Yes"), Choice("no", "No")),
    ),
)
_KNOWN: Final = {
    question.key: tuple(choice.key for choice in question.choices) for question in QUESTIONS
}

# How far it reaches: (with a way around it, without).
_REACH: Final[Mapping[str, tuple[str, str]]] = {
    "one": ("SEV4", "SEV3"),
    "several": ("SEV3", "SEV2"),
    "many": ("SEV3", "SEV2"),
    "most": ("SEV2", "SEV1"),
}
_WHO: Final[Mapping[str, str]] = {
    "one": "one customer is hurt",
    "several": "several customers are hurt",
    "many": "many customers are hurt",
    "most": "a quarter of all customers or more are hurt",
}


def checked(answers: Mapping[str, object]) -> dict[str, str]:
    """The answers as they are kept: known keys and words only, nothing for "not sure".

    Raises ValueError that names the question for an answer that is none of its choices.
    """
    found: dict[str, str] = {}
    for key, value in answers.items():
        if key not in _KNOWN:
            raise ValueError(f"{key!s:.40}: there is no such question.")
        if value is None or value == UNSURE:
            continue
        if not isinstance(value, str) or value not in _KNOWN[key]:
            raise ValueError(f"{key}: answer {', '.join(_KNOWN[key])}.")
        found[key] = value
    return found


def suggest(answers: Mapping[str, object]) -> Suggestion:
    """The level that the answers suggest and why. An answer that is missing is "not sure".

    `who`: one, several, many, most; `data_wrong`: no, maybe, yes; `money_or_security`: no, yes;
    `workaround`: yes, no. Raises ValueError as `checked` does.
    """
    found = checked(answers)
    # "SEV1" sorts before "SEV2"; of several reasons for one level the first counts.
    return min(_rules(found), key=lambda rule: rule.key)


def _rules(found: Mapping[str, str]) -> Iterator[Suggestion]:
    if found.get("money_or_security") == "yes":
        yield Suggestion("SEV1", "money or security is at stake")
    if found.get("data_wrong") == "yes":
        yield Suggestion("SEV1", "wrong or lost data is shown as if it were right")
    if found.get("data_wrong") == "maybe":
        yield Suggestion("SEV2", "data may be wrong, and until that is known it counts as serious")
    yield from _unsure(found)
    yield _reach(found)


def _unsure(found: Mapping[str, str]) -> Iterator[Suggestion]:
    if "money_or_security" not in found:
        yield Suggestion("SEV2", "nobody can say yet whether money or security is at stake")
    if "data_wrong" not in found:
        yield Suggestion("SEV2", "nobody can say yet whether data is wrong")


def _reach(found: Mapping[str, str]) -> Suggestion:
    who, around = found.get("who"), found.get("workaround") == "yes"
    level = _REACH[who or "many"][0 if around else 1]
    said = _WHO[who] if who else "nobody can say yet how many customers are hurt"
    if "workaround" not in found:
        return Suggestion(level, f"{said}, and no way around it is known yet")
    way = "there is a safe way around it" if around else "there is no safe way around it"
    return Suggestion(level, f"{said} and {way}")
