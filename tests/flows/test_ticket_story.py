"""A ticket as its people live it: real mail in over IMAP, real mail out over SMTP, real processes.

A customer writes; the surface's owner gets the ticket; nobody answers, so the promise is missed and
whoever is on call is paged; the reply goes out; the ticket waits for an incident, returns when that
is resolved, and the requester says that it is not solved.
"""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from tests.flows.product import Inbox, Product, inbox, link_in, text_of, until
from tests.flows.test_alert_to_acknowledgement import set_up
from tests.support.imap import PASSWORD, USER, ImapServer, imap_server

pytestmark = [pytest.mark.flow, pytest.mark.timeout(1200)]
BOX = "support@fish.example.net"
ANA = "ana@bramble.example.net"
# The schedules run every minute, and a cluster that hangs is replaced after two.
PATIENCE = 320


def write(server: ImapServer, body: str, *, to: str = BOX, subject: str, **fields: str) -> None:
    """The customer's mail program."""
    number = len(server.sent)
    server.sent.append(body)
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    head = f"From: Ana Ruiz <{ANA}>\r\nTo: {to}\r\nSubject: {subject}\r\n"
    server.put(f"{head}Message-ID: <{number}@bramble>\r\n{more}\r\n{body}\r\n".encode())


def mailbox(product: Product, server: ImapServer) -> None:
    """A manager's settings: a mailbox, and a promise so short that a test can wait for it."""
    product.query(f"""
from apps.support.models import Mailbox, Queue, RequestType, SlaTarget, EscalationStep
from apps.support.services import mailboxes
queue = Queue.objects.get(is_default=True)
box = Mailbox.objects.create(name="Support", address="{BOX}", queue=queue,
    request_type=RequestType.objects.get(key="stale_profile"), imap_host="127.0.0.1",
    imap_port={server.port}, imap_security="none", imap_user="{USER}")
mailboxes.set_password(mailbox=box, password="{PASSWORD}")
from apps.calendars.models import BusinessCalendar
always = BusinessCalendar.objects.get(key="always")
cell = SlaTarget.objects.get(policy__is_default=True, metric="first_reply", priority="P3")
cell.seconds, cell.calendar, cell.warn_percents = 5, always, []
cell.save()
cell.steps.all().delete()
EscalationStep.objects.create(target=cell, after_seconds=0, notify="page")
answer = True
""")


def ticket(product: Product) -> dict[str, str]:
    found: dict[str, str] = product.query("""
from apps.support.models import Ticket
t = Ticket.objects.order_by("pk").first()
answer = {} if t is None else {"ref": t.ref, "status": t.status, "owner": t.owner.name if t.owner
    else "", "surface": t.surface.key if t.surface else "", "last": str(t.messages.latest("pk").pk)}
""")
    return found


def act(product: Product, ticket_ref: str, path: str, **fields: str) -> httpx.Response:
    """Press a button of the ticket's page."""
    page = product.client.get(f"/tickets/{ticket_ref}/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert page.status_code == 200 and token
    data = {"csrfmiddlewaretoken": token[1], **fields}
    address = f"/tickets/{ticket_ref}/{path}/"
    answer = product.client.post(address, data=data, headers={"Referer": f"{product.url}{address}"})
    assert answer.status_code < 400, answer.text[:800]
    return answer


@pytest.fixture
def mail() -> object:
    with inbox() as box:
        yield box


def test_a_ticket_from_mail_to_not_solved(tmp_path: Path, mail: Inbox) -> None:
    with set_up(tmp_path / "copy", mail) as product, imap_server() as server:
        mailbox(product, server)
        write(server, "The profile shows Friday.", subject="Profile is stale")

        receipt = mail.wait(ANA, "has arrived", within=PATIENCE)
        new = mail.wait("ravi@example.com", "is new", within=PATIENCE)
        assert "Profile is stale" in f"{new['Subject']} {text_of(new)}"  # it may come bundled
        story = ticket(product)
        assert (story["surface"], story["owner"]) == ("inspect.profiler", "Ravi Rao")
        ref = story["ref"]
        assert f"[{ref}]" in str(receipt["Subject"])
        assert receipt["Auto-Submitted"] == "auto-replied"

        paged = mail.wait("ravi@example.com", "You are on call (1 of", within=PATIENCE)
        assert ref in str(paged["Subject"])

        act(product, ref, "say", kind="reply", body="We look at it.", seen=story["last"])
        reply = mail.wait(ANA, "We look at it.", within=40)
        assert reply["Auto-Submitted"] is None
        assert "<0@bramble>" in str(reply["References"])

        declared = product.form(
            "/incidents/new/", title="Snowflake times out", severity="SEV3",
            detection_source="customer",
        )  # fmt: skip
        incident = re.search(r"INC-\d+", str(declared.url))
        assert incident, declared.text[:500]
        act(
            product, ref, "do/wait_third_party", ref=incident[0], expected_by="2099-01-01T10:00",
        )  # fmt: skip
        assert ticket(product)["status"] == "waiting_third_party"

        product.query(f"""
from apps.core import audit, clock
from apps.incidents import services
from apps.incidents.models import Incident
row = Incident.objects.get(pk={incident[0][4:]})
services.transition(
    incident=row, to="resolved", actor=audit.SYSTEM, now=clock.now(),
    impact_summary="One customer's profiles.", public_silence="The customer hears in the ticket.",
)
answer = True
""")
        assert ticket(product)["status"] == "open"
        told = mail.wait(ANA, "done on our side", within=20)
        mail.wait("ravi@example.com", "is back", within=PATIENCE)

        story = ticket(product)
        act(
            product, ref, "say", kind="reply", body="It is fixed.", seen=story["last"],
            then="resolve", code="fixed",
        )  # fmt: skip
        solved = mail.wait(ANA, "It is not solved", within=40)
        assert ticket(product)["status"] == "resolved"
        assert str(told["Message-ID"]) in str(solved["References"])

        _the_page_changes_nothing_by_itself(product, link_in(solved, "/requests/"))
        assert ticket(product)["status"] == "open"
        mail.wait("ravi@example.com", "answer from the customer", within=PATIENCE)

        reference = str(solved["Message-ID"])
        write(server, "Still Friday.", subject="Re: whatever", In_Reply_To=reference)
        again = until(
            "the answer by mail", lambda: _said(product, "Still Friday."), within=PATIENCE
        )
        assert again == ref
        assert text_of(reply).startswith("We look at it.")


def _the_page_changes_nothing_by_itself(product: Product, link: str) -> None:
    """What a mail scanner does to a link, and then what the requester does."""
    address = link.split("#")[0].split("?")[0].removeprefix(product.url)
    with httpx.Client(base_url=product.url, follow_redirects=True, timeout=10) as outside:
        page = outside.get(address)
        assert page.status_code == 200 and "We look at it." in page.text
        assert "inspect.profiler" not in page.text and "INC-" not in page.text
        assert ticket(product)["status"] == "resolved"
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        data = {"body": "It is not.", "do": "not_solved"}
        data |= {"csrfmiddlewaretoken": token[1]} if token else {}
        done = outside.post(address, data=data, headers={"Referer": f"{product.url}{address}"})
        assert done.status_code == 200


def _said(product: Product, words: str) -> str:
    found: str = product.query(f"""
from apps.support.models import TicketMessage
m = TicketMessage.objects.filter(body="{words}").select_related("ticket").first()
answer = m.ticket.ref if m else ""
""")
    return found
