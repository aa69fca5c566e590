"""What a customer has: keys from names, one org per external id, cadences, out of use and back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from apps.core import audit, clock
from apps.core.errors import Conflict, Invalid
from apps.customers import cadence, selectors, services
from apps.customers.models import Account, Org
from tests import builders as build

pytestmark = pytest.mark.django_db


def by() -> dict[str, Any]:
    return {"actor": audit.SYSTEM, "now": clock.now()}


def test_a_key_comes_from_the_name_and_is_never_given_twice() -> None:
    keys = [build.account(name).key for name in ("Bramble Foods", "Bramble foods", "Æther & Söhne")]
    assert keys == ["bramble-foods", "bramble-foods-2", "ther-sohne"]
    assert build.account("株式会社").key == "account"


def test_what_is_not_named_stays_as_it_is() -> None:
    account = build.account(tier="premium", domain="bramble.example")
    changed = services.save_account(account=account, fields={"note": "Calls on Mondays"}, **by())
    assert (changed.tier, changed.domain, changed.note) == (
        "premium", "bramble.example", "Calls on Mondays",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"name": ""}, ValidationError),
        ({"name": "x" * 121}, ValidationError),
        ({"name": "A", "tier": "gold"}, ValidationError),
        ({"name": "A", "key": "a b"}, ValidationError),
        ({"name": "A", "domain": "nothing"}, Invalid),
        ({"name": "A", "domain": "gmail.com"}, Invalid),
    ],
)
def test_an_account_that_cannot_be_is_refused(
    fields: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        services.save_account(account=None, fields=fields, **by())
    assert not Account.objects.exists()


def test_a_mail_domain_belongs_to_one_account() -> None:
    build.account(domain="bramble.example")
    with pytest.raises(Conflict, match="already belongs to Bramble Foods"):
        build.account("Other", domain="BRAMBLE.example")


def test_a_column_that_is_not_for_editing_cannot_be_set() -> None:
    with pytest.raises(AssertionError):
        services.save_account(
            account=None, fields={"name": "A", "archived_at": clock.now()}, **by()
        )


def test_an_importer_may_say_the_same_org_twice() -> None:
    first, fresh = services.import_org(external_id=" ws-1 ", fields={"name": "Bramble"}, **by())
    again, other = services.import_org(external_id="ws-1", fields={"name": "Bramble EU"}, **by())
    assert (first.pk, again.name, fresh, other) == (again.pk, "Bramble EU", True, False)
    with pytest.raises(Invalid):
        services.import_org(external_id=" ", fields={"name": "Nobody"}, **by())


@pytest.mark.django_db(transaction=True)
def test_two_importers_at_once_make_one_org() -> None:
    start = Barrier(2)

    def bring(number: int) -> int:
        start.wait(5)
        try:
            return services.import_org(
                external_id="ws-1", fields={"name": f"Bramble {number}"}, **by()
            )[0].pk
        finally:
            database.close()

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(bring, [1, 2]))) == 1
    assert Org.objects.count() == 1


def test_contacts_of_an_org_move_to_its_new_account() -> None:
    bramble, kite = build.account("Bramble"), build.account("Kite")
    org = build.org(account=bramble)
    ana = build.contact(org=org)
    services.save_org(org=org, fields={"account": kite}, **by())
    ana.refresh_from_db()
    assert ana.account == kite


def test_a_project_key_is_free_in_each_org() -> None:
    one, two = build.org("One"), build.org("Two")
    keys = [services.save_project(project=None, fields={"org": org, "name": "Boards"}, **by()).key
            for org in (one, two, one)]  # fmt: skip
    assert keys == ["boards", "boards", "boards-2"]


def test_a_pause_keeps_its_beginning_until_it_is_resumed() -> None:
    made, later = build.connection(paused=True), clock.now() + timedelta(hours=3)
    began = made.paused_at
    again = services.save_connection(
        connection=made, fields={}, paused=True, actor=audit.SYSTEM, now=later
    )
    assert again.paused_at == began
    renamed = services.save_connection(connection=made, fields={"name": "New"}, **by())
    assert (renamed.name, renamed.paused_at) == ("New", began)
    resumed = services.save_connection(connection=made, fields={}, paused=False, **by())
    assert resumed.paused_at is None


@pytest.mark.parametrize("seconds", [0, 59, 366 * 86_400 + 1])
def test_a_cadence_is_between_a_minute_and_a_year(seconds: int) -> None:
    with pytest.raises(Invalid, match="between a minute and a year"):
        build.connection(cadence_seconds=seconds)


@pytest.mark.parametrize(
    ("written", "seconds", "shown"),
    [
        ("6 h", 21_600, "every 6 h"), ("daily", 86_400, "daily"), ("", None, ""),
        ("every 15 min", 900, "every 15 m"), ("3600", 3_600, "hourly"), ("–", None, ""),
        ("90m", 5_400, "every 90 m"), ("2 weeks", 1_209_600, "every 2 w"),
        ("61", 61, "every 61 s"), ("every 6 h", 21_600, "every 6 h"),
    ],
)  # fmt: skip
def test_a_cadence_is_read_as_people_write_it(
    written: str, seconds: int | None, shown: str
) -> None:
    assert cadence.parse(written) == seconds
    assert cadence.words(seconds) == shown


@pytest.mark.parametrize("rubbish", ["often", "-5", "1e9", "5 s", "99999 w", "٣ h"])
def test_a_cadence_that_is_none_is_refused(rubbish: str) -> None:
    with pytest.raises(ValueError, match="cadence"):
        cadence.parse(rubbish)


def test_what_was_archived_with_an_account_comes_back_with_it() -> None:
    account = build.account(domain="bramble.example")
    org, ana = build.org(account=account), build.contact()
    ben = build.contact("ben@bramble.example", name="Ben")
    services.archive(row=ben, actor=audit.SYSTEM, now=clock.now() - timedelta(days=1))
    services.archive_account(account=account, **by())
    org.refresh_from_db(), ana.refresh_from_db()
    assert org.archived_at and ana.archived_at
    services.bring_back_account(account=account, **by())
    for row, gone in ((org, False), (ana, False), (ben, True), (account, False)):
        row.refresh_from_db()
        assert (row.archived_at is not None) is gone, row


def test_the_tree_of_an_account_costs_four_queries() -> None:
    account = build.account()
    for number in range(3):
        build.connection(f"C{number}", org=build.org(f"O{number}", account=account))
    gone = build.org("Gone", account=account)
    services.archive(row=gone, **by())
    with CaptureQueriesContext(database) as asked:
        found = [
            (org.name, project.org_id, source.name, connection.name)
            for org in selectors.org_tree(account)
            for project in org.projects.all()
            for source in project.sources.all()
            for connection in source.connections.all()
        ]
    assert [(org, connection) for org, _, _, connection in found] == [
        ("O0", "C0"), ("O1", "C1"), ("O2", "C2"),
    ]  # fmt: skip
    assert len(asked) == 4
