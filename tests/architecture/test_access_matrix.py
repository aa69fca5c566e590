"""The access matrix: every address by every role and every key of a team by what they may not see.

Addresses are walked off the resolver, so a new one fails here until somebody says who may open it
and what about it can be hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, path

from apps.accounts.models import Person, Team
from apps.accounts.roles import Role, Scope
from apps.alerts import services as alerts
from apps.alerts.services.heartbeats import create_heartbeat
from apps.core import audit, clock
from apps.followups import services as followups
from apps.followups.models import FollowUp
from apps.notifications import services as notifications
from apps.notifications.models import Channel, Message
from apps.ownership.models import Surface
from apps.runbooks import services as runbooks
from apps.runbooks.models import Execution, Runbook
from apps.runbooks.steps import StepIn
from apps.support.models import Attachment, Queue, Ticket
from apps.support.services.files import accept
from apps.telemetry.services.slos import create_slo
from opsportal.asgi import application
from tests import builders as build
from tests.calls import Caller, signed_in, tool
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Route:
    """One address: its pattern, its name, its parameters."""

    pattern: str
    name: str
    view: Any

    @property
    def parameters(self) -> tuple[str, ...]:
        named = re.findall(r"\(\?P<(\w+)>|<(?:\w+:)?(\w+)>", self.pattern)
        return tuple(one or other for one, other in named)

    @property
    def is_api(self) -> bool:
        return self.pattern.startswith("api/v1/")

    @property
    def is_admin(self) -> bool:
        return self.pattern.startswith("admin/")

    def path(self, **given: object) -> str:
        """The address with these parameters; the others get a value that fits and means nothing."""
        values = {**NOTHING, **{name: str(value) for name, value in given.items()}}
        text = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", self.pattern)
        text = re.sub(r"<(?:\w+:)?(\w+)>", lambda m: values[m[1]], text)
        return "/" + re.sub(r"[\^$\\]", "", text)


NOTHING = {
    "pk": "987654", "ref": "INC-987654", "key": "nothing", "token": "nothing", "rest": "nothing",
    "object_id": "987654", "name": "archive", "content_type_id": "987654", "app_label": "alerts",
    "delivery": "987654", "url": "nothing", "urgency": "high", "channel": "email", "uidb36": "x",
    "email": "nobody@example.com", "do": "accept", "table": "metric", "digest": "0" * 64,
    "position": "1", "number": "1", "what": "nothing", "section": "impact", "kind": "rate",
}  # fmt: skip


def walk(resolver: URLResolver, prefix: str = "") -> Iterator[Route]:
    for entry in resolver.url_patterns:
        pattern = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from walk(entry, pattern)
        else:
            assert isinstance(entry, URLPattern)
            yield Route(pattern, entry.name or pattern, entry.callback)


ROUTES = list(walk(get_resolver()))
SITE = [route for route in ROUTES if not route.is_admin and not route.is_api]
ADMIN = [route for route in ROUTES if route.is_admin]
API = [route for route in ROUTES if route.is_api]

# Who is not signed in may open these, and why.
PUBLIC = {
    "accounts/login/": "signing in",
    "account_login": "signing in",
    "login": "the admin's sign-in page leads to the one sign-in page",
    "account_logout": "signing out; without a session it leads to the sign-in page",
    "account_inactive": "says that somebody was deactivated, and nothing else",
    "account_signup": "says that there is no sign-up",
    "account_reset_password": "a forgotten password; answers alike for every address",
    "account_reset_password_done": "says that a mail may have been sent",
    "account_reset_password_from_key": "the signed key in the address is the credential",
    "account_reset_password_from_key_done": "says that the password was changed",
    "account_email_verification_sent": "says that a mail was sent",
    "account_confirm_email": "the signed key in the address is the credential",
    "account_confirm_login_code": "a code by mail; off, and leads to the sign-in page",
    "ack": "the signed token in the address names one page and one person",
    "test_page": "the signed token in the address names one test page",
    "join": "the token in the address is an invitation",
    "welcome": "the first manager, while there is nobody; then it leads to the sign-in page",
    "styleguide": "example data, in development only",
    "healthz": "whether the process answers, for whoever runs it",
    "readyz": "whether pages go out, for whoever runs it",
    "metrics": "a key or the machine itself; checked by the view",
    "robots": "keeps search engines out",
    "ticket_request": "the signed token in the address names one ticket and one contact",
    "ticket_request_file": "the same token; a file of that ticket's public words",
    "report": "anybody may report a problem, while the form is open",
    "report_embed": "the same form in a frame of the customer's product",
    "report_sent": "the signed token in the address names one receipt",
    "report_embed_sent": "the same in a frame",
    "status": "the public status page",
    "status_history": "the public status page",
    "status_incident": "a public incident of it; what is not public is not found",
    "status_atom": "the public status page",
    "status_api": "the public status page",
    "status_subscribe": "anybody may follow it; answers alike for every address",
    "status_confirm": "the signed token in the address names one follower",
    "status_unsubscribe": "the same",
    "slack_hook": "Slack signs what it sends; the token in the address names the workspace",
    "api-not-here": "says that there is nothing, to everybody",
}
# On the lean path, in front of Django.
LEAN = (
    "/api/v1/events",
    "/api/v1/events/batch",
    "/v2/enqueue",
    "/v2/change/enqueue",
    "/hooks/x/gcp",
    "/v2/alerts",
    "/v2/alerts/x/close",
    "/ping/x/y",
    "/api/v1/telemetry/profile-runs",
    "/api/v1/telemetry/report-runs",
    "/api/v1/telemetry/semantic-labels",
    "/api/v1/telemetry/sli-counts",
    "/api/v1/telemetry/measurements",
)

MEMBERS = "members see all operational rows"
# Pages with a parameter whose object nobody with a role may be kept from.
ORDINARY = {
    "page_acknowledge": MEMBERS, "alert": MEMBERS, "alert_acknowledge": MEMBERS,
    "alert_resolve": MEMBERS, "alert_comment": MEMBERS, "alert_route": MEMBERS,
    "schedule": MEMBERS, "person": MEMBERS, "surface": MEMBERS,
    "customer": MEMBERS, "customer_edit": MEMBERS, "customer_archive": MEMBERS,
    "contact": MEMBERS, "contact_block": MEMBERS, "contact_archive": MEMBERS,
    "invite_again": "people are edited by managers, who see all of them",
    **dict.fromkeys(
        ("integration", "integration_act", "integration_replay", "slack_page", "slack_act"),
        "sources are for everybody; managers alone change them, and see all of them",
    ),
    **dict.fromkeys(
        ("telemetry_run", "telemetry_source", "slo", "slo_edit", "slo_archive", "alert_rule",
         "alert_rule_edit", "alert_rule_replay", "alert_rule_on", "alert_rule_off",
         "alert_rule_archive", "alert_silence", "silence", "silence_change", "silence_end",
         "heartbeat", "heartbeat_edit", "heartbeat_act"),
        MEMBERS,
    ),
    "telemetry_file": "the parameter is a word: a table of figures",
    "alert_rule_draft": "the parameter is a word: a kind of rule",
    "profile_rules": "the parameter is a word: one's own rules for this urgency",
    "site_account": "the parameter is a word: the site's account with a channel",
    "ticket_view": "one's own views and everybody's; others' are not found, which its test shows",
    "ticket_report_file": "the parameter is a word; its rows are of visible tickets",
    "ticket_import_one": "imports are for managers, who see all of them",
    "ticket_import_problems": "imports are for managers, who see all of them",
    "incident_figures_file": "the parameter is a word; its rows are of visible incidents",
    **dict.fromkeys(
        ("runbook", "runbook_edit", "runbook_about", "runbook_export", "runbook_submit",
         "runbook_approve", "runbook_return", "runbook_review", "runbook_retire", "runbook_start"),
        "runbooks are for whoever is woken",
    ),
}  # fmt: skip
RESTRICTED = [
    "incident", "incident_live", "incident_move", "incident_severity", "incident_comment",
    "incident_command", "incident_acknowledge", "api-incident", "api-incident-transition",
    "api-incident-timeline", "api-incident-acknowledge", "api-incident-severity",
    "api-incident-milestones", "api-incident-merge", "api-incident-unmerge",
    "api-incident-correction", "api-incident-page", "api-incident-hints", "api-incident-roles",
    "api-incident-tasks", "api-incident-task", "api-incident-task-transition",
    "api-incident-impacts", "api-incident-impact", "api-incident-impact-remove",
    "api-incident-links", "api-incident-link", "api-incident-updates", "api-incident-prepared",
    "api-incident-update", "api-incident-update-transition", "api-incident-promises",
    "api-incident-review", "api-incident-review-transition", "api-incident-review-factor",
    "api-incident-review-comments", "incident_hint", "incident_snooze", "incident_act",
    "incident_call", "incident_times", "incident_correct", "incident_run", "incident_update_new",
    "incident_update_edit", "incident_update_act", "incident_review", "incident_review_section",
    "incident_review_do",
]  # fmt: skip
# Of a restricted incident, or what comes from it.
FOLLOW_UPS = [
    "followup", "followup_edit", "followup_act", "api-followup", "api-followup-transition",
    "api-followup-evidence", "api-followup-evidence-withdraw", "api-followup-notes",
]  # fmt: skip
RUNS = [
    "runbook_run", "runbook_run_live", "runbook_run_move", "runbook_run_step", "runbook_run_wrong",
    "api-execution", "api-execution-transition", "api-execution-step", "api-execution-wrong",
]  # fmt: skip
# Of a ticket in a private queue, or on another team's surface.
TICKETS = [
    "api-ticket", "api-ticket-transition", "api-ticket-messages", "api-ticket-file",
    "api-ticket-merge", "api-ticket-unmerge", "api-ticket-split", "api-ticket-links",
    "api-ticket-link", "api-ticket-escalate", "api-ticket-watchers", "api-ticket-watcher",
    "api-ticket-events", "api-ticket-csat",
]  # fmt: skip
TICKET_PAGES = [
    "ticket", "ticket_live", "ticket_draft", "ticket_presence", "ticket_say", "ticket_undo",
    "ticket_macro", "ticket_link", "ticket_unlink", "ticket_file", "ticket_message", "ticket_text",
    "ticket_html", "ticket_act",
]  # fmt: skip
CONTACTS = ["profile_method", "profile_resend", "profile_remove", "profile_test"]
MAILBOX = ["mailbox_message", "mailbox_html"]
FORM = {"text": "x", "to": "resolved", "severity": "SEV1", "code": "1", "note": "x"}


def named(name: str) -> Route:
    return next(route for route in ROUTES if route.name == name)


# -- every address asks who you are


def test_every_address_but_the_named_ones_asks_who_you_are(cast: Cast) -> None:
    assert open_to_strangers([route for route in ROUTES if route.name not in PUBLIC]) == []


def open_to_strangers(routes: list[Route]) -> list[tuple[str, str, int]]:
    """Addresses that answer somebody without a session or key: pattern, method, status."""
    client = Client(raise_request_exception=False)
    found = []
    for route in routes:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            answer = client.generic(method, route.path())
            where = answer.headers.get("Location", "")
            led_on = answer.status_code in (301, 302) and ("/login/" in where or where == "/")
            if not (led_on or answer.status_code in (401, 405)):
                found.append((route.pattern, method, answer.status_code))
    return found


def test_what_is_open_to_everybody_exists_and_gives_its_reason() -> None:
    names = {route.name for route in ROUTES}
    assert set(PUBLIC) <= names, set(PUBLIC) - names
    assert all(PUBLIC.values()) and set(ORDINARY) <= names, set(ORDINARY) - names


def test_what_is_open_gives_nothing_to_who_guesses(cast: Cast) -> None:
    client = Client(raise_request_exception=False)
    for name in PUBLIC:
        route = named(name)
        for method in ("GET", "POST"):
            answer = client.generic(method, route.path(), REMOTE_ADDR="203.0.113.9")
            assert answer.status_code < 500 or name == "readyz", (name, answer.status_code)
            for person in (cast.maya, cast.ravi):
                assert person.email.encode() not in answer.content, name


def test_the_lean_path_has_its_own_check_and_django_never_sees_it() -> None:
    intake = application._intake()
    assert all(intake.handles(path, "POST") for path in LEAN)
    for route in ROUTES:
        assert not intake.handles(route.path(), "GET"), route


# -- every role by every address by an object that is hidden


def test_every_address_with_a_parameter_says_what_can_be_hidden() -> None:
    hidden = {*RESTRICTED, *FOLLOW_UPS, *RUNS, *CONTACTS, *MAILBOX, *TICKET_PAGES}
    for route in SITE:
        if route.parameters and route.name not in PUBLIC:
            assert (route.name in hidden) != (route.name in ORDINARY), route
    for route in API:
        known = {*TEAM_OBJECTS, *TEAMLESS, *PUBLIC}
        assert not route.parameters or route.name in known, route


ROLES = [[role] for role in Role.values] + [[]]


@pytest.mark.parametrize("roles", ROLES, ids=lambda roles: "+".join(roles) or "no role")
def test_a_hidden_object_answers_like_one_that_does_not_exist(roles: list[str], cast: Cast) -> None:
    person = build.person("Ida Int", *roles, email="ida@example.com")
    person.roles = roles
    person.save()
    for name, given in hidden_from(person, cast):
        route, caller = named(name), signed_in(person)
        caller.client.cookies["csrftoken"] = token = "a" * 32
        for method in ("GET", "POST"):
            found = ask(caller, method, route.path(**given), token)
            absent = ask(caller, method, route.path(), token)
            assert (found.status_code, shape(found)) == (absent.status_code, shape(absent))
            if found.status_code == 302:  # an action that is only visited leads to its page
                assert method == "GET"
                if found.headers["Location"] == "/profile/":  # one's own
                    continue
                found = ask(caller, "GET", found.headers["Location"])
            assert found.status_code in (403, 404, 405), (name, method, found.status_code)
            # 403 is for who may not do such a thing at all, whatever the object.
            assert found.status_code != 403 or Role.RESPONDER not in roles or name in MAILBOX


def hidden_from(person: Person, cast: Cast) -> list[tuple[str, dict[str, object]]]:
    """What this person may not see: a restricted incident, others' contact methods and mail."""
    method = build.method(cast.ravi, Channel.NTFY, "https://ntfy.example.com/ravi")
    mail = Message.objects.create(
        person=cast.ravi, channel=Channel.MAILBOX, what="page_step", subject_kind="page",
        subject_ref="1", dedupe_key="x", created_at=clock.now(), not_before=clock.now(),
    )  # fmt: skip
    found: list[tuple[str, dict[str, object]]] = [
        *((name, {"pk": method.pk}) for name in CONTACTS),
        *((name, {"pk": mail.pk}) for name in MAILBOX),
    ]
    if Role.MANAGER not in person.roles:
        hidden = build.incident(title="Hush", visibility="restricted", by=cast.maya)
        found += [(name, {"ref": hidden.ref}) for name in RESTRICTED]
        found += [(name, {"ref": a_promise(cast, is_restricted=True).ref}) for name in FOLLOW_UPS]
        found += [(name, {"ref": a_run(cast, is_restricted=True).ref}) for name in RUNS]
        hush = Queue.objects.create(
            key="hush", name="Hush", is_private=True, team=build.team("hush")
        )
        private = build.ticket("Hush", queue=hush)
        found += [(name, {"ref": private.ref}) for name in (*TICKETS, *TICKET_PAGES)]
    return found


