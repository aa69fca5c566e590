"""People come in: the list, by invitation, or pasted from a table with their surfaces."""

from __future__ import annotations

import csv
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from apps.accounts.models import Person
from apps.accounts.roles import ROLE_HELP, Grant, Role
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.text import csv_cell
from apps.notifications import services as notifications
from apps.notifications.channels import CHANNELS
from apps.notifications.models import ContactMethod, Invitation
from apps.ownership.models import Surface
from apps.portal import importing, services
from apps.portal.access import acts, granted, viewer
from apps.portal.forms_setup import ImportForm, InviteForm
from apps.portal.importing import PasteError, Plan

SHOWN = 200  # lines of a dry run on the page; all of them are in its CSV file


# -- list


@granted(Grant.EDIT_PEOPLE)
def people(request: HttpRequest) -> HttpResponse:
    """Everybody who is here, how they can be reached, and who has not come in yet."""
    now = clock.now()
    rows = list(Person.objects.active().prefetch_related("teams").order_by("is_demo", "name"))
    invited = dict(
        Invitation.objects.filter(person__in=rows)
        .values_list("person_id")
        .annotate(last=Max("created_at"))
    )
    context = {
        "rows": [_row(person, _wakers(), invited.get(person.pk)) for person in rows],
        "now": now,
        "mail": bool(notifications.site().smtp_host),
    }
    return render(request, "portal/people/list.html", context)


def _wakers() -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for pk, channel in ContactMethod.objects.usable().values_list("person_id", "channel"):
        found.setdefault(pk, set()).add(channel)
    return found


def _row(
    person: Person, channels: dict[int, set[str]], invited_at: datetime | None
) -> dict[str, Any]:
    mine = channels.get(person.pk, set())
    here = person.has_usable_password()
    if person.is_demo:
        reach = ("Demo mailbox", "", "dash")
    elif any(CHANNELS[one].wakes for one in mine if one in CHANNELS):
        reach = ("Can be woken", "success", "check")
    elif mine:
        reach = ("E-mail or chat only", "warning", "warn")
    else:
        reach = ("Nothing confirmed", "warning", "warn")
    return {
        "person": person,
        "roles": ", ".join(str(Role(role).label) for role in person.roles if role in Role.values),
        "teams": ", ".join(team.name for team in person.teams.all()),
        "reach": reach,
        "here": here,
        "invited_at": invited_at,
        "can_invite": not here and not person.is_demo,
    }


# -- by invitation


@granted(Grant.EDIT_PEOPLE)
def invite(request: HttpRequest) -> HttpResponse:
    """Add one person; a mail with a link lets them in."""
    mail = bool(notifications.site().smtp_host)
    form = InviteForm(request.POST or None, initial={"time_zone": notifications.site().time_zone})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            person = services.invite_person(
                **values, send=mail, by=viewer(request), now=clock.now()
            )
        except Conflict as error:
            form.add_error("email", error.message)
        else:
            sent = f"An invitation is on its way to {person.email}."
            kept = "Send the invitation from here once mail is set up."
            messages.success(request, f"{person.name} was added. {sent if mail else kept}")
            return redirect("people")
    return render(request, "portal/people/invite.html", {"form": form, "mail": mail})


@acts(Grant.EDIT_PEOPLE, page=lambda pk: reverse("people"))
def invite_again(request: HttpRequest, pk: int) -> HttpResponse:
    """A new link for somebody who has not come in yet."""
    person = get_object_or_404(Person.objects.active(), pk=pk)
    services.invite_again(person=person, by=viewer(request), now=clock.now())
    messages.success(request, f"A new invitation is on its way to {person.email}.")
    return redirect("people")


# -- from a table


