"""What is new in a reply, and who wrote what was forwarded."""

from __future__ import annotations

import pytest

from apps.support.mailparse import Address
from tests.support.mails import mail, multipart, told, without

NEW: dict[str, tuple[str, str]] = {
    "gmail": (
        (
            "Still stale.\n\nOn Mon, Sep 7, 2026 at 9:30 AM Sam <sam@fish.example>\nwrote:\n\n"
            "> Is it fixed?\n> Sam\n"
        ),
        "Still stale.",
    ),
    "an answer below the quote": (
        "On 7 Sep 2026, Sam wrote:\n> Is it fixed?\n>\n> Sam\n\nNo, still stale.\n",
        "No, still stale.",
    ),
    "answers between the quotes": (
        "Hi Sam,\n> Which table?\norders\n> Since when?\nMonday\n",
        "Hi Sam,\norders\nMonday",
    ),
    "German": (
        "Immer noch alt.\n\nAm 07.09.2026 um 09:30 schrieb Sam <sam@fish.example>:\n> Behoben?\n",
        "Immer noch alt.",
    ),
    "German, name first": (
        (
            "Immer noch alt.\n\nSam <sam@fish.example> schrieb am Mo., 7. Sept. 2026, 09:30:\n\n"
            "Behoben?\n"
        ),
        "Immer noch alt.",
    ),
    "French": ("Non.\n\nLe 7 sept. 2026 à 09:30, Sam a écrit :\n> Ça va ?\n", "Non."),
    "Outlook": (
        (
            "Still stale.\n\n________________________________\nFrom: Sam <sam@fish.example>\n"
            "Sent: Monday, September 7, 2026 9:30 AM\nTo: Ana\nSubject: RE: Profile\n\nFixed?\n"
        ),
        "Still stale.",
    ),
    "Outlook, bold and German": (
        "Noch alt.\n\n*Von:* Sam\n*Gesendet:* Montag\n*An:* Ana\n*Betreff:* AW: x\n\nBehoben?\n",
        "Noch alt.",
    ),
    "original message": ("No.\n\n-----Original Message-----\nanything\n", "No."),
    "signature": ("Still stale.\n-- \nAna Ruiz\nBramble\n", "Still stale."),
    "signature whose space was lost": ("Still stale.\n\n--\nAna Ruiz\n", "Still stale."),
    "a phone's line": ("Still stale.\n\nSent from my iPhone\n", "Still stale."),
    "a signature and a quote": (
        "No.\n-- \nAna\nOn 7 Sep 2026, Sam wrote:\n> Fixed?\n",
        "No.",
    ),
    "only a quote": ("> Is it fixed?\n", "> Is it fixed?"),
    "only history": (
        "On 7 Sep 2026, Sam wrote:\n\nFixed?\n",
        "On 7 Sep 2026, Sam wrote:\n\nFixed?",
    ),
    # What looks a little like history, and is none.
    "a sentence that ends with a colon": (
        "On Monday I wrote a query, and it says:\nERR-QUERY-DURATION-EXCEEDED\n",
        "On Monday I wrote a query, and it says:\nERR-QUERY-DURATION-EXCEEDED",
    ),
    "a label of its own": (
        "From: raw.orders\nWe read it daily.\n",
        "From: raw.orders\nWe read it daily.",
    ),
    "a table drawn with dashes": (
        "a | b\n------\n1 | 2\n--\n" + "row\n" * 20,
        "a | b\n------\n1 | 2\n--\n" + ("row\n" * 20).strip(),
    ),
}


@pytest.mark.parametrize("name", NEW)
def test_what_is_new_is_told_from_what_was_said_before(name: str) -> None:
    text, wanted = NEW[name]
    found = told(mail(text))
    assert found.new_text == wanted
    assert found.text == text.strip("\n")  # the whole is kept beside it


def test_a_quote_in_html_is_old_too() -> None:
    page = (
        '<div>No, still stale.</div><div class="gmail_quote"><div>On Mon, Sep 7, 2026 Sam &lt;'
        '<a href="mailto:sam@fish.example">sam@fish.example</a>&gt; wrote:<br></div>'
        "<blockquote>Is it fixed?<br><br>Sam</blockquote></div>"
    )
    found = told(mail(page, Content_Type="text/html"))
    assert found.new_text == "No, still stale." and "> Is it fixed?" in found.text


FORWARDED = {
    "gmail": (
        "Fwd: stale",
        (
            "Can you look?\n\n---------- Forwarded message ---------\n"
            "From: Bo Li <bo@client.example>\nDate: Mon\nSubject: stale\n\nIt is stale.\n"
        ),
    ),
    "apple": ("Fwd: stale", "Begin forwarded message:\n\n> From: Bo Li <bo@client.example>\n> x\n"),
    "Outlook": (
        "FW: stale",
        (
            "See below\n\nFrom: Bo Li <bo@client.example>\nSent: Monday\nTo: Ana\n"
            "Subject: stale\n\nx\n"
        ),
    ),
    "Outlook, German": (
        "WG: stale",
        "Von: Bo Li [mailto:bo@client.example]\nGesendet: Montag\nAn: Ana\nBetreff: stale\n\nx\n",
    ),
    "no word in the subject": (
        "stale",
        (
            "-------- Weitergeleitete Nachricht --------\nBetreff: stale\n"
            "Von: Bo Li <bo@client.example>\nAn: Ana\n\nx\n"
        ),
    ),
}


@pytest.mark.parametrize("name", FORWARDED)
def test_a_forward_suggests_who_wrote_it_first_and_keeps_what_they_wrote(name: str) -> None:
    subject, text = FORWARDED[name]
    found = told(mail(text, without("subject"), Subject=subject))
    assert found.forwarded == Address("Bo Li", "bo@client.example")
    assert found.new_text == found.text == text.strip("\n")


def test_a_mail_forwarded_as_a_file_suggests_its_author() -> None:
    inner = mail("x", without("from"), From="Bo Li <bo@client.example>").decode()
    raw = multipart(
        "\r\nsee below",
        f"Content-Type: message/rfc822\r\n\r\n{inner}",
        top=without("subject") + "Subject: Fwd: stale\r\n",
    )
    assert told(raw).forwarded == Address("Bo Li", "bo@client.example")


def test_a_reply_is_no_forward() -> None:
    text = NEW["Outlook"][0]
    assert told(mail(text, without("subject"), Subject="RE: Profile")).forwarded is None
