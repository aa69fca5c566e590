"""What shows that a follow-up holds, by aim."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.core import audit
from apps.core.errors import Conflict, Invalid
from apps.followups import evidence
from apps.followups import services as followups
from apps.followups.evidence import Piece
from apps.followups.models import Evidence, FollowUp
from apps.followups.ports import Checked
from tests.conftest import Cast
from tests.followups.conftest import Runs
from tests.followups.kit import NOTE, NOW, URL, done, promise, story, verified

BY: dict[str, Any] = {"actor": audit.SYSTEM, "now": NOW}
FITS = {
    "prevent": {"regression", "release"},
    "detect": {"alert", "drill"},
    "mitigate": {"regression", "release", "drill", "execution"},
    "process": {"execution", "drill"},
    "docs": {"execution"},
    "comms": {"drill", "execution"},
}


@pytest.mark.parametrize("aim", FollowUp.Aim.values)
def test_which_types_fit_which_aim(aim: str) -> None:
    found = {one for one in Evidence.Type.values if evidence.fits(aim, Piece(one, has_url=False))}
    assert found == FITS[aim]
    assert all(evidence.fits(aim, Piece(one, True, NOTE)) for one in Evidence.Type.values)


@pytest.mark.parametrize(
    ("pieces", "why"),
    [
        ([], "There is no evidence yet. Bring an alert that fired when it should, a drill that"),
        ([Piece("release", False)], "None of the evidence fits the aim. Bring an alert"),
        ([Piece("url", True, "short")], "None of the evidence fits the aim."),
        ([Piece("drill", False, problem="DRL-1 was cancelled.")], "DRL-1 was cancelled."),
        ([Piece("drill", False, problem="DRL-1 was cancelled."), Piece("alert", False)], ""),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_in_a_sentence(pieces: list[Piece], why: str) -> None:
    found = evidence.missing("detect", pieces)
    assert found.startswith(why) and bool(found) == bool(why)


def test_a_run_is_named_by_its_reference_and_brings_its_name_and_page(
    cast: Cast, provided: Runs
) -> None:
    row = promise(cast.ravi, aim="docs", priority="P2")
    made = followups.add_evidence(follow_up=row, type="execution", ref=" RUN-7 ", **BY)
    assert (made.ref, str(made)) == ("RUN-7", "RUN-7 Snowflake time-outs")
    assert made.url == "/runbooks/runs/RUN-7/"
    followups.mark_done(follow_up=row, person=cast.ravi, **BY)
    found = followups.verify(follow_up=row, person=cast.ravi, **BY)
    assert found.status == "verified"


@pytest.mark.parametrize(
    ("ref", "why"), [("RUN-8", "RUN-8 was abandoned."), ("RUN-9", "There is no RUN-9.")]
)
def test_a_run_that_shows_nothing_is_refused_at_once(
    ref: str, why: str, cast: Cast, provided: Runs
) -> None:
    with pytest.raises(Invalid) as refused:
        followups.add_evidence(follow_up=promise(cast.ravi), type="execution", ref=ref, **BY)
    assert refused.value.fields == {"ref": [why]}


def test_a_run_that_turned_out_wrong_meanwhile_does_not_count_any_more(
    cast: Cast, provided: Runs
) -> None:
    row = promise(cast.ravi, aim="docs", priority="P2")
    followups.add_evidence(follow_up=row, type="execution", ref="RUN-7", note="", **BY)
    followups.mark_done(follow_up=row, person=cast.ravi, **BY)
    provided.known["RUN-7"] = Checked("RUN-7", "/", "A step of RUN-7 was said to be wrong.")
    with pytest.raises(Conflict, match="A step of RUN-7 was said to be wrong"):
        followups.verify(follow_up=row, person=cast.ravi, **BY)


WRONG: list[tuple[dict[str, str], set[str]]] = [
    ({"type": "hearsay"}, {"type"}),
    ({"type": "release"}, {"url", "note"}),
    ({"type": "release", "ref": "v1.8.0"}, {"url", "note"}),
    ({"type": "url", "url": URL}, {"note"}),
    ({"type": "url", "url": URL, "note": "too short"}, {"note"}),
    ({"type": "url", "note": NOTE}, {"url"}),
    ({"type": "url", "url": "javascript:alert(1)", "note": NOTE}, {"url"}),
    ({"type": "url", "url": "//evil.example/x", "note": NOTE}, {"url"}),
    ({"type": "url", "url": f"https://x.example/{'a' * 500}", "note": NOTE}, {"url"}),
    ({"type": "url", "url": "https://x.example/a\nb", "note": NOTE}, {"url"}),
    ({"type": "url", "url": URL, "note": "x" * 10_001}, {"note"}),
    ({"type": "release", "ref": "v" * 121, "url": URL, "note": NOTE}, {"ref"}),
    ({"type": "url", "url": URL, "note": "0123456789\x00"}, {"note"}),
]


@pytest.mark.parametrize(("given", "fields"), WRONG, ids=range(len(WRONG)))
def test_evidence_that_nobody_can_look_at_is_refused_by_field(
    given: dict[str, str], fields: set[str], cast: Cast
) -> None:
    row = promise(cast.ravi)
    with pytest.raises(Invalid) as refused:
        followups.add_evidence(follow_up=row, **given, **BY)  # type: ignore[arg-type] # wrong on purpose
    assert set(refused.value.fields) == fields
    assert not row.evidence.exists()


def test_what_no_app_knows_is_an_address_with_a_note(cast: Cast) -> None:
    row = promise(cast.ravi)
    made = followups.add_evidence(
        follow_up=row, type="release", ref="v1.8.0", url=URL, note=NOTE, **BY
    )
    assert (made.ref, made.url, str(made)) == ("v1.8.0", URL, URL)
    assert story(row) == ["opened", "evidence"]


def test_what_has_ended_takes_no_evidence_and_gives_none_back(cast: Cast) -> None:
    row = verified(cast.ravi, cast.maya)
    with pytest.raises(Conflict, match=r"has ended \(verified\)\. Reopen it before you add"):
        followups.add_evidence(follow_up=row, type="url", url=URL, note=NOTE, **BY)
    with pytest.raises(Conflict, match="has ended"):
        followups.withdraw(piece=row.evidence.get(), why="It was red.", **BY)


def test_a_piece_is_taken_back_once_and_with_a_reason(cast: Cast) -> None:
    row = done(cast.ravi)
    piece = row.evidence.get()
    with pytest.raises(Invalid, match="Say why it does not count"):
        followups.withdraw(piece=piece, why="", **BY)
    later = {"actor": audit.person(cast.bea), "now": NOW + timedelta(days=1)}
    followups.withdraw(piece=piece, why="Another branch.", **later)
    with pytest.raises(Conflict, match="taken this evidence back already"):
        followups.withdraw(piece=piece, why="Another branch.", **later)
    assert story(row)[-1] == "evidence_withdrawn"
