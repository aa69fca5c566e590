"""The queue: a page of tickets, the same again every few seconds, and its export."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import clock
from apps.core.text import csv_cell
from apps.portal.access import granted, live, viewer, why_not
from apps.portal.selectors import tickets as selectors
from apps.support import lifecycle
from apps.support.models import Priority, SavedView, Ticket
from apps.support.selectors import queue
from apps.support.selectors.queue import Filters

COLUMNS = (
    *("ref", "subject", "status", "priority", "type", "queue", "customer", "requester"),
    *("surface", "owner", "tags", "channel", "created", "first reply", "resolved"),
    *("resolution", "promise", "promise metric", "promise due"),
)


def _filters(request: HttpRequest) -> Filters:
    return queue.parse(dict(request.GET.lists()))


def _size(request: HttpRequest) -> int:
    return 50 if request.GET.get("size") == "50" else queue.SIZES[0]


def _saved(request: HttpRequest, views: list[SavedView]) -> SavedView | None:
    wanted = request.GET.get("saved", "")
    return next((view for view in views if str(view.pk) == wanted), None)


def _shown(request: HttpRequest, person: Person, now: datetime) -> dict[str, Any]:
    """What is fetched again and again: tabs with their counts, and the rows."""
    filters, size = _filters(request), _size(request)
    views = queue.views_of(person)
    saved = _saved(request, views)
    words = queue.wording(person, filters)
    cut = queue.page(
        queue.matching(person, filters, now=now, among=words.all),
        by_due=filters.by_due,
        cursor=request.GET.get("cursor", "")[:60],
        size=size,
    )
    counts = queue.tab_counts(person, filters, views, now=now, words=words)
    extra = ("&size=50" if size == 50 else "") + (f"&saved={saved.pk}" if saved else "")
    address = f"?{filters.query()}{extra}"
    return {
        "now": now,
        "filters": filters,
        "size": size,
        "extra": extra,
        "address": address,
        "views": views,
        "saved": saved,
        "tabs": selectors.tabs(filters, views, counts, current=saved.pk if saved else None),
        "rows": selectors.rows(cut.rows, person, now=now),
        "previous": f"{address}&cursor={cut.before}" if cut.before else "",
        "next": f"{address}&cursor={cut.after}" if cut.after else "",
        "count": counts["here"],
        "overdue": counts.get("overdue"),
        "order": "due time, then priority" if filters.by_due else "number, newest first",
    }


@granted(Grant.SEE)
def tickets(request: HttpRequest) -> HttpResponse:
    """The list; every filter stands in the address."""
    person, now = viewer(request), clock.now()
    chosen = selectors.choices(person)
    shown = _shown(request, person, now)
    context = {
        **shown,
        "chips": selectors.chips(shown["filters"], chosen, person, shown["extra"]),
        "choices": chosen,
        "statuses": Ticket.Status.choices,
        "active": sorted(lifecycle.ACTIVE),
        "priorities": Priority.values,
        "channels": Ticket.Channel.choices,
        "sla_states": Ticket.SlaState.choices,
        "created": queue.CREATED.items(),
        "resolutions": Ticket.Resolution.choices,
        "back": request.GET.urlencode(),
        "why_support": why_not(person, Grant.SUPPORT),
        "may_share": person.may(Grant.EDIT_SUPPORT),
        "exported": queue.EXPORTED,
    }
    return render(request, "portal/tickets/queue.html", context)


@live
def tickets_live(request: HttpRequest) -> HttpResponse:
    """Tabs and rows again, for a page that is being looked at."""
    person, now = viewer(request), clock.now()
    context = {**_shown(request, person, now), "why_support": why_not(person, Grant.SUPPORT)}
    return render(request, "portal/tickets/queue_live.html", context)


# -- export


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, value: str) -> str:
        return value


@granted(Grant.SEE)
def tickets_export(request: HttpRequest) -> HttpResponse:
    """The filtered tickets as CSV, at most `queue.EXPORTED`; the file's name says when cut."""
    person, now = viewer(request), clock.now()
    filters = _filters(request)
    rows = queue.exported(person, filters, now=now)
    response = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    cut = queue.matching(person, filters, now=now).order_by()[queue.EXPORTED :][:1].exists()
    part = f"-first-{queue.EXPORTED}" if cut else ""
    name = f"tickets-{now:%Y-%m-%d}{part}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response  # type: ignore[return-value] # a stream is an answer, too


def _lines(rows: Iterator[Ticket]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow([csv_cell(cell) for cell in _cells(row)])


def _cells(row: Ticket) -> list[object]:
    return [
        *(row.ref, row.subject, row.get_status_display(), row.priority, row.request_type),
        *(row.queue, row.account or "", row.requester.email),
        *(row.surface.key if row.surface else "", row.owner.name if row.owner else ""),
        *(" ".join(row.tags), row.get_channel_display(), _instant(row.created_at)),
        *(_instant(row.first_replied_at), _instant(row.resolved_at)),
        *(row.get_resolution_code_display(), row.get_sla_state_display(), row.sla_metric),
        _instant(row.sla_due_at),
    ]


def _instant(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else ""
