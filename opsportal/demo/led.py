"""How the past's incidents were led, told and learned from; `past` and `present` say what broke."""

from __future__ import annotations

from datetime import timedelta

from apps.incidents.models import Incident
from opsportal.demo import books
from opsportal.demo.present import CRISIS_MINUTES, SNOWFLAKE
from opsportal.demo.response import (
    Promise,
    began,
    call_it,
    check,
    finish_tasks,
    hurt,
    keep,
    learn,
    publish_review,
    role,
    tell,
)
from opsportal.demo.stage import Beats, Stage, Story

Status = Incident.Status
TYPES = "E-mail columns read as plain text"
REVISION = "Connection tests: 31 %"
STALE = "Profiles of 43 repositories"
ZENDESK = "Zendesk pack: total_discount"
CONTEXT = "MCP tools: 41 of 160"
AGAIN = "National ids read as phone numbers in one workspace"


def semantic_types(stage: Stage) -> Beats:
    """Told to four customers by name and to the managers by the hour; never on the public page."""
    yield stage.day(34, "10:30")
    call_it(stage, TYPES, "security")
    began(stage, TYPES, "priya", 78, "2.12.0 reached the hosted workers at 09:10.")
    hurt(stage, TYPES, "priya", "Ostra", "Lumen", "Bramble", "Kite")
    role(stage, TYPES, "comms", "hannah", set_by="priya")
    tell(
        stage, TYPES, "priya", "exec", "Columns may show more than they should",
        "Two shared boards of Ostra list a column that their own rule hides. Both boards are being "
        "hidden now. We do not know yet who has seen them.",
        step="initial", next_in=60,
    )  # fmt: skip
    yield stage.day(34, "11:20")
    tell(
        stage, TYPES, "priya", "exec", "Cause known, customers are being told",
        "The detector of 2.12.0 takes e-mail columns for text. Hosted workers go back to 2.11.3. "
        "Each of the four customers hears from Hannah by name before four o'clock.",
        next_in=90,
    )  # fmt: skip
    yield stage.day(33, "09:10")
    finish_tasks(stage, TYPES, "priya")
    tell(
        stage, TYPES, "priya", "exec", "Over: no view from outside",
        "The access log has six views, all by Ostra's own staff. Ostra has confirmed.",
        step="resolved",
    )  # fmt: skip
    yield stage.day(30, "15:00")
    learn(
        stage,
        TYPES,
        "priya",
        {
            "what_happened": "At 09:10 package 2.12.0 reached every hosted worker. Its rewritten "
            "detector for identifiers took e-mail columns for plain text. Ostra noticed at 10:16 "
            "and called. We hid both boards before we looked for the cause, and pinned 2.11.3 at "
            "11:50.\n\nFor twenty minutes we trusted the test set: offline accuracy had risen.",
            "impact": "Four customers, 3,120 columns with a wrong type, two shared boards that "
            "listed a column which should be hidden for 5 h 20 min. Six views, none from outside. "
            "No data was lost.",
            "detection": "A customer. Fourteen corrections by users came in before, and nothing "
            "counted them.",
            "went_well": "Containment came before diagnosis.",
            "went_badly": "Nobody owned the decision to roll the detector out that week.",
            "lucky": "Ostra looks at its boards every morning.",
        },
        {
            "test-data-unlike-production": "The test set has too many shops in it.",
            "change-without-canary": "All hosted workers at once.",
            "missing-owner": "The backup was on leave.",
        },
        (
            Promise(
                "Gate a detector on the reference columns",
                "No release when the lower bound of a critical type falls below 95 % on columns "
                "weighted as in production.",
                "prevent", "P0", "priya", "test-data-unlike-production", 7,
            ),
            Promise(
                "Count corrections by users",
                "Five in an hour page whoever is on call.",
                "detect", "P1", "tomas", "missing-alert", 14,
            ),
            Promise(
                "Hide by default what we are not sure of",
                "A column below 0.8 confidence is treated as hidden on shared boards.",
                "mitigate", "P0", "mara", "test-data-unlike-production", 9,
            ),
            Promise(
                "Message for wrong types, ready to send",
                "Hannah can send it without writing a sentence.",
                "comms", "P2", "hannah", "unclear-procedure", 30,
            ),
        ),
    )  # fmt: skip
    yield stage.day(28, "11:00")
    publish_review(stage, TYPES, "nora")
    yield stage.day(24, "16:00")
    keep(
        stage, "Gate a detector", "priya", note="The gate refused 2.12.0 when it was run again.",
        url="https://ci.dataface.example/runs/8812",
    )  # fmt: skip
    yield stage.day(23, "09:30")
    check(stage, "Gate a detector", "mara", "Read the run: 2.12.0 fails, 2.12.1 passes.")
    yield stage.day(18, "10:00")
    keep(
        stage, "Message for wrong types", "hannah", note="Template stands; tried on the last case.",
        url="https://wiki.dataface.example/wrong-types",
    )  # fmt: skip


