"""What an honest mail says: who, to whom, in which thread, which words, which files."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.support.mailparse import (
    Address,
    Limits,
    Verdict,
    parse,
    reply_token,
    ticket_refs,
)
from apps.support.mailparse.files import file_name
from tests.support.mails import composed, mail, multipart, told, without

ANA = Address("Ana Ruiz", "ana@bramble.example")


def test_a_plain_mail_says_who_when_and_what() -> None:
    found = parse(mail("The profile of orders is two days old.\r\n"))
    assert (found.problem, found.verdict, found.reason) == ("", Verdict.NORMAL, "")
    assert found.from_ == ANA and [one.address for one in found.to] == ["support@fish.example"]
    assert (found.message_id, found.subject) == ("m1@bramble.example", "Profile is stale")
    assert found.date == datetime(2026, 9, 7, 7, 30, tzinfo=UTC)
    assert found.text.strip() == found.new_text == "The profile of orders is two days old."
    assert (found.html, found.attachments, found.truncated) == ("", (), ())


def test_what_the_standard_library_writes_is_read_back() -> None:
    message = composed("Grüße aus Köln\n", "<p>Grüße aus <b>Köln</b></p>", "Größe 🐟 " * 12)
    message.add_attachment(b"a,b\n1,2\n", maintype="text", subtype="csv", filename="Größen.csv")
    message.add_attachment("Notiz", filename="notiz.txt")
    found = told(message)
    assert found.subject == ("Größe 🐟 " * 12).strip()
    assert (found.text.strip(), found.html.strip()) == (
        "Grüße aus Köln",
        "<p>Grüße aus <b>Köln</b></p>",
    )
    csv, note = found.attachments
    assert (csv.filename, csv.content_type, csv.content) == (
        "Größen.csv",
        "text/csv",
        b"a,b\n1,2\n",
    )
    assert (note.filename, note.size, note.inline) == ("notiz.txt", 6, False)


def test_line_ends_of_every_kind_are_read_alike() -> None:
    raw = multipart("Content-Type: text/plain\r\n\r\none\r\ntwo", "\r\n\r\nthree")
    for kind in (raw, raw.replace(b"\r\n", b"\n"), raw.replace(b"\r\n", b"\r")):
        found = told(kind)
        assert (found.from_, found.text) == (ANA, "one\ntwo\n\nthree")


@pytest.mark.parametrize(
    "before", [b"From ana@b Mon Sep  7 09:30:00 2026\r\n", b"\r\n\n", b"\xef\xbb\xbf"]
)
def test_what_stands_before_the_headers_is_skipped(before: bytes) -> None:
    assert told(before + mail()).message_id == "m1@bramble.example"


# -- threads


def test_a_reply_names_the_mails_it_may_answer_nearest_first() -> None:
    found = told(mail(In_Reply_To="<c@x>", References="<a@x>\r\n <b@x> <c@x>"))
    assert (found.in_reply_to, found.references) == ("c@x", ("a@x", "b@x", "c@x"))
    assert found.thread_ids == ("c@x", "b@x", "a@x")


def test_of_a_thousand_references_the_first_and_the_newest_stay() -> None:
    found = told(mail(References=" ".join(f"<{n}@{'h' * 40}.example>" for n in range(1000))))
    assert (len(found.references), found.truncated) == (50, ("references",))
    assert found.references[0].startswith("0@") and found.references[-1].startswith("999@")


def test_an_id_that_is_too_long_for_a_column_is_known_by_its_digest() -> None:
    long = f"{'a' * 600}@x"
    found = told(mail(top=without("message-id"), Message_ID=f"<{long}>", In_Reply_To=f"<{long}>"))
    assert found.message_id == found.in_reply_to and found.message_id.startswith("sha256:")


def test_an_id_without_brackets_counts() -> None:
    found = told(mail(top=without("message-id"), Message_ID="bare@x", In_Reply_To="see your mail"))
    assert (found.message_id, found.in_reply_to) == ("bare@x", "")


# -- addresses

FROM: list[tuple[str, Address | None]] = [
    ("Ana Ruiz <ana@bramble.example>", ANA),
    ('"Ruiz, Ana" <ana@bramble.example>', Address("Ruiz, Ana", "ana@bramble.example")),
    ('"Ana \\"A\\" Ruiz" <a@B.Example>', Address('Ana "A" Ruiz', "a@b.example")),
    ("ana@bramble.example (Ana Ruiz)", ANA),
    ("<ana@bramble.example>", Address("", "ana@bramble.example")),
    ("=?utf-8?B?QW5hIFJ1aXo=?= <ana@bramble.example>", ANA),
    ("=?iso-8859-1?q?J=FCrgen?= <j@b.example>", Address("Jürgen", "j@b.example")),
    ('"ana@bramble.example via List" <l@x.example>',
     Address("ana@bramble.example via List", "l@x.example")),
    ("undisclosed-recipients:;", None),
    ("Ana Ruiz", None),
    ("ana@", None),
    ("<>", None),
    ("", None),
]  # fmt: skip


@pytest.mark.parametrize(("given", "wanted"), FROM)
def test_a_sender_is_read_however_it_is_written(given: str, wanted: Address | None) -> None:
    found = told(mail(top=without("from"), From=given))
    assert found.from_ == wanted
    assert found.problem == ("" if wanted else "no_from")


def test_a_mail_without_a_sender_is_read_all_the_same() -> None:
    found = parse(mail("Help\r\n", without("from")))
    assert (found.problem, found.from_, found.new_text) == ("no_from", None, "Help")


def test_the_first_of_two_senders_counts() -> None:
    found = told(mail(From="Eve <eve@evil.example>"))
    assert found.from_ == Address("Eve", "eve@evil.example")


def test_every_address_that_a_token_may_stand_in_is_found() -> None:
    found = told(
        mail(
            Cc="Bea <bea@x.example>, <support+abc@fish.example>",
            Delivered_To="support+def@fish.example",
            X_Original_To="support+ghi@fish.example",
            Received="from a by b with SMTP for <support+jkl@fish.example>; Mon, 7 Sep 2026",
        )
    )
    assert [one.rpartition("@")[0] for one in found.recipients] == [
        "support", "bea", "support+abc", "support+def", "support+ghi", "support+jkl",
    ]  # fmt: skip


TOKENS: list[tuple[list[str], str | None]] = [
    (["support+Tok-1.x_y=@fish.example"], "Tok-1.x_y="),
    (["SUPPORT+abc@FISH.example"], "abc"),
    (["support@fish.example", "support+abc@fish.example"], "abc"),
    (["support+@fish.example", "support+a b@fish.example"], None),
    (["support+abc@evil.example", "xsupport+abc@fish.example"], None),
    ([f"support+{'a' * 65}@fish.example"], None),
    ([], None),
]


@pytest.mark.parametrize(("given", "wanted"), TOKENS)
def test_a_reply_token_is_taken_from_our_own_address_alone(
    given: list[str], wanted: str | None
) -> None:
    assert reply_token(given, "Support@Fish.Example") == wanted


def test_a_mailbox_that_is_no_address_has_no_tokens() -> None:
    assert reply_token(["support+abc@fish.example"], "support") is None


def test_ticket_numbers_are_read_from_a_subject_in_their_order() -> None:
    assert ticket_refs("Re: [TCK-17] and [#4], [tck-17] [ #9 ]") == [17, 4, 9]
    assert ticket_refs("#4 (TCK-5) [TCK-0] [TCK-1234567890] [TCK-x] [TCK-７]") == []
    assert len(ticket_refs("".join(f"[#{n}]" for n in range(1, 200)))) == 10


# -- words


def test_charsets_are_read_as_they_are_named_and_as_they_are_meant() -> None:
    for charset, data, wanted in [
        ("iso-8859-1", b"\x93quoted\x94 caf\xe9", "“quoted” café"),
        ("windows-1251", "Привет".encode("cp1251"), "Привет"),
        ("ISO-2022-JP", "こんにちは".encode("iso-2022-jp"), "こんにちは"),
        ("gb2312", "镕".encode("gbk"), "镕"),
        ("us-ascii", "naïve".encode(), "naïve"),
        ("x-unknown", b"caf\xe9", "café"),
        ("punycode", b"caf\xe9", "café"),
        ("zip", b"plain", "plain"),
        ("utf-8", b"a\xffb", "a\ufffdb"),
    ]:
        top = mail(Content_Type=f'text/plain; charset="{charset}"').partition(b"\r\n\r\n")[0]
        assert told(top + b"\r\n\r\n" + data).text == wanted, charset


def test_a_header_of_raw_bytes_is_read() -> None:
    raw = mail().replace(b"Profile is stale", "Größe".encode())
    assert told(raw).subject == "Größe"
    assert (
        told(raw.replace("ö".encode(), b"\xf6").replace("ß".encode(), b"\xdf")).subject == "Größe"
    )


def test_a_letter_that_is_split_between_two_encoded_words_is_joined() -> None:
    split = "=?utf-8?B?R3I=?= =?utf-8?B?w7w=?= =?utf-8?Q?=C3?=\r\n =?utf-8?Q?=9Fe?= now"
    assert told(mail(top=without("subject"), Subject=split)).subject == "Grüße now"


def test_a_subject_is_one_line_of_bounded_length() -> None:
    broken = "=?utf-8?q?Hello=0D=0ABcc:_all=40x=00=E2=80=AEtxt?="
    assert told(mail(top=without("subject"), Subject=broken)).subject == "Hello Bcc: all@x txt"
    assert len(told(mail(top=without("subject"), Subject="long " * 500)).subject) <= 200
    assert told(mail(top=without("subject"))).subject == ""


def test_a_flowed_text_gets_its_paragraphs_back() -> None:
    body = (
        "The profile of \r\norders is \r\nstale.\r\n\r\n  indented\r\n> quoted \r\n> too\r\n"
        "-- \r\nAna\r\n"
    )
    found = told(mail(body, Content_Type="text/plain; format=flowed"))
    assert found.text.startswith(
        "The profile of orders is stale.\n\n indented\n> quoted \n> too\n-- \n"
    )


def test_a_html_mail_is_readable_as_text() -> None:
    page = (
        "<html><head><title>x</title><style>p{}</style></head><body><h1>Stale</h1>"
        "<p>The&nbsp;profile of <b>orders</b><br>is old: "
        "<a href='https://x.example/j/1'>job 1</a></p>"
        "<ul><li>one</li><li>two</ul><table><tr><td>a</td><td>b</td></tr></table>"
        "<blockquote><p>You wrote</p></blockquote><pre>x\n  y</pre></body></html>"
    )
    found = told(mail(page, Content_Type="text/html; charset=utf-8"))
    assert found.text == (
        "Stale\n\nThe profile of orders\nis old: job 1 <https://x.example/j/1>\n\n- one\n- two\n\n"
        "a b\n\n> You wrote\n\nx\n  y"
    )
    assert found.new_text.endswith("x\n  y") and "You wrote" not in found.new_text


def test_html_is_made_safe_and_its_remote_pictures_are_off() -> None:
    page = (
        '<p onclick="x()">a<script>alert(1)</script><img src="https://t.example/p.gif" alt="logo">'
        '<img src="cid:pic1"><a href="javascript:alert(1)">j</a><a href="cid:pic1">c</a>'
        '<a href="https://x.example/?a=1&amp;b=2">k</a><iframe src="//x"></iframe>'
        '<form action="//x"><input name=a></form><style>*{}</style>'
        '<img src="data:image/png;base64,A"></p>'
    )
    found = told(mail(page, Content_Type="text/html"))
    assert found.remote_images
    assert found.html == (
        '<p>a<span>[logo]</span><img src="cid:pic1" alt="">'
        '<a rel="nofollow noopener noreferrer">j</a>'
        '<a rel="nofollow noopener noreferrer">c</a><a href="https://x.example/?a=1&amp;b=2" '
        'rel="nofollow noopener noreferrer">k</a></p>'
    )


def test_a_plain_footer_below_html_does_not_hide_it() -> None:
    found = told(
        multipart("Content-Type: text/html\r\n\r\n<p>The matter</p>", "\r\n-- a list's footer")
    )
    assert found.text == "The matter\n\n-- a list's footer" and found.html == "<p>The matter</p>"


# -- files


def test_pictures_in_the_text_are_told_from_files() -> None:
    found = told(
        multipart(
            'Content-Type: text/html\r\n\r\n<img src="cid:pic1@x">',
            "Content-Type: image/png\r\nContent-ID: <pic1@x>\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=",
            'Content-Type: image/png; name="shot.png"\r\nContent-Disposition: attachment\r\n\r\nx',
            kind="related",
        )
    )
    inline, file = found.attachments
    assert (inline.filename, inline.inline, inline.content_id) == ("attachment.png", True, "pic1@x")
    assert inline.content == b"\x89PNG\r\n\x1a\n" and not file.inline


def test_a_mail_inside_a_mail_is_a_file_named_after_its_subject() -> None:
    found = told(
        multipart("\r\nsee below", f"Content-Type: message/rfc822\r\n\r\n{mail().decode()}")
    )
    (one,) = found.attachments
    assert (one.filename, one.content_type) == ("Profile is stale.eml", "message/rfc822")
    assert (
        one.content is not None and one.content.endswith(b"Hello\r\n") and found.text == "see below"
    )


NAMES = [
    ('filename="report.pdf"', "report.pdf"),
    ("filename*=utf-8''Gr%C3%B6%C3%9Fe%20neu.pdf", "Größe neu.pdf"),
    ("filename*0*=utf-8''Gr%C3%B6; filename*1*=%C3%9Fe; filename*2=.pdf", "Größe.pdf"),
    ("filename=\"=?utf-8?B?R3LDtsOfZS5wZGY=?=\"", "Größe.pdf"),
    ("filename=plain.pdf; filename*=utf-8''better.pdf", "better.pdf"),
    ("filename*=nonsense''a%FFb.pdf", "aÿb.pdf"),
    ('filename="../../etc/passwd"', "passwd"),
    (r'filename="C:\\temp\\a.exe"', "a.exe"),
    ('filename="\\"><svg onload=alert(1)>.png"', "_svg onload=alert(1)_.png"),
    ("filename*=utf-8''evil%E2%80%AEgpj.exe", "evilgpj.exe"),
    ("filename*=utf-8''a%00%0D%0Ab.txt", "a b.txt"),
    ('filename="CON.txt"', "_CON.txt"),
    ('filename=".htaccess"', "htaccess"),
    ('filename="..."', "attachment.pdf"),
    ('filename=""', "attachment.pdf"),
    (f'filename="{"long" * 90}.pdf"', "long" * 29 + ".pdf"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "wanted"), NAMES)
def test_a_file_name_is_safe_to_save_under(given: str, wanted: str) -> None:
    part = f"Content-Type: application/pdf\r\nContent-Disposition: attachment; {given}\r\n\r\nx"
    (one,) = told(multipart(part)).attachments
    assert one.filename == wanted


def test_a_file_name_is_its_own_safe_form() -> None:
    for _, wanted in NAMES:
        assert file_name(wanted) == wanted


def test_a_file_that_is_too_large_is_named_without_its_content() -> None:
    part = "Content-Type: a/b; name=big.bin\r\n\r\n" + "x" * 5000
    small = "Content-Type: a/b; name=small.bin\r\n\r\nx"
    found = told(multipart(part, small), Limits(attachment_bytes=1000))
    big, other = found.attachments
    assert (big.filename, big.size, big.content) == ("big.bin", 5000, None)
    assert other.content == b"x" and found.truncated == ("attachments",)
