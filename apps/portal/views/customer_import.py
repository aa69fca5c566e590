"""Customers from a table: paste or upload, look at what would change, then do it."""

from __future__ import annotations

import csv
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from apps.accounts.roles import Grant
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.text import csv_cell
from apps.customers.models import Account
from apps.portal.access import granted, viewer
from apps.portal.forms_customers import ImportForm
from apps.portal.importing import MAX_LINES, PasteError
from apps.portal.importing import customers as importing
from apps.portal.importing.customers import CustomerPlan, CustomerRow
from apps.portal.services.customers import apply_customers, known_customers

SHOWN = 200  # lines of a dry run on the page; all of them are in its CSV file
TITLES = {
    "accounts": "Customers",
    "connections": "Connections",
    "contacts": "Contacts",
    "unread": "Not understood",
}


@granted(Grant.SUPPORT)
def customer_import(request: HttpRequest) -> HttpResponse:
    """Nothing is saved before somebody has seen what would change."""
    if request.method != "POST":
        return _page(request, ImportForm())
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, status=400)
    text = form.cleaned_data["table"]
    try:
        plan = _plan(text)
    except PasteError as error:
        form.add_error("table", str(error))
        return _page(request, form, status=400)
    if request.POST.get("do") == "csv":
        return _as_csv(plan)
    if request.POST.get("do") == "apply" and plan.changes:
        if form.cleaned_data["seen"] == plan.digest:
            return _apply(request, form, plan, now=clock.now())
        messages.warning(
            request, "Something changed since you looked. Nothing was saved; look again."
        )
    return _page(request, _again(text), plan=plan)


def _plan(text: str) -> CustomerPlan:
    lines, remarks = importing.read(text)
    known = known_customers(addresses=importing.addresses_in(lines))
    return importing.plan(lines, remarks, known)


def _again(text: str) -> ImportForm:
    """The form with the text in its box, also when it came as a file."""
    return ImportForm(initial={"table": text})


def _apply(
    request: HttpRequest, form: ImportForm, plan: CustomerPlan, *, now: datetime
) -> HttpResponse:
    try:
        done = apply_customers(plan=plan, by=viewer(request), now=now)
    except Conflict as error:
        form.add_error(None, error.message)
        return _page(request, form, status=409)
    added = [
        _count(done.accounts, "customer", "customers"),
        _count(done.connections, "connection", "connections"),
        _count(done.contacts, "contact", "contacts"),
    ]
    said = [
        f"Added: {', '.join(filter(None, added))}." if any(added) else "",
        f"Changed: {done.changed}." if done.changed else "",
        f"Left out: {_count(plan.refused, 'line', 'lines')}." if plan.refused else "",
    ]
    messages.success(request, " ".join(filter(None, said)))
    return redirect("customers")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""


def _page(
    request: HttpRequest, form: ImportForm, *, plan: CustomerPlan | None = None, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "now": clock.now(),
        "form": form,
        "plan": plan,
        "tables": _tables(plan) if plan else [],
        "tiers": [tier.value for tier in Account.Tier],
        "max_lines": MAX_LINES,
    }
    return render(request, "portal/customers/import.html", context, status=status)


def _tables(plan: CustomerPlan) -> list[dict[str, Any]]:
    """The dry run for the template: refused lines first when there are more than can be shown."""
    order = {"refused": 0, "change": 1, "new": 1, "same": 2}
    found = []
    for key, title in TITLES.items():
        rows = plan.of(key)
        if not rows:
            continue
        columns = importing.TABLES.get(key, ("name",))
        shown = rows if len(rows) <= SHOWN else sorted(rows, key=lambda r: order[r.verdict])[:SHOWN]
        found.append({
            "key": key, "title": title, "rows": shown, "hidden": len(rows) - len(shown),
            "columns": [importing.TITLES[column] for column in columns], "counts": _counts(rows),
        })  # fmt: skip
    return found


def _counts(rows: tuple[CustomerRow, ...]) -> list[dict[str, Any]]:
    words = (
        *(("new", "new", "success"), ("change", "changed", "info")),
        *(("same", "the same", ""), ("refused", "refused", "danger")),
    )
    counted = ((sum(row.verdict == verdict for row in rows), word, tone)
               for verdict, word, tone in words)  # fmt: skip
    return [{"text": f"{number} {word}", "tone": tone} for number, word, tone in counted if number]


def _as_csv(plan: CustomerPlan) -> HttpResponse:
    """The whole dry run as a file; no cell of it is a formula for a spreadsheet."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="customers-dry-run.csv"'
    out = csv.writer(response, quoting=csv.QUOTE_ALL)
    out.writerow(["line", "table", "result", "values", "was", "reasons"])
    for row in sorted(plan.rows, key=lambda row: row.line):
        values = " | ".join(cell.value for cell in row.cells)
        was = " | ".join(f"{cell.value}: {cell.was}" for cell in row.cells if cell.was)
        cells = [row.line, row.table, row.verdict, values, was, " ".join(row.reasons)]
        out.writerow([csv_cell(cell) for cell in cells])
    return response
