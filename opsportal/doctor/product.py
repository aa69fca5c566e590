"""The product itself: its worker, its address, its mail, and whether anybody can be woken."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings

from apps.accounts.models import Person
from apps.notifications import services as notifications
from apps.notifications.models import ContactMethod
from apps.portal import services as portal
from apps.rotations.models import Role, Shift
from opsportal import health
from opsportal.doctor.finding import Finding, Level, is_production


def worker(now: datetime) -> Iterable[Finding]:
    state = health.look(now=now)
    mend = "Start `manage.py worker`, and read its log. It restarts what dies."
    for name, late, age in (
        ("engine", state.engine_late, state.engine_age),
        ("cluster", state.cluster_late, state.cluster_age),
    ):
        seen = f"was last seen {age.total_seconds():.0f} s ago" if age is not None else "never ran"
        level: Level = "error" if late else "ok"
        yield Finding("worker", level, f"The {name} {seen}.", mend if late else "")
    yield from backlog(state)


def backlog(state: health.State) -> Iterable[Finding]:
    overdue = state.oldest_due_page or timedelta()
    if overdue > timedelta(minutes=1):
        text = f"A page is overdue by {overdue.total_seconds():.0f} s."
        yield Finding("worker", "error", text, "Is the engine running, and fast enough?")
    if state.quarantined:
        text = f"{state.quarantined} deliveries could not be read."
        mend = "Look at them in the admin under Deliveries, and replay them."
        yield Finding("worker", "warning", text, mend)
    if state.failed_messages:
        text = f"{state.failed_messages} messages failed in the last 24 h."
        mend = "Their reasons are in the admin under Messages."
        yield Finding("worker", "warning", text, mend)


def address(now: datetime) -> Iterable[Finding]:
    known = settings.SITE_URL or notifications.site().address
    if not known:
        mend = "Set it under /site/, or OPSPORTAL_SITE_URL in the environment."
        text = "No address is set: links in mails lead to " + notifications.absolute("") + "."
        yield Finding("address", "error" if is_production() else "warning", text, mend)
        return
    yield from address_form(known, production=is_production(), allowed=settings.ALLOWED_HOSTS)


def address_form(known: str, *, production: bool, allowed: list[str]) -> Iterable[Finding]:
    """Whether people and phones outside can follow a link that begins so."""
    parts = urlsplit(known)
    host = parts.hostname or ""
    local = host in {"localhost", "127.0.0.1", "::1", "0.0.0.0"} or host.endswith(".localhost")  # noqa: S104 - compared only
    mend = "Change it under /site/, or OPSPORTAL_SITE_URL in the environment."
    if parts.scheme not in {"http", "https"} or not host:
        yield Finding("address", "error", f"{known} is not an address.", mend)
    elif local:
        text = f"{known} can be opened on this machine alone; links in mails lead nowhere."
        yield Finding("address", "error" if production else "warning", text, mend)
    elif parts.scheme == "http":
        text = f"{known} is not encrypted: passwords and links go in the clear."
        mend = "Put a proxy with TLS in front, then " + mend[0].lower() + mend[1:]
        yield Finding("address", "error" if production else "warning", text, mend)
    elif "*" not in allowed and host not in allowed:
        text = f"{host} is not among ALLOWED_HOSTS, so this site refuses its own links."
        yield Finding("address", "error", text, f"Add {host} to ALLOWED_HOSTS.")
    else:
        yield Finding("address", "ok", known)


def mail(now: datetime) -> Iterable[Finding]:
    """As far as a mail goes before it is handed over."""
    row = notifications.site()
    if not row.smtp_host:
        text = "No mail server is set: no invitations, codes or pages by mail."
        real = Person.objects.active().filter(is_demo=False).exists()
        mend = "Set one up under /site/, and send a test mail."
        yield Finding("mail", "error" if real else "warning", text, mend)
        return
    result = notifications.check_mail_server(now=now)
    where = f"{row.smtp_host}, port {row.smtp_port}"
    if not result.ok:
        text = f"{where}: {result.error.partition(': ')[2] or result.error}"
        yield Finding("mail", "error", text, "Mend it under /site/, and send a test mail there.")
    elif row.smtp_security == "none" and is_production():
        text = f"{where} takes our mail, without encryption."
        yield Finding("mail", "warning", text, "Choose STARTTLS or TLS under /site/.")
    else:
        yield Finding("mail", "ok", f"{where} takes our mail.")


def people(now: datetime) -> Iterable[Finding]:
    if portal.is_first_run():
        mend = (
            f"Open {notifications.absolute('/welcome/')}. From another machine it asks for the "
            f"set-up code, which is {portal.setup_code()}."
        )
        yield Finding("people", "warning", "Nobody can sign in yet.", mend)
        return
    managers = list(Person.objects.active().managers())
    if not managers:
        mend = "manage.py createsuperuser makes one."
        yield Finding("people", "error", "There is no manager.", mend)
        return
    names = [one.name for one in managers if one.is_demo or notifications.can_be_woken(one)]
    if names:
        yield Finding("people", "ok", f"Managers who can be woken: {', '.join(names[:5])}.")
    else:
        mend = "A manager adds a phone (push or SMS) on their profile and confirms it."
        yield Finding("people", "warning", "No manager can be woken: e-mail at most.", mend)
    yield from on_call(now)


def on_call(now: datetime) -> Iterable[Finding]:
    """Who is on call now has confirmed a way to be reached."""
    shifts = Shift.objects.at(now).filter(schedule__archived_at=None, person__is_demo=False)
    found = {
        s.person_id: s.person for s in shifts.exclude(role=Role.SHADOW).select_related("person")
    }
    usable = ContactMethod.objects.usable().filter(person_id__in=found)
    reached = set(usable.values_list("person_id", flat=True))
    mend = "They add a phone on their profile and confirm it with the code."
    for pk, person in found.items():
        if pk not in reached:
            text = f"{person.name} is on call and has confirmed no way to be reached."
            yield Finding("people", "error", text, mend)
        elif not notifications.can_be_woken(person):
            text = f"{person.name} is on call and has e-mail or chat only."
            yield Finding("people", "warning", text, mend)


def demo(now: datetime) -> Iterable[Finding]:
    if portal.is_demo_present() and is_production():
        mend = "Remove them under /site/demo/, which names what goes."
        yield Finding("demo", "warning", "Demo data are in a production site.", mend)
