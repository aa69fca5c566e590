"""A first inventory as data: the surfaces, positions, vendors and dependencies of Dataface.

It arrives truthful: surfaces are owned by position, nobody holds a position yet, no surface has a
backup, and billing is only proposed. Tiers are a proposal. The demo fills in people; a real site
does that by hand or by CSV.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from apps.accounts.models import Team
from apps.core import audit
from apps.ownership import services as ownership
from apps.ownership.models import (
    ExternalParty,
    OwnershipAssignment,
    Position,
    Surface,
    SurfaceDependency,
)
from apps.support.seeds import bind_surfaces


@dataclass(frozen=True)
class SurfaceSpec:
    """A surface and the position that answers for it; `about` says what it is bound to."""

    key: str
    name: str
    kind: str
    tier: int
    position: str
    about: str = ""
    parent: str = ""
    lifecycle: str = "live"


@dataclass(frozen=True)
class PartySpec:
    """A vendor with its public status page; plan and support contact are the site's to fill in."""

    key: str
    name: str
    status_url: str
    support_url: str


ENGINEER = "sr-engineer-architect"
HEAD = "head-of-engineering"
DATA_AI = "data-ai-engineer-architect"
ANALYSIS = "data-analysis-evangelist-ai-training"
FRONTEND = "ui-design-frontend-dev"
DATA_VIZ = "data-viz-designer-engineer"

POSITIONS: Mapping[str, str] = {
    ENGINEER: "Senior engineer and architect",
    HEAD: "Head of engineering",
    DATA_AI: "Data and AI engineer, architect",
    ANALYSIS: "Data analysis, evangelism and AI training",
    FRONTEND: "UI design and frontend developer",
    DATA_VIZ: "Data visualization designer and engineer",
}

_PROFILER = "inspect.profiler"
SURFACES: tuple[SurfaceSpec, ...] = (
    SurfaceSpec(
        _PROFILER,
        "Profiler",
        "engine",
        1,
        ENGINEER,
        "dataface/core/inspect/, run on request by dft inspect, the IDE, MCP, the server or CI.",
    ),
    *(
        SurfaceSpec(
            f"{_PROFILER}.{key}",
            f"Profiler on {name}",
            "engine",
            1,
            ENGINEER,
            f"The profiler's query builder for {name}.",
            parent=_PROFILER,
        )
        for key, name in (
            ("snowflake", "Snowflake"),
            ("bigquery", "BigQuery"),
            ("postgres", "PostgreSQL"),
            ("redshift", "Redshift"),
        )
    ),
    SurfaceSpec(
        "inspect.semantic-types",
        "Semantic types",
        "rule_set",
        1,
        ENGINEER,
        "Rules in code (semantic_detector.py): accuracy changes with a release.",
    ),
    SurfaceSpec(
        "inspect.quality-flags", "Quality flags", "rule_set", 2, ENGINEER, "quality_detector.py"
    ),
    SurfaceSpec(
        "inspect.reports",
        "Inspector reports",
        "output",
        1,
        ENGINEER,
        "Templates for model, quality, numeric, categorical, date and string columns.",
    ),
    SurfaceSpec(
        "inspect.profile-contract",
        "Profile contract",
        "contract",
        1,
        ENGINEER,
        "target/inspect.json and its version; read by IDE, MCP, context and dashboards.",
    ),
    SurfaceSpec(
        "core.yaml-contract",
        "YAML contract",
        "contract",
        1,
        ENGINEER,
        "The head of engineering answers for its quality standards.",
    ),
    SurfaceSpec("core.compile", "Compile", "engine", 1, ENGINEER, "dataface/core/"),
    SurfaceSpec("core.execute", "Execute", "engine", 1, ENGINEER, "dataface/core/"),
    SurfaceSpec("core.render", "Render", "engine", 1, ENGINEER, "dataface/core/, dft render"),
    SurfaceSpec("core.cli", "Command line", "engine", 1, ENGINEER, "dataface/cli/"),
    SurfaceSpec(
        "context.catalog",
        "Context catalog",
        "contract",
        1,
        DATA_AI,
        "dataface/ai/ and the context contract, AI_CONTEXT 1.0.",
    ),
    SurfaceSpec(
        "agent.mcp-server", "MCP server", "service", 1, DATA_AI, "dataface/ai/mcp/tools.py"
    ),
    SurfaceSpec("agent.evals", "Agent evaluations", "other", 2, DATA_AI, "The evaluation suite."),
    SurfaceSpec(
        "ide.extension",
        "IDE extension",
        "client",
        1,
        FRONTEND,
        "apps/ide/vscode-extension/, in the Marketplace and Open VSX.",
    ),
    SurfaceSpec("cloud.accounts", "Cloud accounts", "service", 1, FRONTEND, "apps/cloud/"),
    SurfaceSpec("cloud.projects", "Cloud projects", "service", 1, FRONTEND, "apps/cloud/"),
    SurfaceSpec("cloud.render", "Cloud rendering", "service", 1, FRONTEND, "apps/cloud/"),
    *(
        SurfaceSpec(
            f"platform.deploy.{key}",
            f"Deployment of {key}",
            "service",
            1,
            HEAD,
            f"Cloud Run service dataface-{key}; GitHub Actions, dispatched by hand.",
        )
        for key in ("playground", "cloud", "alie")
    ),
    SurfaceSpec(
        "platform.static-sites", "Static sites", "docs", 3, HEAD, "Docs and plans; deploy alone."
    ),
    SurfaceSpec(
        "platform.connectivity",
        "Warehouse connectivity",
        "service",
        1,
        HEAD,
        "Warehouse access, secrets and connection tests.",
    ),
    SurfaceSpec(
        "platform.billing",
        "Billing",
        "service",
        1,
        HEAD,
        "Stripe webhooks and entitlements. Waits for the pricing decision.",
        lifecycle="proposed",
    ),
    SurfaceSpec(
        "platform.custom-domains",
        "Custom domains",
        "service",
        2,
        HEAD,
        "DNS, and certificates that end on a date.",
    ),
    SurfaceSpec(
        "platform.fivetran-hooks", "Fivetran webhooks", "service", 2, HEAD, "Incoming webhooks."
    ),
    SurfaceSpec(
        "charts.library", "Chart library", "engine", 2, DATA_VIZ, "dataface/core/render/chart/"
    ),
    SurfaceSpec("factory.templates", "Dashboard templates", "pipeline", 3, ANALYSIS, "examples/"),
    *(
        SurfaceSpec(
            f"pack.{key}",
            f"{name} pack",
            "pack",
            tier,
            ANALYSIS,
            f"Quickstart repository, boards under charts/{key}/.",
        )
        for key, name, tier in (
            ("salesforce", "Salesforce", 1),
            ("stripe", "Stripe", 1),
            ("zendesk", "Zendesk", 2),
            ("hubspot", "HubSpot", 2),
        )
    ),
    SurfaceSpec(
        "release.pypi",
        "Package releases",
        "pipeline",
        2,
        ENGINEER,
        "Tag guards and changelog fragments.",
    ),
    SurfaceSpec("tooling.ci", "Continuous integration", "pipeline", 2, ENGINEER, "GitHub Actions."),
)

