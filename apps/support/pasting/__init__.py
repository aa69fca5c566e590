"""What an agent pasted into the quick-log form: an e-mail, a job's address, an error. Pure.

Every finding says which piece of the text it came from, and every rule is a line below that anybody
can read. All of them are guesses that fill empty fields; none overwrites what somebody typed.
Patterns are bounded and begin at fixed words, so the time grows with the length of the text alone.
"""

from __future__ import annotations

from collections.abc import Collection

from apps.support.pasting import facts, letters, rules
from apps.support.pasting.facts import PRODUCTS
from apps.support.pasting.model import MAX_TEXT, Finding, Pasted

__all__ = ["MAX_TEXT", "PRODUCTS", "Finding", "Pasted", "read"]


def read(
    text: str, *, own_domains: Collection[str] = (), products: Collection[str] = PRODUCTS
) -> Pasted:
    """Everything that a pasted text gives away. `own_domains` are ours: nobody there asks for help.

    Never raises; spans count in code points of `text`.
    """
    text = text[:MAX_TEXT]
    if not text.strip():
        return Pasted()
    mail = letters.headers(text)
    words = rules.phrases(text)
    requester, name = letters.requester(text, mail, own_domains)
    fields = facts.fields(text, words, products)
    kind, why = rules.request_type(words, fields)
    fields |= facts.fields_of(kind, text, words)
    body_start = mail.end
    subject = (
        letters.subject(text, mail)
        or letters.first_line(text, body_start)
        or letters.made_up(kind, fields)
    )
    return Pasted(
        requester=requester,
        requester_name=name,
        subject=subject,
        request_type=kind,
        why=why,
        fields=fields,
        body_start=body_start,
    )
