"""What somebody means by a reference, an address or a customer's name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from apps.accounts.models import Person
from apps.changes.models import Change
from apps.core.errors import Invalid
from apps.core.text import one_line
from apps.customers.models import Account
from apps.incidents.models import Incident
from apps.incidents.ports import Hint
from apps.support.models import Ticket

_INCIDENT = re.compile(r"(?:inc-|#)?(\d{1,18})", re.IGNORECASE | re.ASCII)
_TICKET = re.compile(r"tck-(\d{1,18})", re.IGNORECASE | re.ASCII)
_REF = 60  # characters that a link's reference can have


@dataclass(frozen=True)
class Target:
    """What a link leads to."""

    kind: str
    ref: str
    url: str
    label: str


def incident(text: str, viewer: Person) -> Incident | None:
    """The incident of "INC-7", "inc-7", "#7" or "7", if its reader may see it."""
    match = _INCIDENT.fullmatch(text.strip())
    if match is None:
        return None
    return Incident.objects.visible_to(viewer).filter(pk=int(match[1])).first()


def account(name: str, viewer: Person) -> Account | None:
    """The customer of that very name, in any case; None for what no list knows."""
    rows = Account.objects.visible_to(viewer).filter(name__iexact=name.strip(), archived_at=None)
    found = list(rows[:2])
    return found[0] if len(found) == 1 else None


def target(text: str, viewer: Person) -> Target:
    """What "TCK-12", "INC-7", an address or a change's reference means.

    Raises Invalid, by the field `ref`, for what is not there or what the viewer may not see.
    """
    said = one_line(text)
    if said.lower().startswith(("http://", "https://")):
        return _address(said)
    if said.lower().startswith("tck-"):
        return _ticket(said, viewer)
    if said.lower().startswith("inc-"):
        found = incident(said, viewer)
        if found is None:
            raise _unknown(said)
        hidden = found.visibility == Incident.Visibility.RESTRICTED
        title = "" if hidden else found.title  # the label is read by all who see this one
        return Target("incident", found.ref, f"/incidents/{found.ref}/", title)
    change = Change.objects.visible_to(viewer).filter(ref=said).order_by("-occurred_at").first()
    if change is None:
        raise _unknown(said)
    return Target("change", str(change.pk), change.url[:300], change.summary)


def _ticket(said: str, viewer: Person) -> Target:
    match = _TICKET.fullmatch(said)
    rows = Ticket.objects.visible_to(viewer).select_related("queue")
    found = rows.filter(pk=int(match[1])).first() if match else None
    if found is None:
        raise _unknown(said)
    # The label is read by all who see the incident.
    label = "" if found.queue.is_private else found.subject
    return Target("ticket", found.ref, f"/tickets/{found.ref}/", label)


def _address(url: str) -> Target:
    if len(url) > 300:
        raise _wrong("An address has at most 300 characters.")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _wrong("This is no address that can be opened.") from None
    if not parts.netloc:
        raise _wrong("This is no address that can be opened.")
    bare = f"{parts.netloc}{parts.path}".rstrip("/")
    if parts.query or len(bare) > _REF:
        mark = hashlib.sha256(url.encode()).hexdigest()[:8]
        bare = f"{bare[: _REF - 9]} {mark}"
    return Target("url", bare, url, f"{parts.netloc}{parts.path}".rstrip("/")[:300])


def readable(hints: Iterable[Hint]) -> list[Hint]:
    """Hints as links: what a restricted incident is called stays with those who may see it."""
    kept = list(hints)
    refs = [one.ref.removeprefix("INC-") for one in kept if one.kind == "incident"]
    if not refs:
        return kept
    hidden = Incident.objects.filter(
        pk__in=[int(one) for one in refs if one.isdecimal()],
        visibility=Incident.Visibility.RESTRICTED,
    )
    closed = {one.ref for one in hidden}
    return [replace(one, label="") if one.ref in closed else one for one in kept]


def _unknown(ref: str) -> Invalid:
    return _wrong(f"There is no {ref[:60]}. Write TCK-12, INC-7 or an address.")


def _wrong(text: str) -> Invalid:
    return Invalid(text, fields={"ref": [text]})
