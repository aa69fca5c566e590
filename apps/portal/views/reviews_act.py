"""What people do to a review beside writing its sections: factors, comments, promises, steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.incidents import services as incidents
from apps.incidents.models import Incident, Review
from apps.incidents.services import reviews
from apps.portal.access import acts, viewer
from apps.portal.forms import submit
from apps.portal.forms_reviews import (
    AuthorForm,
    FactorForm,
    NoteForm,
    PromiseForm,
    ReviewCommentForm,
    TakeOffForm,
)
from apps.portal.views.reviews import found, page_of, show

Act = Callable[[Review, Person, dict[str, Any]], str]


def _back_to(ref: str, do: str) -> str:
    return page_of(ref)


@acts(Grant.RESPOND, page=_back_to)
def incident_review_do(request: HttpRequest, ref: str, do: str) -> HttpResponse:
    """One step or addition: done and back to the page, or the page again with what is wrong."""
    incident, review = found(request, ref)
    if do == "open":
        return _open(request, incident)
    if review is None or do not in _ACTS:
        raise Http404
    make, act, anchor = _ACTS[do]
    form = make(request, incident)
    said = submit(form, lambda values: act(review, viewer(request), values))
    if said is None:
        return show(request, incident, review, bound=form, do=do, status=400)
    messages.success(request, said)
    return redirect(f"{page_of(incident.ref)}{anchor}")


def _open(request: HttpRequest, incident: Incident) -> HttpResponse:
    """By the step that stands in the book, where the incident has just ended."""
    by = _by(viewer(request))
    if incident.status == Incident.Status.RESOLVED:
        incidents.transition(incident=incident, to=Incident.Status.IN_REVIEW, **by)
    else:
        reviews.open_review(incident=incident, **by)
    messages.success(request, "The review is drafted from the facts. Correct it.")
    return redirect(page_of(incident.ref))


def _by(person: Person) -> dict[str, Any]:
    return {"actor": audit.person(person), "now": clock.now()}


def _add_factor(review: Review, person: Person, values: dict[str, Any]) -> str:
    chosen = reviews.add_factor(
        review=review, factor=values["factor"], note=values["note"], **_by(person)
    )
    said = f"{values['factor'].name} stands as a factor."
    refs = ", ".join(one.ref for one in chosen.reopened)
    if not refs:
        return said
    which = "was" if len(chosen.reopened) == 1 else "were"
    return f"{said} {refs} {which} opened again: the fix did not hold."


def _remove_factor(review: Review, person: Person, values: dict[str, Any]) -> str:
    reviews.remove_factor(review=review, factor=values["factor"], **_by(person))
    return f"{values['factor'].name} is taken off."


def _comment(review: Review, person: Person, values: dict[str, Any]) -> str:
    reviews.comment(review=review, section=values["section"], text=values["text"], **_by(person))
    return "Your comment stands on the review."


def _author(review: Review, person: Person, values: dict[str, Any]) -> str:
    reviews.set_author(review=review, person=values["author"], **_by(person))
    return f"{values['author'].name} writes the review."


def _promise(review: Review, person: Person, values: dict[str, Any]) -> str:
    made = reviews.open_follow_up(review=review, **values, **_by(person))
    return f"{made.ref} is promised: {made.owner.name}, by {made.due_on:%-d %B}."


def _submit(review: Review, person: Person, values: dict[str, Any]) -> str:
    reviews.submit(review=review, note=values["note"], **_by(person))
    return "The review is handed in. Somebody reads and approves it."


def _send_back(review: Review, person: Person, values: dict[str, Any]) -> str:
    reviews.send_back(review=review, note=values["note"], **_by(person))
    return "The review is a draft again, and its author knows why."


def _approve(review: Review, person: Person, values: dict[str, Any]) -> str:
    reviews.approve(review=review, person=person, note=values["note"], **_by(person))
    return "The review is approved. Publish it, and everybody can read it."


def _publish(review: Review, person: Person, values: dict[str, Any]) -> str:
    reviews.publish(review=review, **_by(person))
    return "The review is published, with its facts as they are now."


def _plain(form: type[forms.Form]) -> Callable[[HttpRequest, Incident], forms.Form]:
    return lambda request, incident: form(request.POST)


def _promise_form(request: HttpRequest, incident: Incident) -> forms.Form:
    return PromiseForm(request.POST, incident=incident, today=clock.now().date())


def _back_form(request: HttpRequest, incident: Incident) -> forms.Form:
    return NoteForm(request.POST, auto_id="back-%s")


Made = Callable[[HttpRequest, Incident], forms.Form]
_ACTS: dict[str, tuple[Made, Act, str]] = {
    "factor": (_plain(FactorForm), _add_factor, "#factors"),
    "take-off": (_plain(TakeOffForm), _remove_factor, "#factors"),
    "comment": (_plain(ReviewCommentForm), _comment, "#comments"),
    "author": (_plain(AuthorForm), _author, ""),
    "follow-up": (_promise_form, _promise, "#follow-ups"),
    "submit": (_plain(NoteForm), _submit, ""),
    "send-back": (_back_form, _send_back, ""),
    "approve": (_plain(NoteForm), _approve, ""),
    "publish": (_plain(NoteForm), _publish, ""),
}
