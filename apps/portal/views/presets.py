"""A rotation and an integration, each made on one page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import clock
from apps.notifications.services import site
from apps.ownership.models import Surface
from apps.portal import services
from apps.portal.access import granted, viewer
from apps.portal.forms import submit
from apps.portal.forms_setup import IntegrationForm, RotationForm
from apps.portal.views.integrations import show_once
from apps.rotations.models import Schedule

# -- rotation


@granted(Grant.EDIT_ROTATIONS)
@require_http_methods(["GET", "POST"])
def rotation(request: HttpRequest) -> HttpResponse:
    """ "Weekly, Monday 09:00, these people": says who is on call now and next, then makes it."""
    form = _rotation_form(request)
    do = request.POST.get("do", "")
    if request.method == "POST" and do == "create":
        made = submit(form, lambda values: _create_rotation(request, values))
        if made is not None:
            messages.success(request, f"The rotation {made.name} is in force.")
            return redirect("setup")
    turns = _turns(form) if form.is_bound and form.is_valid() else []
    context = {
        "form": form,
        "turns": turns,
        "previewed": do == "preview",
        "now": clock.now(),
        "zone": form["time_zone"].value(),
        "uncovered": _uncovered(request).count(),
    }
    part = bool(request.headers.get("HX-Request"))
    name = "portal/presets/_preview.html" if part else "portal/presets/rotation.html"
    return render(request, name, context)


def _rotation_form(request: HttpRequest) -> RotationForm:
    person = viewer(request)
    people = Person.objects.active().order_by("is_demo", "name")
    surfaces = Surface.objects.visible_to(person).current()
    first = not Schedule.objects.current().exists()
    initial = {
        "time_zone": person.time_zone or site().time_zone,
        # The first rotation usually covers everything; later ones are about something.
        "surfaces": list(_uncovered(request).values_list("pk", flat=True)) if first else [],
    }
    data = request.POST if request.method == "POST" else None
    return RotationForm(data, people=list(people), surfaces=surfaces, initial=initial)


def _uncovered(request: HttpRequest) -> Any:
    return Surface.objects.visible_to(viewer(request)).current().filter(cover=None)


def _create_rotation(request: HttpRequest, values: dict[str, Any]) -> Schedule:
    return services.create_rotation(
        name=values["name"],
        people=values["people"],
        surfaces=list(values["surfaces"]),
        weekday=values["weekday"],
        at=values["at"],
        time_zone=values["time_zone"],
        by=viewer(request),
        now=clock.now(),
    )


def _turns(form: RotationForm) -> list[services.Turn]:
    values = form.cleaned_data
    return services.preview_weekly(
        people=values["people"],
        time_zone=values["time_zone"],
        weekday=values["weekday"],
        at=values["at"],
        now=clock.now(),
    )


# -- integration


@granted(Grant.EDIT_INTEGRATIONS)
@require_http_methods(["GET", "POST"])
def integration(request: HttpRequest) -> HttpResponse:
    """Choose what sends and whose surface it is; the next page shows address and key, once."""
    surfaces = Surface.objects.visible_to(viewer(request)).current()
    initial: dict[str, Any] = {"surface": surfaces.first() if surfaces.count() == 1 else None}
    if request.GET.get("kind") in dict(IntegrationForm.KINDS):
        initial["kind"] = request.GET["kind"]
    form = IntegrationForm(
        request.POST if request.method == "POST" else None, surfaces=surfaces, initial=initial
    )
    made = submit(
        form,
        lambda values: services.create_integration(**values, by=viewer(request), now=clock.now()),
    )
    if made is not None:
        show_once(request, made.row.pk, made.key)
        return redirect("integration", pk=made.row.pk)
    return render(request, "portal/presets/integration.html", {"form": form})