def a_promise(cast: Cast, **more: Any) -> FollowUp:
    now = clock.now()
    return followups.open_follow_up(
        title="Hush", acceptance="Seen", aim="prevent", priority="P1", owner=cast.maya,
        due_on=now.date(), source=followups.HAND, actor=audit.person(cast.maya), now=now, **more,
    )  # fmt: skip


def a_run(cast: Cast, *, is_restricted: bool = False, surface: Surface | None = None) -> Execution:
    now, actor = clock.now(), audit.person(cast.maya)
    number = Runbook.objects.count()
    book = runbooks.create(
        key=f"rb-{number}", title="Hush", surfaces=[surface] if surface else [], actor=actor,
        now=now,
    )  # fmt: skip
    version = runbooks.save_draft(
        runbook=book, steps=[StepIn(title="Look")], change_note="", author=cast.maya, actor=actor,
        now=now,
    )  # fmt: skip
    return runbooks.start(
        version=version, person=cast.maya, actor=actor, now=now, kind="drill",
        is_restricted=is_restricted,
    )  # fmt: skip


def ask(caller: Caller, method: str, path: str, token: str = "") -> Any:
    if path.startswith("/api/"):
        body: Any = {"data": FORM, "content_type": "application/json"}
    else:
        body = {"data": FORM}
    headers = {"X-CSRFToken": token, "X-Request-ID": "always-the-same"}
    send = caller.client.get if method == "GET" else caller.client.post
    return send(path, headers=headers, **({} if method == "GET" else body))


