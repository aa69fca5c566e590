"""Reviews in the portal: the list, one review, and two people who write it at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.core import audit, clock
from apps.followups.models import FollowUp
from apps.incidents.models import Incident, Review
from apps.incidents.services import reviews
from tests import builders as build
from tests.conftest import Cast
from tests.incidents.reviewkit import OVER, TEXTS, factor, level, opened, over, published, written
from tests.portal.kit import queries, sign_in, text_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today(world: World) -> None:
    """Ten weeks after the incidents of the kit."""
    world.at("2026-11-20 10:00")


@pytest.fixture
def review(cast: Cast) -> Review:
    level()
    return opened(by=cast.ravi, surface=build.surface(primary=cast.ravi))


@pytest.fixture
def ravi(cast: Cast) -> Client:
    return sign_in(cast.ravi)


def _page(review: Review) -> str:
    return f"/incidents/{review.incident.ref}/review/"


def _save(client: Client, review: Review, text: str, **more: Any) -> Any:
    given = {"text": text, "version": review.version, **more}
    return client.post(f"{_page(review)}section/impact/", given)


def _do(client: Client, review: Review, do: str, **values: Any) -> Any:
    return client.post(f"{_page(review)}{do}/", values, follow=True)


# -- one review


def test_a_review_shows_its_sections_beside_the_facts(review: Review, ravi: Client) -> None:
    text = text_of(ravi.get(_page(review)))
    for said in (
        "Review: Snowflake profiling times out",
        "What happened as drafted",
        "Contributing factors 0 needed",
        "To resolve ≥ 3 h",
        "Every SEV2 is reviewed.",
        "Nobody was woken.",
        "Commander Ravi Rao",
        "Hand in Missing: contributing factors.",
    ):
        assert said in text, said


def test_one_section_is_written_at_a_time(review: Review, ravi: Client) -> None:
    page = ravi.get(f"{_page(review)}?edit=impact").content.decode()
    assert page.count('name="version"') == 1 and 'name="text" rows="12"' in page
    answer = _save(ravi, review, "27 projects **saw** old numbers.")
    assert answer.status_code == 302 and answer["Location"].endswith("/review/#impact")
    assert "<strong>saw</strong>" in ravi.get(_page(review)).content.decode()


@pytest.mark.parametrize("edit", ["status", "facts", "", "<b>", "impact'"])
def test_what_is_no_section_cannot_be_written(review: Review, ravi: Client, edit: str) -> None:
    assert 'name="version"' not in ravi.get(_page(review), {"edit": edit}).content.decode()


def test_html_is_shown_as_it_was_typed(review: Review, ravi: Client) -> None:
    _save(ravi, review, "<script>alert(1)</script> <img src=x onerror=y> [x](javascript:z)")
    page = ravi.get(_page(review)).content.decode()
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page
    assert "<img" not in page and 'href="javascript' not in page


def test_of_two_who_write_one_section_both_texts_are_shown(
    review: Review, ravi: Client, cast: Cast
) -> None:
    begun = review.version
    _save(sign_in(cast.bea), review, "27 projects.\nNo data was lost.")
    answer = _save(ravi, review, "28 projects.\nNo data was lost.", version=begun)
    assert answer.status_code == 409
    page, text = answer.content.decode(), text_of(answer)
    assert "Somebody else saved this section while you wrote" in text
    assert "27 projects.\nNo data was lost.</pre>" in page  # theirs, whole
    assert "28 projects.\nNo data was lost.</textarea>" in page  # mine, to go on with
    assert "<del>- 27 projects.</del>" in page and "<ins>+ 28 projects.</ins>" in page
    assert Review.objects.get().impact == "27 projects.\nNo data was lost."
    again = answer.context["section_form"].initial
    assert _save(ravi, review, again["text"], version=again["version"]).status_code == 302
    assert Review.objects.get().impact.startswith("28 projects.")


def test_what_was_typed_into_an_approved_review_is_given_back(
    review: Review, ravi: Client, cast: Cast
) -> None:
    review = published(review, by=cast.ravi)
    answer = _save(ravi, review, "What I typed for an hour.")
    assert answer.status_code == 409
    text = text_of(answer)
    assert "It stays as people have read it" in text and "What I typed for an hour." in text
    assert "Copy it from here before you leave the page" in text


def test_too_much_text_is_refused_and_kept_in_the_form(review: Review, ravi: Client) -> None:
    answer = _save(ravi, review, "x" * 20_001)
    assert answer.status_code == 400
    assert "A section has at most 20,000 characters" in text_of(answer)
    assert "x" * 20_001 in answer.content.decode()


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 40])
def test_a_version_that_is_none_saves_nothing_and_loses_nothing(
    review: Review, ravi: Client, version: str
) -> None:
    answer = _save(ravi, review, "Typed.", version=version)
    assert answer.status_code == 400 and "Typed.</textarea>" in answer.content.decode()


def test_factors_comments_and_promises_are_added_in_place(
    review: Review, ravi: Client, cast: Cast
) -> None:
    row = factor()
    said = text_of(_do(ravi, review, "factor", factor=row.pk, note="600 s on the smallest."))
    assert "Limit or quota stands as a factor." in said and "600 s on the smallest." in said
    said = text_of(_do(ravi, review, "comment", section="impact", text="How many?"))
    assert "Your comment stands on the review." in said
    promise = {
        "title": "Wide text has a budget", "acceptance": "p95 below 300 s", "aim": "prevent",
        "priority": "P1", "owner": cast.bea.pk, "factor": row.pk,
    }  # fmt: skip
    said = text_of(_do(ravi, review, "follow-up", **promise))
    made = FollowUp.objects.get()
    assert f"{made.ref} is promised: Bea Bell" in said
    assert made.due_on == clock.now().date() + timedelta(days=14) and made.factor == row
    said = text_of(_do(ravi, review, "take-off", factor=row.pk))
    assert "Limit or quota is taken off." in said


def test_a_promise_without_acceptance_is_refused_on_the_page(review: Review, ravi: Client) -> None:
    answer = _do(ravi, review, "follow-up", title="Do better", aim="prevent", priority="P1")
    assert answer.status_code == 400 and not FollowUp.objects.exists()
    assert "How somebody else can see that it works: This is missing." in text_of(answer)


def test_a_review_goes_from_draft_to_published_by_its_buttons(
    review: Review, ravi: Client, cast: Cast
) -> None:
    written(review, by=cast.ravi)
    assert "is handed in" in text_of(_do(ravi, review, "submit"))
    assert "Say what is missing" in text_of(_do(ravi, review, "send-back", note=""))
    assert "draft again" in text_of(_do(ravi, review, "send-back", note="Count again."))
    _do(ravi, review, "submit")
    assert "is approved" in text_of(_do(ravi, review, "approve"))
    said = text_of(_do(ravi, review, "publish"))
    assert "The review is published" in said and "as when published" in said
    assert reviews.is_published(review.incident)
    assert "Edit" not in said.split()


def test_the_author_of_a_sev1_sees_why_somebody_else_approves_it(cast: Cast, ravi: Client) -> None:
    level("SEV1", review_by_another=True)
    review = written(opened(by=cast.ravi, severity="SEV1"), by=cast.ravi)
    reviews.submit(review=review, actor=audit.person(cast.ravi), now=OVER)
    assert "You wrote it. Somebody else approves the review of a SEV1." in text_of(
        ravi.get(_page(review))
    )
    assert ravi.post(f"{_page(review)}approve/").status_code == 403
    maya = sign_in(cast.maya)
    assert "is approved" in text_of(_do(maya, review, "approve"))


def test_somebody_else_takes_the_writing_over(review: Review, ravi: Client, cast: Cast) -> None:
    assert "Bea Bell writes the review." in text_of(_do(ravi, review, "author", author=cast.bea.pk))


def test_a_viewer_reads_and_changes_nothing(review: Review, cast: Cast) -> None:
    olu = sign_in(cast.olu)
    page = olu.get(f"{_page(review)}?edit=impact")
    assert 'name="version"' not in page.content.decode()
    assert "Your role only reads." in text_of(page)
    for address in ("section/impact/", "factor/", "comment/", "submit/", "publish/"):
        assert olu.post(f"{_page(review)}{address}", {"text": "x"}).status_code == 403, address
    assert Review.objects.get().impact != "x"


def test_an_incident_without_a_review_says_so_and_opens_one(cast: Cast, ravi: Client) -> None:
    standing = build.incident(by=cast.ravi, severity="SEV4")
    page = f"/incidents/{standing.ref}/review/"
    assert "resolve the incident first" in text_of(ravi.get(page))
    ended = over(by=cast.ravi, severity="SEV4")
    page = f"/incidents/{ended.ref}/review/"
    assert "There is no review yet" in text_of(ravi.get(page))
    assert ravi.post(f"{page}factor/", {}).status_code == 404
    assert "drafted from the facts" in text_of(ravi.post(f"{page}open/", follow=True))
    ended.refresh_from_db()
    assert ended.status == "in_review" and Review.objects.filter(incident=ended).exists()


def test_a_restricted_incident_hides_its_review(cast: Cast) -> None:
    review = opened(by=cast.ravi, visibility="restricted")
    sam = sign_in(cast.sam)
    assert sam.get(_page(review)).status_code == 404
    assert sam.post(f"{_page(review)}section/impact/", {"text": "x"}).status_code == 404
    assert sam.get("/reviews/").context["rows"] == []
    assert "Restricted: only managers" in text_of(sign_in(cast.maya).get(_page(review)))


@pytest.mark.parametrize("ref", ["INC-0", "INC-99999", "inc-x", "TCK-1", "INC-9" + "9" * 30])
def test_what_is_no_incident_is_not_found(cast: Cast, ravi: Client, ref: str) -> None:
    assert ravi.get(f"/incidents/{ref}/review/").status_code == 404


def test_a_reference_in_small_letters_leads_to_the_page(review: Review, ravi: Client) -> None:
    answer = ravi.get(_page(review).replace("INC", "inc"))
    assert (answer.status_code, answer["Location"]) == (302, _page(review))


# -- the list


def _seen(client: Client, address: str) -> list[int]:
    return [row.review.pk for row in client.get(address).context["rows"]]


def test_the_lists_tell_what_is_due_late_and_learned(review: Review, cast: Cast) -> None:
    client = sign_in(cast.olu)
    now = clock.now()
    soon = opened(by=cast.bea, now=now - timedelta(hours=4))
    lesson = published(opened(by=cast.maya), by=cast.maya)
    assert _seen(client, "/reviews/") == [review.pk, soon.pk]
    assert _seen(client, "/reviews/?state=overdue") == [review.pk]
    assert _seen(client, "/reviews/?state=drafts") == [review.pk, soon.pk]
    assert _seen(client, "/reviews/?state=published") == [lesson.pk]
    assert _seen(client, "/reviews/?state=published&factor=limit-or-quota") == [lesson.pk]
    assert _seen(client, "/reviews/?state=published&factor=capacity") == []
    assert _seen(client, "/reviews/?state=published&q=27+PROJECTS") == [lesson.pk]
    assert _seen(client, "/reviews/?state=published&q=zebra") == []
    assert _seen(client, "/reviews/?surface=inspect.profiler") == [review.pk]
    assert _seen(sign_in(cast.ravi), "/reviews/?mine=1") == [review.pk]
    text = text_of(client.get("/reviews/?state=published"))
    assert "Limit or quota" in text and TEXTS["impact"] in text


def test_an_empty_list_says_what_it_is_for(cast: Cast, ravi: Client) -> None:
    for state, said in {
        "due": "No review is waiting",
        "overdue": "No review is overdue",
        "published": "Nothing is published yet",
        "nonsense": "No review is waiting",
    }.items():
        assert said in text_of(ravi.get("/reviews/", {"state": state})), state
    assert "No review fits these filters" in text_of(ravi.get("/reviews/?q=zebra"))


def test_the_pages_cost_the_same_whatever_their_length(cast: Cast, ravi: Client) -> None:
    place = build.surface()
    first = opened(by=cast.ravi, surface=place)
    ravi.get("/reviews/")
    one, alone = queries(ravi, "/reviews/"), queries(ravi, _page(first))
    for number in range(3):
        opened(by=cast.ravi, surface=place, title=f"Thing {number}")
        reviews.comment(
            review=first, section="impact", text="x", actor=audit.person(cast.bea), now=OVER
        )
        reviews.add_factor(
            review=first, factor=factor(f"f-{number}", f"F {number}"), actor=audit.SYSTEM, now=OVER
        )
    assert queries(ravi, "/reviews/") == one
    assert queries(ravi, _page(first)) <= alone + 1  # the names of factors, once there are any
    assert Incident.objects.count() == 4