PARTIES: tuple[PartySpec, ...] = (
    PartySpec(
        "snowflake", "Snowflake", "https://status.snowflake.com", "https://community.snowflake.com"
    ),
    PartySpec(
        "gcp", "Google Cloud", "https://status.cloud.google.com", "https://cloud.google.com/support"
    ),
    PartySpec("stripe", "Stripe", "https://status.stripe.com", "https://support.stripe.com"),
    PartySpec(
        "fivetran", "Fivetran", "https://status.fivetran.com", "https://support.fivetran.com"
    ),
    PartySpec("github", "GitHub", "https://www.githubstatus.com", "https://support.github.com"),
    PartySpec("pypi", "PyPI", "https://status.python.org", "https://pypi.org/help/"),
)

_HARD, _SOFT = SurfaceDependency.Strength.HARD, SurfaceDependency.Strength.SOFT
_CORE = ("core.compile", "core.execute", "core.render")
# What leans on what: (surface, what it leans on, how hard). A vendor is named by its own key.
DEPENDENCIES: tuple[tuple[str, str, str], ...] = (
    ("inspect.reports", _PROFILER, _HARD),
    ("inspect.reports", "core.render", _HARD),
    ("inspect.semantic-types", _PROFILER, _SOFT),
    ("inspect.quality-flags", _PROFILER, _SOFT),
    ("inspect.profile-contract", _PROFILER, _HARD),
    ("context.catalog", "inspect.profile-contract", _HARD),
    ("agent.mcp-server", "context.catalog", _HARD),
    ("agent.evals", "agent.mcp-server", _HARD),
    ("ide.extension", "context.catalog", _HARD),
    ("ide.extension", "core.yaml-contract", _HARD),
    ("core.compile", "core.yaml-contract", _HARD),
    ("core.execute", "core.compile", _HARD),
    ("core.render", "core.yaml-contract", _HARD),
    ("core.render", "charts.library", _HARD),
    ("core.cli", "core.compile", _HARD),
    *(("cloud.render", one, _HARD) for one in _CORE),
    ("cloud.projects", "core.render", _HARD),
    ("cloud.projects", "platform.deploy.cloud", _HARD),
    ("cloud.projects", "platform.connectivity", _HARD),
    ("cloud.accounts", "platform.deploy.cloud", _HARD),
    ("cloud.accounts", "platform.billing", _SOFT),
    ("cloud.render", "platform.deploy.cloud", _HARD),
    ("platform.custom-domains", "platform.deploy.cloud", _HARD),
    ("platform.billing", "platform.deploy.cloud", _HARD),
    *((f"pack.{one}", "core.render", _HARD) for one in ("salesforce", "stripe", "zendesk")),
    ("pack.hubspot", "core.render", _HARD),
    ("factory.templates", "core.yaml-contract", _HARD),
    ("factory.templates", "charts.library", _SOFT),
    ("inspect.profiler.snowflake", "snowflake", _HARD),
    ("inspect.profiler.bigquery", "gcp", _HARD),
    *((f"platform.deploy.{one}", "gcp", _HARD) for one in ("playground", "cloud", "alie")),
    *((f"platform.deploy.{one}", "github", _SOFT) for one in ("playground", "cloud", "alie")),
    ("platform.billing", "stripe", _HARD),
    ("platform.connectivity", "fivetran", _SOFT),
    ("platform.fivetran-hooks", "fivetran", _HARD),
    *((f"pack.{one}", "fivetran", _HARD) for one in ("salesforce", "stripe", "zendesk", "hubspot")),
    ("release.pypi", "pypi", _HARD),
    ("release.pypi", "github", _HARD),
    ("tooling.ci", "github", _HARD),
)