def types_again(stage: Stage) -> Beats:
    """The same factor on the same surface: what was verified did not hold."""
    yield stage.day(8, "09:40")
    stage.declare(
        "luis", AGAIN, "SEV3", "inspect.semantic-types",
        summary="Lumen: 11-digit ids of patients are shown as phone numbers.",
        detection_source=Incident.Detection.TICKET,
    )  # fmt: skip
    stage.lead("priya", AGAIN, by="luis")
    call_it(stage, AGAIN, "data")
    began(stage, AGAIN, "priya", 410, "The first profile with such a column.")
    hurt(stage, AGAIN, "luis", "Lumen")
    yield stage.day(8, "13:10")
    stage.move("priya", AGAIN, Status.IDENTIFIED, "The gate has no column of this kind.")
    yield stage.day(7, "10:20")
    stage.move("priya", AGAIN, Status.MITIGATED, "Lumen's columns have their types again.")
    yield stage.day(7, "11:00")
    stage.move(
        "priya", AGAIN, Status.RESOLVED, "2.13.2 has the rule.",
        impact="41 columns of one customer had a wrong type for a day.",
        silence="One customer, told in the ticket.",
    )  # fmt: skip
    yield stage.day(5, "14:00")
    learn(
        stage,
        AGAIN,
        "priya",
        {
            "what_happened": "An 11-digit id passes the gate as a phone number, since no reference "
            "column has one.",
            "impact": "One customer, 41 columns, nothing shown to anybody outside.",
            "detection": "A ticket of Lumen.",
        },
        {"test-data-unlike-production": "The same as four weeks before, in another column."},
        (
            Promise(
                "Reference columns from every sector that we serve",
                "Each customer's sector has at least 30 columns in the set.",
                "prevent", "P1", "priya", "test-data-unlike-production", 21,
            ),
        ),
    )  # fmt: skip


def context_field(stage: Stage) -> Beats:
    """Reviewed in time, and all that was promised is verified."""
    yield stage.day(18, "13:40")
    call_it(stage, CONTEXT, "deployment")
    began(stage, CONTEXT, "priya", 4, "The release was out at 13:18.")
    yield stage.day(16, "10:00")
    learn(
        stage,
        CONTEXT,
        "priya",
        {
            "what_happened": "2.13.0 renamed a field of the context. The agent, the editor and the "
            "catalog read it under its old name.",
            "impact": "41 of 160 calls of the agent and 22 of 80 sessions of the editor, for "
            "21 hours. No data was lost.",
            "detection": "Two alerts, four minutes after the release.",
            "went_well": "One look at what leans on the contract showed all three.",
        },
        {"change-without-canary": "A contract changed for everybody at once."},
        (
            Promise(
                "Contract changes take a compatibility test",
                "A renamed field is red before it is merged.",
                "prevent", "P1", "priya", "change-without-canary", 7,
            ),
        ),
    )  # fmt: skip
    yield stage.day(15, "09:00")
    publish_review(stage, CONTEXT, "nora")
    yield stage.day(12, "09:00")
    keep(
        stage, "Contract changes take", "priya", note="The test is red for the old change.",
        url="https://ci.dataface.example/runs/9014",
    )  # fmt: skip
    yield stage.day(11, "10:30")
    check(stage, "Contract changes take", "mara", "Saw it fail and pass.")