def shape(answer: Any) -> str:
    """The answer without the id that was asked for and without what is random."""
    text = re.sub(r"\b(INC-|TCK-|FUP-|RUN-)?\d+\b|[A-Za-z0-9]{32,}", "#", answer.content.decode())
    return re.sub(r'nonce="[^"]*"', "", text)


@pytest.mark.parametrize("role", [r for r in Role.values if r != Role.MANAGER])
def test_the_admin_is_closed_to_every_role_but_managers(role: str) -> None:
    caller = signed_in(build.person("Ida Int", role))
    for route in ADMIN:
        if route.name in PUBLIC:
            continue
        status = caller.client.get(route.path()).status_code
        assert status in (302, 403, 404), (route, status)


# -- every key of a team by every address of the API by another team's object

TEAM_OBJECTS = {
    "api-incident": "incident", "api-incident-transition": "incident",
    "api-incident-timeline": "incident", "api-incident-acknowledge": "incident",
    "api-alert": "alert", "api-alert-acknowledge": "alert", "api-alert-resolve": "alert",
    "api-alert-comment": "alert", "api-delivery": "delivery", "api-page": "page",
    "api-page-acknowledge": "page", "api-page-resolve": "page", "api-surface": "surface",
    "api-schedule": "schedule", "api-schedule-shifts": "schedule",
    "api-schedule-coverage": "schedule", "api-schedule-overrides": "schedule",
    "api-webhook": "webhook", "api-webhook-rotate": "webhook", "api-webhook-test": "webhook",
    "api-webhook-deliveries": "webhook", "api-webhook-delivery": "webhook",
    "api-webhook-redeliver": "webhook",
    **dict.fromkeys(TICKETS, "ticket"),
    **dict.fromkeys([name for name in RESTRICTED if name.startswith("api-")], "incident"),
    **dict.fromkeys([name for name in FOLLOW_UPS if name.startswith("api-")], "promise"),
    "api-slo": "slo", "api-alert-rule": "rule", "api-alert-rule-switch": "rule",
    "api-alert-rule-replay": "rule", "api-silence": "silence", "api-silence-end": "silence",
    "api-heartbeat": "heartbeat", "api-heartbeat-pings": "heartbeat",
    "api-hb-pause": "heartbeat", "api-hb-resume": "heartbeat",
    **{r.name: "book" for r in API if r.pattern.startswith("api/v1/runbooks/")},
    **dict.fromkeys([name for name in RUNS if name.startswith("api-")], "run"),
}  # fmt: skip
CUSTOMERS = "customers belong to no team: every key with the scope of tickets sees them"
# Objects of the whole house, which no key of a team is kept from.
TEAMLESS = {
    "api-customer": CUSTOMERS, "api-customer-contacts": CUSTOMERS, "api-customer-orgs": CUSTOMERS,
    "api-contact": CUSTOMERS, "api-org": CUSTOMERS, "api-connection": CUSTOMERS,
    "api-request-type": "request types are the same for everybody who logs a ticket",
}  # fmt: skip
# Parts of an incident, of which this one has none; and what answers a question only.
PARTS = {
    "api-incident-update", "api-incident-task", "api-incident-impact", "api-incident-link",
    "api-incident-review", "api-incident-prepared",
}  # fmt: skip
MANAGERS_OWN = {"webhook"}  # members do not read these


