"""One export, whichever tool wrote it, row by row: a bad row is named and harms no other."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apps.support.importing import values
from apps.support.importing.model import (
    MAX_BYTES,
    MAX_COMMENTS,
    MAX_ROWS,
    Comment,
    Export,
    Imported,
    Problem,
)

Row = Mapping[str, Any]
KINDS = {"csv": "CSV", "zendesk": "Zendesk export", "jira": "Jira export"}


def read(kind: str, raw: bytes) -> Export:
    """The tickets of an export of `kind` (a key of KINDS). Raises ValueError for no export at all.

    JSON and CSV are told apart by their first character. What is larger than MAX_BYTES or
    MAX_ROWS is refused as a whole: half an import is worse than none.
    """
    if len(raw) > MAX_BYTES:
        raise ValueError(f"The file has more than {MAX_BYTES // 1024 // 1024} MB. Split it.")
    words = raw.decode("utf-8-sig", "replace").replace("\x00", " ").strip()
    if not words:
        raise ValueError("The file is empty.")
    rows = _json_rows(words) if words[0] in "[{" else _csv_rows(words)
    make = _MAKERS[kind]
    export = Export()
    seen: set[str] = set()
    for number, row in enumerate(rows, start=1):
        if number > MAX_ROWS:
            raise ValueError(f"The file has more than {MAX_ROWS:,} tickets. Split it.")
        _take(export, seen, number, row, make)
    if not export.tickets and not export.problems:
        raise ValueError("The file holds no tickets.")
    return export


def _take(
    export: Export, seen: set[str], number: int, row: Row, make: Callable[[Row], Imported]
) -> None:
    try:
        one = make(row)
        _check(one)
        if one.ref in seen:
            raise ValueError("The same number stands in the file twice; the first counts.")
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        ref = values.text(_first(row, "ref", "id", "number", "ticket id", "key", "issue key"), 60)
        export.problems.append(Problem(number, ref, str(error) or "This row cannot be read."))
        return
    seen.add(one.ref)
    export.tickets.append(one)


def _check(one: Imported) -> None:
    if not one.ref:
        raise ValueError("It has no number of its own, so a second import would double it.")
    if len(one.ref) > 120:
        raise ValueError("Its number has more than 120 characters.")
    if not one.subject:
        raise ValueError("It has no subject.")
    if "@" not in one.requester_email:
        raise ValueError("It names no requester with an e-mail address.")


# -- rows


def _json_rows(words: str) -> Iterator[Row]:
    try:
        whole = json.loads(words)
    except json.JSONDecodeError:
        yield from _lines(words)
        return
    except RecursionError as error:
        raise ValueError("The file is nested too deeply to be an export.") from error
    found = whole
    if isinstance(whole, dict):
        found = next((whole[key] for key in ("tickets", "issues", "results") if key in whole), None)
        found = [whole] if found is None else found
    if not isinstance(found, list):
        raise ValueError("The file is JSON, but holds no list of tickets.")
    yield from (row if isinstance(row, dict) else {} for row in found)


def _lines(words: str) -> Iterator[Row]:
    """One JSON object a line, as Zendesk exports them."""
    for line in words.splitlines():
        if line.strip():
            try:
                row = json.loads(line)
            except (json.JSONDecodeError, RecursionError):
                row = {}
            yield row if isinstance(row, dict) else {}


def _csv_rows(words: str) -> Iterator[Row]:
    first = words.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    csv.field_size_limit(10_000_000)
    reader = csv.reader(io.StringIO(words, newline=""), delimiter=delimiter)
    try:
        names = [name.strip().lower() for name in next(reader)]
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _named(names, cells)
    except csv.Error as error:
        raise ValueError(f"The file is not CSV: {error}.") from error


def _named(names: list[str], cells: list[str]) -> dict[str, Any]:
    """A row by its headings; Jira repeats some (labels, comments), which become lists."""
    row: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=False):
        if name in row:
            row[name] = [*(row[name] if isinstance(row[name], list) else [row[name]]), cell]
        else:
            row[name] = cell
    return row


def _first(row: Row, *names: str) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def _address(value: Any) -> tuple[str, str]:
    """(address, name) of a person as exports write them: an object, an address, a name."""
    if isinstance(value, Mapping):
        address = value.get("email") or value.get("emailAddress") or value.get("name") or ""
        name = value.get("displayName") or value.get("name") or ""
        return values.text(address, 254), values.text(name, 120)
    given = values.text(value, 400)
    if given.endswith(">") and "<" in given:
        name, _, address = given[:-1].rpartition("<")
        return address.strip(), name.strip(' "')
    return given, ""


# -- the tools


def _plain(row: Row) -> Imported:
    """Our own CSV: ref, subject, requester, body, type, surface, owner, status, priority, tags,
    created_at, resolved_at, url."""
    email, name = _address(_first(row, "requester", "requester_email", "email"))
    return Imported(
        ref=values.text(_first(row, "ref", "id", "number"), 200),
        subject=values.text(_first(row, "subject", "title"), 200),
        requester_email=email,
        requester_name=values.text(row.get("requester_name"), 120) or name,
        body=values.text(_first(row, "body", "description")),
        status=values.state(row.get("status")) if row.get("status") else "closed",
        priority=values.priority(row.get("priority")),
        request_type=values.text(row.get("type"), 40).lower(),
        surface=values.text(row.get("surface"), 80).lower(),
        owner_email=_address(row.get("owner"))[0],
        tags=values.tags(row.get("tags")),
        created_at=values.time(_first(row, "created_at", "created")),
        resolved_at=values.time(_first(row, "resolved_at", "resolved")),
        url=_url(row.get("url")),
    )


def _zendesk(row: Row) -> Imported:
    email, name = _address(_first(row, "requester", "requester email", "submitter"))
    email = values.text(row.get("requester email"), 254) or email
    status = values.state(row.get("status"))
    solved = _first(row, "solved_at", "solved at", "solved date") or (
        _first(row, "updated_at", "updated at") if status in {"resolved", "closed"} else None
    )
    comments = [_zendesk_comment(one, row) for one in (row.get("comments") or [])]
    body = values.text(_first(row, "description"))
    if comments and body and comments[0].body.startswith(body[:200]):
        comments = comments[1:]  # the first comment is the description again
    return Imported(
        ref=values.text(_first(row, "id", "ticket id", "ticket #"), 200),
        subject=values.text(_first(row, "subject", "raw_subject"), 200),
        requester_email=email,
        requester_name=name,
        body=body,
        status=status,
        priority=values.priority(row.get("priority")),
        owner_email=_address(_first(row, "assignee", "assignee email"))[0],
        tags=values.tags(row.get("tags")),
        created_at=values.time(_first(row, "created_at", "created at", "requested")),
        resolved_at=values.time(solved),
        url=_url(row.get("url")),
        comments=tuple(comments[-MAX_COMMENTS:]),
    )


def _zendesk_comment(one: Any, row: Row) -> Comment:
    author = one.get("author") or {}
    email, name = _address(author)
    requester = row.get("requester")
    known = isinstance(requester, Mapping) and one.get("author_id") == requester.get("id")
    if not email and known:
        email, name = _address(requester)
    return Comment(
        author_name=name,
        author_email=email,
        body=values.text(_first(one, "plain_body", "body")),
        at=values.time(one.get("created_at")),
        public=one.get("public") is not False,
    )


def _jira(row: Row) -> Imported:
    """An issue of the search API (`fields`) or a row of the issue navigator's CSV."""
    facts: Row = row["fields"] if isinstance(row.get("fields"), dict) else row
    reporter = _first(facts, "reporter", "creator")
    email, name = _address(reporter)
    email = values.text(_first(facts, "reporter email", "requester email"), 254) or email
    labels = facts.get("labels")
    status = facts.get("status")
    importance = facts.get("priority")
    holder = facts.get("comment")
    said = holder.get("comments", []) if isinstance(holder, dict) else holder or []
    said = said if isinstance(said, list) else [said]
    link = _url(row.get("self"))
    return Imported(
        ref=values.text(_first(row, "key", "issue key"), 200),
        subject=values.text(facts.get("summary"), 200),
        requester_email=email,
        requester_name=name,
        body=values.text(facts.get("description")),
        status=values.state(status.get("name") if isinstance(status, dict) else status),
        priority=values.priority(
            importance.get("name") if isinstance(importance, dict) else importance
        ),
        owner_email=_address(facts.get("assignee"))[0],
        tags=values.tags(labels),
        created_at=values.time(facts.get("created")),
        resolved_at=values.time(_first(facts, "resolutiondate", "resolved")),
        url=link,
        comments=tuple(_jira_comment(one) for one in said[-MAX_COMMENTS:] if one),
    )


def _jira_comment(one: Any) -> Comment:
    """An object of the API, or the navigator's `time;author;text`."""
    if isinstance(one, dict):
        email, name = _address(one.get("author"))
        public = one.get("jsdPublic") is not False and not one.get("visibility")
        return Comment(
            name, email, values.text(one.get("body")), values.time(one["created"]), public
        )
    when, _, rest = str(one).partition(";")
    author, _, body = rest.partition(";")
    try:
        at = values.time(when)
    except ValueError:
        return Comment("", "", values.text(one), None)
    return Comment(values.text(author, 120), "", values.text(body), at)


def _url(value: Any) -> str:
    link = values.text(value, 500)
    return link if link.startswith(("https://", "http://")) else ""


_MAKERS: Mapping[str, Callable[[Row], Imported]] = {
    "csv": _plain,
    "zendesk": _zendesk,
    "jira": _jira,
}
