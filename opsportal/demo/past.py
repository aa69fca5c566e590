"""Five weeks of history: what broke, who was woken, what they said, how it ended.

Surfaces, commands, codes and vendors are real; people, customers, versions and numbers are
invented, and no fault is hung on a version that exists.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.incidents.models import Incident
from opsportal.demo import payloads
from opsportal.demo.payloads import Rule
from opsportal.demo.stage import Beats, Stage, Story

Status = Incident.Status


def semantic_types(stage: Stage) -> Beats:
    """Types wrong after a release: restricted, found by a customer, rolled back by a pin.

    That shared boards hide a column by its type is invented here; the product promises no masking.
    """
    title = "E-mail columns read as plain text since 2.12.0"
    yield stage.day(34, "10:28")
    stage.declare(
        "priya",
        title,
        "SEV1",
        "inspect.semantic-types",
        summary="Two shared boards of Ostra list a column that the org's own rule hides.",
        detection_source=Incident.Detection.CUSTOMER,
        visibility=Incident.Visibility.RESTRICTED,
    )
    stage.lead("priya", title, by="priya")
    stage.say("luis", title, "Ticket of Ostra: account notes are visible on a shared board.")
    yield stage.day(34, "10:38")
    stage.say("nora", title, "Containment first: both boards are hidden until we know more.")
    yield stage.day(34, "10:47")
    stage.say(
        "priya",
        title,
        "312 columns changed type since Tuesday. On the same 500 reference columns 2.11.3 had "
        "485 right, 2.12.0 has 460: 5.0 points less, 95 % interval 2.2 to 8.0.",
    )
    stage.move("priya", title, Status.IDENTIFIED, "The new identifier detector.")
    yield stage.day(34, "11:50")
    stage.say("priya", title, "Hosted workers are pinned to 2.11.3; cost of re-profiling shown.")
    stage.move("priya", title, Status.MITIGATED, "Boards hidden, hosted workers pinned to 2.11.3.")
    yield stage.day(33, "09:20")
    stage.say(
        "nora", title, "Access log: six views by the customer's own staff, none from outside."
    )
    stage.move(
        "priya",
        title,
        Status.RESOLVED,
        "Ostra has confirmed.",
        impact="Four customers; two boards of Ostra showed a column that is to be hidden, for "
        "5 h 20 min.",
        silence="The four customers were told by name.",
    )
    yield stage.day(27, "14:00")
    stage.move("nora", title, Status.CLOSED, "Reviewed with the team.")


def context_field(stage: Stage) -> Beats:
    """One renamed field, three surfaces: MCP answers, the IDE panel and the catalog."""
    errors = Rule(
        "McpToolErrors",
        "MCP tools: 41 of 160 calls answer with stale types",
        "critical",
        {"surface": "agent.mcp-server", "env": "hosted"},
    )
    panel = Rule(
        "IdePanelEmpty",
        "IDE extension: context panel empty for 22 of 80 sessions",
        "error",
        {"surface": "ide.extension", "env": "hosted"},
    )
    group = {"env": "hosted"}
    started = stage.day(18, "13:22")
    yield started
    body = payloads.alertmanager([(errors, "firing")], group=group, started_at=started)
    stage.send(stage.sources.metrics, body)
    yield started + timedelta(minutes=4)
    stage.acknowledge(stage.on_call("profiler"), errors.summary)
    yield started + timedelta(minutes=9)
    both = [(errors, "firing"), (panel, "firing")]
    stage.send(stage.sources.metrics, payloads.alertmanager(both, group=group, started_at=started))
    stage.move("priya", errors.summary, Status.INVESTIGATING)
    stage.lead("priya", errors.summary, by="priya")
    stage.say(
        "priya", errors.summary, "One change, three surfaces: see what leans on the contract."
    )
    yield started + timedelta(minutes=48)
    stage.move("priya", errors.summary, Status.IDENTIFIED, "2.13.0 renamed a context field.")
    yield stage.day(17, "10:41")
    done = [(errors, "resolved"), (panel, "resolved")]
    stage.send(stage.sources.metrics, payloads.alertmanager(done, group=group, started_at=started))
    stage.move(
        "priya",
        errors.summary,
        Status.RESOLVED,
        "2.13.1 serves both names.",
        impact="Answers of the agent and the panel of the editor carried old types for 21 hours.",
        silence="Only users of the preview were hit; each has a ticket.",
    )
    yield stage.day(13, "12:00")
    stage.move("nora", errors.summary, Status.CLOSED, "Contract changes take a compatibility test.")


def stale_profiles(stage: Stage) -> Beats:
    """Nothing failed, because nothing ran; the first to notice was a customer."""
    title = "Profiles of 43 repositories silently stale for nine days"
    yield stage.day(21, "08:05")
    stage.declare(
        "luis",
        title,
        "SEV3",
        "inspect.profiler",
        summary="Lumen asks why the counts have not changed since last week.",
        detection_source=Incident.Detection.CUSTOMER,
    )
    stage.lead("mara", title, by="luis")
    yield stage.day(21, "08:50")
    stage.say(
        "mara",
        title,
        "A shared workflow file was renamed: the nightly `dft inspect` lost its schedule in 43 "
        "repositories. CI is green because it is not running.",
    )
    stage.move("mara", title, Status.IDENTIFIED)
    yield stage.day(21, "11:30")
    stage.say("tomas", title, "Catching up five at a time, so that no warehouse is hit at once.")
    yield stage.day(20, "09:15")
    stage.move(
        "mara",
        title,
        Status.RESOLVED,
        "All 43 have a profile of today.",
        impact="43 repositories of three customers read profiles that were nine days old.",
        silence="All three were told in their tickets.",
    )
    yield stage.day(14, "13:00")
    stage.move("nora", title, Status.CLOSED)


def bad_revision(stage: Stage) -> Beats:
    """A revision whose rollback made it worse, and the fix that went forward."""
    summary = "Connection tests: 31 % answer connection_test_failed"
    start = stage.day(12, "13:30")
    yield start
    deploy(stage, 147, "success", "Adds NOT NULL to connection.region.")
    yield start + timedelta(minutes=19)
    _cloud_monitoring(stage, "open", summary, start)
    yield start + timedelta(minutes=22)
    stage.acknowledge(stage.on_call("platform"), summary)
    stage.move("jonas", summary, Status.INVESTIGATING, "New projects only.")
    stage.lead("jonas", summary, by="jonas")
    yield start + timedelta(minutes=28)
    deploy(stage, 146, "success", "Rollback by step 4 of the runbook.")
    stage.say("aiko", summary, "Traffic is back on dataface-cloud-00146.")
    yield start + timedelta(minutes=37)
    stage.say("jonas", summary, "Worse: 4 % to 31 %. The old code writes NULL. We go forward.")
    stage.move("jonas", summary, Status.IDENTIFIED, "The schema had moved on.")
    yield start + timedelta(minutes=46)
    stage.say("jonas", summary, "Constraint dropped. 0.3 % of tests fail.")
    _cloud_monitoring(stage, "closed", summary, start)
    yield start + timedelta(minutes=60)
    stage.move("jonas", summary, Status.MITIGATED, "The constraint is dropped; 0.3 % fail.")
    yield start + timedelta(minutes=95)
    stage.move(
        "jonas",
        summary,
        Status.RESOLVED,
        "Boards that showed `blocked` are back.",
        impact="Connection tests of projects made that day failed for 46 minutes.",
    )
    yield stage.day(11, "09:05")
    deploy(stage, 148, "success", "Weekly deploy.")
    yield stage.day(11, "09:40")
    pinned = "Deploy of 00148 changes nothing: traffic is still pinned to 00146"
    stage.declare("aiko", pinned, "SEV4", "platform.deploy.cloud")
    yield stage.day(11, "10:00")
    stage.move(
        "aiko",
        pinned,
        Status.RESOLVED,
        "Traffic goes to the latest revision again.",
        impact="A deployment reached nobody for 35 minutes.",
        silence="Nobody outside noticed.",
    )
    yield stage.day(10, "13:30")
    stage.move("nora", summary, Status.IN_REVIEW)


def deploy(stage: Stage, number: int, state: str, why: str) -> None:
    """GitHub tells how a deployment of the hosted product ended."""
    revision = f"dataface-cloud-{number:05}"
    body = payloads.deployment(number=number, revision=revision, state=state, at=stage.now, why=why)
    stage.github(stage.sources.deploys, "deployment_status", body)


def _cloud_monitoring(stage: Stage, state: str, summary: str, start: datetime) -> None:
    body = payloads.gcp(
        incident="0.nqk7x2p1demo",
        state=state,
        summary=summary,
        condition="Connection tests failing",
        service="dataface-cloud",
        severity="Critical",
        started_at=start + timedelta(minutes=17),
        ended_at=stage.now if state == "closed" else None,
    )
    stage.send(stage.sources.cloud, body)


def unasked_scan(stage: Stage) -> Beats:
    """Unwanted warehouse cost: a class of its own."""
    title = "Opening the inspector panel scanned a wide BigQuery table unasked"
    yield stage.day(10, "15:20")
    stage.declare(
        "hannah",
        title,
        "SEV3",
        "ide.extension",
        summary="Kite's bill went up by 410 dollars; they ask for a refund.",
        detection_source=Incident.Detection.TICKET,
    )
    stage.lead("aiko", title, by="hannah")
    yield stage.day(10, "16:05")
    stage.say("aiko", title, "Found by job label: board none, app `inspector`, an old client.")
    stage.move("aiko", title, Status.IDENTIFIED, "Clients before 1.9 profile when they open.")
    yield stage.day(9, "09:40")
    stage.move(
        "hannah",
        title,
        Status.RESOLVED,
        "Old clients are refused; refund is granted.",
        impact="One customer, 410 dollars of BigQuery.",
        silence="One customer was hurt and has the refund.",
    )


def zendesk_column(stage: Stage) -> Beats:
    """A column of a modelled table disappears upstream; spread raises the severity."""
    summary = "Zendesk pack: total_discount is missing in ticket_overview"
    start = stage.day(9, "05:02")
    yield start
    stage.post(
        "zendesk:total_discount",
        summary,
        severity="error",
        component="charts/zendesk/ticket-overview.yml",
        **{"class": "ERR-DBT-MODEL-COLUMN-MISSING"},
        details={"code": "ERR-DBT-MODEL-COLUMN-MISSING", "projects": "3 of 17"},
    )
    yield start + timedelta(minutes=11)
    stage.acknowledge("dele", summary)
    yield start + timedelta(minutes=16)
    stage.move("dele", summary, Status.INVESTIGATING)
    stage.lead("dele", summary, by="dele")
    stage.say(
        "dele",
        summary,
        "`dct impact total_discount`: 4 boards hit, 2 undecided (`SELECT *`). `dct validate` is "
        "green because the repository has neither a warehouse nor a manifest.",
    )
    yield start + timedelta(minutes=58)
    stage.rate("dele", summary, "SEV2", "9 of 17 projects have synced by now.")
    yield start + timedelta(minutes=98)
    stage.say("ines", summary, "Shim in the pack reads both names; fixtures have the drift case.")
    stage.move("dele", summary, Status.MITIGATED, "The shim reads both names.")
    yield start + timedelta(minutes=188)
    stage.post("zendesk:total_discount", "All nine projects verified.", action="resolve")
    stage.move(
        "dele",
        summary,
        Status.RESOLVED,
        "The lasting fix is the upstream package's.",
        impact="Boards with discounts had no rows in nine workspaces for up to three hours.",
    )


def suspended_warehouse(stage: Stage) -> Beats:
    """Declined in triage: the customer's own warehouse was suspended."""
    summary = "Profile runs of Peakline: 6 of 9 took over ten minutes"
    yield stage.day(7, "10:12")
    stage.post(
        "peakline:slow",
        summary,
        severity="error",
        surface="inspect.profiler",
        details={"code": "ERR-WAREHOUSE-CONNECTION", "org": "Peakline SaaS"},
    )
    yield stage.day(7, "10:15")
    stage.acknowledge(stage.on_call("profiler"), summary)
    yield stage.day(7, "10:31")
    stage.move(
        "tomas", summary, Status.DECLINED, "Their warehouse is suspended; support has told them."
    )
    yield stage.day(7, "11:20")
    stage.post("peakline:slow", "Their warehouse runs again.", action="resolve")