@dataclass
class Foreign:
    """What the billing team has, by the names above."""

    team: Team
    objects: dict[str, dict[str, object]]
    rows: list[Any]


@pytest.fixture
def foreign(cast: Cast) -> Foreign:
    theirs = build.team("billing")
    surface = build.surface("billing.api", team=theirs, primary=cast.bea)
    schedule = build.schedule(cast.bea, key="billing", team=theirs, surfaces=[surface])
    alert = build.alert(build.native(surface=surface), dedup_key="a", severity="critical")
    group = alert.group
    assert group is not None and group.page is not None
    ref = group.incident_ref
    delivery = build.event(build.native(team=theirs))
    objects: dict[str, dict[str, object]] = {
        "incident": {"ref": ref}, "alert": {"pk": alert.pk}, "delivery": {"pk": delivery.pk},
        "page": {"pk": group.page.pk}, "surface": {"key": surface.key},
        "schedule": {"ref": schedule.key}, "webhook": told_of_all(),
        "ticket": a_ticket_with_a_file(surface),
        "promise": {"ref": a_promise(cast, surface=surface).ref},
        "run": {"ref": a_run(cast, surface=surface).ref},
        "book": {"key": "rb-0", "number": 1}, **what_watches(surface),
    }  # fmt: skip
    rows = [alert, group.page, surface, schedule, Ticket.objects.get()]
    return Foreign(theirs, objects, rows)


