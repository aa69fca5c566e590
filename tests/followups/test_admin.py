"""The ledger in the admin is looked at; factors are kept there."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.followups import services as followups
from apps.followups.models import Factor
from tests.conftest import Cast
from tests.followups.kit import promise
from tests.portal.kit import queries, sign_in, text_of

pytestmark = pytest.mark.django_db
LEDGER, FACTORS = "/admin/followups/followup/", "/admin/followups/factor/"


@pytest.fixture
def maya(cast: Cast) -> Client:
    followups.ensure_factors()
    return sign_in(cast.maya)


def test_the_ledger_is_looked_over_and_found(maya: Client, cast: Cast) -> None:
    one, two = promise(cast.ravi), promise(cast.bea, title="Write <script> down", aim="docs")
    assert b"<script> down" not in maya.get(LEDGER).content
    for query, refs in (
        ("?q=INC-42", [one.ref, two.ref]), ("?q=Bea", [two.ref]),
        ("?aim__exact=docs", [two.ref]), ("?status__exact=verified", []),
    ):  # fmt: skip
        text = text_of(maya.get(f"{LEDGER}{query}"))
        assert [row.ref for row in (one, two) if row.ref in text] == refs, query
    page = maya.get(f"{LEDGER}{one.pk}/change/")
    assert f"/followups/{one.ref}/" in page.content.decode()
    assert maya.get(f"{LEDGER}add/").status_code == 403
    assert maya.post(f"{LEDGER}{one.pk}/change/", {"title": "x"}).status_code == 403
    assert maya.get(f"{LEDGER}?q=%00").status_code in {200, 400}


def test_the_list_costs_the_same_for_any_number_of_rows(maya: Client, cast: Cast) -> None:
    promise(cast.ravi)
    queries(maya, LEDGER)
    few = queries(maya, LEDGER)
    for _ in range(9):
        promise(cast.ravi)
    assert queries(maya, LEDGER) == few


def test_a_factor_is_added_renamed_archived_and_brought_back(maya: Client) -> None:
    sent = {"name": "Data import", "key": "data-import", "description": "", "position": "150"}
    assert maya.post(f"{FACTORS}add/", sent).status_code == 302
    row = Factor.objects.get(key="data-import")
    maya.post(f"{FACTORS}{row.pk}/change/", {**sent, "name": "Imports", "key": "other"})
    row.refresh_from_db()
    assert (row.name, row.key) == ("Imports", "data-import")
    again = maya.post(f"{FACTORS}add/", sent)
    assert again.status_code == 200 and "already exists" in text_of(again)
    maya.post(f"{FACTORS}{row.pk}/do/archive/")
    maya.get(FACTORS)  # says what was done
    assert "Imports" not in text_of(maya.get(FACTORS))
    assert "Imports" in text_of(maya.get(f"{FACTORS}?archived=yes"))
    assert not Factor.objects.current().filter(pk=row.pk).exists()
    maya.post(f"{FACTORS}{row.pk}/do/restore/")
    assert Factor.objects.current().filter(pk=row.pk).exists()


def test_who_responds_gets_no_further_than_the_sign_in_page(cast: Cast) -> None:
    for address in (LEDGER, FACTORS):
        assert sign_in(cast.ravi).get(address).status_code in {302, 403}