def bad_revision(stage: Stage) -> Beats:
    """The runbook's rollback made it worse, and says so since."""
    start = stage.day(12, "13:30")
    yield start + timedelta(minutes=23)
    call_it(stage, REVISION, "deployment")
    began(stage, REVISION, "jonas", 17, "The revision took traffic at 13:32.")
    role(stage, REVISION, "comms", "hannah", set_by="jonas")
    role(stage, REVISION, "lead", "aiko", set_by="jonas")
    hurt(stage, REVISION, "hannah", "Kite", "Fjord")
    run = books.run(stage, "rb-deploy-rollback", "aiko", REVISION)
    yield start + timedelta(minutes=26)
    for position in (1, 2, 3):
        books.step(stage, run, "aiko", position)
    tell(
        stage, REVISION, "hannah", "public", "Connection tests fail for new projects",
        "Since 13:30 UTC, connection tests fail for projects that were created today. Existing "
        "connections work. Next update 14:30 UTC.",
        step="initial", states={"connections": "partial_outage"}, next_in=34,
    )  # fmt: skip
    tell(
        stage, REVISION, "jonas", "internal", "New projects cannot test their connections",
        "It began with revision 147. Aiko rolls back by the runbook; nobody else deploys.",
        step="initial",
    )  # fmt: skip
    yield start + timedelta(minutes=34)
    books.step(stage, run, "aiko", 4, "4 % became 31 %: the old code writes NULL.", "failed")
    yield start + timedelta(minutes=45)
    books.step(stage, run, "aiko", 6, "Constraint dropped at 14:15.")
    yield start + timedelta(minutes=58)
    tell(
        stage, REVISION, "hannah", "public", "Connection tests work again",
        "Connection tests work for all projects since 14:16 UTC. We keep watching. Next update "
        "15:10 UTC.",
        states={"connections": "degraded_performance"}, next_in=42,
    )  # fmt: skip
    yield start + timedelta(minutes=90)
    for position, said in ((5, "Went forward instead."), (7, "")):
        books.step(stage, run, "aiko", position, said, "skipped" if said else "done")
    finish_tasks(stage, REVISION, "jonas")
    tell(
        stage, REVISION, "hannah", "public", "Over: connection tests",
        "Connection tests have worked for an hour. No data was lost; tests that failed can simply "
        "be run again.",
        step="resolved", states={"connections": "operational"},
    )  # fmt: skip
    yield start + timedelta(minutes=97)
    books.finish(stage, run, "aiko")
    yield stage.day(9, "10:00")
    learn(
        stage,
        REVISION,
        "jonas",
        {
            "what_happened": "Revision 147 made `connection.region` required. The canary only "
            "reads, so it stayed green. At 13:58 we rolled back by the runbook; the old code "
            "writes NULL, and 4 % of failures became 31 %. At 14:07 we decided to go forward.",
            "impact": "Connection tests of projects created that day, 46 minutes, two customers "
            "with tickets. No data was lost.",
            "detection": "Two tickets, then the smoke job.",
        },
        {
            "missing-rollback": "Rehearsed for code, not for the schema.",
            "unclear-procedure": "The runbook did not ask about the schema.",
        },
        (
            Promise(
                "Refuse a migration that old code cannot live with",
                "The linter is red for NOT NULL without a default.",
                "prevent", "P1", "aiko", "missing-rollback", 6,
            ),
            Promise(
                "The canary writes, too",
                "A canary that cannot create a project stops the rollout.",
                "detect", "P1", "jonas", "change-without-canary", 20,
            ),
        ),
    )  # fmt: skip


def stale_profiles(stage: Stage) -> Beats:
    yield stage.day(21, "08:30")
    call_it(stage, STALE, "data")
    began(stage, STALE, "mara", 9 * 1440 + 180, "The last profile of the 43.")
    hurt(stage, STALE, "luis", "Lumen", "Bramble", "Peakline")
    role(stage, STALE, "support", "luis", set_by="mara")
    yield stage.day(19, "11:00")
    learn(
        stage,
        STALE,
        "mara",
        {
            "what_happened": "A shared workflow file was renamed; 43 repositories lost their "
            "nightly profile. Nothing failed, since nothing ran.",
            "impact": "43 repositories, nine days, no wrong data but old data.",
            "detection": "A customer, after nine days and three hours.",
        },
        {"missing-alert": "No rule looks for what did not happen."},
        (
            Promise(
                "Notice a profile that did not run",
                "A connection without a profile for 1.5 cadences opens an alert.",
                "detect", "P0", "mara", "missing-alert", 10,
            ),
            Promise(
                "Say that nothing ran, every Monday",
                "Hannah gets the list of connections without a run.",
                "process", "P2", "tomas", "missing-alert", 30,
            ),
        ),
    )  # fmt: skip
    yield stage.day(16, "12:00")
    publish_review(stage, STALE, "nora")