def a_ticket_with_a_file(surface: Surface) -> dict[str, object]:
    files = [accept(name="a.txt", content=b"a")]
    made = build.ticket("Invoice", surface=surface, files_=files)
    return {"ref": made.ref, "pk": Attachment.objects.get(message__ticket=made).pk}


def what_watches(surface: Surface) -> dict[str, dict[str, object]]:
    """An objective, a rule, a silence and a heartbeat of a surface."""
    given: dict[str, Any] = {"actor": audit.SYSTEM, "now": clock.now()}
    slo = create_slo(
        key="bills", name="Bills go out", sli="counts", count_key="bills", objective="0.99",
        surface=surface, **given,
    )  # fmt: skip
    rule = alerts.create_rule(
        key="bills-fail", name="Bills fail", kind="rate", params={"window": 3600, "threshold": 0.1},
        surface=surface, **given,
    )  # fmt: skip
    silence = alerts.create_silence(
        reason="Rebuilt", surface=surface, ends_at=clock.now() + timedelta(hours=1), **given
    )
    beat = create_heartbeat(name="Bills", surface=surface, period_seconds=3600, **given)
    return {"slo": {"key": slo.key}, "rule": {"key": rule.key}, "silence": {"pk": silence.pk},
            "heartbeat": {"pk": beat.pk}}  # fmt: skip


