"""Reviews: the list, and one review that several people write at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.models import Person
from apps.accounts.roles import Grant
from apps.core import audit, clock
from apps.core.errors import Conflict
from apps.incidents.models import Incident, Review
from apps.incidents.review_sections import BY_KEY, Item, difference
from apps.incidents.services import reviews
from apps.portal import listing
from apps.portal.access import acts, granted, viewer, why_not
from apps.portal.forms import submit
from apps.portal.forms_reviews import (
    AuthorForm,
    FactorForm,
    NoteForm,
    PromiseForm,
    ReviewCommentForm,
    SectionForm,
)
from apps.portal.selectors import reviews as selectors
from apps.portal.views.incidents import find

Status = Review.Status
STEPS = (
    (Status.DRAFT, "Draft"),
    (Status.IN_REVIEW, "In review"),
    (Status.APPROVED, "Approved"),
    (Status.PUBLISHED, "Published"),
)


def page_of(ref: str) -> str:
    """The address of the review of an incident."""
    return reverse("incident_review", kwargs={"ref": ref})


def page_with(ref: str, section: str) -> str:
    """The same, for the address that saves a section."""
    return f"{page_of(ref)}#{section}"


# -- the list


@granted(Grant.SEE)
def review_list(request: HttpRequest) -> HttpResponse:
    """What is to be written, what is late, and what others have learned."""
    person, params, now = viewer(request), request.GET, clock.now()
    asked = selectors.Asked(
        state=listing.choice(params, "state", selectors.STATES, "due"),
        mine=params.get("mine") == "1",
        surface=params.get("surface", "")[:80],
        factor=params.get("factor", "")[:60],
        text=" ".join(params.get("q", "").split())[:120],
    )
    listed = selectors.listed(person, asked, now=now)
    is_published = asked.state == "published"
    page = listing.cut(listed, by="published_at", params=params) if is_published else None
    shown = page.rows if page else list(listed[: selectors.SHOWN])
    context = {
        "now": now,
        "asked": asked,
        "rows": selectors.rows(shown, person),
        "page": page,
        "more": 0 if page or len(shown) < selectors.SHOWN else listed.count() - len(shown),
        "tabs": listing.tabs(
            request, "state", selectors.STATES, asked.state, **selectors.counts(person, now=now)
        ),
        "chips": listing.chips(request, _given(asked)),
        "surfaces": selectors.surfaces(person),
        "factors": selectors.factors(person),
    }
    return render(request, "portal/reviews/list.html", context)


def _given(asked: selectors.Asked) -> dict[str, tuple[str, str]]:
    return {
        "q": ("Has", asked.text),
        "surface": ("Surface is", asked.surface),
        "factor": ("Factor is", asked.factor),
        "mine": ("Written or commanded by", "you" if asked.mine else ""),
    }


# -- one review


def found(request: HttpRequest, ref: str) -> tuple[Incident, Review | None]:
    incident = find(request, ref)
    return incident, selectors.of(incident)


@granted(Grant.SEE)
def incident_review(request: HttpRequest, ref: str) -> HttpResponse:
    """The review with its facts; `?edit=impact` opens one section for writing."""
    incident, review = found(request, ref)
    if ref != incident.ref:
        return redirect(page_of(incident.ref))
    return show(request, incident, review)


def show(
    request: HttpRequest,
    incident: Incident,
    review: Review | None,
    *,
    bound: forms.Form | None = None,
    do: str = "",
    stale: reviews.Stale | None = None,
    lost: str = "",
    status: int = 200,
) -> HttpResponse:
    """The page. `bound` is the form of `do` that was sent and is shown again with what is wrong;
    `stale` and `lost` keep what was typed when it could not be saved."""
    person, now = viewer(request), clock.now()
    why_write = why_not(person, Grant.RESPOND)
    if review is None:
        context = {
            "now": now,
            "incident": incident,
            "why": reviews.why_required(incident),
            "why_open": why_write or _why_not_open(incident),
        }
        return render(request, "portal/reviews/none.html", context, status=status)
    can_write = not why_write and review.status in {Status.DRAFT, Status.IN_REVIEW}
    asked = request.GET.get("edit", "") if can_write else ""
    editing = do.removeprefix("section:") if do.startswith("section:") else asked
    whole = selectors.whole(review, person, now=now)
    context = {
        "now": now,
        "incident": incident,
        "whole": whole,
        "review": review,
        "facts": whole.facts,
        "is_snapshot": review.status == Status.PUBLISHED,
        "can_write": can_write,
        "why_write": why_write,
        "editing": editing if editing in BY_KEY else "",
        "section_form": _section_form(review, editing, bound, stale),
        "stale": stale,
        "difference": difference(stale.theirs, stale.yours) if stale else [],
        "lost": lost,
        "steps": _steps(review),
        "due": _due(review),
        **_forms(incident, review, person, bound, do),
        **_moves(review, person, why_write, whole.meter.missing),
    }
    return render(request, "portal/reviews/page.html", context, status=status)


def _why_not_open(incident: Incident) -> str:
    if incident.status in {Incident.Status.MERGED, Incident.Status.DECLINED}:
        return f"It was {incident.get_status_display().lower()}: there is nothing to look back on."
    return "A review looks back: resolve the incident first." if incident.is_standing else ""


def _section_form(
    review: Review, editing: str, bound: forms.Form | None, stale: reviews.Stale | None
) -> SectionForm | None:
    if editing not in BY_KEY:
        return None
    if stale is not None:
        return SectionForm(initial={"text": stale.yours, "version": stale.version}, section=editing)
    if isinstance(bound, SectionForm):
        return bound
    given = {"text": getattr(review, editing), "version": review.version}
    return SectionForm(initial=given, section=editing)


def _forms(
    incident: Incident, review: Review, person: Person, bound: forms.Form | None, do: str
) -> dict[str, Any]:
    owner = incident.commander or review.author or person
    return {
        "do": do,
        "factors": review.factors.select_related("factor").order_by("position", "pk"),
        "factor_form": bound if isinstance(bound, FactorForm) else FactorForm(),
        "comment_form": bound if isinstance(bound, ReviewCommentForm) else ReviewCommentForm(),
        "author_form": bound
        if isinstance(bound, AuthorForm)
        else AuthorForm(initial={"author": review.author}),
        "promise_form": bound
        if isinstance(bound, PromiseForm)
        else PromiseForm(incident=incident, today=clock.now().date(), initial={"owner": owner}),
        "back_form": bound
        if isinstance(bound, NoteForm) and do == "send-back"
        else NoteForm(auto_id="back-%s"),
    }


def _moves(
    review: Review, person: Person, why_write: str, missing: Sequence[Item]
) -> dict[str, Any]:
    """The next step with why it cannot be taken, and whether it can be sent back."""
    lacks = f"Missing: {', '.join(item.title.lower() for item in missing)}." if missing else ""
    steps = {
        Status.DRAFT: ("submit", "Hand in", lacks),
        Status.IN_REVIEW: ("approve", "Approve", reviews.why_not_approve(review, person) or lacks),
        Status.APPROVED: ("publish", "Publish", _why_not_open(review.incident) or lacks),
    }
    following = steps.get(Status(review.status))
    if following is None:
        return {"next_step": None, "can_send_back": False}
    do, label, why = following
    return {
        "next_step": {"do": do, "label": label, "why": why_write or why},
        "can_send_back": not why_write and review.status in {Status.IN_REVIEW, Status.APPROVED},
    }


def _steps(review: Review) -> list[dict[str, str]]:
    order = [status for status, _ in STEPS]
    here = order.index(Status(review.status))
    last = len(order) - 1
    return [
        {
            "label": label,
            "state": "done" if n < here or here == last else "now" if n == here else "next",
        }
        for n, (_, label) in enumerate(STEPS)
    ]


def _due(review: Review) -> list[dict[str, Any]]:
    """The days that count, each with when it was met."""
    rows = [
        ("Draft", review.draft_due_at, review.submitted_at),
        ("Published", review.publish_due_at, review.published_at),
    ]
    return [
        {"label": label, "at": at, "done_at": done} for label, at, done in rows if at is not None
    ]


# -- writing


@acts(Grant.RESPOND, page=page_with)
def incident_review_section(request: HttpRequest, ref: str, section: str) -> HttpResponse:
    """Save one section. What cannot be saved is shown again: nothing typed is lost."""
    incident, review = found(request, ref)
    if review is None or section not in BY_KEY:
        raise Http404
    form = SectionForm(request.POST, section=section)
    do = f"section:{section}"
    try:
        saved = submit(form, lambda values: _save(review, section, viewer(request), values))
    except reviews.Stale as error:
        fresh = selectors.of(incident)
        return show(request, incident, fresh, do=do, stale=error, status=409)
    except Conflict as error:
        messages.error(request, error.message)
        typed = request.POST.get("text", "")
        fresh = selectors.of(incident)
        return show(request, incident, fresh, do=do, bound=form, lost=typed, status=409)
    if saved is None:
        return show(request, incident, review, do=do, bound=form, status=400)
    messages.success(request, f"“{BY_KEY[section].title}” is saved.")
    return redirect(f"{page_of(incident.ref)}#{section}")


def _save(review: Review, section: str, person: Person, values: dict[str, Any]) -> Review:
    return reviews.save_section(
        review=review,
        section=section,
        text=values["text"],
        version=values["version"],
        actor=audit.person(person),
        now=clock.now(),
    )
