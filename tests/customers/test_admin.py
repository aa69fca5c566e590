"""Customers in the admin: saved through the services, archived with what belongs to them."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.customers.models import Account, Connection, Contact, Org
from tests import builders as build
from tests.adminkit import fields, messages, send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

ADD = "/admin/customers/{}/add/"


@pytest.fixture
def maya(cast: Cast) -> Client:
    return sign_in(cast.maya)


def change(row: Account | Contact | Org | Connection) -> str:
    return f"/admin/customers/{row._meta.model_name}/{row.pk}/change/"


def press(client: Client, row: Account | Contact | Org | Connection, action: str) -> list[str]:
    address = f"/admin/customers/{row._meta.model_name}/{row.pk}/do/{action}/"
    return messages(client.post(address))[-1:]


def test_an_account_is_made_with_a_clean_domain(maya: Client, cast: Cast) -> None:
    form = fields(maya, ADD.format("account"))
    form |= {"name": ["Bramble Foods"], "key": ["bramble"], "tier": ["premium"]}
    form |= {"owner": [str(cast.sam.pk)], "domain": ["@Bramble.Example"]}
    answer = send(maya, ADD.format("account"), form)
    assert answer.status_code == 302, text_of(answer)
    made = Account.objects.get()
    assert (made.key, made.tier, made.owner, made.domain) == (
        "bramble", "premium", cast.sam, "bramble.example",
    )  # fmt: skip
    assert made.created_at is not None


def test_a_domain_that_is_taken_is_refused_at_its_field(maya: Client) -> None:
    build.account(domain="bramble.example")
    form = fields(maya, ADD.format("account"))
    form |= {"name": ["Other"], "key": ["other"], "domain": ["bramble.example"]}
    answer = send(maya, ADD.format("account"), form)
    assert "This mail domain belongs to another account." in text_of(answer)
    spelled = text_of(send(maya, ADD.format("account"), form, domain=["@Bramble.example"]))
    assert "bramble.example already belongs to Bramble Foods." in spelled


def test_the_key_of_an_account_stays(maya: Client) -> None:
    account = build.account()
    send(maya, change(account), fields(maya, change(account)), key=["other"], name=["Brambles"])
    account.refresh_from_db()
    assert (account.key, account.name) == ("bramble-foods", "Brambles")


def test_an_account_is_archived_with_its_people_and_comes_back(maya: Client) -> None:
    account = build.account(domain="bramble.example")
    ana = build.contact()
    assert press(maya, account, "archive") == [
        "Bramble Foods is archived, with its orgs and contacts."
    ]
    ana.refresh_from_db()
    assert ana.archived_at is not None
    assert press(maya, account, "restore") == ["Bramble Foods is back."]
    ana.refresh_from_db()
    assert ana.archived_at is None


def test_a_contact_is_blocked_and_unblocked(maya: Client) -> None:
    ana = build.contact()
    assert press(maya, ana, "block") == ["ana@bramble.example is blocked."]
    ana.refresh_from_db()
    assert ana.blocked_at is not None
    assert "Blocked" in text_of(maya.get("/admin/customers/contact/?mail=blocked"))
    press(maya, ana, "unblock")
    ana.refresh_from_db()
    assert ana.blocked_at is None


def test_a_contact_of_another_accounts_org_is_refused_at_its_field(maya: Client) -> None:
    bramble = build.account("Bramble")
    org = build.org("Kite", account=build.account("Kite"))
    form = fields(maya, ADD.format("contact"))
    form |= {"email": ["ana@x.example"], "account": [str(bramble.pk)], "org": [str(org.pk)]}
    assert "Kite belongs to Kite, not to Bramble." in text_of(
        send(maya, ADD.format("contact"), form)
    )
    assert not Contact.objects.exists()


def test_a_connection_says_its_cadence_in_words_and_pauses(maya: Client) -> None:
    made = build.connection(cadence_seconds=21_600)
    form = fields(maya, change(made))
    assert form["cadence_seconds"] == ["every 6 h"]
    assert send(maya, change(made), form, cadence_seconds=["daily"]).status_code == 302
    made.refresh_from_db()
    assert made.cadence_seconds == 86_400
    said = text_of(send(maya, change(made), form, cadence_seconds=["often"]))
    assert "“often” is no cadence." in said
    assert press(maya, made, "pause") == ["Bramble Snowflake is paused."]
    assert press(maya, made, "resume") == ["Bramble Snowflake runs again."]


def test_an_org_shows_its_projects_and_opens_them(maya: Client) -> None:
    made = build.connection(org=build.org())
    shown = maya.get(change(made.source.project.org)).content.decode()
    assert f"/admin/customers/project/{made.source.project_id}/change/" in shown
