"""The severity framework, told to somebody who has never declared an incident."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.roles import Grant
from apps.core import clock
from apps.portal.access import granted, viewer, why_not
from apps.portal.forms_incidents import AnswersForm
from apps.portal.selectors import incident_words as words
from apps.portal.selectors.incidents import levels, suggested


@granted(Grant.SEE)
def incident_severities(request: HttpRequest) -> HttpResponse:
    """What each level means and sets going; the four questions can be tried out."""
    form = AnswersForm(request.GET if "who" in request.GET else None)
    answers = form.answers() if form.is_bound and form.is_valid() else None
    context = {
        "now": clock.now(),
        "levels": levels(),
        "form": form,
        "suggestion": suggested(answers) if answers else None,
        "states": words.STATES,
        "roles": words.ROLES,
        "why_edit": why_not(viewer(request), Grant.ADMIN),
        "why_respond": why_not(viewer(request), Grant.RESPOND),
    }
    return render(request, "portal/incidents/severity.html", context)
