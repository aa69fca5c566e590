"""What is going on now: an incident in full swing, a page that waits, what nobody owns."""

from __future__ import annotations

from datetime import timedelta

from apps.incidents.models import Incident
from opsportal.demo import payloads
from opsportal.demo.payloads import Rule
from opsportal.demo.rotations import swap_hours
from opsportal.demo.stage import Beats, Stage, Story, whole_hour

CRISIS_MINUTES = 72
SNOWFLAKE = "Snowflake profiling: 38 of 112 runs failed"
_GROUP = {"warehouse": "snowflake"}
_FAILING = Rule(
    "ProfileRunFailures",
    SNOWFLAKE,
    "critical",
    {"warehouse": "snowflake", "code": "ERR-QUERY-DURATION-EXCEEDED"},
    "33.9 % of runs in an hour, 95 % interval 25.8 to 43.1. BigQuery 2 of 140, Postgres 0 of 61.",
)
_BURNING = Rule(
    "ProfileBudgetBurn",
    "Snowflake profiling: error budget of 28 days gone in 9 hours",
    "error",
    {"warehouse": "snowflake", "window": "6h"},
)


def snowflake(stage: Stage) -> Beats:
    """Runs time out since a release; the team has taken a wrong turn and is back."""
    start = stage.ago(minutes=CRISIS_MINUTES)
    yield start
    first = payloads.alertmanager([(_FAILING, "firing")], group=_GROUP, started_at=start)
    stage.send(stage.sources.metrics, first)
    yield stage.ago(minutes=70)
    stage.acknowledge("mara", SNOWFLAKE)
    yield stage.ago(minutes=67)
    stage.move("mara", SNOWFLAKE, Incident.Status.INVESTIGATING, "More than one customer.")
    stage.say(
        "mara",
        SNOWFLAKE,
        "Only Snowflake: BigQuery 2 of 140, Postgres 0 of 61. Counted are runs; the 1,904 tables "
        "inside them are not independent.",
    )
    yield stage.ago(minutes=59)
    both = [(_FAILING, "firing"), (_BURNING, "firing")]
    stage.send(stage.sources.metrics, payloads.alertmanager(both, group=_GROUP, started_at=start))
    yield stage.ago(minutes=57)
    stage.lead("tomas", SNOWFLAKE, by="mara")
    yield from _wrong_turn(stage)
    yield from _back_on_track(stage)


def _wrong_turn(stage: Stage) -> Beats:
    yield stage.ago(minutes=54)
    stage.say(
        "hannah",
        SNOWFLAKE,
        "Told customers: profiles on Snowflake connections are delayed, earlier results stay "
        "visible with their date.",
    )
    yield stage.ago(minutes=53)
    stage.say("mara", SNOWFLAKE, "Bramble let us resize their warehouse from X-Small to Small.")
    yield stage.ago(minutes=42)
    stage.say(
        "tomas",
        SNOWFLAKE,
        "**Wrong turn.** Eleven minutes on the bigger warehouse changed nothing and cost them "
        "money. Taken back. We do not resize customers' warehouses.",
    )


def _back_on_track(stage: Stage) -> Beats:
    yield stage.ago(minutes=36)
    stage.say(
        "tomas",
        SNOWFLAKE,
        "Change list: 2.14.0 went out eight hours before the first failure. It counts distinct "
        "values of every wide text column, also with deep profile off.",
    )
    yield stage.ago(minutes=31)
    stage.post(
        "flag:collect_top_values",
        "inspector.collect_top_values is off for hosted workers",
        action="change",
        surface="inspect.profiler",
        details={"change_kind": "flag"},
    )
    stage.say("mara", SNOWFLAKE, "`inspector.collect_top_values` is off for the hosted workers.")
    yield stage.ago(minutes=24)
    for org in ("ostra", "lumen"):
        stage.post(
            f"auth:{org}",
            f"Snowflake refuses the credentials of {org.capitalize()}",
            severity="info",
            surface="inspect.profiler.snowflake",
            details={"code": "ERR-WAREHOUSE-AUTH", "org": org.capitalize()},
        )
    stage.say("luis", SNOWFLAKE, "Two ERR-WAREHOUSE-AUTH stand beside this and are not counted.")
    yield stage.ago(minutes=18)
    stage.say(
        "mara",
        SNOWFLAKE,
        "Failure rate is halved, not gone: half of the users still run 2.14.0 themselves.",
    )
    yield stage.ago(minutes=8)
    stage.say(
        "hannah",
        SNOWFLAKE,
        "38 projects will be asked to press Refresh once 2.14.1 is out. Next update in 20 minutes.",
    )


def dentist(stage: Stage) -> Beats:
    """Entered the day before; it begins and ends on the hour."""
    yield whole_hour(stage.ago(hours=29))
    start, end = stage.ago(hours=5), stage.present + timedelta(hours=3)
    swap_hours(
        stage.schedules, stage.cast, start=whole_hour(start), end=whole_hour(end), now=stage.now
    )


def drift(stage: Stage) -> Beats:
    """Early warning without an owner: the Shopify pack is asked for, not built."""
    yield stage.ago(minutes=190)
    stage.post(
        "drift:shopify:order_line",
        "Schema drift: order_line.discount_amount is gone, total_discount_amount is new",
        severity="warning",
        surface="pack.shopify",
        source="connector check",
        **{"class": "SchemaDrift"},
        details={"connector": "shopify", "projects": "3 of 17"},
    )


def certificate(stage: Stage) -> Beats:
    """Low urgency, working hours only, and no backup to turn to."""
    yield stage.ago(minutes=50)
    stage.post(
        "certificate:reports.fjord.example",
        "Certificate of reports.fjord.example ends in 3 days",
        severity="warning",
        surface="platform.custom-domains",
        details={"not_after_days": 3, "org": "Fjord Apparel"},
    )


def playground(stage: Stage) -> Beats:
    """A page that nobody has taken yet."""
    yield stage.ago(minutes=3)
    body = payloads.gcp(
        incident="0.nqk8c4v9demo",
        state="open",
        summary="Playground: 5xx ratio above 2 %",
        condition="5xx ratio",
        service="dataface-playground",
        severity="Error",
        started_at=stage.ago(minutes=5),
    )
    stage.send(stage.sources.cloud, body)


STORIES: tuple[Story, ...] = (snowflake, dentist, drift, certificate, playground)
