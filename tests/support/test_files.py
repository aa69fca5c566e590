"""Attachments: what is taken, under which name, and that the same bytes are kept once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.core.errors import Invalid
from apps.support.models import StoredFile
from apps.support.services import conversation, files
from tests.conftest import Cast
from tests.support import ticketkit as kit

NOW = datetime(2026, 9, 7, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("shot.png", "shot.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\bill.pdf", "bill.pdf"),
        ("bill\u202efdp.exe.txt", "billfdp.exe.txt"),
        ("a\x00b\r\nc.txt", "abc.txt"),
        ("  . ", "file"),
        ("", "file"),
        ("x" * 300 + ".txt", "x" * 199 + "…"),
    ],
)
def test_a_name_is_harmless(given: str, kept: str) -> None:
    assert files.safe_name(given) == kept


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.PNG", "image/png"),
        ("a.html", "application/octet-stream"),
        ("a.svg", "application/octet-stream"),
        ("a", "application/octet-stream"),
        ("a.log", "text/plain"),
    ],
)
def test_the_type_is_told_by_the_ending_and_never_one_that_runs(name: str, kind: str) -> None:
    assert files.accept(name=name, content=b"<script>").content_type == kind


@pytest.mark.parametrize("name", ["a.exe", "a.JS", "a.txt.bat", "a.lnk ", "a.scr."])
def test_programs_are_refused(name: str) -> None:
    with pytest.raises(Invalid, match="not taken"):
        files.accept(name=name, content=b"MZ")


def test_empty_and_large_files_are_refused_with_their_limit() -> None:
    with pytest.raises(Invalid, match="is empty"):
        files.accept(name="a.txt", content=b"")
    assert files.accept(name="a.txt", content=b"x" * files.MAX_FILE)
    with pytest.raises(Invalid, match="at most 10 MB"):
        files.accept(name="a.txt", content=b"x" * (files.MAX_FILE + 1))


def test_the_files_of_one_message_have_a_number_and_a_sum() -> None:
    with pytest.raises(Invalid, match="At most 10 files"):
        files.accept_all([(f"{n}.txt", b"x") for n in range(11)])
    with pytest.raises(Invalid, match="20 MB together"):
        files.accept_all([(f"{n}.txt", b"x" * 7_000_000) for n in range(3)])


def test_the_same_bytes_are_kept_once(cast: Cast) -> None:
    kit.desk(NOW)
    given = files.accept_all([("a.png", b"same"), ("b.png", b"same"), ("c.png", b"other")])
    ticket = kit.ticket(NOW)
    for _ in range(2):
        conversation.note(ticket=ticket, body="", files_=given, actor=kit.by(cast.sam), now=NOW)
    assert StoredFile.objects.count() == 2
    message = ticket.messages.filter(author="note").first()
    assert message is not None
    assert [(a.name, bytes(a.stored.content)) for a in message.attachments.all()] == [
        ("a.png", b"same"),
        ("b.png", b"same"),
        ("c.png", b"other"),
    ]
