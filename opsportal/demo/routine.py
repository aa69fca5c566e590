"""What happens all the time: handoffs, releases, small alerts that pass, stray deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from apps.rotations import services as rotations
from opsportal.demo import payloads
from opsportal.demo.past import deploy
from opsportal.demo.rotations import next_handoff
from opsportal.demo.stage import Beats, Stage, Story


def handoffs(stage: Stage) -> Beats:
    """The minute job that tells who comes on and who goes off."""
    while (at := next_handoff(after=stage.now, until=stage.present)) is not None:
        yield at
        rotations.tell_handoffs(now=stage.now)


def releases(stage: Stage) -> Beats:
    """Package releases at the product's own rhythm: a minor every few weeks, a patch next day."""
    notes = (
        (stage.day(38, "15:10"), "2.11.3", "Fixes\n- Numeric reports keep their digits."),
        (stage.day(34, "09:10"), "2.12.0", "Features\n- Rewritten detector for identifiers."),
        (stage.day(18, "13:00"), "2.13.0", "Breaking changes\n- A context field is renamed."),
        (stage.day(17, "10:30"), "2.13.1", "Fixes\n- The old context field is served as well."),
        (stage.ago(hours=9.2), "2.14.0", "Performance\n- Approximate distinct counts on text."),
    )
    for at, version, text in notes:
        yield at
        body = payloads.release(version=version, at=stage.now, notes=text)
        stage.github(stage.sources.package, "release", body)


@dataclass(frozen=True)
class Blip:
    """A small alert that ended by itself: `minutes` long, acknowledged or not."""

    back: int
    clock: str
    surface: str
    severity: str
    summary: str
    minutes: int = 20
    taken: str = ""  # the schedule whose person on call took it, after three minutes


BLIPS = (
    Blip(
        24, "07:40", "core.render", "error", "Render: p95 above 4 s on large boards", 26, "profiler"
    ),
    Blip(23, "16:12", "charts.library", "warning", "Chart library: median render above 900 ms", 55),
    Blip(19, "09:05", "inspect.profiler.bigquery", "warning", "BigQuery runs: two over the budget"),
    Blip(15, "21:30", "platform.connectivity", "error", "Connection tests: 3 of 40 time out", 12),
    Blip(
        14,
        "06:50",
        "cloud.projects",
        "error",
        "Hosted projects: sign-in errors above 1 %",
        31,
        "platform",
    ),
    Blip(10, "11:45", "inspect.profiler", "info", "Reference profiles: 41 of 41 equal", 1),
    Blip(8, "18:20", "platform.deploy.alie", "warning", "alie: container restarts above 3", 40),
    Blip(
        6,
        "22:05",
        "inspect.profiler.snowflake",
        "error",
        "Snowflake runs: 3 of 41 failed",
        17,
        "profiler",
    ),
    Blip(3, "08:15", "pack.zendesk", "warning", "Zendesk pack: gap log has two new entries", 90),
    Blip(3, "14:30", "agent.mcp-server", "error", "MCP: tool answers slower than 8 s", 9),
    Blip(
        2, "10:10", "inspect.reports", "info", "Reports: template copies are two versions behind", 5
    ),
)


def blips(blip: Blip) -> Story:
    def story(stage: Stage) -> Beats:
        key = f"{blip.surface}:{blip.back}"
        start = stage.day(blip.back, blip.clock)
        yield start
        stage.post(key, blip.summary, severity=blip.severity, surface=blip.surface)
        if blip.taken:
            yield start + timedelta(minutes=3)
            stage.acknowledge(stage.on_call(blip.taken), blip.summary)
        yield start + timedelta(minutes=blip.minutes)
        stage.post(key, "Back to normal.", action="resolve")

    return story


def failed_deploy(stage: Stage) -> Beats:
    """A deployment fails, is an alert, and the next one resolves it."""
    yield stage.day(8, "13:05")
    deploy(stage, 149, "failure", "Secret injection is broken.")
    yield stage.day(8, "13:31")
    deploy(stage, 150, "success", "With its secrets.")


def odds_and_ends(stage: Stage) -> Beats:
    """A test, a delivery that nobody needs, and one that cannot be read."""
    yield stage.day(11, "12:00")
    stage.post(
        "ci-hook-test",
        "Test of the CI hook",
        severity="error",
        surface="inspect.profiler",
        test=True,
    )
    yield stage.day(11, "12:05")
    stage.post("ci-hook-test", "Test over.", action="resolve")
    yield stage.day(3, "12:40")
    stage.github(stage.sources.package, "push", payloads.push(branch="main"))
    yield stage.day(2, "03:17")
    stage.send(stage.sources.metrics, b'{"version": "4", "status": "firing", "alerts": [{"sta')


STORIES: tuple[Story, ...] = (
    handoffs,
    releases,
    failed_deploy,
    odds_and_ends,
    *(blips(blip) for blip in BLIPS),
)
