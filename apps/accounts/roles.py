"""The one place that says what each role may see and do, and what each key scope opens.

A person has one or more roles. Everything that is not granted is denied. Objects that a person
may not see answer 404; actions on visible objects that a role lacks answer 403.
"""

from __future__ import annotations

from enum import StrEnum

from django.db import models


class Role(models.TextChoices):
    MANAGER = "manager", "Manager"
    RESPONDER = "responder", "Responder"
    MAINTAINER = "maintainer", "Maintainer"
    SUPPORT_AGENT = "support_agent", "Support agent"
    VIEWER = "viewer", "Viewer"


class Grant(StrEnum):
    """What a role may do, in the product's own verbs."""

    SEE = "see"  # ordinary operational rows of every team
    SEE_RESTRICTED = "see_restricted"  # restricted incidents without being on them
    RESPOND = "respond"  # acknowledge, resolve, comment, drive incidents
    ROUTE = "route"  # give an unrouted alert a surface
    PAGE = "page"  # page a person by hand
    SUPPORT = "support"  # log, answer and move tickets; keep customers and contacts
    EDIT_SUPPORT = "edit_support"  # request types, promises, calendars, mailboxes, queues; waivers
    EDIT_OWNERSHIP = "edit_ownership"
    EDIT_ROTATIONS = "edit_rotations"
    EDIT_POLICIES = "edit_policies"
    EDIT_INTEGRATIONS = "edit_integrations"
    EDIT_PEOPLE = "edit_people"
    ADMIN = "admin"  # enter /admin/


GRANTS: dict[Role, frozenset[Grant]] = {
    Role.VIEWER: frozenset({Grant.SEE}),
    Role.SUPPORT_AGENT: frozenset({Grant.SEE, Grant.RESPOND, Grant.PAGE, Grant.SUPPORT}),
    Role.RESPONDER: frozenset({Grant.SEE, Grant.RESPOND, Grant.PAGE, Grant.ROUTE, Grant.SUPPORT}),
    Role.MAINTAINER: frozenset({Grant.SEE, Grant.RESPOND, Grant.PAGE, Grant.ROUTE, Grant.SUPPORT}),
    Role.MANAGER: frozenset(Grant),
}

ROLE_HELP: dict[Role, str] = {
    Role.MANAGER: "Edits people, rotations, policies and integrations; sees restricted incidents.",
    Role.RESPONDER: "Is on call: acknowledges, resolves, runs incidents, routes alerts.",
    Role.MAINTAINER: "Looks after surfaces and packs; responds like a responder.",
    Role.SUPPORT_AGENT: "Logs and answers tickets, pages the owner, comments on incidents.",
    Role.VIEWER: "Reads everything that is not restricted and changes nothing.",
}


class Scope(models.TextChoices):
    """What an API key may do; the names are part of the API contract."""

    EVENTS_WRITE = "events:write", "Post events"
    EVENTS_READ = "events:read", "Read deliveries, alerts and telemetry"
    TELEMETRY_WRITE = "telemetry:write", "Post runs, labels, counts and readings"
    ROTATIONS_READ = "rotations:read", "Read who is on call"
    ROTATIONS_WRITE = "rotations:write", "Change rotations"
    INCIDENTS_READ = "incidents:read", "Read incidents and pages"
    INCIDENTS_WRITE = "incidents:write", "Change incidents and acknowledge pages"
    TICKETS_READ = "tickets:read", "Read tickets and customers"
    TICKETS_WRITE = "tickets:write", "Log and answer tickets, change customers"
    OWNERSHIP_READ = "ownership:read", "Read surfaces and owners"
    OWNERSHIP_WRITE = "ownership:write", "Change surfaces and owners"
    ADMIN = "admin", "Everything; acts as a manager who may approve"


# What a signed-in person's roles open on the API, through the browser's session.
READ_SCOPES = frozenset(
    {
        Scope.EVENTS_READ,
        Scope.ROTATIONS_READ,
        Scope.INCIDENTS_READ,
        Scope.TICKETS_READ,
        Scope.OWNERSHIP_READ,
    }
)
SCOPE_GRANTS: dict[str, Grant] = {
    Scope.EVENTS_READ: Grant.SEE,
    Scope.ROTATIONS_READ: Grant.SEE,
    Scope.INCIDENTS_READ: Grant.SEE,
    Scope.TICKETS_READ: Grant.SEE,
    Scope.OWNERSHIP_READ: Grant.SEE,
    Scope.INCIDENTS_WRITE: Grant.RESPOND,
    Scope.TICKETS_WRITE: Grant.SUPPORT,
    Scope.ROTATIONS_WRITE: Grant.EDIT_ROTATIONS,
    Scope.OWNERSHIP_WRITE: Grant.EDIT_OWNERSHIP,
    Scope.EVENTS_WRITE: Grant.EDIT_INTEGRATIONS,
    Scope.TELEMETRY_WRITE: Grant.EDIT_INTEGRATIONS,
    Scope.ADMIN: Grant.ADMIN,
}


def grants_of(roles: list[str]) -> frozenset[Grant]:
    """All that a set of roles may do; unknown roles grant nothing."""
    found: frozenset[Grant] = frozenset()
    for role in roles:
        if role in GRANTS:
            found |= GRANTS[Role(role)]
    return found