@granted(Grant.EDIT_PEOPLE)
def import_table(request: HttpRequest) -> HttpResponse:
    """Paste, look at what would change, then do it. Nothing is saved before that."""
    mail = bool(notifications.site().smtp_host)
    if request.method != "POST":
        return _import_page(request, ImportForm(initial={"invite": mail}), mail=mail)
    form = ImportForm(request.POST)
    if not form.is_valid():
        return _import_page(request, form, mail=mail)
    person, now = viewer(request), clock.now()
    try:
        plan = importing.plan(
            form.cleaned_data["table"], services.known_site(importer=person, now=now)
        )
    except PasteError as error:
        form.add_error("table", str(error))
        return _import_page(request, form, mail=mail)
    if request.POST.get("do") == "csv":
        return _as_csv(plan)
    if request.POST.get("do") == "apply" and plan.changes:
        if form.cleaned_data["seen"] == plan.digest:
            return _apply(request, plan, send=mail and form.cleaned_data["invite"], now=now)
        messages.warning(
            request, "Something changed since you looked. Nothing was saved; look again."
        )
    return _import_page(request, form, mail=mail, plan=plan)


def _apply(request: HttpRequest, plan: Plan, *, send: bool, now: datetime) -> HttpResponse:
    done = services.apply_import(plan=plan, send_invitations=send, by=viewer(request), now=now)
    parts = [
        _count(done.people, "person", "people"),
        _count(done.teams, "team", "teams"),
        _count(done.surfaces, "surface", "surfaces"),
    ]
    added = ", ".join(part for part in parts if part)
    said = [
        f"Added: {added}." if added else "",
        f"Changed: {done.changed}." if done.changed else "",
    ]
    if done.invited:
        said.append(f"{_count(done.invited, 'invitation is', 'invitations are')} on the way.")
    if plan.refused:
        said.append(f"Left out: {_count(plan.refused, 'line', 'lines')}.")
    messages.success(request, " ".join(part for part in said if part))
    return redirect("setup")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""


def _import_page(
    request: HttpRequest, form: ImportForm, *, mail: bool, plan: Plan | None = None
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "mail": mail,
        "plan": plan,
        "tables": _tables(plan) if plan else [],
        "roles": [(role.value, ROLE_HELP[role]) for role in Role],
        "kinds": [kind.value for kind in Surface.Kind],
        "max_lines": importing.MAX_LINES,
    }
    return render(request, "portal/people/import.html", context)


def _tables(plan: Plan) -> list[dict[str, Any]]:
    """The dry run for the template: refused lines first when there are more than can be shown."""
    found = []
    for key, title, rows, columns in (
        ("people", "People", (*plan.people,), importing.PEOPLE),
        ("surfaces", "Surfaces", (*plan.surfaces,), importing.SURFACES),
        ("unread", "Not understood", (*plan.unread,), ("name",)),
    ):
        if not rows:
            continue
        order = {"refused": 0, "change": 1, "new": 1, "same": 2}
        shown = rows if len(rows) <= SHOWN else sorted(rows, key=lambda r: order[r.verdict])[:SHOWN]
        found.append(
            {
                "key": key,
                "title": title,
                "columns": [importing.TITLES[column] for column in columns],
                "rows": shown,
                "hidden": len(rows) - len(shown),
                "counts": _counts(rows),
            }
        )
    return found


def _counts(rows: tuple[Any, ...]) -> list[dict[str, Any]]:
    words = (
        ("new", "new", "success"),
        ("change", "changed", "info"),
        ("same", "the same", ""),
        ("refused", "refused", "danger"),
    )
    counted = (
        (sum(r.verdict == verdict for r in rows), word, tone) for verdict, word, tone in words
    )
    return [{"text": f"{number} {word}", "tone": tone} for number, word, tone in counted if number]


def _as_csv(plan: Plan) -> HttpResponse:
    """The whole dry run as a file; no cell of it is a formula for a spreadsheet."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="import-dry-run.csv"'
    out = csv.writer(response, quoting=csv.QUOTE_ALL)
    out.writerow(["line", "result", "values", "was", "reasons"])
    for row in sorted(plan.rows, key=lambda row: row.line):
        values = " | ".join(cell.value for cell in row.cells)
        was = " | ".join(f"{cell.value}: {cell.was}" for cell in row.cells if cell.was)
        cells = [row.line, row.verdict, values, was, " ".join(row.reasons)]
        out.writerow([csv_cell(cell) for cell in cells])
    return response
