"""The status page as an Atom feed (RFC 4287): an entry for each incident and each maintenance.

Pure, but for `render`, which the caller gives: Markdown in, safe HTML out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from apps.incidents.statuspage import LABELS, Incident, Page, Work

MOST = 50
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Render = Callable[[str], str]


def feed(page: Page, render: Render) -> str:
    """The whole feed, the newest entry first."""
    home = f"{page.url}/status/"
    entries = [_incident(page, one, render) for one in page.incidents[:MOST]]
    entries += [_work(page, one, render) for one in page.works[:MOST]]
    entries.sort(key=lambda one: one[0], reverse=True)
    newest = entries[0][0] if entries else page.built_at
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">',
        f"<id>{_text(home)}</id>",
        f"<title>{_text(page.name)} status</title>",
        f"<updated>{_at(newest)}</updated>",
        f'<link rel="alternate" type="text/html" href={quoteattr(home)}/>',
        f'<link rel="self" type="application/atom+xml" href={quoteattr(f"{home}atom")}/>',
        f"<author><name>{_text(page.name)}</name></author>",
        *(text for _, text in entries[:MOST]),
        "</feed>",
    ]
    return "\n".join(lines) + "\n"


def _incident(page: Page, one: Incident, render: Render) -> tuple[datetime, str]:
    parts = [f"<p><strong>{escape(one.label)}</strong></p>"] if not one.is_standing else []
    for update in one.updates:
        parts.append(f"<h3>{escape(update.label)}, {_at(update.at)}</h3>{render(update.body)}")
        hurt = [(c.name, update.states[c.key]) for c in page.components if c.key in update.states]
        parts += [f"<p>{escape(name)}: {escape(LABELS.get(s, s))}</p>" for name, s in hurt]
    link = f"{page.url}/status/incidents/{one.ref}/"
    updated = max(filter(None, (one.updates[0].at, one.resolved_at)))
    return updated, _entry(link, link, one.title, updated, one.updates[-1].at, parts, [one.status])


def _work(page: Page, one: Work, render: Render) -> tuple[datetime, str]:
    words = one.status.replace("_", " ").capitalize()
    names = ", ".join(page.names(one.components))
    parts = [
        f"<p><strong>{escape(words)}</strong>: {_at(one.starts_at)} to {_at(one.ends_at)}</p>",
        f"<p>Affects {escape(names)}.</p>" if names else "",
        render(one.body),
    ]
    link = f"{page.url}/status/#{one.ref}"
    title = f"Maintenance: {one.title}"
    updated = one.changed_at
    return updated, _entry(link, link, title, updated, one.said_at, parts, ["maintenance"])


def _entry(
    ident: str,
    link: str,
    title: str,
    updated: datetime,
    published: datetime,
    parts: Iterable[str],
    terms: Iterable[str],
) -> str:
    categories = "".join(f"<category term={quoteattr(term)}/>" for term in terms)
    return (
        f"<entry><id>{_text(ident)}</id><title>{_text(title)}</title>"
        f"<updated>{_at(updated)}</updated><published>{_at(published)}</published>"
        f'<link rel="alternate" type="text/html" href={quoteattr(link)}/>{categories}'
        f'<content type="html">{_text("".join(parts))}</content></entry>'
    )


def _text(text: str) -> str:
    return escape(_NOT_XML.sub(" ", text))


def _at(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
