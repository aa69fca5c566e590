"""Tickets around the incidents, and those that are open now in every state that there is.

What is open now is set so that it stands the same at any time of day and week: promises that run
around the clock by the minute, those of working hours by working days.
"""

from __future__ import annotations

from opsportal.demo.acts import Turn
from opsportal.demo.cases_past import (
    ANA,
    CLEO,
    FINANCE,
    JOMO,
    MIKKEL,
    OFFICE,
    OWEN,
    REPORTS,
    SIGNE,
    TARA,
)
from opsportal.demo.tickets import Case

SNOWFLAKE = "Snowflake profiling"
# Of the incidents' stories: their days are calendar days.
AROUND: tuple[Case, ...] = (
    Case(
        "masking", 34, "10:16", "wrong_column_type", OFFICE,
        "Account notes are visible on a shared board",
        "Since this morning the column `account.note_mail` is shown as text on two shared boards. "
        "It is an e-mail column and our rule hides those.",
        {"column": "core.account.note_mail", "shown_type": "string", "expected_type": "email",
         "database_type": "VARCHAR(4000)", "package_version": "2.12.0"},
        (
            Turn("10:22", "luis", "", "accept:priya"),
            Turn("10:29", "luis", "E-mail columns read as plain text", "link:incident"),
            Turn("10:44", "priya", "Both boards are hidden until we know more. You hear from us "
                 "every hour, and before anybody else does."),
            Turn("12:05", "priya", "The hosted workers are back on 2.11.3; your columns read as "
                 "e-mail again. Please look at both boards before we show them.", "wait"),
            Turn("14:30", OFFICE, "Both are right. We check who has seen them."),
            Turn("15:10", "priya", "Thank you. Our access log for the two boards is attached to "
                 "the incident; six views, all by your own people.", "resolve:fixed"),
        ),
        levels=("high", "high"), tags=("masking",), link="Ostra core profile", channel="phone",
        by="luis", blocks=True, calendar=True,
    ),
    Case(
        "lumen-stale", 21, "07:41", "stale_profile", TARA,
        "Counts have not changed since last week",
        "The nightly workflow is green every day, yet each page says the same numbers. Are we "
        "reading it wrong?",
        {"connection": "Lumen visits", "warehouse_type": "Redshift", "profiled_at": "@9 02:11",
         "package_version": "2.12.1", "environment": "CI"},
        (
            Turn("08:04", "luis", "You read it right: the last profile is nine days old. I have "
                 "woken the profiler team."),
            Turn("08:08", "luis", "Profiles of 43 repositories", "await:incident:3"),
        ),
        link="Lumen visits", calendar=True,
    ),
    Case(
        "lumen-stale-end", 20, "09:20", "other", TARA,
        "Will you tell the others, too?",
        "If it was 43 repositories, most of them have not noticed.",
        {},
        (
            Turn("09:40", "luis", "All 43 hear from us today. A check that looks for what did not "
                 "run is being built.", "resolve:answered"),
            Turn("10:30", TARA, "Exactly right.", "rate:good"),
        ),
        levels=("low", "high"), calendar=True,
    ),
    Case(
        "ide-panel", 18, "13:31", "other", CLEO,
        "Context panel is empty in the IDE",
        "Since about 13:20, for all of us. The agent also gives old types.",
        {"environment": "IDE", "package_version": "2.13.0"},
        (
            Turn("13:38", "hannah", "We see it on our side, too, and are at it."),
            Turn("13:40", "hannah", "MCP tools: 41 of 160", "await:incident:2"),
        ),
        surface="ide.extension", levels=("medium", "high"), calendar=True,
    ),
    Case(
        "kite-project", 12, "13:38", "connectivity", JOMO,
        "New project: connection test fails at once",
        "connection_test_failed, for a source that works in our other project.",
        {"warehouse_type": "BigQuery", "diagnostic_code": "connection_test_failed",
         "environment": "Hosted"},
        (
            Turn("13:50", "luis", "It is ours: new projects fail since 13:30. I tell you when "
                 "it is mended."),
            Turn("13:53", "luis", "Connection tests: 31 %", "link:incident"),
            Turn("15:12", "luis", "Mended. Please test once more.", "wait"),
            Turn("15:40", JOMO, "Green."),
            Turn("15:45", "luis", "Sorry for the trouble.", "resolve:fixed"),
            Turn("16:30", JOMO, "", "rate:good"),
        ),
        link="Kite trips", calendar=True,
    ),
    Case(
        "fjord-project", 12, "13:47", "connectivity", SIGNE,
        "Cannot connect the new warehouse",
        "The test says connection_test_failed after a second.",
        {"warehouse_type": "Postgres", "diagnostic_code": "connection_test_failed",
         "environment": "Hosted"},
        (Turn("13:54", "luis", "", "merge:kite-project"),), calendar=True,
    ),
    Case(
        "kite-scan", 10, "14:52", "cost_surprise", JOMO,
        "Opening a panel cost us 410 dollars",
        "One colleague opened the inspector on `trips.raw_events`, nobody pressed anything. The "
        "bill of that hour is 410 dollars.",
        {"warehouse_type": "BigQuery", "amount": "410 USD", "column": "trips.raw_events",
         "environment": "IDE", "package_version": "2.13.1"},
        (
            Turn("15:08", "hannah", "That must not happen, and I take it up at once. Which version "
                 "of the extension does your colleague have?", "wait"),
            Turn("15:15", JOMO, "1.8.4. Also: the invoice of last month has our old tax number on "
                 "it, can you change that?"),
            Turn("15:18", "hannah", "Tax number on the invoice is an old one",
                 "split:billing:kite-tax"),
            Turn("15:24", "hannah", "Opening the inspector panel", "await:incident:3"),
        ),
        surface="ide.extension", link="Kite trips", owner="hannah", calendar=True,
    ),
    Case(
        "kite-scan-end", 9, "10:05", "billing", JOMO,
        "Refund for the scan",
        "You wrote that old clients are refused now. Do we get the 410 dollars back?",
        {"amount": "410 USD"},
        (
            Turn("10:30", "hannah", "Yes, in full, with the next invoice. You need not do "
                 "anything.", "resolve:fixed"),
            Turn("11:00", JOMO, "Fair.", "rate:good"),
        ),
        calendar=True,
    ),
    Case(
        "zendesk-column", 9, "05:54", "pack", REPORTS,
        "Ticket overview is empty since this morning",
        "ERR-WAREHOUSE-RUNTIME: column total_discount does not exist.",
        {"connector": "zendesk", "board": "ticket-overview", "pack_version": "0.9.1",
         "diagnostic_code": "ERR-WAREHOUSE-RUNTIME", "warehouse_type": "Postgres"},
        (
            Turn("06:10", "dele", "A column went away upstream, for nine projects by now. We are "
                 "building a bridge."),
            Turn("06:12", "dele", "Zendesk pack: total_discount", "await:incident:2"),
            Turn("06:30", OWEN, "The same on our service boards.", "me_too:luis"),
        ),
        surface="pack.zendesk", link="Fjord service desk", calendar=True,
    ),
    Case(
        "peakline-slow", 7, "09:50", "stale_profile", CLEO,
        "Runs took ten minutes this morning",
        "Six of nine. ERR-WAREHOUSE-CONNECTION on the others.",
        {"connection": "Peakline billing", "warehouse_type": "Snowflake",
         "diagnostic_code": "ERR-WAREHOUSE-CONNECTION", "package_version": "2.13.1"},
        (Turn("10:35", "luis", "Warehouse is suspended", "macro"),),
        link="Peakline billing", calendar=True,
    ),
    Case(
        "date-axis", 6, "09:12", "failed_report", SIGNE,
        "Date report: months are one off after the upgrade",
        "March is labelled April.",
        {"report": "Date", "package_version": "2.13.1", "environment": "CLI",
         "reproduction": "dft render date --table orders.order"},
        (
            Turn("09:26", "luis", "You have a copy of the date template from before 2.13, I think. "
                 "`dft validate-templates` will say so.", "wait"),
            Turn("11:30", SIGNE, "It does. Copied again, it is right."),
            Turn("11:40", "ines", "Thank you for the picture, it made it plain.",
                 "resolve:answered"),
        ),
        calendar=True,
    ),
)  # fmt: skip

