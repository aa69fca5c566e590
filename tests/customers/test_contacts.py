"""Who writes to us: one row per address, whoever asks first, and the account it belongs to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from apps.core import audit, clock
from apps.core.errors import Conflict, Invalid
from apps.customers import selectors, services
from apps.customers.models import Contact
from apps.customers.services import contacts
from tests import builders as build

pytestmark = pytest.mark.django_db


def find(email: str, name: str = "") -> tuple[Contact, bool]:
    return services.find_or_create_contact(
        email=email, name=name, actor=audit.SYSTEM, now=clock.now()
    )


@pytest.mark.parametrize(
    ("written", "address", "name"),
    [
        (" ANA@Bramble.Example ", "ana@bramble.example", ""),
        ("Ana Ruiz <Ana@bramble.example>", "ana@bramble.example", "Ana Ruiz"),
        ('"Ruiz, Ana" <ana@bramble.example>', "ana@bramble.example", "Ruiz, Ana"),
        ("mailto:ana@bramble.example", "ana@bramble.example", ""),
        ("ana+bi@data.bramble.example", "ana+bi@data.bramble.example", ""),
        ("ana@bücher.example", "ana@xn--bcher-kva.example", ""),
    ],
)
def test_an_address_is_read_however_it_was_pasted(written: str, address: str, name: str) -> None:
    made, fresh = find(written)
    assert (made.email, made.name, fresh) == (address, name, True)


@pytest.mark.parametrize(
    "rubbish",
    [
        "", "   ", "ana", "@bramble.example", "ana@", "ana@bramble", "a b@bramble.example",
        "ana@@bramble.example", "ana@bramble.example\nBcc: x@y.example", "ana@-x.example",
        "ana@bramble..example", "ana\x00@bramble.example", "\N{KELVIN SIGN}ana@bramble.example",
        f"{'a' * 65}@bramble.example", f"ana@{'x' * 64}.example", f"a@{'abc.' * 70}example",
        "<>", "Ana <>", "x" * 9000,
    ],
)  # fmt: skip
def test_rubbish_is_refused_in_words(rubbish: str) -> None:
    with pytest.raises(Invalid) as refused:
        find(rubbish)
    assert refused.value.fields["email"]
    assert not Contact.objects.exists()


def test_the_same_address_in_other_case_is_the_same_contact() -> None:
    ana, _ = find("ana@bramble.example", "Ana Ruiz")
    again, fresh = find("Ana@BRAMBLE.example", "A. Ruiz")
    assert (again.pk, again.name, fresh) == (ana.pk, "Ana Ruiz", False)


def test_a_contact_belongs_to_the_account_of_the_nearest_domain() -> None:
    group = build.account("Bramble Group", domain="bramble.example")
    foods = build.account("Bramble Foods", domain="@Foods.Bramble.example")
    assert find("a@bramble.example")[0].account == group
    assert find("a@foods.bramble.example")[0].account == foods
    assert find("a@eu.foods.bramble.example")[0].account == foods
    assert find("a@notbramble.example")[0].account is None


def test_an_archived_account_takes_no_new_contacts() -> None:
    account = build.account(domain="bramble.example")
    services.archive_account(account=account, actor=audit.SYSTEM, now=clock.now())
    assert find("ana@bramble.example")[0].account is None


def test_who_writes_again_comes_back_with_a_name_and_an_account() -> None:
    ana, _ = find("ana@bramble.example")
    services.archive(row=ana, actor=audit.SYSTEM, now=clock.now())
    account = build.account(domain="bramble.example")
    again, fresh = find("ana@bramble.example", "Ana\r\nRuiz")
    again.refresh_from_db()
    assert (again.name, again.account, again.archived_at, fresh) == (
        "Ana Ruiz", account, None, False,
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_two_mails_at_once_make_one_contact() -> None:
    build.account(domain="bramble.example")
    start = Barrier(2)

    def arrive(address: str) -> tuple[int, bool]:
        start.wait(5)
        try:
            made, fresh = find(address, "Ana")
            return made.pk, fresh
        finally:
            connection.close()

    for number in range(5):
        with ThreadPoolExecutor(2) as pool:
            found = list(
                pool.map(arrive, [f"ana{number}@bramble.example", f"ANA{number}@bramble.example"])
            )
        assert len({pk for pk, _ in found}) == 1
        assert sorted(fresh for _, fresh in found) == [False, True]
    assert Contact.objects.count() == 5


def test_a_race_that_is_lost_returns_the_row_of_the_winner(monkeypatch: pytest.MonkeyPatch) -> None:
    """The insert between our look and our write, forced: somebody creates it while we look up
    the account."""
    look = contacts._account_of

    def slow(address: str) -> object:
        if not Contact.objects.exists():
            Contact.objects.create(email=address, name="First", created_at=clock.now())
        return look(address)

    monkeypatch.setattr(contacts, "_account_of", slow)
    made, fresh = find("ana@bramble.example", "Second")
    assert (made.name, fresh, Contact.objects.count()) == ("First", False, 1)


def test_a_second_contact_with_the_same_address_is_refused() -> None:
    build.contact("ana@bramble.example")
    with pytest.raises(Conflict) as refused:
        build.contact("ANA@bramble.example", name="Other")
    assert "already belongs to Ana Ruiz" in refused.value.fields["email"][0]


def test_the_account_follows_the_org_and_no_other_is_taken() -> None:
    bramble, kite = build.account("Bramble Foods"), build.account("Kite Logistics")
    org = build.org("Kite", account=kite)
    assert build.contact("a@x.example", org=org).account == kite
    with pytest.raises(Invalid, match="belongs to Kite Logistics"):
        build.contact("b@x.example", org=org, account=bramble)


def test_a_blocked_contact_is_blocked_since_the_first_time() -> None:
    ana, then = build.contact(), clock.now()
    services.block_contact(contact=ana, actor=audit.SYSTEM, now=then)
    services.block_contact(contact=ana, actor=audit.SYSTEM, now=then + timedelta(days=1))
    assert ana.blocked_at == then
    services.unblock_contact(contact=ana, actor=audit.SYSTEM, now=then)
    assert Contact.objects.get().blocked_at is None


def test_the_account_of_a_contact_may_be_that_of_the_org() -> None:
    account = build.account()
    org = build.org()
    ana = build.contact("ana@x.example", org=org)
    assert selectors.account_of(ana) is None
    services.save_org(org=org, fields={"account": account}, actor=audit.SYSTEM, now=clock.now())
    ana.refresh_from_db()
    assert selectors.account_of(ana) == account