def date_axis(stage: Stage) -> Beats:
    title = "Date axis label wrong after upgrading ejected templates"
    yield stage.day(6, "09:30")
    stage.declare(
        "luis", title, "SEV4", "inspect.reports", detection_source=Incident.Detection.TICKET
    )
    yield stage.day(6, "11:10")
    stage.say("ines", title, "`validate-templates` says that the original changed. Copy again.")
    stage.move(
        "ines",
        title,
        Status.RESOLVED,
        impact="A wrong label on boards with ejected templates.",
        silence="Cosmetic.",
    )
    yield stage.day(5, "08:30")
    stage.move("nora", title, Status.CLOSED)


def rehearsal(stage: Stage) -> Beats:
    """Billing is a preview: its outage is rehearsed before there is a customer to lose."""
    title = "Rehearsal: Stripe webhooks stop being processed"
    yield stage.day(5, "13:00")
    stage.declare(
        "jonas",
        title,
        "SEV2",
        "platform.billing",
        kind="drill",
        detection_source=Incident.Detection.DRILL,
    )
    stage.lead("jonas", title, by="jonas")
    yield stage.day(5, "13:09")
    stage.say("jonas", title, "Dunning is stopped before anything else.")
    yield stage.day(5, "13:21")
    stage.say("aiko", title, "Who takes a billing dispute, who a provisioning outage? Not written.")
    yield stage.day(5, "13:45")
    stage.move(
        "jonas",
        title,
        Status.RESOLVED,
        "Replay went through; two findings.",
        impact="Nobody: a rehearsal.",
    )


