"""A quarter of tickets that are over: what analysts asked, what it was, how it ended.

People, customers, numbers and versions are invented. Days are working days before the present.
"""

from __future__ import annotations

from opsportal.demo.acts import Turn
from opsportal.demo.tickets import Case

ANA, OWEN = "ana@bramble.example", "owen@bramble.example"
MIKKEL, OFFICE = "mikkel.dahl@ostra.example", "data-office@ostra.example"
JOMO, TARA = "jomo@kite.example", "tara.quill@lumen.example"
SIGNE, REPORTS = "signe@fjord.example", "reports@fjord.example"
CLEO, FINANCE = "cleo@peakline.example", "finance@peakline.example"

PAST: tuple[Case, ...] = (
    Case(
        "first-profile", 61, "08:40", "other", TARA,
        "How do we profile only two schemas?",
        "Our cluster has 60 schemas and we need the profile of two of them. Is there a switch, or "
        "do we have to make a second source?",
        {"package_version": "2.10.1", "environment": "CI"},
        (
            Turn("09:05", "luis", "Hello Tara,\n\nthere is one: `dft inspect --schema visits "
                 "--schema billing`. It can stand in `dataface.yml` as `inspector.schemas`, so "
                 "that CI takes the same.\n\nLuis", "resolve:answered"),
            Turn("09:40", TARA, "Works. Thank you, that was quick.", "rate:good"),
        ),
    ),
    Case(
        "numeric-digits", 59, "09:20", "failed_report", ANA,
        "Numeric report shows prices without their cents",
        "On the numeric page of `sales.invoice_line` every price is rounded to whole euros. The "
        "table has NUMERIC(12,4).",
        {"report": "Numeric", "package_version": "2.10.1", "environment": "Hosted"},
        (
            Turn("10:10", "luis", "Thank you, Ana. I see it in your project, too. It is the "
                 "display alone, the profile has all digits. I pass it to the profiler team."),
            Turn("10:20", "luis", "Rounds in the template, not in the artifact. @mara",  "note"),
            Turn("13:45", "mara", "The template cut the scale. The next patch keeps it; until then "
                 "the artifact itself has the right numbers.", "resolve:workaround"),
            Turn("+1 09:30", ANA, "", "rate:good"),
        ),
        surface="inspect.reports",
    ),
    Case(
        "sso", 57, "12:30", "other", OFFICE,
        "Two colleagues cannot see the Risk boards project",
        "They were added to the org last week and still see an empty list.",
        {"environment": "Hosted"},
        (
            Turn("12:50", "hannah", "They are in the org, but not in the project. I cannot add "
                 "them for you; an owner of the project can, under Members. Would you try?",
                 "wait"),
            Turn("14:05", OFFICE, "Done, both see it. The two lists are easy to confuse."),
            Turn("14:20", "hannah", "They are. I passed that on to the people who make the page.",
                 "resolve:answered"),
        ),
        surface="cloud.projects", levels=("medium", "medium"),
    ),
    Case(
        "kite-region", 56, "08:15", "connectivity", JOMO,
        "Connection test fails: dataset is in another region",
        "We added the dataset `trips_eu`. The test says ERR-WAREHOUSE-RUNTIME and nothing else.",
        {"connection": "Kite trips", "warehouse_type": "BigQuery",
         "diagnostic_code": "ERR-WAREHOUSE-RUNTIME", "package_version": "2.10.1"},
        (
            Turn("08:35", "luis", "Hello Jomo,\n\nthe source is set to `US`, the dataset lives in "
                 "`EU`; BigQuery does not join the two. Make a second source with location `EU`."
                 "\n\nLuis", "wait"),
            Turn("09:50", JOMO, "That was it."),
            Turn("09:58", "luis", "Good. The message should have said so; there is a ticket with "
                 "the platform team.", "resolve:answered"),
            Turn("11:00", JOMO, "", "rate:good"),
        ),
        link="Kite trips",
    ),
    Case(
        "phone-ids", 54, "10:05", "wrong_column_type", MIKKEL,
        "customer.civil_no reads as phone number",
        "An eleven digit id with a dash reads as phone. Our rule for masking goes by the type.",
        {"column": "core.customer.civil_no", "shown_type": "phone", "expected_type": "national id",
         "database_type": "VARCHAR(12)", "package_version": "2.11.0"},
        (
            Turn("10:40", "luis", "I can see it on our reference data as well. For now you can set "
                 "the type by hand: `meta.semantic_type: national_id` on the column. The next "
                 "profile keeps it."),
            Turn("11:15", "priya", "The phone rule accepts a dash after six digits. I want a "
                 "rewrite of the identifier rules, not another exception. @mara", "note"),
            Turn("13:10", MIKKEL, "Set by hand, the masking is right again. Please tell us when "
                 "the rule is."),
            Turn("14:30", "luis", "We will. It is planned for the next minor version.",
                 "resolve:workaround"),
            Turn("+1 08:20", MIKKEL, "", "rate:good"),
        ),
        link="Ostra core profile", tags=("masking",),
    ),
    Case(
        "invoice-july", 52, "13:10", "billing", FINANCE,
        "Invoice lists 14 seats, we have 11",
        "Three people left in the month before. Please correct it.",
        {"invoice": "INV-2041", "amount": "420.00 USD"},
        (
            Turn("13:40", "hannah", "Seats are counted on the first of the month; the three left "
                 "on the fourth. I ask whether we can be generous.", "wait"),
            Turn("+1 09:10", "jonas", "Credited: three seats, 90.00 USD, on the next invoice.",
                 "resolve:fixed"),
            Turn("+1 15:00", FINANCE, "Thank you.", "rate:good"),
        ),
        queue="disputes",
    ),
    Case(
        "slow-render", 51, "09:00", "other", SIGNE,
        "The orders board takes 20 seconds",
        "It used to take three. Nothing changed on our side that I know of.",
        {"package_version": "2.11.0", "environment": "Hosted"},
        (
            Turn("+1 13:30", "ines", "Sorry that this took so long. One query reads every order "
                 "since 2019 to fill a date picker. Limit it to a year in `orders.yml`; that "
                 "brings it to two seconds.", "wait"),
            Turn("+2 08:30", SIGNE, "Two seconds, yes."),
            Turn("08:50", "ines", "Good.", "resolve:answered"),
        ),
        surface="core.render", levels=("medium", "medium"), owner="ines",
    ),
    Case(
        "redshift-timeout", 49, "07:50", "stale_profile", TARA,
        "Profile of the cluster never ends",
        "It ran for two hours, then CI killed it. Yesterday it took 14 minutes.",
        {"connection": "Lumen visits", "warehouse_type": "Redshift", "run_id": "r-88412",
         "diagnostic_code": "ERR-QUERY-DURATION-EXCEEDED", "package_version": "2.11.1",
         "environment": "CI", "profiled_at": "@1 02:14"},
        (
            Turn("08:30", "luis", "Your cluster was resizing between 05:10 and 07:20; queries are "
                 "read-only then and very slow. Would you run it again?", "wait"),
            Turn("10:15", TARA, "15 minutes. Thank you."),
            Turn("10:22", "luis", "Then that was it.", "resolve:not_ours"),
        ),
        link="Lumen visits",
    ),
    Case(
        "email-plain", 47, "11:20", "wrong_column_type", OWEN,
        "Supplier e-mail addresses read as plain text",
        "`supplier.contact` has an address in nearly every row and shows as text.",
        {"column": "supply.supplier.contact", "shown_type": "string", "expected_type": "email",
         "database_type": "VARCHAR(320)", "package_version": "2.11.1"},
        (
            Turn("12:00", "luis", "How many rows have no address in them? The rule wants 95 % of a "
                 "sample.", "wait"),
            Turn("14:40", OWEN, "9 % hold the word `none`."),
            Turn("+1 09:20", "priya", "Then the rule is right by its letter and wrong for you. "
                 "`null_values: [none]` on the source makes it an e-mail column.",
                 "resolve:workaround"),
            Turn("+1 11:00", OWEN, "Fine for us, but who would guess that?", "rate:bad"),
        ),
        link="Bramble nightly profile",
    ),
    Case(
        "pg-ssl", 46, "08:25", "connectivity", REPORTS,
        "Connection refused since our certificate was renewed",
        "psql connects, the test does not: ERR-WAREHOUSE-CONNECTION.",
        {"connection": "Fjord orders", "warehouse_type": "Postgres",
         "diagnostic_code": "ERR-WAREHOUSE-CONNECTION", "package_version": "2.11.1"},
        (
            Turn("08:50", "aiko", "The new chain lacks its intermediate certificate. psql does not "
                 "check it, we do (`sslmode=verify-full`). Please add it on the server.", "wait"),
            Turn("12:10", REPORTS, "Added, the test is green."),
            Turn("12:30", "aiko", "Good. Closing this.", "resolve:not_ours"),
            Turn("13:00", REPORTS, "", "rate:good"),
        ),
        link="Fjord orders",
    ),
    Case(
        "hubspot-stages", 44, "14:00", "pack", CLEO,
        "HubSpot funnel counts closed deals twice",
        "Deals that moved back a stage appear in both. 212 deals, the board says 231.",
        {"connector": "hubspot", "board": "deal-overview", "pack_version": "0.6.2",
         "warehouse_type": "Snowflake"},
        (
            Turn("15:10", "luis", "Confirmed on your numbers. The pack's maintainer has it.",),
            Turn("+2 10:00", "dele", "The board joins the stage history without a date. 0.6.3 "
                 "takes the last stage only; it is out.", "wait"),
            Turn("+2 13:30", CLEO, "212. Thank you."),
            Turn("13:45", "dele", "And thank you for the numbers, they made it easy.",
                 "resolve:fixed"),
            Turn("+1 16:00", CLEO, "Clear and fast.", "rate:good"),
        ),
        surface="pack.hubspot", link="Peakline marketing",
    ),
    Case(
        "lost-invite", 43, "09:30", "other", JOMO,
        "Invitation mail never arrived",
        "For our new analyst, second try.",
        {"environment": "Hosted"},
        (
            Turn("09:42", "luis", "Your mail server refused it as too large an address list. I "
                 "send you the link in a moment.", "resolve:workaround"),
        ),
        levels=("low", "high"), channel="chat", by="luis",
    ),
    Case(
        "scan-cost-ask", 42, "10:10", "cost_surprise", JOMO,
        "What would deep profiling cost on trips.raw_events?",
        "Before anybody presses the button: 41 TB. We pay per scan.",
        {"warehouse_type": "BigQuery", "column": "trips.raw_events", "package_version": "2.11.2"},
        (
            Turn("10:50", "luis", "Do not press it on the whole table: about 250 dollars. With "
                 "`sample: 0.5 %` it is a little over one. The estimate is shown before it "
                 "runs since 2.11."),
            Turn("11:20", JOMO, "Understood. We sample."),
            Turn("11:30", "luis", "Good. Closing.", "resolve:answered"),
            Turn("12:00", JOMO, "", "rate:good"),
        ),
        levels=("medium", "medium"), link="Kite trips",
    ),
    Case(
        "lost-filter", 40, "13:20", "other", ANA,
        "Saved filters are gone after sign-in",
        "Every Monday I set six filters again.",
        {"package_version": "2.11.2", "environment": "Hosted"},
        (
            Turn("+3 15:00", "aiko", "They are kept in the browser, and yours forgets site data "
                 "when it closes. Keeping them with the account is on our list; I cannot promise "
                 "a date.", "resolve:declined"),
            Turn("+1 09:00", ANA, "I understood the reason, but waiting three days for a no is "
                 "long.", "rate:bad"),
        ),
        surface="cloud.projects", levels=("medium", "medium"),
    ),
    Case(
        "bfcm", 38, "08:10", "stale_profile", SIGNE,
        "Profile is a day old although we changed the model",
        "`orders_daily` was rebuilt at six, the page still shows yesterday's columns.",
        {"connection": "Fjord orders", "warehouse_type": "Postgres", "profiled_at": "@1 05:02",
         "package_version": "2.11.2", "environment": "CI"},
        (
            Turn("08:55", "luis", "The profile is only made when CI runs, and CI runs on changes "
                 "of that repository. Yours rebuilds elsewhere. A `dft inspect table orders_daily` "
                 "at the end of your job makes it fresh.", "wait"),
            Turn("+1 10:00", SIGNE, "Added to the job."),
            Turn("10:15", "luis", "Then it is fresh from now on.", "resolve:answered"),
        ),
        link="Fjord orders",
    ),
    Case(
        "date-1970", 36, "09:40", "wrong_column_type", TARA,
        "visit_ts reads as number, not as time",
        "It holds seconds since 1970.",
        {"column": "visits.visit.visit_ts", "shown_type": "integer", "expected_type": "timestamp",
         "database_type": "BIGINT", "package_version": "2.11.2"},
        (
            Turn("10:30", "luis", "Seconds since 1970 are only read as time when the name ends in "
                 "`_at` or `_epoch`. I ask whether `_ts` may count, too."),
            Turn("+1 09:00", "priya", "It may, from 2.11.3 on.", "resolve:fixed"),
            Turn("+1 12:00", TARA, "", "rate:good"),
        ),
        link="Lumen visits",
    ),
    Case(
        "sf-role", 34, "07:45", "connectivity", OWEN,
        "Snowflake refuses the role since Friday",
        "ERR-WAREHOUSE-AUTH on every run. Our admin says nothing was changed.",
        {"connection": "Bramble nightly profile", "warehouse_type": "Snowflake",
         "diagnostic_code": "ERR-WAREHOUSE-AUTH", "package_version": "2.11.2",
         "environment": "Hosted"},
        (
            Turn("08:10", "luis", "", "accept:aiko"),
            Turn("09:54", "aiko", "Sorry for the wait, I was alone this morning. The role lost "
                 "USAGE on the warehouse on Friday at 17:02; `SHOW GRANTS TO ROLE dataface` shows "
                 "what is left.", "wait"),
            Turn("11:40", OWEN, "A clean-up script. Granted again, it runs."),
            Turn("11:50", "aiko", "Good.", "resolve:not_ours"),
        ),
        link="Bramble nightly profile", levels=("medium", "high"),
    ),
    Case(
        "zendesk-empty", 32, "10:30", "pack", REPORTS,
        "First-reply board of the Zendesk pack is empty",
        "All others are filled.",
        {"connector": "zendesk", "board": "first-reply", "pack_version": "0.9.0",
         "warehouse_type": "Postgres"},
        (
            Turn("11:10", "luis", "That board needs the `ticket_event` table, which your connector "
                 "does not sync. It can be switched on in the connector's schema tab.", "wait"),
            Turn("+1 08:30", REPORTS, "Switched on; it fills up."),
            Turn("08:45", "luis", "Good. The board should say that itself. @dele", "note"),
            Turn("08:50", "luis", "Then we are done here.", "resolve:answered"),
            Turn("+1 10:00", REPORTS, "", "rate:good"),
        ),
        surface="pack.zendesk", link="Fjord service desk",
    ),
    Case(
        "card-expired", 30, "15:10", "billing", CLEO,
        "Our card expired, will we be cut off?",
        "The new one comes next week.",
        {"invoice": "INV-2107"},
        (
            Turn("15:25", "hannah", "No. Nothing is cut off by a failed payment at the moment; "
                 "billing is a preview, and a person looks at each case.", "resolve:answered"),
            Turn("15:50", CLEO, "Relieved.", "rate:good"),
        ),
    ),
    Case(
        "mcp-stale", 29, "09:15", "other", MIKKEL,
        "The agent answers with column names that are gone",
        "It asks for `customer.segment`, which we dropped in May.",
        {"package_version": "2.11.3", "environment": "MCP"},
        (
            Turn("09:50", "priya", "The context was built from a profile of April: your MCP server "
                 "reads the committed file. `dft inspect` and a restart bring it up to date.",
                 "wait"),
            Turn("13:00", MIKKEL, "Up to date. Could it say how old its facts are?"),
            Turn("14:10", "priya", "It could, and will: noted for the tool's answer.",
                 "resolve:answered"),
        ),
        surface="agent.mcp-server", levels=("medium", "medium"),
    ),
    Case(
        "quota", 26, "08:05", "stale_profile", JOMO,
        "Profiles fail: quota exceeded since last night",
        "Somebody pressed refresh on all tables. Now every run ends with a quota error.",
        {"connection": "Kite trips", "warehouse_type": "BigQuery", "run_id": "r-90177",
         "diagnostic_code": "ERR-WAREHOUSE-RUNTIME", "package_version": "2.12.0"},
        (
            Turn("08:20", "luis", "The project's daily quota is used up; it is full again at "
                 "08:00 Pacific. Until then runs end like this. Who may press refresh for all can "
                 "be limited in the project.", "wait"),
            Turn("+1 09:10", JOMO, "Runs again. We limited it."),
            Turn("09:20", "luis", "Good.", "resolve:not_ours"),
            Turn("09:30", "luis", "A limit of runs at once for each project would have helped. "
                 "@mara", "note"),
        ),
        surface="inspect.profiler.bigquery", link="Kite trips",
    ),
    Case(
        "footer-year", 24, "13:40", "failed_report", REPORTS,
        "PDF footer shows last year",
        "On every report since the template was changed.",
        {"report": "Model", "package_version": "2.12.0", "environment": "Hosted"},
        (
            Turn("14:10", "luis", "A fixed year in the template. It is being changed."),
            Turn("+1 11:00", "tomas", "Fixed in the hosted templates; no new version is needed.",
                 "resolve:fixed"),
        ),
        levels=("low", "low"),
    ),
    Case(
        "seats-dispute", 22, "10:00", "billing", FINANCE,
        "Charged twice for August",
        "Two payments of 1,260.00 on the same day. Our auditor asks.",
        {"invoice": "INV-2166", "charged_on": "@2 00:00", "amount": "1260.00 USD"},
        (
            Turn("10:12", "jonas", "I see both. One is the invoice of July, paid late. I send the "
                 "statement that shows it.", "wait"),
            Turn("+1 09:00", FINANCE, "The auditor is content."),
            Turn("09:15", "jonas", "Good. Who takes such a question when I am away is not "
                 "written anywhere. @nora", "note"),
            Turn("09:20", "jonas", "Closing this one.", "resolve:answered"),
        ),
        queue="disputes",
    ),
    Case(
        "ejected", 20, "11:15", "failed_report", OWEN,
        "Quality page fails after we copied the template",
        "ERR-TEMPLATE-COMPILE since the upgrade. We changed one heading.",
        {"report": "Quality", "diagnostic_code": "ERR-TEMPLATE-COMPILE",
         "package_version": "2.12.1", "environment": "CLI",
         "reproduction": "dft render quality --table supply.supplier"},
        (
            Turn("11:40", "luis", "A copied template stays at the version it was copied from. "
                 "`dft validate-templates` lists what the original changed since; it is one line.",
                 "wait"),
            Turn("14:00", OWEN, "One line, yes. Works."),
            Turn("14:10", "luis", "Good.", "resolve:answered"),
            Turn("15:00", OWEN, "", "rate:good"),
        ),
        file=(
            "render.log",
            "ERR-TEMPLATE-COMPILE: block 'flags' is missing\n  in quality.html, line 41\n",
        ),
    ),
    Case(
        "newsletter", 19, "06:30", "other", REPORTS,
        "Grow your reach: 40 % off all audience lists",
        "Dear team, this week only you get 40 % off ...",
        {}, (Turn("08:10", "luis", "", "move:spam"),),
    ),
    Case(
        "salesforce-arr", 17, "12:20", "pack", MIKKEL,
        "ARR on the Salesforce overview leaves out renewals",
        "The board shows 4.1 million, our own report 4.6.",
        {"connector": "salesforce", "board": "revenue-overview", "pack_version": "1.2.0",
         "warehouse_type": "Snowflake"},
        (
            Turn("+1 14:30", "dele", "Late, sorry: I wanted to be sure. Renewals are their own "
                 "record type with you, and the pack counts `New Business` alone. Set "
                 "`arr.record_types` in `index.yml`.", "wait"),
            Turn("+2 09:00", MIKKEL, "4.6 million. Please write that into the guide."),
            Turn("10:00", "dele", "Written: see known limits of the pack.", "resolve:answered"),
            Turn("+2 12:00", MIKKEL, "Good help, slow start.", "rate:good"),
        ),
        surface="pack.salesforce", link="Ostra CRM",
    ),
    Case(
        "outage-p1", 15, "09:10", "connectivity", ANA,
        "All boards are blocked, 40 people are waiting",
        "Every board of Supply and Service shows `blocked`. Monday review is at ten.",
        {"warehouse_type": "Snowflake", "diagnostic_code": "connection_test_failed",
         "environment": "Hosted"},
        (
            Turn("09:14", "hannah", "", "accept:aiko"),
            Turn("09:52", "aiko", "Your network policy lists our old address range; the new one "
                 "is in use since today. I have put your project back on the old range until you "
                 "have changed it. Boards fill up now."),
            Turn("10:05", ANA, "They are back, in time for the review."),
            Turn("10:20", "aiko", "Good. The new range stands in the connection's help; please "
                 "tell us when it is in.", "resolve:workaround"),
            Turn("13:00", "nora", "The page went to Jonas, whose phone was with the repair shop; "
                 "the rotation was corrected the same day.", "waive:first_reply"),
            Turn("+1 09:00", ANA, "Saved our review.", "rate:good"),
        ),
        levels=("high", "high"), link="Bramble nightly profile", blocks=True,
        channel="phone", by="hannah",
    ),
    Case(
        "drill", 4, "13:05", "billing", CLEO,
        "Rehearsal: we are read-only although we have paid",
        "Part of the rehearsal: an angry customer in read-only.",
        {"invoice": "INV-0000"},
        (
            Turn("13:12", "luis", "We see it, your access comes back within minutes, and you are "
                 "not charged twice.", "resolve:fixed"),
        ),
        kind="drill", channel="portal", by="jonas",
    ),
    Case(
        "old-client", 13, "14:20", "other", CLEO,
        "Which client versions may our people still use?",
        "Security asks for the list.",
        {"environment": "IDE"},
        (
            Turn("15:00", "luis", "1.9 and later; older ones profile by themselves when a panel "
                 "opens and are refused from next month on.", "resolve:answered"),
        ),
        surface="ide.extension",
    ),
    Case(
        "late-followup", 33, "09:05", "pack", CLEO,
        "Stripe pack: MRR is off by refunds",
        "Refunds of a former month lower the month of the charge.",
        {"connector": "stripe", "board": "mrr", "pack_version": "0.4.1",
         "warehouse_type": "Snowflake"},
        (
            Turn("10:00", "luis", "That is how the pack counts today. "
                 "`mrr.refunds: by_refund_date` turns it around.", "resolve:answered"),
            Turn("+1 09:00", CLEO, "", "rate:good"),
            Turn("+30 09:30", CLEO, "We upgraded to 0.5 and the switch has no effect any more: "
                 "refunds are back in the month of the charge."),
        ),
        surface="pack.stripe", link="Peakline billing",
    ),
)  # fmt: skip
