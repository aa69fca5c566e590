"""Tickets of another desk by the portal: look first, then bring them along, once."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.core import audit, jobs
from apps.core.errors import Conflict, NotFound
from apps.core.models import Heartbeat
from apps.notifications.models import Message
from apps.portal import tasks
from apps.portal.services import ticket_import as service
from apps.support.importing import read
from apps.support.models import StoredFile, Ticket, TicketClock
from tests import builders as build
from tests.conftest import Cast
from tests.portal.kit import sign_in, text_of
from tests.world import World

HEAD = "ref,subject,requester,status,type,surface,owner"
GOOD = f"""{HEAD}
7,Report shows old counts,Ana Ruiz <ana@bramble.test>,solved,stale_profile,,sam@example.com
8,=cmd|' /C calc'!A0,ben@kite.test,open,printer,cellar,gone@old.test
9,,ben@kite.test,open,,,
"""


@pytest.fixture
def maya(world: World, cast: Cast) -> Client:
    build.support(now=world.now)
    return sign_in(cast.maya)


def upload(client: Client, raw: bytes | str = GOOD, name: str = "desk.csv", **more: Any) -> Any:
    content = raw.encode() if isinstance(raw, str) else raw
    data = {"kind": "csv", "file": SimpleUploadedFile(name, content), **more}
    return client.post("/tickets/import/", data)


def many(count: int) -> str:
    rows = (f"{n},Question {n},p{n % 7}@many.test,closed,,," for n in range(1, count + 1))
    return "\n".join([HEAD, *rows])


# -- looking


def test_looking_names_what_would_come_and_saves_no_ticket(maya: Client) -> None:
    answer = upload(maya)
    said = text_of(maya.get(answer["Location"]))
    assert "New 2 1 open, 1 closed" in said
    assert "New contacts 2" in said
    assert "Left out 1 reasons below" in said
    assert "Import 2 tickets, leave out 1" in said
    assert "become “Something else”: printer (1)" in said
    assert "get their type's surface: cellar (1)" in said
    assert "have nobody: gone@old.test (1)" in said
    assert "3 9 It has no subject." in said
    assert Ticket.objects.count() == 0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Choose a file, or paste its text"),
        ({"text": "  "}, "Choose a file, or paste its text"),
        ({"text": "{not json"}, "No row of this file can be imported"),
        ({"text": "[[[[" * 5000}, "nested too deeply"),
        ({"kind": "outlook", "text": GOOD}, "not one of the available choices"),
        ({"source": "no spaces", "text": GOOD}, "valid “slug”"),
    ],
)
def test_what_is_no_export_is_answered_in_words(
    maya: Client, data: dict[str, str], words: str
) -> None:
    answer = maya.post("/tickets/import/", {"kind": "csv", **data}, follow=True)
    assert answer.status_code in {200, 400}
    assert words in text_of(answer)
    assert Ticket.objects.count() == 0


def test_a_file_that_is_too_large_or_broken_says_what_to_do(maya: Client) -> None:
    large = upload(maya, b"x" * 1_900_001)
    assert "Pack it with gzip, or split it" in text_of(large)
    broken = upload(maya, b"\x1f\x8bnot really", "desk.csv.gz")
    assert (broken.status_code, "This gzip file is broken" in text_of(broken)) == (400, True)


def test_a_packed_file_and_a_pasted_text_are_read_the_same(maya: Client) -> None:
    packed = upload(maya, gzip.compress(GOOD.encode()), "desk.csv.gz")
    pasted = maya.post("/tickets/import/", {"kind": "csv", "text": GOOD})
    assert packed["Location"] == pasted["Location"]


@pytest.mark.parametrize(
    ("kind", "raw", "ref"),
    [
        ("zendesk", {"id": 5, "subject": "Charged", "status": "open",
                     "requester": {"email": "ben@kite.test"}}, "5"),
        ("jira", {"issues": [{"key": "SUP-9", "fields": {
            "summary": "Red", "reporter": {"emailAddress": "ben@kite.test"}}}]}, "SUP-9"),
    ],
)  # fmt: skip
def test_zendesk_and_jira_come_under_their_own_names(
    maya: Client, kind: str, raw: Any, ref: str
) -> None:
    answer = upload(maya, json.dumps(raw), "export.json", kind=kind)
    maya.post(answer["Location"])
    made = Ticket.objects.get()
    assert (made.source, made.source_ref, made.channel) == (kind, ref, "import")


# -- doing


def test_a_small_file_is_here_at_once_and_nobody_hears_of_it(maya: Client, cast: Cast) -> None:
    page = upload(maya)["Location"]
    said = text_of(maya.post(page, follow=True))
    assert "Done" in said and "Imported 2" in said and "Left out 1" in said
    seven, eight = Ticket.objects.order_by("source_ref")
    assert (seven.kind, seven.status, seven.owner) == ("backfilled", "closed", cast.sam)
    assert (eight.kind, eight.status, eight.owner) == ("real", "open", None)
    assert (eight.request_type.key, eight.surface) == ("other", None)
    assert not TicketClock.objects.exists() and not Message.objects.exists()
    assert not StoredFile.objects.exists()  # the file has done its work


def test_the_same_file_again_changes_nothing(maya: Client) -> None:
    maya.post(upload(maya)["Location"])
    again = upload(maya)["Location"]
    said = text_of(maya.get(again))
    assert "Here already 2" in said and "it would change nothing" in said
    maya.post(again)
    maya.post(again)
    assert Ticket.objects.count() == 2


def test_another_desk_with_the_same_numbers_is_another_desk(maya: Client) -> None:
    maya.post(upload(maya)["Location"])
    maya.post(upload(maya, source="old-desk")["Location"])
    assert Ticket.objects.count() == 4
    assert set(Ticket.objects.values_list("source", flat=True)) == {"csv", "old-desk"}


def test_what_is_left_out_can_be_downloaded_without_formulas(maya: Client) -> None:
    bad = GOOD + "=HYPERLINK(1),,x@y.test,open,,,\n"
    page = upload(maya, bad)["Location"]
    answer = maya.get(f"{page}left-out.csv")
    rows = list(csv.reader(StringIO(answer.content.decode("utf-8-sig"))))
    assert rows == [
        ["row", "number", "reason"],
        ["3", "9", "It has no subject."],
        ["4", "'=HYPERLINK(1)", "It has no subject."],
    ]


def test_a_contact_that_cannot_be_is_left_out_when_it_comes_to_it(maya: Client) -> None:
    page = upload(maya, f"{HEAD}\n1,Fine,ana@bramble.test,,,,\n2,Odd,a@b@c,,,,\n")["Location"]
    said = text_of(maya.post(page, follow=True))
    assert "Imported 1" in said
    assert "Left out 1" in said


# -- large files


def test_a_large_file_goes_on_in_the_background_batch_by_batch(
    maya: Client, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(
        jobs, "enqueue", lambda task, **given: asked.append({"task": task, **given})
    )
    monkeypatch.setattr(service, "AT_ONCE", 5)
    monkeypatch.setattr(service, "BATCH", 8)
    page = upload(maya, many(20))["Location"]
    assert "Goes on in the background" in text_of(maya.get(page))
    with django_capture_on_commit_callbacks(execute=True):
        said = text_of(maya.post(page, follow=True))
    assert "0 of 20" in said and "It goes on when you close this page" in said
    seen = []
    while asked:
        job = asked.pop()
        assert job.pop("task") == "apps.portal.tasks.bring_tickets"
        tasks.bring_tickets(**job)
        seen.append(Ticket.objects.count())
    assert seen == [8, 16, 20]
    assert "Imported 20" in text_of(maya.get(page))
    assert "20 imported" in text_of(maya.get("/tickets/import/"))


def test_a_batch_that_is_done_twice_or_after_the_end_doubles_nothing(
    world: World, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    build.support(now=world.now)
    monkeypatch.setattr(service, "AT_ONCE", 1)
    monkeypatch.setattr(service, "BATCH", 3)
    found = looked(world, cast, many(5))
    service.start(digest=found.digest, actor=audit.person(cast.maya), now=world.now)
    with pytest.raises(Conflict, match="just now"):
        service.start(digest=found.digest, actor=audit.person(cast.maya), now=world.now)
    with pytest.raises(Conflict, match="just now"):
        looked(world, cast, many(5))
    assert service.step(digest=found.digest, now=world.now) is True
    row = Heartbeat.objects.get(name=f"ticket-import:{found.digest}")
    Heartbeat.objects.filter(pk=row.pk).update(detail={**row.detail, "done": 0})  # died in between
    assert service.step(digest=found.digest, now=world.now) is True
    assert service.step(digest=found.digest, now=world.now) is False
    assert service.step(digest=found.digest, now=world.now) is False
    assert Ticket.objects.count() == 5
    assert service.find(found.digest).percent == 100


def looked(world: World, cast: Cast, text: str) -> service.Import:
    return service.check(
        raw=text.encode(), kind="csv", source="csv", file="x.csv",
        actor=audit.person(cast.maya), now=world.now,
    )  # fmt: skip


def test_a_file_that_nobody_imports_is_forgotten_after_a_day(world: World, cast: Cast) -> None:
    build.support(now=world.now)
    old = looked(world, cast, many(3))
    world.now += timedelta(days=1, minutes=1)
    fresh = looked(world, cast, many(4))
    assert StoredFile.objects.count() == 1
    with pytest.raises(NotFound):
        service.find(old.digest)
    assert service.find(fresh.digest).total == 4


# -- who, and the way there


def test_only_who_sets_support_up_may_import(world: World, cast: Cast) -> None:
    build.support(now=world.now)
    page = upload(sign_in(cast.maya))["Location"]
    for person in (cast.sam, cast.ravi, cast.olu):
        client = sign_in(person)
        assert upload(client).status_code == 403
        assert client.get(page).status_code == client.post(page).status_code == 403
        assert client.get(f"{page}left-out.csv").status_code == 403
    assert Ticket.objects.count() == 0


def test_an_import_that_is_not_there_is_not_found(maya: Client) -> None:
    assert maya.get("/tickets/import/nothing/").status_code == 404
    assert maya.post("/tickets/import/nothing/").status_code == 404
    assert maya.get("/tickets/import/nothing/left-out.csv").status_code == 404


def test_the_sample_is_read_without_a_problem(maya: Client) -> None:
    export = read("csv", maya.get("/tickets/import/sample.csv").content)
    assert export.problems == []
    first, second = export.tickets
    assert (first.ref, first.status, first.tags) == ("1041", "closed", ("delayed", "snowflake"))
    assert first.resolved_at is not None and first.body.startswith("The Monday figures")
    assert (second.priority, second.requester_email) == ("P2", "finance@peakline.example")


def test_the_way_there_leads_from_the_empty_queue_and_the_setup_list(
    maya: Client, cast: Cast
) -> None:
    link = 'href="/tickets/import/"'
    assert link in maya.get("/tickets/").content.decode()
    assert link in maya.get("/setup/").content.decode()
    assert link not in sign_in(cast.sam).get("/tickets/").content.decode()