def told_of_all() -> dict[str, object]:
    """A webhook, which hears of every team and so is no single team's, and what it was told."""
    now = clock.now()
    made = notifications.create_endpoint(
        url="https://example.com/in", description="CRM", events=["*"], actor=audit.SYSTEM, now=now
    )
    told = notifications.send_test(endpoint=made.row, actor=audit.SYSTEM, now=now)
    return {"pk": made.row.pk, "delivery": told.pk}


@pytest.mark.parametrize("scope", Scope.values)
def test_a_key_of_a_team_finds_nothing_of_another_team(scope: str, foreign: Foreign) -> None:
    key = tool(scope, team=build.team("inspect"))
    before = [(row.pk, getattr(row, "status", "")) for row in foreign.rows]
    for route in API:
        if route.name not in TEAM_OBJECTS:
            continue
        path = route.path(**foreign.objects[TEAM_OBJECTS[route.name]])
        for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
            reply = key.call(method, path, {"to": "resolved", "text": "x", "name": "mine"})
            status = reply.status
            assert status in (403, 404, 405), (route, method, status)
            assert scope != Scope.ADMIN or status in (404, 405), (route, method, status)
    for row in foreign.rows:
        row.refresh_from_db()
    assert [(row.pk, getattr(row, "status", "")) for row in foreign.rows] == before