@dataclass
class Loaded:
    """Everything that the preset names, by key, and the ids of what it made just now."""

    surfaces: dict[str, Surface] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    parties: dict[str, ExternalParty] = field(default_factory=dict)
    made: dict[str, list[int]] = field(
        default_factory=lambda: {"surfaces": [], "positions": [], "parties": []}
    )


@transaction.atomic
def load(
    *,
    now: datetime,
    only: Collection[str] = (),
    extra: Collection[SurfaceSpec] = (),
    teams: Mapping[str, Team] | None = None,
    lifecycles: Mapping[str, str] | None = None,
) -> Loaded:
    """Add what is missing, and leave what is there as it is; ownership begins at `now`.

    `only` keeps to some surface keys, `extra` adds some, `teams` says which team has which
    surface, `lifecycles` overrides the preset's word on a surface.
    """
    loaded = Loaded()
    _load_positions(loaded)
    _load_parties(loaded)
    for spec in (*SURFACES, *extra):
        if not only or spec.key in only:
            team = (teams or {}).get(spec.key)
            _load_surface(loaded, spec, team, (lifecycles or {}).get(spec.key), now)
    _load_dependencies(loaded)
    bind_surfaces(now=now)
    return loaded


def _load_positions(loaded: Loaded) -> None:
    for key, name in POSITIONS.items():
        row, fresh = Position.objects.get_or_create(key=key, defaults={"name": name})
        loaded.positions[key] = row
        if fresh:
            loaded.made["positions"].append(row.pk)


def _load_parties(loaded: Loaded) -> None:
    for spec in PARTIES:
        values = {
            "name": spec.name,
            "status_url": spec.status_url,
            "support_url": spec.support_url,
        }
        row, fresh = ExternalParty.objects.get_or_create(key=spec.key, defaults=values)
        loaded.parties[spec.key] = row
        if fresh:
            loaded.made["parties"].append(row.pk)


def _load_surface(
    loaded: Loaded, spec: SurfaceSpec, team: Team | None, lifecycle: str | None, now: datetime
) -> None:
    known = Surface.objects.filter(key=spec.key).first()
    if known is not None:
        loaded.surfaces[spec.key] = known
        return
    row = ownership.create_surface(
        key=spec.key,
        name=spec.name,
        kind=spec.kind,
        tier=spec.tier,
        lifecycle=lifecycle or spec.lifecycle,
        description=spec.about,
        parent=loaded.surfaces.get(spec.parent),
        team=team,
    )
    loaded.surfaces[spec.key] = row
    loaded.made["surfaces"].append(row.pk)
    ownership.assign(
        surface=row,
        role=OwnershipAssignment.Role.PRIMARY,
        holder=loaded.positions[spec.position],
        active_from=now,
        reason="Preset: the owner's position; a backup is still missing.",
        actor=audit.SYSTEM,
    )


def _load_dependencies(loaded: Loaded) -> None:
    fresh = set(loaded.made["surfaces"])
    rows = []
    for key, target, strength in DEPENDENCIES:
        surface, on_surface = loaded.surfaces.get(key), loaded.surfaces.get(target)
        on_party = loaded.parties.get(target)
        if surface is not None and surface.pk in fresh and (on_surface or on_party):
            rows.append(
                SurfaceDependency(
                    surface=surface, on_surface=on_surface, on_party=on_party, strength=strength
                )
            )
    SurfaceDependency.objects.bulk_create(rows)
