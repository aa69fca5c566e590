"""Customers: the list, one customer, contacts, and the forms that change them."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.core import audit, clock
from apps.customers import services
from apps.customers.models import Account, Contact
from apps.support.models import Queue
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import queries, sign_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def sam(cast: Cast) -> Client:
    return sign_in(cast.sam)


def furnish(number: int = 1) -> Account:
    """Customers with two contacts and two connections each, one of them paused."""
    for index in range(number):
        account = build.account(f"Bramble {index}", tier="premium", domain=f"b{index}.example")
        org = build.org(f"Org {index}", account=account)
        build.connection(f"Nightly {index}", org=org, cadence_seconds=86_400)
        build.connection(f"Trips {index}", org=org, warehouse_type="bigquery", paused=True)
        build.contact(f"ana@b{index}.example", name=f"Ana {index}", org=org)
        build.contact(f"ben@b{index}.example", name="")
    return account


def names(client: Client, query: str = "") -> list[str]:
    return [row.account.name for row in client.get(f"/customers/{query}").context["rows"]]


# -- the list


def test_the_list_says_who_has_what(sam: Client, cast: Cast) -> None:
    account = furnish()
    services.save_account(
        account=account, fields={"owner": cast.sam}, actor=audit.SYSTEM, now=clock.now()
    )
    text = text_of(sam.get("/customers/"))
    for said in ("Bramble 0", "bramble-0, b0.example", "Premium", "Sam Sand", "2 (1 paused)"):
        assert said in text, text


def test_the_list_is_searched_and_filtered_in_its_address(sam: Client) -> None:
    furnish(3)
    build.account("Kite Logistics", tier="free")
    gone = build.account("Gone")
    services.archive_account(account=gone, actor=audit.SYSTEM, now=clock.now())
    seen = {
        "": ["Bramble 0", "Bramble 1", "Bramble 2", "Kite Logistics"],
        "?q=logist": ["Kite Logistics"],
        "?q=B1.example": ["Bramble 1"],
        "?q=ben@b2": ["Bramble 2"],
        "?tier=free": ["Kite Logistics"],
        "?tier=free&q=bramble": [],
        "?state=archived": ["Gone"],
        "?q=%25": [],
        "?tier=x&state=y&cursor=z": ["Bramble 0", "Bramble 1", "Bramble 2", "Kite Logistics"],
    }  # fmt: skip
    for query, expected in seen.items():
        assert names(sam, query) == expected, query
    assert "No customer fits this" in text_of(sam.get("/customers/?q=nobody"))


def test_pages_neither_skip_nor_repeat_also_among_equal_names(sam: Client) -> None:
    for number in range(85):
        build.account("Same" if number < 50 else f"Zeta {number}")
    seen, address, backwards = [], "/customers/", []
    while address:
        page = sam.get(address).context["page"]
        seen += [row.pk for row in page.rows]
        last, address = address, f"/customers/{page.next}" if page.next else ""
    assert len(seen) == len(set(seen)) == 85
    address = last
    while address:
        page = sam.get(address).context["page"]
        backwards = [row.pk for row in page.rows] + backwards
        address = f"/customers/{page.previous}" if page.previous else ""
    assert backwards == seen


def test_a_page_costs_the_same_for_many_customers(sam: Client) -> None:
    one = furnish()
    list_of_one, page_of_one = queries(sam, "/customers/"), queries(sam, f"/customers/{one.key}/")
    contacts_of_one = queries(sam, "/customers/contacts/")
    for index in range(5):
        build.connection(f"More {index}", org=build.org(f"Org more {index}", account=one))
        build.contact(f"more{index}@b0.example")
        build.account(f"Other {index}", domain=f"o{index}.example")
    assert queries(sam, "/customers/") == list_of_one <= 16
    assert queries(sam, f"/customers/{one.key}/") == page_of_one <= 20
    assert queries(sam, "/customers/contacts/") == contacts_of_one <= 14


def test_an_empty_list_teaches_and_leads_to_the_import(sam: Client, cast: Cast) -> None:
    page = sam.get("/customers/")
    assert "No customer yet" in text_of(page) and b'href="/customers/import/"' in page.content
    reader = sign_in(cast.olu).get("/customers/")
    assert "Support agents add them." in text_of(reader)
    assert b"/customers/import/" not in reader.content and b"/customers/new/" not in reader.content


# -- one customer


def test_a_customer_shows_people_connections_and_facts(sam: Client) -> None:
    account = furnish()
    page = sam.get(f"/customers/{account.key}/")
    for said in ("Premium", "Ana 0", "ana@b0.example", "Org 0", "Nightly 0", "daily", "Paused",
                 "bigquery", "Nobody", "b0.example"):  # fmt: skip
        assert said in text_of(page), said
    assert f'href="/customers/contacts/new/?account={account.key}"' in page.content.decode()


def test_a_customers_tickets_stand_on_its_page_but_for_those_of_private_queues(
    sam: Client, cast: Cast
) -> None:
    account = furnish()
    ana = Contact.objects.get(email="ana@b0.example")
    build.ticket("Profile is stale", requester=ana)
    hush = Queue.objects.create(key="hush", name="Hush", is_private=True, team=build.team("hush"))
    build.ticket("Hush", requester=ana, queue=hush)
    page = text_of(sam.get(f"/customers/{account.key}/"))
    assert "Profile is stale" in page and "Hush" not in page
    assert "Hush" in text_of(sign_in(cast.maya).get(f"/customers/{account.key}/"))


def test_who_only_reads_sees_a_customer_without_buttons(cast: Cast) -> None:
    account = furnish()
    olu = sign_in(cast.olu)
    page = olu.get(f"/customers/{account.key}/").content.decode()
    assert "/edit/" not in page and "/archive/" not in page and "Ana 0" in page
    for path in ("customers/new/", f"customers/{account.key}/edit/", "customers/contacts/new/",
                 "customers/import/"):  # fmt: skip
        assert olu.get(f"/{path}").status_code == 403, path
        assert olu.post(f"/{path}", {"name": "X"}).status_code == 403, path
    ana = Contact.objects.first()
    assert ana is not None
    shown = olu.get(f"/customers/contacts/{ana.pk}/").content
    assert b"<form" not in shown[shown.index(b'id="content"') : shown.index(b"</main>")]
    olu.post(f"/customers/contacts/{ana.pk}/", {"email": "x@x.example", "time_zone": "UTC"})
    for action in ("block", "archive"):
        assert olu.post(f"/customers/contacts/{ana.pk}/{action}/").status_code == 403
    assert olu.post(f"/customers/{account.key}/archive/").status_code == 403
    ana.refresh_from_db()
    assert (ana.email, ana.blocked_at, ana.archived_at) == ("ana@b0.example", None, None)


def test_what_is_not_there_is_not_found(sam: Client) -> None:
    for path in ("customers/nobody/", "customers/nobody/edit/", "customers/contacts/99999/"):
        assert sam.get(f"/{path}").status_code == 404, path
    assert sam.post("/customers/contacts/99999/block/").status_code == 404


def test_a_customer_is_added_changed_archived_and_brought_back(sam: Client, cast: Cast) -> None:
    made = sam.post(
        "/customers/new/",
        {"name": "Bramble Foods", "tier": "premium", "domain": "@Bramble.example",
         "owner": str(cast.sam.pk)},
    )  # fmt: skip
    assert made["Location"] == "/customers/bramble-foods/"
    changed = sam.post(
        "/customers/bramble-foods/edit/", {"name": "Bramble", "tier": "partner", "key": "x"}
    )
    assert changed["Location"] == "/customers/bramble-foods/"
    row = Account.objects.get()
    assert (row.name, row.tier, row.owner, row.domain) == ("Bramble", "partner", None, "")
    sam.post("/customers/bramble-foods/archive/")
    assert names(sam) == [] and names(sam, "?state=archived") == ["Bramble"]
    assert "Archived" in text_of(sam.get("/customers/bramble-foods/"))
    sam.post("/customers/bramble-foods/archive/")
    assert names(sam) == ["Bramble"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": ""}, "Name: This is missing."),
        ({"domain": "nothing"}, "“nothing” is not a mail domain."),
        ({"domain": "kite.example"}, "kite.example already belongs to Kite."),
        ({"key": "kite"}, "Account with this Key already exists."),
        ({"key": "import"}, "“import” is a page's own word."),
        ({"tier": "gold"}, "Select a valid choice."),
    ],
)  # fmt: skip
def test_a_wrong_customer_is_shown_again_with_what_was_typed(
    sam: Client, typed: dict[str, str], said: str
) -> None:
    build.account("Kite", domain="kite.example")
    form = {"name": "Bramble", "tier": "premium", "note": "Kept", **typed}
    answer = sam.post("/customers/new/", form)
    assert answer.status_code == 400
    assert said in text_of(answer) and "Kept" in text_of(answer)
    assert Account.objects.count() == 1


# -- contacts


def test_contacts_are_found_by_state_and_words(sam: Client) -> None:
    furnish()
    stray = build.contact("info@stray.example", name="Zoe")
    services.block_contact(contact=stray, actor=audit.SYSTEM, now=clock.now())
    seen = {
        "": ["ana@b0.example", "ben@b0.example", "info@stray.example"],
        "?show=none": ["info@stray.example"],
        "?show=blocked": ["info@stray.example"],
        "?show=archived": [],
        "?q=ana": ["ana@b0.example"],
        "?q=zoe+stray": ["info@stray.example"],
        "?account=bramble-0": ["ana@b0.example", "ben@b0.example"],
        "?account=nobody": [],
    }
    for query, expected in seen.items():
        rows = sam.get(f"/customers/contacts/{query}").context["page"].rows
        assert [row.email for row in rows] == expected, query


def test_a_contact_is_added_for_a_customer_and_changed(sam: Client) -> None:
    account = furnish()
    page = sam.get(f"/customers/contacts/new/?account={account.key}")
    assert page.context["form"].initial["account"] == account.key
    form = {"email": "Eva <EVA@other.example>", "account": account.key, "time_zone": "UTC"}
    assert sam.post("/customers/contacts/new/", form)["Location"] == f"/customers/{account.key}/"
    eva = Contact.objects.get(email="eva@other.example")
    assert eva.account == account
    form = {"email": "eva@other.example", "name": "Eva", "account": "", "time_zone": "Europe/Rome"}
    assert (
        sam.post(f"/customers/contacts/{eva.pk}/", form)["Location"]
        == f"/customers/contacts/{eva.pk}/"
    )
    eva.refresh_from_db()
    assert (eva.name, eva.account, eva.time_zone) == ("Eva", None, "Europe/Rome")


def test_a_contact_without_a_customer_goes_where_the_mail_domain_says(sam: Client) -> None:
    account = furnish()
    sam.post(
        "/customers/contacts/new/", {"email": "eva@b0.example", "account": "", "time_zone": "UTC"}
    )
    assert Contact.objects.get(email="eva@b0.example").account == account


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"email": "ana"}, "“ana” is not an e-mail address."),
        ({"email": "ANA@b0.example"}, "ana@b0.example already belongs to Ana 0"),
        ({"account": "nobody"}, "There is no customer nobody."),
        ({"time_zone": "Mars/Base"}, "Select a valid choice."),
    ],
)
def test_a_wrong_contact_is_shown_again(sam: Client, typed: dict[str, str], said: str) -> None:
    furnish()
    form = {"email": "eva@x.example", "name": "Eva Kept", "time_zone": "UTC", **typed}
    answer = sam.post("/customers/contacts/new/", form)
    assert answer.status_code == 400 and said in text_of(answer), text_of(answer)
    assert b"Eva Kept" in answer.content
    assert not Contact.objects.filter(name="Eva Kept").exists()


def test_a_contact_is_blocked_and_archived_and_back_by_buttons(sam: Client) -> None:
    ana = build.contact()
    for action, column in (("block", "blocked_at"), ("archive", "archived_at")):
        for expected in (True, False):
            answer = sam.post(f"/customers/contacts/{ana.pk}/{action}/")
            assert answer["Location"] == f"/customers/contacts/{ana.pk}/"
            ana.refresh_from_db()
            assert (getattr(ana, column) is not None) is expected
    assert sam.get(f"/customers/contacts/{ana.pk}/block/").status_code == 302


def test_names_from_outside_are_shown_as_text(sam: Client) -> None:
    account = build.account("<script>alert(1)</script>", note="<img src=x onerror=alert(1)>")
    ana = build.contact(name="<b>Ana</b>", account=account)
    for path in (
        "customers/",
        f"customers/{account.key}/",
        "customers/contacts/",
        f"customers/contacts/{ana.pk}/",
    ):
        page = sam.get(f"/{path}").content
        assert b"<script>alert" not in page and b"<b>Ana" not in page and b"<img src=x" not in page


def test_the_search_of_every_page_finds_customers_and_who_writes_for_them(sam: Client) -> None:
    furnish()
    found = sam.get("/search/?q=b0.example").context["found"]
    assert [(one.kind, one.title, one.context) for one in found] == [
        ("Customer", "Bramble 0", "Premium"),
        ("Contact", "Ana 0", "ana@b0.example, Bramble 0"),
        ("Contact", "ben@b0.example", "ben@b0.example, Bramble 0"),
    ]
    for one in found:
        assert sam.get(one.url).status_code == 200