@pytest.mark.parametrize(
    "path", [route.path() for route in API if not route.parameters and route.name != "api-not-here"]
)
def test_a_list_for_a_key_of_a_team_names_nothing_of_another(path: str, foreign: Foreign) -> None:
    reply = tool("admin", team=build.team("inspect")).get(path)
    assert reply.status in (200, 405)
    name = "billing.api" if path.endswith("/request-types") else "billing"  # also a type's key
    assert name not in str(reply.body) and "bea@" not in str(reply.body)


FOREIGN_BODIES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "incidents", {"title": "x", "severity": "SEV3", "surfaces": ["billing.api"]}),
    ("POST", "surfaces", {"key": "x", "name": "X", "team": "billing"}),
    ("POST", "surfaces", {"key": "x", "name": "X", "parent": "billing.api"}),
    ("PATCH", "surfaces/inspect.api", {"team": "billing"}),
    ("PATCH", "surfaces/inspect.api", {"parent": "billing.api"}),
]


@pytest.mark.parametrize(("method", "path", "body"), FOREIGN_BODIES, ids=str)
def test_another_team_s_id_in_a_body_is_refused(
    method: str, path: str, body: dict[str, Any], foreign: Foreign
) -> None:
    mine = build.team("inspect")
    build.surface("inspect.api", team=mine)
    reply = tool("admin", team=mine).call(method, path, body)
    assert reply.status in (400, 403) and "billing" not in str(reply.body)


@pytest.mark.parametrize(
    "query", ["surface=billing.api", "team=billing", "schedule=billing"], ids=str
)
def test_another_team_s_name_in_a_question_is_not_known(query: str, foreign: Foreign) -> None:
    reply = tool("admin", team=build.team("inspect")).get(f"oncall?{query}")
    assert reply.status == 404


def test_members_read_the_ordinary_rows_of_every_team(cast: Cast, foreign: Foreign) -> None:
    for caller in (signed_in(cast.olu), tool(*Scope.values)):
        for name, kind in TEAM_OBJECTS.items():
            route = named(name)
            if kind in MANAGERS_OWN or name in PARTS:
                continue
            if hasattr(route.view.view_class, "get"):
                assert caller.get(route.path(**foreign.objects[kind])).status == 200, name


def test_a_key_of_a_team_reads_customers_and_no_other_scope_does(cast: Cast) -> None:
    account = build.account()
    link = build.connection(org=build.org(account=account))
    ana = build.contact(account=account)
    given = {"api-contact": {"pk": ana.pk}, "api-connection": {"pk": link.pk},
             "api-org": {"key": link.source.project.org.key},
             "api-request-type": {"key": build.ticket(requester=ana).request_type.key}}  # fmt: skip
    team = build.team("inspect")
    for name in TEAMLESS:
        path = named(name).path(**given.get(name, {"key": account.key}))
        for scope in Scope.values:
            reads = scope in {Scope.TICKETS_READ, Scope.ADMIN}
            reply = tool(scope, team=team, name=f"{name} {scope}").get(path)
            assert (reply.status == 200) is reads, (name, scope, reply.status)


def test_a_key_opens_no_page_of_the_portal_or_the_admin(foreign: Foreign) -> None:
    key = tool("admin")
    for route in [*SITE, *ADMIN]:
        if route.name in PUBLIC or route.name == "api-schema":
            continue
        answer = key.client.get(route.path(), headers={"Authorization": f"Bearer {key.text}"})
        assert answer.status_code in (301, 302, 401, 405), (route, answer.status_code)


# -- the check itself finds what it looks for


def test_the_walk_finds_every_kind_of_address() -> None:
    assert len(ROUTES) > 200 and len(API) > 25
    assert {"now", "api-oncall", "index"} <= {route.name for route in ROUTES}
    assert named("api-alert").path(pk=7) == "/api/v1/alerts/7"
    assert (
        named("account_reset_password_from_key").path() == "/accounts/password/reset/key/x-nothing/"
    )


def test_an_open_view_would_be_found() -> None:
    """A failing sample: an address that answers strangers."""

    class Leak:
        urlpatterns = [path("leak/", login_not_required(lambda request: HttpResponse("all of it")))]

    with override_settings(ROOT_URLCONF=Leak):
        leaks = open_to_strangers(list(walk(get_resolver(Leak))))
    assert ("leak/", "GET", 200) in leaks