# Answered when the incident that they waited for was over.
AFTER: tuple[tuple[str, int, str, tuple[Turn, ...]], ...] = (
    ("lumen-stale", 20, "09:30", (
        Turn("09:30", "luis", "All 43 repositories have a profile of today, yours since 08:50. "
             "The workflow lost its schedule when a shared file was renamed.", "resolve:fixed"),
        Turn("11:00", TARA, "Honest answer, thank you.", "rate:good"),
    )),
    ("ide-panel", 17, "10:55", (
        Turn("10:55", "hannah", "2.13.1 serves both names of the field; a restart of the IDE is "
             "enough.", "resolve:fixed"),
    )),
    ("kite-scan", 9, "09:55", (
        Turn("09:55", "hannah", "Clients before 1.9 profiled by opening. They are refused from "
             "today on.", "resolve:fixed"),
        Turn("12:00", JOMO, "It should never have been possible.", "rate:bad"),
    )),
    ("kite-tax", 10, "15:22", (
        Turn("15:22", "hannah", "", "accept:jonas"),
        Turn("16:05", "jonas", "The new number stands on every invoice from this month on. Shall "
             "the old one be written again?", "wait"),
        Turn("16:20", JOMO, "No need."),
        Turn("16:30", "jonas", "Then it stays.", "resolve:fixed"),
    )),
    ("zendesk-column", 9, "08:30", (
        Turn("08:30", "dele", "0.9.2 reads the old and the new column; your boards are filled.",
             "resolve:workaround"),
        Turn("10:00", REPORTS, "", "rate:good"),
    )),
)  # fmt: skip

