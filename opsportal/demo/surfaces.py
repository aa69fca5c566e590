"""What the cast owns: the preset's surfaces with people in the seats and some backups filled in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from apps.accounts.models import Person, Team
from apps.core import audit
from apps.ownership import services as ownership
from apps.ownership.models import ExternalParty, OwnershipAssignment, Surface
from opsportal import preset
from opsportal.preset import Loaded, SurfaceSpec

HOLDERS: Mapping[str, str] = {
    preset.ENGINEER: "mara",
    preset.HEAD: "jonas",
    preset.DATA_AI: "priya",
    preset.ANALYSIS: "dele",
    preset.FRONTEND: "aiko",
    preset.DATA_VIZ: "ines",
}
# A small team's selection of the preset, and which team works on what.
SHOWN: Mapping[str, tuple[str, ...]] = {
    "inspect": (
        "inspect.profiler",
        "inspect.profiler.snowflake",
        "inspect.profiler.bigquery",
        "inspect.semantic-types",
        "inspect.reports",
        "inspect.profile-contract",
        "context.catalog",
        "agent.mcp-server",
        "core.yaml-contract",
        "core.render",
    ),
    "platform": (
        "ide.extension",
        "cloud.projects",
        "platform.deploy.cloud",
        "platform.deploy.playground",
        "platform.deploy.alie",
        "platform.connectivity",
        "platform.custom-domains",
        "platform.billing",
    ),
    "packs": (
        "charts.library",
        "pack.salesforce",
        "pack.stripe",
        "pack.zendesk",
        "pack.hubspot",
        "factory.templates",
    ),
    "support": ("docs.analyst-guide",),
}
GUIDE = SurfaceSpec(
    "docs.analyst-guide",
    "Analyst guide",
    "docs",
    3,
    preset.ANALYSIS,
    "The guide that support points analysts to.",
)
# Everything else has no backup, which is the truth that the ownership pages are there to show.
BACKUPS: Mapping[str, str] = {
    "inspect.profiler": "tomas",
    "inspect.profiler.snowflake": "tomas",
    "inspect.profiler.bigquery": "tomas",
    "inspect.semantic-types": "priya",
    "inspect.reports": "tomas",
    "core.render": "tomas",
    "platform.deploy.cloud": "aiko",
    "platform.deploy.playground": "aiko",
    "platform.connectivity": "aiko",
    "cloud.projects": "jonas",
    "pack.salesforce": "ines",
    "pack.zendesk": "ines",
    "docs.analyst-guide": "hannah",
}
# Plan and support contact are invented; the status pages are the vendors' real ones.
CONTRACTS: Mapping[str, tuple[str, str, str]] = {
    "snowflake": ("Premier, first answer in 1 h", "named engineer, +1 555 0100", "DF-EXAMPLE-1"),
    "gcp": ("Standard, first answer in 4 h", "cases in the console", "dataface-example"),
    "stripe": ("Standard, chat at all hours", "chat in the dashboard", "acct_example"),
    "fivetran": ("Enterprise, first answer in 1 h", "support@fivetran.example", "example_group"),
    "github": ("Team, answer on business days", "support form", "dataface-example"),
    "pypi": ("none, volunteers", "admin@pypi.example", "dataface"),
}


def settle(cast: Mapping[str, Person], teams: Mapping[str, Team], *, since: datetime) -> Loaded:
    """Load the preset for the demo's surfaces, seat the holders, fill in the backups."""
    loaded = preset.load(
        now=since,
        only=[key for keys in SHOWN.values() for key in keys],
        extra=[GUIDE],
        teams={key: teams[team] for team, keys in SHOWN.items() for key in keys},
        lifecycles={"platform.billing": Surface.Lifecycle.PREVIEW},
    )
    for key, holder in HOLDERS.items():
        ownership.hold_position(
            position=loaded.positions[key],
            person=cast[holder],
            active_from=since,
            actor=audit.SYSTEM,
        )
    for number, (key, person) in enumerate(BACKUPS.items()):
        ownership.assign(
            surface=loaded.surfaces[key],
            role=OwnershipAssignment.Role.BACKUP,
            holder=cast[person],
            active_from=since + timedelta(days=3 * number),
            reason="Named at the weekly ownership round.",
            actor=audit.person(cast["nora"]),
        )
    _reach_vendors(loaded)
    _link(loaded)
    return loaded


def _reach_vendors(loaded: Loaded) -> None:
    changed = []
    for key, (plan, contact, account) in CONTRACTS.items():
        party = loaded.parties[key]
        if party.pk in loaded.made["parties"]:
            party.plan, party.support_contact, party.account_ref = plan, contact, account
            changed.append(party)
    ExternalParty.objects.bulk_update(changed, ["plan", "support_contact", "account_ref"])


def _link(loaded: Loaded) -> None:
    """Where to look at a surface: dashboards, logs and code, at addresses that are nobody's."""
    mine = [row for row in loaded.surfaces.values() if row.pk in loaded.made["surfaces"]]
    for row in mine:
        row.dashboard_url = f"https://grafana.dataface.example/d/{row.key}"
        row.logs_url = f"https://logs.dataface.example/search?q={row.key}"
        row.repository_url = "https://git.dataface.example/dataface"
    Surface.objects.bulk_update(mine, ["dashboard_url", "logs_url", "repository_url"])