def zendesk(stage: Stage) -> Beats:
    start = stage.day(9, "05:02")
    yield start + timedelta(minutes=20)
    call_it(stage, ZENDESK, "pack")
    began(stage, ZENDESK, "dele", 52, "The source renamed the column at 04:10.")
    hurt(stage, ZENDESK, "dele", "Fjord", "Peakline")
    yield start + timedelta(minutes=60)
    tell(
        stage, ZENDESK, "dele", "public", "Zendesk dashboards show no discounts",
        "The source has renamed a column. Boards with discounts show no rows for workspaces that "
        "have synced since midnight. Next update 08:00 UTC.",
        step="initial", states={"packs": "partial_outage"}, next_in=110,
    )  # fmt: skip
    yield start + timedelta(minutes=186)
    finish_tasks(stage, ZENDESK, "dele")
    tell(
        stage, ZENDESK, "dele", "public", "Over: Zendesk dashboards",
        "All nine workspaces show discounts again. No data was lost.",
        step="resolved", states={"packs": "operational"},
    )  # fmt: skip


def snowflake(stage: Stage) -> Beats:
    """The running one: roles are handed over, the next update is promised, the book is open."""
    yield stage.ago(minutes=CRISIS_MINUTES - 7)
    call_it(stage, SNOWFLAKE, "outage")
    began(stage, SNOWFLAKE, "mara", 11, "The first run that timed out.")
    yield stage.ago(minutes=56)
    role(
        stage, SNOWFLAKE, "lead", "mara", set_by="tomas",
        note="",
    )  # fmt: skip
    role(stage, SNOWFLAKE, "comms", "hannah", set_by="tomas")
    role(stage, SNOWFLAKE, "support", "luis", set_by="tomas")
    run = books.run(stage, "rb-snowflake-timeouts", "mara", SNOWFLAKE)
    books.step(stage, run, "mara", 1, "38 of 112 on Snowflake; BigQuery 2 of 140.")
    yield stage.ago(minutes=54)
    hurt(stage, SNOWFLAKE, "hannah", "Bramble", "Ostra", "Lumen")
    tell(
        stage, SNOWFLAKE, "hannah", "public", "Profiles on Snowflake connections are delayed",
        "Profiles on Snowflake connections may fail or come late. Earlier results stay visible and "
        "are marked with their date. Other warehouses are not affected.",
        step="initial", states={"snowflake-profiles": "partial_outage"}, next_in=46,
    )  # fmt: skip
    yield stage.ago(minutes=52)
    tell(
        stage, SNOWFLAKE, "tomas", "internal", "Only Snowflake, and not one customer alone",
        "38 of 112 runs in the hour; BigQuery and Postgres are fine. Mara leads, Hannah speaks to "
        "customers. Nothing is deployed until we know more.",
        step="initial",
    )  # fmt: skip
    yield stage.ago(minutes=35)
    books.step(stage, run, "mara", 2, "2.14.0, eight hours before the first failure.")
    books.step(stage, run, "mara", 3, "A notice for another region: not ours.")
    books.step(stage, run, "mara", 4, "All three wait in the approximate distinct count.")
    yield stage.ago(minutes=30)
    books.step(stage, run, "tomas", 5, "Feature off for the hosted workers; no resize.")
    books.step(stage, run, "mara", 6, "Five of five runs went through.")
    finish_tasks(stage, SNOWFLAKE, "tomas", leave=2)
    tell(
        stage, SNOWFLAKE, "tomas", "internal", "The flag is off; half of the runs go through",
        "2.14.0 counts distinct values of wide text. It is off for the hosted workers; 2.14.1 "
        "comes tomorrow morning.",
    )  # fmt: skip
    yield stage.ago(minutes=17)
    books.step(stage, run, "mara", 7, "", "in_progress")
    yield stage.ago(minutes=8)
    tell(
        stage, SNOWFLAKE, "hannah", "public", "Fewer profiles fail, and we know why",
        "The cause is in version 2.14.0. It is switched off on our side and half of the runs "
        "succeed again; who runs 2.14.0 themselves should stay on 2.13.2 until 2.14.1 is out.",
        step="scope", states={"snowflake-profiles": "degraded_performance"}, next_in=20,
    )  # fmt: skip


STORIES: tuple[Story, ...] = (
    books.rehearsal,
    semantic_types,
    types_again,
    context_field,
    bad_revision,
    stale_profiles,
    zendesk,
    snowflake,
)
