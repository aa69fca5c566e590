"""Mails made to break their reader: read without an error, bounded, and it says what is missing."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.support.mailparse import Limits, ParsedMail, parse, reading
from apps.support.mailparse.quoting import new_text
from tests.support.mails import composed, mail, multipart, told

SMALL = Limits(
    raw_bytes=200_000, header_bytes=4000, headers=20, depth=4, parts=8, text=500,
    html_source=3000, html=1000, html_tags=50, attachments=3, attachment_bytes=400,
    references=4, addresses=5, subject=40,
)  # fmt: skip


def within(found: ParsedMail, limits: Limits) -> None:
    """Nothing that a stranger chose is longer than the limits allow, or cannot be stored."""
    assert len(found.text) <= limits.text and len(found.new_text) <= limits.text
    assert len(found.html) <= limits.html * 2
    assert len(found.attachments) <= limits.attachments
    assert len(found.references) <= limits.references
    assert len(found.subject) <= limits.subject and "\n" not in found.subject
    assert max(len(found.to), len(found.cc), len(found.delivered_to)) <= limits.addresses
    assert len(found.message_id) <= 250 and len(found.in_reply_to) <= 250
    for one in (*found.to, *found.cc, *([found.from_] if found.from_ else [])):
        assert len(one.name) <= 120 and len(one.address) <= 255
    for file in found.attachments:
        assert 0 < len(file.filename) <= 120 and not set(file.filename) & set('/\\\0\r\n"<>:|?*')
        assert file.content is None or len(file.content) <= limits.attachment_bytes
    for text in (found.text, found.new_text, found.html, found.subject, found.reason):
        text.encode()  # no lone surrogate
        assert "\0" not in text


# -- one by one


def test_a_mail_of_thirty_megabytes_is_answered_without_being_read() -> None:
    raw = mail() + bytes(30 << 20)
    found = parse(raw)
    assert (found.problem, found.size, found.from_) == ("too_large", len(raw), None)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [(b"", "empty"), (b" \r\n\t", "empty"), (b"\0\xff" * 99, "not_a_mail"), (b"{}", "not_a_mail")],
)
def test_what_is_no_mail_is_said_to_be_none(raw: bytes, problem: str) -> None:
    assert parse(raw).problem == problem


def test_two_hundred_parts_inside_each_other_are_read_to_a_depth() -> None:
    inner = "".join(
        f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(200)
    )
    found = told(multipart("\r\nabove", inner + "\r\ndeep"))
    assert (found.text, found.truncated) == ("above", ("depth",))
    alone = told(multipart(inner + "\r\ndeep"))
    assert alone.truncated == ("depth",) and alone.text.endswith("deep")  # as it stands


def test_parts_without_end_are_counted_to_a_limit() -> None:
    found = told(multipart(*["Content-Type: a/b; name=x\r\n\r\nx"] * 5000))
    assert len(found.attachments) == Limits().attachments
    assert found.truncated == ("parts", "attachments")


def test_lines_that_only_look_like_the_boundary_end_the_search() -> None:
    body = "--cut\r\n\r\nread\r\n" + "--cute\r\n" * 5000
    found = told(mail(body, Content_Type="multipart/mixed; boundary=cut"))
    assert found.text.startswith("read") and "parts" in found.truncated


@pytest.mark.parametrize("boundary", ["cut", "", "x" * 5000, "\x00"])
def test_a_multipart_whose_boundary_is_not_there_is_read_as_text(boundary: str) -> None:
    kind = f'multipart/mixed; boundary="{boundary}"'
    assert told(mail("the matter\r\n", Content_Type=kind)).text.strip() == "the matter"


@pytest.mark.parametrize(
    "data", ["====", "a", "aGVsbG8", "aGVs\0bG8=", "%%%", "=?=", "aGVsbG8===x"]
)
def test_broken_base64_gives_what_it_holds(data: str) -> None:
    found = told(mail(data, Content_Transfer_Encoding="BASE64"))
    assert found.text in ("", "hello")
    assert (found.text == "hello") == data.startswith("aGVs")


def test_broken_quoted_printable_gives_what_it_holds() -> None:
    found = told(mail("a=ZZb=\r\nc=3Dd=", Content_Transfer_Encoding="quoted-printable"))
    assert found.text == "a=ZZbc=d"


def test_nul_bytes_and_lone_surrogates_do_not_come_through() -> None:
    found = told(mail("a\0b &#xD800; \\ud800", Content_Type="text/html"))
    assert "\0" not in found.text + found.html
    assert told(mail("x", Subject="a\0b")).subject == "a b"
    assert told(
        mail(Content_Type="text/plain; charset=utf-16-le").replace(b"Hello", b"\0\xd8a\0")
    ).text


BOMBS = {
    "deep": ("<div>" * 60_000, ("html",)),
    "formatting": ("<b><i><p>" * 40_000, ("html",)),
    "an attribute of a megabyte": (f'<img src="data:image/png;base64,{"A" * 10**6}">end', ()),
    "a tag without end": ("a" + "<a href=x" * 30_000, ()),
    "quotes without end": ('<a href="' * 30_000, ()),
    "comments": ("<!--" * 50_000, ()),
    "unclosed heads": ("<head>" * 50_000 + "end", ("html",)),
    "numbers": (f"&#{'9' * 100_000};" * 3, ()),
    "megabytes": ("<p>word</p>" * 200_000, ("html",)),
    "tables": ("<table><b>" * 30_000, ("html",)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_an_html_bomb_is_read_to_its_limits(name: str) -> None:
    page, truncated = BOMBS[name]
    found = told(mail(page, Content_Type="text/html"))
    within(found, Limits())
    assert found.truncated == truncated


def test_an_unclosed_quote_does_not_swallow_the_rest() -> None:
    found = told(mail("<p class=o'neil>before</p><p>after</p>", Content_Type="text/html"))
    assert found.text == "before\n\nafter"


def test_a_script_never_comes_through() -> None:
    for page in (
        "<scr<script>ipt>alert(1)</script>", "<svg/onload=alert(1)>",
        "<img src=x onerror=alert(1)>",
        '<a href="&#106;avascript:alert(1)">x</a>', "<a href='java\nscript:alert(1)'>x</a>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        '<a title="</a><script>alert(1)</script>">x</a>', "<p style='background:url(//x)'>x",
        '<base href="//evil"><meta http-equiv=refresh content="0;//evil">',
        "<link rel=stylesheet href=//x>",
        '<img src="cid:x&quot; onerror=&quot;alert(1)">',
    ):  # fmt: skip
        html = told(mail(page, Content_Type="text/html")).html.lower()
        assert "<script" not in html and "javascript:" not in html and "style" not in html
        assert not any(f"<{name}" in html for name in ("svg", "math", "base", "meta", "link"))
        assert ' onerror="' not in html.replace("&quot;", "") or "cid:x" in html


# -- whatever comes


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=3000))
@example(b"\n\n")
@example(b"a:\n\n")
@example(b'From: a@b\nContent-Type: multipart/x; boundary=""\n\n--\n--\n')
def test_any_bytes_are_read_without_an_error(raw: bytes) -> None:
    within(told(raw, SMALL), SMALL)


PIECES = [
    b"\r\n", b"\n\n", b"\x00", b"\xff", b"--cut", b"--cut--", b"=?utf-8?B?", b"?=", b'"', b"<",
    b">", b"(", b"Content-Type: multipart/mixed; boundary=cut\r\n\r\n",
    b"Content-Type: text/html\r\n\r\n<b>", b"Content-Transfer-Encoding: base64\r\n",
    b"charset=utf-16\r\n", b"charset=utf-7\r\n", b"<blockquote>",
    b"Content-Disposition: attachment; filename*=utf-8''%\r\n", b"References: <a@b>\r\n",
    b"&#xD800;", b"Date: 99 Foo 99999999999999999999\r\n", b"Auto-Submitted: \xff\r\n",
    b"\nOn 1 a wrote:\n> ", b"Message-ID: <>\r\n", b'From: "\\" <@>\r\n',
    b"multipart/report; report-type=delivery-status",
]  # fmt: skip


def honest() -> list[bytes]:
    message = composed("Hello\n", "<p>Hello</p>", "Grüße")
    message.add_attachment(b"a,b", maintype="text", subtype="csv", filename="Größe.csv")
    message["References"] = "<a@b> <c@d>"
    message["Date"] = "Mon, 7 Sep 2026 09:30:00 +0200"
    nested = multipart("\r\none", f"Content-Type: message/rfc822\r\n\r\n{mail().decode()}")
    return [message.as_bytes(), nested, mail("On 7 Sep 2026, a wrote:\r\n> x\r\n-- \r\nme\r\n")]


HONEST = honest()


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), which=st.integers(0, 2), times=st.integers(1, 12))
def test_a_mail_that_was_tampered_with_is_read_without_an_error(
    seed: int, which: int, times: int
) -> None:
    chance, raw = random.Random(seed), HONEST[which]
    for _ in range(times):
        at = chance.randrange(len(raw) + 1)
        cut = chance.choice([0, 0, 1, 5, 200])
        raw = raw[:at] + chance.choice(PIECES) * chance.choice([1, 1, 3, 40]) + raw[at + cut :]
    within(told(raw, SMALL), SMALL)


@settings(max_examples=100, deadline=None)
@given(
    st.text(max_size=400),
    st.lists(st.sampled_from(["> a", "-- ", "On 1 b wrote:", ""]), max_size=6),
)
def test_what_is_new_is_never_nothing_when_there_is_text(text: str, rows: list[str]) -> None:
    whole = "\n".join([*rows, text])
    assert bool(new_text(whole, forward=False)) == bool(whole.strip())


def test_a_fault_of_the_reader_is_no_fault_of_the_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(reading, "_told", broken)
    found = parse(mail())
    assert (found.problem, found.reason, found.size) == (
        "unreadable",
        "RecursionError",
        len(mail()),
    )