OPEN: tuple[Case, ...] = (
    # -- the running incident
    Case(
        "crisis-bramble", 0, "-50m", "stale_profile", ANA,
        "Report shows Friday's row counts",
        "The Monday figures are Friday's. Nothing says that they are old; we nearly ordered by "
        "them.",
        {"connection": "Bramble nightly profile", "warehouse_type": "Snowflake",
         "profiled_at": "@3 05:10", "diagnostic_code": "ERR-QUERY-DURATION-EXCEEDED",
         "package_version": "2.14.0", "environment": "Hosted"},
        (
            Turn("-48m", "luis", "", "accept:luis"),
            Turn("-46m", "luis", "Profiles are delayed (incident)", "macro"),
            Turn("-45m", "luis", SNOWFLAKE, "await:incident:1"),
            Turn("-35m", "mara", "Do not offer to resize their warehouse again: it cost them money "
                 "and did nothing. @luis @hannah", "note"),
        ),
        surface="inspect.profiler.snowflake", levels=("high", "medium"),
        link="Bramble nightly profile", tags=("delayed-profiles",),
    ),
    Case(
        "crisis-ostra", 0, "-41m", "stale_profile", MIKKEL,
        "Run is stuck at 92 %",
        "For half an hour. We need it for the risk report at noon, please call.",
        {"connection": "Ostra core profile", "warehouse_type": "Snowflake", "run_id": "r-97310",
         "diagnostic_code": "ERR-QUERY-DURATION-EXCEEDED", "package_version": "2.14.0",
         "environment": "CI"},
        (
            Turn("-40m", "luis", "Ostra wants a call in a quarter of an hour.", "escalate"),
            Turn("-37m", "hannah", "", "accept:hannah"),
            Turn("-33m", "hannah", "Hello Mikkel,\n\nthis is ours, since this morning's release. "
                 "Pin `dataface==2.13.1` in your workflow and start it again; that run goes "
                 "through in about 12 minutes. I call you at a quarter past.\n\nHannah"),
            Turn("-32m", "hannah", SNOWFLAKE, "await:incident:1"),
        ),
        surface="inspect.profiler.snowflake", levels=("high", "medium"),
        link="Ostra core profile",
    ),
    Case(
        "crisis-owen", 0, "-39m", "stale_profile", OWEN,
        "Supply boards show old numbers",
        "Friday's, it seems. Ana may have written, too.",
        {"connection": "Bramble nightly profile", "warehouse_type": "Snowflake"},
        (Turn("-36m", "luis", "", "merge:crisis-bramble"),), channel="form",
        surface="inspect.profiler.snowflake",
    ),
    Case(
        "crisis-peakline", 0, "-30m", "failed_report", CLEO,
        "Model report ends with an error since this morning",
        "ERR-QUERY-DURATION-EXCEEDED on `billing.event_payload`. Deep profile is off.",
        {"report": "Model", "diagnostic_code": "ERR-QUERY-DURATION-EXCEEDED",
         "package_version": "2.14.0", "environment": "CI"},
        (
            Turn("-27m", "luis", SNOWFLAKE, "link:incident"),
            Turn("-26m", "luis", "Profiles are delayed (incident)", "macro"),
        ),
        surface="inspect.profiler.snowflake", link="Peakline billing",
    ),
    # -- around the clock
    Case(
        "mcp-write", 0, "-38m", "other", CLEO,
        "The agent ran a DELETE on our warehouse",
        "We asked it to list duplicates in `crm.contact`. It listed them, then removed 31 rows. "
        "Our role may write; the tool says that it only reads.",
        {"environment": "MCP", "package_version": "2.14.0"},
        (
            Turn("-33m", "hannah", "", "accept:priya"),
            Turn("-32m", "hannah", "Write access behind a tool that promises to read. I have asked "
                 "them to take the role's rights away. @priya", "note"),
        ),
        surface="agent.mcp-server", levels=("high", "high"), channel="phone", by="hannah",
        blocks=True, tags=("guardrail",), link="Peakline marketing",
    ),
    Case(
        "ostra-type", 0, "-17m", "wrong_column_type", OFFICE,
        "National ids read as phone numbers again",
        "After the upgrade, on three tables. The masking of `core.guarantor.civil_no` is off.",
        {"column": "core.guarantor.civil_no", "shown_type": "phone",
         "expected_type": "national id", "database_type": "VARCHAR(12)",
         "package_version": "2.14.0"},
        (
            Turn("-13m", "luis", "", "accept:priya"),
            Turn("-12m", "luis", "Same class as five weeks ago. Fixture says green. @priya",
                 "note"),
        ),
        levels=("high", "high"), tags=("masking",), link="Ostra core profile",
    ),
    Case(
        "kite-key", 0, "-6m", "connectivity", JOMO,
        "Connection test fails since we rotated the key",
        "New service account key, same rights. ERR-WAREHOUSE-AUTH.",
        {"connection": "Kite trips", "warehouse_type": "BigQuery",
         "diagnostic_code": "ERR-WAREHOUSE-AUTH", "environment": "Hosted"},
        link="Kite trips", channel="form",
    ),
    # -- of the last days
    Case(
        "lumen-quality", 2, "13:05", "failed_report", TARA,
        "Quality page is empty for one schema",
        "`trials` has 40 tables; the page says none.",
        {"report": "Quality", "package_version": "2.13.1", "environment": "CI"},
        (
            Turn("14:20", "luis", "Does the profile itself hold the schema? "
                 "`dft inspect --list trials` tells.", "wait"),
        ),
        link="Lumen trials",
    ),
    Case(
        "fjord-cert", 1, "14:10", "other", REPORTS,
        "Browser warns about reports.fjord.example",
        "It says that the certificate ends this week.",
        {"environment": "Hosted"},
        (),
        surface="platform.custom-domains", levels=("medium", "medium"), channel="form",
    ),
    Case(
        "shopify", 3, "10:30", "pack", SIGNE,
        "Is there a Shopify pack?",
        "We would move our shop boards at once.",
        {"connector": "shopify"},
        (
            Turn("13:00", "luis", "Not yet; you are the third to ask. I add your name and your "
                 "tables to the request.", "reply"),
            Turn("13:05", "luis", "", "snooze:6"),
        ),
        levels=("low", "medium"), tags=("request",),
    ),
    Case(
        "hubspot-late", 8, "09:20", "pack", CLEO,
        "HubSpot: owners are missing on the activity board",
        "Half of the activities have no owner since the pack's update.",
        {"connector": "hubspot", "board": "activity", "pack_version": "0.7.0",
         "warehouse_type": "Snowflake"},
        (
            Turn("11:00", "ines", "Confirmed: the join on owners lost its archived ones. I look "
                 "for somebody who knows that pack."),
            Turn("+2 09:30", CLEO, "Any news? Our sales lead asks every morning."),
            Turn("+1 10:00", "ines", "The shim needs a decision by the pack's owner, who has left. "
                 "I am sorry that this takes so long."),
            Turn("10:05", "ines", "Nobody maintains this pack. @dele @nora please name somebody.",
                 "note"),
        ),
        surface="pack.hubspot", link="Peakline marketing", tags=("no-maintainer",),
    ),
    Case(
        "zendesk-upstream", 4, "09:00", "pack", OWEN,
        "Satisfaction board counts bad ratings as good",
        "21 bad ones this month; the board shows them green.",
        {"connector": "zendesk", "board": "satisfaction", "pack_version": "0.9.2",
         "warehouse_type": "Snowflake"},
        (
            Turn("10:10", "dele", "Right: the upstream package changed the scale. We reported it "
                 "there, and its fix is announced for next week."),
            Turn("10:15", "dele", "dbt_zendesk 1.4", "await:vendor:14"),
            Turn("+2 09:30", "dele", "Still announced for next week. Until then the column "
                 "`rating_raw` has the right values."),
            Turn("+1 10:30", "dele", "The release is planned for Tuesday."),
        ),
        surface="pack.zendesk", link="Bramble support desk",
    ),
    Case(
        "reopened", 4, "08:30", "wrong_column_type", TARA,
        "Postcodes read as numbers",
        "Leading zeros are lost on the page.",
        {"column": "visits.patient.postcode", "shown_type": "integer",
         "expected_type": "postal code", "database_type": "VARCHAR(8)",
         "package_version": "2.13.1"},
        (
            Turn("09:10", "luis", "`meta.semantic_type: postal_code` on the column brings them "
                 "back.", "resolve:workaround"),
            Turn("+2 10:00", TARA, "Only on that table. There are eleven more with postcodes.",
                 "unsolved"),
            Turn("11:20", "luis", "Fair. I ask for a rule by name; please send me the eleven.",
                 "wait"),
        ),
        link="Lumen visits",
    ),
    Case(
        "invoice-open", 2, "15:00", "billing", FINANCE,
        "Invoice lists a plan that we never ordered",
        "“Embedded, 5 boards”: who ordered that?",
        {"invoice": "INV-2231", "amount": "350.00 USD"},
        (
            Turn("15:20", "aiko", "It was ordered by an account that has left your org. Shall it "
                 "end?", "wait"),
        ),
        queue="disputes", owner="aiko",
    ),
    Case(
        "pii-question", 4, "09:10", "other", MIKKEL,
        "Where are sample values of a profile kept?",
        "Our auditor asks for the list of places.",
        {"package_version": "2.13.1"},
        (
            Turn("10:00", "luis", "In the artifact in your own repository, nowhere else. I write "
                 "the full list down for you."),
            Turn("+1 14:00", MIKKEL, "We need it in writing by the end of next week."),
            Turn("15:10", "luis", "You will have it; security reads it first."),
            Turn("+2 10:00", "luis", "Half is written, the part on the hosted files is missing."),
            Turn("-25m", "luis", "Here is the list, read by security:\n\n1. the artifact in your "
                 "own repository,\n2. the page cache of the hosted preview, for", "draft"),
        ),
        levels=("medium", "medium"), tags=("audit",), channel="phone", by="luis", owner="luis",
    ),
    Case(
        "resolved-now", 2, "08:40", "connectivity", REPORTS,
        "Service desk does not sync since Sunday",
        "The connection is green, the boards are of Sunday.",
        {"connection": "Fjord service desk", "warehouse_type": "Postgres"},
        (
            Turn("09:15", "aiko", "The connector on your side has been paused for three days; "
                 "resuming it is enough. Boards follow within the hour.", "resolve:not_ours"),
        ),
        link="Fjord service desk",
    ),
    Case(
        "render-fonts", 3, "08:50", "other", ANA,
        "Exported pictures have other fonts than the page",
        "Only in PNG exports, PDF is right.",
        {"package_version": "2.13.1", "environment": "Hosted"},
        (
            Turn("09:40", "hannah", "I can see it. It goes to the people who draw the charts."),
            Turn("09:41", "hannah", "", "owner:ines"),
            Turn("+1 10:00", "ines", "The exporter has no licence for your font and takes the next "
                 "best. I try to embed it; you hear from me this week."),
        ),
        surface="charts.library", levels=("low", "medium"),
    ),
    Case(
        "mcp-limits", 1, "09:35", "other", JOMO,
        "Can we limit what the agent may scan?",
        "A number of bytes for each question would do.",
        {"environment": "MCP"},
        (
            Turn("11:10", "luis", "`mcp.max_bytes_scanned` in `dataface.yml`, since 2.13. Would "
                 "you try with 10 GB?", "wait"),
        ),
        surface="agent.mcp-server", link="Kite trips",
    ),
    Case(
        "cost-open", 1, "13:15", "cost_surprise", TARA,
        "Profiling kept our cluster awake all night",
        "It usually pauses at 22:00. Yesterday it ran until six.",
        {"warehouse_type": "Redshift", "run_id": "r-96804", "package_version": "2.13.1",
         "environment": "CI"},
        (
            Turn("14:00", "tomas", "One run retried every ten minutes, eight hours long; each try "
                 "woke the cluster. `retries: 2` in the workflow ends that. I look why it is not "
                 "the default."),
        ),
        link="Lumen visits", owner="tomas", levels=("medium", "medium"),
    ),
)  # fmt: skip
