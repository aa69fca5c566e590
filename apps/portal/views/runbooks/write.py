"""Runbooks as they are written: what stands around the steps, the steps, and files."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.core.errors import Conflict, Invalid
from apps.ownership.models import Surface
from apps.portal.access import granted, viewer
from apps.portal.forms_customers import submit
from apps.portal.forms_runbooks import (
    AboutForm,
    DraftForm,
    FileForm,
    StepForms,
    initial_of,
    steps_from,
)
from apps.portal.views.runbooks.pages import find, page_of
from apps.runbooks import exchange, selectors, services, triggers
from apps.runbooks.models import Runbook, RunbookVersion
from apps.runbooks.steps import digest


def _by(request: HttpRequest) -> dict[str, Any]:
    return {"actor": audit.person(viewer(request)), "now": clock.now()}


# -- what stands around the steps


@granted(Grant.RESPOND)
def runbook_new(request: HttpRequest) -> HttpResponse:
    """A runbook of one's own; then its steps are written."""
    person = viewer(request)
    given = {"owner": person, "surfaces": request.GET.get("surface", "")[:80]}
    form = AboutForm(request.POST or None, viewer=person, initial=given)
    if request.method == "POST":
        made = submit(form, lambda values: services.create(**values, **_by(request)))
        if made is not None:
            messages.success(request, f"{made.key} is there. Now write its steps.")
            return redirect("runbook_edit", key=made.key)
    return _about_page(request, form, None)


@granted(Grant.RESPOND)
def runbook_about(request: HttpRequest, key: str) -> HttpResponse:
    """Title, owner, surfaces and what brings it up; the steps stay as they are."""
    found, person = find(request, key), viewer(request)
    names = ("title", "summary", "owner", "backup", "cadence_days")
    given: dict[str, Any] = {name: getattr(found, name) for name in names}
    given["surfaces"] = ", ".join(surface.key for surface in found.surfaces.order_by("key"))
    rows = found.triggers.order_by("by", "value").values_list("by", "value")
    given["triggers"] = triggers.write_lines(rows)
    form = AboutForm(request.POST or None, viewer=person, fixed_key=True, initial=given)
    if request.method == "POST":
        saved = submit(form, lambda values: services.edit(runbook=found, **values, **_by(request)))
        if saved is not None:
            messages.success(request, f"{saved.key} is saved.")
            return redirect(page_of(saved.key))
    return _about_page(request, form, found)


def _about_page(request: HttpRequest, form: AboutForm, found: Runbook | None) -> HttpResponse:
    context = {"now": clock.now(), "form": form, "runbook": found}
    status = 400 if form.errors else 200
    return render(request, "portal/runbooks/about.html", context, status=status)


# -- steps


@granted(Grant.RESPOND)
def runbook_edit(request: HttpRequest, key: str) -> HttpResponse:
    """The steps of the draft, or of a new one that begins with what is approved."""
    found = find(request, key)
    base = selectors.version_at_work(found) or selectors.current_version(found)
    if request.method == "POST":
        return _save_steps(request, found, base)
    steps = selectors.steps_of(base) if base else []
    note = base.change_note if base and base.status == "draft" else ""
    head = DraftForm(initial={"change_note": note, "seen": digest(steps) if base else ""})
    return _edit_page(request, found, base, head, StepForms(initial=initial_of(steps), prefix="s"))


def _save_steps(request: HttpRequest, found: Runbook, base: RunbookVersion | None) -> HttpResponse:
    head, rows = DraftForm(request.POST), StepForms(request.POST, prefix="s")
    if head.is_valid() and rows.is_valid():
        try:
            version = services.save_draft(
                runbook=found,
                steps=steps_from(rows.forms),
                change_note=head.cleaned_data["change_note"],
                author=viewer(request),
                seen=head.cleaned_data["seen"],
                **_by(request),
            )
        except (Invalid, Conflict, ValidationError) as error:
            _refuse(head, error)
        else:
            return _saved(request, version)
    return _edit_page(request, found, base, head, rows, status=400)


def _refuse(head: DraftForm, error: Invalid | Conflict | ValidationError) -> None:
    if isinstance(error, ValidationError):
        head.add_error(None, error)
        return
    said = error.fields.get("steps") or error.fields.get("change_note") or [error.message]
    for text in said:
        head.add_error("change_note" if "change_note" in error.fields else None, text)


def _saved(request: HttpRequest, version: RunbookVersion) -> HttpResponse:
    if request.POST.get("do") == "more":
        messages.success(request, "Saved. Two empty steps stand at the end.")
        return redirect("runbook_edit", key=version.runbook.key)
    said = f"Version {version.number} is saved as a draft. Read it, then ask for a review."
    messages.success(request, said)
    return redirect(f"{page_of(version.runbook.key)}?version={version.number}")


def _edit_page(
    request: HttpRequest,
    found: Runbook,
    base: RunbookVersion | None,
    head: DraftForm,
    rows: Any,
    status: int = 200,
) -> HttpResponse:
    context = {
        "now": clock.now(), "runbook": found, "base": base, "head": head, "rows": rows,
        "locked": base is not None and base.status == "in_review",
    }  # fmt: skip
    return render(request, "portal/runbooks/edit.html", context, status=status)


# -- files


@granted(Grant.RESPOND)
def runbook_import(request: HttpRequest) -> HttpResponse:
    """A runbook from a file or as text; `?from=<key>` begins with one that stands."""
    form: forms.Form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        version = submit(form, lambda values: _bring(request, viewer(request), values["text"]))
        if version is not None:
            return _saved(request, version)
    elif key := request.GET.get("from", ""):
        form = FileForm(initial={"text": _as_text(find(request, key[:60]))})
    status = 400 if form.errors else 200
    context = {"now": clock.now(), "form": form, "key": request.GET.get("from", "")[:60]}
    return render(request, "portal/runbooks/import.html", context, status=status)


def _bring(request: HttpRequest, person: Person, text: str) -> RunbookVersion:
    return services.bring(
        text=text,
        author=person,
        surfaces=Surface.objects.visible_to(person).current(),
        **_by(request),
    )


def _as_text(found: Runbook) -> str:
    version = selectors.version_at_work(found) or selectors.current_version(found)
    return exchange.write(selectors.document_of(found, version), form="markdown")