def nobody_answered(stage: Stage) -> Beats:
    """A night on which every step was taken and nobody took the page."""
    source, key = stage.sources.workers, "profile-worker-3"
    summary = "Profile worker 3 restarted 6 times in ten minutes"
    yield stage.day(4, "01:10")
    trigger = payloads.pagerduty(
        routing_key=source.token,
        action="trigger",
        key=key,
        summary=summary,
        source="profile-worker-3",
        severity="error",
        component="worker",
    )
    stage.send(source.row, trigger)
    yield stage.day(4, "02:40")
    stage.send(source.row, payloads.pagerduty(routing_key=source.token, action="resolve", key=key))


def saturday(stage: Stage) -> Beats:
    """The packs rotation has no Saturdays: the first step finds nobody."""
    summary = "Salesforce pack: two boards render no rows"
    back = next(
        days
        for days in range(1, 10)
        if stage.day(days, "11:20").weekday() == 5 and stage.day(days, "15:00") < stage.present
    )
    yield stage.day(back, "11:20")
    stage.post("salesforce:rows", summary, severity="error", surface="pack.salesforce")
    yield stage.day(back, "11:26")
    stage.acknowledge("ines", summary)
    yield stage.day(back, "12:50")
    stage.post("salesforce:rows", "Both boards have rows again.", action="resolve")


STORIES: tuple[Story, ...] = (
    semantic_types,
    context_field,
    stale_profiles,
    bad_revision,
    unasked_scan,
    zendesk_column,
    suspended_warehouse,
    date_axis,
    rehearsal,
    nobody_answered,
    saturday,
)
