"""What managers set up in the admin: queues, request types, macros, views, mailboxes, numbers."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Model
from django.test import Client

from apps.core import audit, clock, secrets
from apps.intake.models import Integration
from apps.support.models import (
    InboundMail,
    Macro,
    Mailbox,
    Queue,
    RequestField,
    RequestType,
    SavedView,
    SupportSettings,
)
from apps.support.seeds import ensure_support
from apps.support.services import desk, mailing, setup
from apps.support.services.setup import Fact
from tests import builders as build
from tests.adminkit import fields, messages, send
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of

pytestmark = pytest.mark.django_db
RAW = """From: Ana <ana@bramble.example>\r
To: help@dataface.example\r
Subject: Help\r
Message-ID: <a@bramble.example>\r
\r
<script>x</script>\r
"""


@pytest.fixture
def maya(cast: Cast) -> Client:
    ensure_support(now=clock.now())
    return sign_in(cast.maya)


def add(model: type[Model]) -> str:
    return f"/admin/support/{model._meta.model_name}/add/"


def change(row: Model) -> str:
    return f"/admin/support/{row._meta.model_name}/{row.pk}/change/"


def press(client: Client, row: Model, action: str, body: Any = None) -> Any:
    return client.post(f"/admin/support/{row._meta.model_name}/{row.pk}/do/{action}/", body or {})


def saved(answer: Any) -> None:
    assert answer.status_code == 302, text_of(answer)


# -- queues


def test_a_new_default_queue_takes_that_from_the_old_one(maya: Client) -> None:
    saved(send(maya, add(Queue), fields(maya, add(Queue)), name="Billing", key="billing",
               is_default="on"))  # fmt: skip
    old, new = Queue.objects.get(key="support"), Queue.objects.get(key="billing")
    assert (old.is_default, new.is_default) == (False, True)
    form = fields(maya, change(new))
    form.pop("is_default")
    assert "make another the default instead" in text_of(send(maya, change(new), form))
    saved(send(maya, change(new), fields(maya, change(new)), key="other", name="Money"))
    new.refresh_from_db()
    assert (new.key, new.name) == ("billing", "Money")


def test_a_private_queue_needs_its_team(maya: Client) -> None:
    form = {**fields(maya, add(Queue)), "name": "Hush", "key": "hush", "is_private": "on"}
    assert "A private queue needs the team that sees it." in text_of(send(maya, add(Queue), form))
    saved(send(maya, add(Queue), form, team=str(build.team("data").pk)))
    assert Queue.objects.get(key="hush").is_private


def test_a_queue_that_something_fills_is_not_archived(maya: Client) -> None:
    queue = Queue.objects.create(key="money", name="Money")
    kind = RequestType.objects.get(key="billing")
    kind.queue = queue
    kind.save()
    assert "still used by the request type Billing" in text_of(press(maya, queue, "archive"))
    assert "This is the default queue." in text_of(
        press(maya, Queue.objects.get(key="support"), "archive")
    )
    RequestType.objects.filter(pk=kind.pk).update(queue=Queue.objects.get(key="support"))
    assert messages(press(maya, queue, "archive"))[-1] == "Money is archived."
    assert messages(press(maya, queue, "restore"))[-1] == "Money is back."


# -- request types


def test_a_request_type_is_made_with_its_facts_in_order(maya: Client, cast: Cast) -> None:
    surface = build.surface("platform.exports")
    form = fields(maya, add(RequestType))
    queue = Queue.objects.get()
    form |= {
        "name": ["Export is late"], "queue": [str(queue.pk)], "surface": [str(surface.pk)],
        "owner": [str(cast.sam.pk)], "impact": ["high"], "urgency": ["low"],
        "facts-0-position": ["2"], "facts-0-label": ["Target"], "facts-0-kind": ["choice"],
        "facts-0-choices": ["S3, GCS, , S3"], "facts-0-inside": ["on"],
        "facts-1-position": ["1"], "facts-1-label": ["Übergabe 7"], "facts-1-required": ["on"],
        "facts-2-label": ["Gone"], "facts-2-remove": ["on"],
    }  # fmt: skip
    saved(send(maya, add(RequestType), form))
    made = RequestType.objects.get(name="Export is late")
    assert (made.key, made.surface, made.owner) == ("export_is_late", surface, cast.sam)
    one, two = made.fields.all()
    assert (one.key, one.label, one.kind, one.is_required, one.is_public) == (
        "bergabe_7", "Übergabe 7", "text", True, True,
    )  # fmt: skip
    assert (two.key, two.choices, two.is_public) == ("target", ["S3", "GCS"], False)


def test_facts_keep_their_rows_when_they_are_moved_and_named_anew(maya: Client) -> None:
    made = RequestType.objects.get(key="billing")
    before = {row.key: row.pk for row in made.fields.all()}
    form = fields(maya, change(made))
    assert form["facts-0-key"] == ["invoice"] and form["facts-2-label"] == ["Amount"]
    form |= {"facts-0-position": ["9"], "facts-1-remove": ["on"], "facts-2-label": ["Sum"]}
    saved(send(maya, change(made), form))
    after = list(made.fields.values_list("key", "label", "position"))
    assert after == [("amount", "Sum", 0), ("invoice", "Invoice", 1)]
    assert made.fields.get(key="invoice").pk == before["invoice"]
    saved(send(maya, change(made), fields(maya, change(made)), key="other_key"))
    made.refresh_from_db()
    assert made.key == "billing"


def test_facts_that_make_no_sense_are_named(maya: Client) -> None:
    made = RequestType.objects.get(key="billing")
    form = fields(maya, change(made))
    for more, said in (
        ({"facts-3-label": "Invoice"}, "there is one called invoice already"),
        ({"facts-3-label": "Plan", "facts-3-kind": "choice"}, "say what can be chosen"),
        ({"facts-3-help": "only help"}, "give it a name"),
        ({"facts-3-label": "x", "facts-3-kind": "nothing"}, "choose its kind"),
        ({"facts-3-label": "x", "facts-3-kind": "choice", "facts-3-choices": "y" * 99},
         "a choice has at most 80"),
        ({"facts-3-label": "x", "facts-3-key": "Not A Key"}, "lower-case words"),
    ):  # fmt: skip
        assert said in text_of(send(maya, change(made), {**form, **more})), more
    assert made.fields.count() == 3
    assert RequestField.objects.filter(key="Not A Key").count() == 0


def test_a_type_that_a_mailbox_opens_is_not_archived(maya: Client) -> None:
    made = RequestType.objects.get(key="other")
    Mailbox.objects.create(
        name="Help", address="help@x.example", queue=made.queue, request_type=made
    )
    assert "still used by the mailbox help@x.example" in text_of(press(maya, made, "archive"))
    billing = RequestType.objects.get(key="billing")
    assert messages(press(maya, billing, "archive"))[-1] == "Billing is archived."
    shown = maya.get("/admin/support/requesttype/").content.decode()
    assert change(made) in shown and change(billing) not in shown


def test_a_second_type_of_the_same_name_gets_a_key_of_its_own(maya: Client) -> None:
    form = fields(maya, add(RequestType)) | {"queue": [str(Queue.objects.get().pk)]}
    saved(send(maya, add(RequestType), form, name="Billing"))
    assert RequestType.objects.filter(key="billing_2").exists()
    assert "already exists" in text_of(
        send(maya, add(RequestType), form, name="Other", key="billing")
    )
    long = Fact(label="9" * 80)
    assert setup._checked([long])[0].key == f"fact_{'9' * 35}"


# -- macros


def test_a_macro_shows_how_it_reads(maya: Client) -> None:
    form = fields(maya, add(Macro))
    form |= {
        "name": ["Ask for the run"], "body": ["Hello {requester}, {ref}: {nonsense}?"],
        "add_tags": ["Needs-Run, #eu, needs-run"], "then": ["wait"],
        "request_types": [str(RequestType.objects.get(key="stale_profile").pk)],
    }  # fmt: skip
    saved(send(maya, add(Macro), form))
    made = Macro.objects.get()
    assert made.add_tags == ["needs-run", "eu"]
    assert [row.key for row in made.request_types.all()] == ["stale_profile"]
    page = maya.get(change(made))
    assert "Hello Ana Ruiz, TCK-7: {nonsense}?" in text_of(page)
    assert b'data-fills="id_body"' in page.content


def test_a_macro_that_resolves_says_how_it_ended(maya: Client) -> None:
    form = fields(maya, add(Macro)) | {"name": ["Done"], "body": ["Done."], "then": ["resolve"]}
    assert "Say how it ended." in text_of(send(maya, add(Macro), form))
    note = {name: value for name, value in form.items() if name != "is_public"}
    assert "Only a public reply does more." in text_of(send(maya, add(Macro), note))
    assert "At most 20 tags" in text_of(
        send(maya, add(Macro), form, then="", add_tags=",".join(str(n) for n in range(21)))
    )
    saved(send(maya, add(Macro), form, resolution_code="fixed"))
    made = Macro.objects.get()
    saved(send(maya, change(made), fields(maya, change(made)), then=""))
    made.refresh_from_db()
    assert made.resolution_code == ""


# -- views and numbers


def test_everybodys_views_are_kept_and_put_in_order(maya: Client, cast: Cast) -> None:
    own = desk.save_view(
        view=None, person=cast.sam, name="Mine", query="status=open", now=clock.now()
    )
    saved(send(maya, add(SavedView), fields(maya, add(SavedView)), name="Open P1",
               query="status=open&priority=P1&nonsense=1"))  # fmt: skip
    made = SavedView.objects.get(name="Open P1")
    assert made.person is None and "nonsense" not in made.query
    assert "Mine" not in text_of(maya.get("/admin/support/savedview/"))
    assert maya.get(change(own)).status_code == 302
    press(maya, made, "up")
    names = SavedView.objects.filter(person=None).order_by("position")
    assert [row.name for row in names] == ["Stale profiles", "Open P1", "Billing escalations"]
    maya.post(f"/admin/support/savedview/{made.pk}/delete/", {"post": "yes"})
    assert not SavedView.objects.filter(pk=made.pk).exists()
    assert SavedView.objects.filter(pk=own.pk).exists()


def test_the_numbers_have_their_limits(maya: Client) -> None:
    row = SupportSettings.objects.get()
    saved(send(maya, change(row), fields(maya, change(row)), undo_seconds="30", sender_name="Help"))
    row.refresh_from_db()
    assert (row.undo_seconds, row.sender_name) == (30, "Help")
    for name, value in (("undo_seconds", "121"), ("close_after_days", "0"), ("reopen_days", "-1")):
        answer = send(maya, change(row), fields(maya, change(row)), **{name: value})
        assert answer.status_code == 200, name
    assert maya.get(add(SupportSettings)).status_code == 403
    once = text_of(press(maya, row, "new_secret"))
    assert "This is shown once." in once
    row.refresh_from_db()
    assert secrets.unseal(row.form_secret_sealed) not in text_of(maya.get(change(row)))


# -- mail


@pytest.fixture
def box(maya: Client) -> Mailbox:
    form = fields(maya, add(Mailbox))
    kind = RequestType.objects.get(key="other")
    form |= {
        "name": ["Help"], "address": ["Help@Dataface.example"], "queue": [str(kind.queue_id)],
        "request_type": [str(kind.pk)], "imap_host": ["127.0.0.1"], "imap_port": ["9"],
        "imap_security": ["none"], "imap_user": ["help"], "password": [" s3cret word "],
    }  # fmt: skip
    saved(send(maya, add(Mailbox), form))
    return Mailbox.objects.get()


def test_a_password_is_kept_sealed_and_never_shown(maya: Client, box: Mailbox) -> None:
    assert box.address == "help@dataface.example"
    assert secrets.unseal(box.password_sealed) == " s3cret word "
    page = maya.get(change(box))
    assert (
        b"s3cret" not in page.content
        and b"s3cret" not in maya.get(f"/admin/support/mailbox/{box.pk}/history/").content
    )
    Mailbox.objects.filter(pk=box.pk).update(last_uid=9, uid_validity=1)
    saved(send(maya, change(box), fields(maya, change(box)), name="Helpdesk"))
    box.refresh_from_db()
    assert secrets.unseal(box.password_sealed) == " s3cret word "
    assert (box.name, box.last_uid) == ("Helpdesk", 9)
    saved(send(maya, change(box), fields(maya, change(box)), folder="Support"))
    box.refresh_from_db()
    assert (box.folder, box.last_uid, box.uid_validity) == ("Support", 0, None)


def test_a_mailbox_that_cannot_be_reached_says_why(maya: Client, box: Mailbox) -> None:
    assert "The server cannot be reached" in text_of(press(maya, box, "test"))
    (said,) = messages(press(maya, box, "fetch"))
    assert said.startswith("Nothing was taken: The server cannot be reached")
    assert "Failing" in text_of(maya.get("/admin/support/mailbox/"))
    for name, value in (("imap_port", "0"), ("imap_port", "70000"), ("imap_user", "")):
        answer = send(maya, change(box), fields(maya, change(box)), **{name: value})
        assert answer.status_code == 200, (name, value)


def test_a_hook_address_is_shown_once_and_ends_the_one_before(maya: Client, box: Mailbox) -> None:
    first = press(maya, box, "make_hook")
    assert "/hooks/" in first.content.decode() and "This is shown once." in text_of(first)
    box.refresh_from_db()
    old = Integration.objects.get(pk=box.hook_integration_id)
    press(maya, box, "make_hook")
    box.refresh_from_db()
    old.refresh_from_db()
    assert old.archived_at is not None and box.hook_integration_id != old.pk
    assert "Mail to help@dataface.example" in text_of(maya.get(change(box)))


def test_a_mail_is_downloaded_as_it_came_and_taken_again(maya: Client, box: Mailbox) -> None:
    raw = RAW.encode()
    row = mailing.keep(raw=raw, received_at=clock.now(), now=clock.now(), mailbox=box)
    InboundMail.objects.filter(pk=row.pk).update(status="ignored", reason="A robot wrote it.")
    address = f"/admin/support/inboundmail/{row.pk}"
    got = maya.get(f"{address}/raw/")
    assert got.content == raw and got["Content-Type"] == "application/octet-stream"
    assert got["Content-Disposition"].startswith("attachment") and got["X-Content-Type-Options"]
    assert "A robot wrote it." in text_of(maya.get(f"{address}/change/"))
    (said,) = messages(press(maya, row, "take_again"))
    row.refresh_from_db()
    assert row.ticket is not None and said == f"It is on {row.ticket.ref} now."
    assert press(maya, row, "take_again").status_code == 404
    InboundMail.objects.filter(pk=row.pk).update(raw=None)
    assert maya.get(f"{address}/raw/").status_code == 404
    assert maya.get("/admin/support/inboundmail/x/raw/").status_code == 404


def test_services_refuse_what_the_forms_would(maya: Client) -> None:
    actor = audit.SYSTEM
    with pytest.raises(setup.Conflict, match="last request type"):
        RequestType.objects.exclude(key="other").update(archived_at=clock.now())
        setup.archive_request_type(
            request_type=RequestType.objects.get(key="other"), actor=actor, now=clock.now()
        )
    queue = Queue.objects.create(key="old", name="Old", archived_at=clock.now())
    kind = RequestType.objects.get(key="billing")
    RequestType.objects.filter(pk=kind.pk).update(queue=queue)
    kind.refresh_from_db()
    with pytest.raises(setup.Conflict, match="Bring that back first"):
        setup.bring_back(row=kind, actor=actor)
