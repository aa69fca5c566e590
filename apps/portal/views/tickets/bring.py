"""Tickets of another desk: choose a file, look at what would come, then bring it along."""

from __future__ import annotations

import csv
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.text import csv_cell
from apps.portal.access import granted, refuse, viewer
from apps.portal.services import ticket_import as service
from apps.support.importing import KINDS

LARGEST = 1_900_000  # bytes: what one request may carry, less its other parts
# One row of a file is one line.
SAMPLE = """ref,subject,requester,requester_name,status,priority,type,surface,owner,tags,created,resolved,body
1041,Report shows old row counts,ana@bramble.example,Ana Ruiz,closed,normal,stale_profile,inspect.profiler,,"delayed, snowflake",2026-03-02 08:10,2026-03-02 15:40,The Monday figures are those of Friday.
1042,Invoice lists 14 seats,finance@peakline.example,,open,high,billing,platform.billing,,,2026-03-04 13:00,,Three people left last month.
"""  # noqa: E501 - a row of a file is one line
SOURCES = {"csv": "csv", "zendesk": "zendesk", "jira": "jira"}


class BringForm(forms.Form):
    """A file or a pasted text, of one of the tools."""

    kind = forms.ChoiceField(
        label="What it is", choices=list(KINDS.items()), widget=forms.RadioSelect, initial="csv"
    )
    source = forms.SlugField(
        label="Name of the desk",
        max_length=40,
        required=False,
        help_text="With a ticket's own number it says which one it is. Empty: the tool's name. "
        "Give two desks of the same tool two names.",
    )
    file = forms.FileField(
        label="File",
        required=False,
        help_text="CSV, JSON or JSON lines, at most 1.9 MB; packed with gzip (.gz) that holds "
        "about ten times as much.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.json,.ndjson,.gz"}),
    )
    text = forms.CharField(
        label="Or its text",
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 6, "class": "mono", "spellcheck": "false", "wrap": "off"}
        ),
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        upload = values.get("file")
        if upload is not None and upload.size > LARGEST:
            self.add_error("file", "This is more than 1.9 MB. Pack it with gzip, or split it.")
        elif upload is None and not values.get("text", "").strip() and not self.errors:
            self.add_error("file", "Choose a file, or paste its text.")
        return values

    def content(self) -> tuple[bytes, str]:
        """The bytes and the name of what was given; the file counts before the text."""
        upload = self.cleaned_data["file"]
        if upload is not None:
            return bytes(upload.read()), str(upload.name)
        return str(self.cleaned_data["text"]).encode(), "pasted text"


@granted(Grant.EDIT_SUPPORT)
def ticket_import(request: HttpRequest) -> HttpResponse:
    """Which tool, which file. Nothing is imported here: the next page shows what would be."""
    form = BringForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        raw, name = form.content()
        kind = form.cleaned_data["kind"]
        try:
            found = service.check(
                raw=raw,
                kind=kind,
                source=form.cleaned_data["source"] or SOURCES[kind],
                file=name,
                actor=audit.person(viewer(request)),
                now=clock.now(),
            )
        except (Invalid, Conflict) as error:
            form.add_error("file", error.message)
        else:
            return redirect("ticket_import_one", digest=found.digest)
    context = {"now": clock.now(), "form": form, "latest": service.latest(), "kinds": KINDS}
    status = 400 if form.errors else 200
    return render(request, "portal/tickets/bring.html", context, status=status)


@granted(Grant.EDIT_SUPPORT)
def ticket_import_one(request: HttpRequest, digest: str) -> HttpResponse:
    """A file that was read: what it would bring, how far it is, or what it brought."""
    try:
        if request.method == "POST":
            actor = audit.person(viewer(request))
            service.start(digest=digest, actor=actor, now=clock.now())
            return redirect("ticket_import_one", digest=digest)
        found = service.find(digest)
    except NotFound as error:
        return refuse(request, error.message, 404)
    except Conflict as error:
        messages.error(request, error.message)
        return redirect("ticket_import_one", digest=digest)
    context = {
        "now": clock.now(),
        "one": found,
        "kind": KINDS[found.kind],
        "unknown": _unknown(found),
        "problems": found.problems[:50],
        "at_once": service.AT_ONCE,
        "closed": found.over,
        "open": found.fresh - found.over,
    }
    return render(request, "portal/tickets/bring_one.html", context)


def _unknown(found: service.Import) -> list[tuple[str, str]]:
    """What is named there and is not here, and what becomes of it."""
    words = {
        "types": "Request types that are not here; these tickets become “Something else”",
        "surfaces": "Surfaces that are not here; these tickets get their type's surface",
        "owners": "Owners who are not here; these tickets have nobody",
    }
    return [
        (text, ", ".join(f"{word} ({n})" for word, n in found.unknown[name]))
        for name, text in words.items()
        if found.unknown[name]
    ]


@granted(Grant.EDIT_SUPPORT)
def ticket_import_problems(request: HttpRequest, digest: str) -> HttpResponse:
    """Every row that was left out, as CSV; no cell of it is a formula for a spreadsheet."""
    try:
        found = service.find(digest)
    except NotFound as error:
        return refuse(request, error.message, 404)
    response = _file("tickets-left-out.csv")
    out = csv.writer(response)
    out.writerow(["row", "number", "reason"])
    for row in found.problems:
        out.writerow([csv_cell(cell) for cell in row])
    return response


@granted(Grant.EDIT_SUPPORT)
def ticket_import_sample(request: HttpRequest) -> HttpResponse:
    """A small file of ours with every column."""
    response = _file("tickets-sample.csv")
    response.write(SAMPLE)
    return response


def _file(name: str) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response.write("\ufeff")
    return response
