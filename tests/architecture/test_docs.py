"""The documentation says what the code says: no page stale, no name wrong, nothing left out."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from django.core.management import get_commands
from django.urls import Resolver404, resolve

from apps.intake.adapters import checked_adapter_for, opsgenie, pagerduty
from apps.intake.asgi import IntakeApp
from apps.intake.store import Store
from apps.portal.importing.reading import read
from opsportal.management.commands.docs import stale_pages
from opsportal.schedules import SCHEDULES

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TEXTS = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}
HOWTOS = sorted(name for name in TEXTS if name.startswith("docs/howto/") and "README" not in name)
TOP = {"apps", "opsportal", "templates", "static", "tests", "docs", ".ci"}

every_page = pytest.mark.parametrize("name", TEXTS)


def prose(text: str) -> str:
    """The page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def quoted(text: str) -> list[str]:
    """Everything between single backticks."""
    return re.findall(r"`([^`\n]+)`", prose(text))


# -- generated pages


def test_the_generated_pages_are_fresh() -> None:
    assert list(stale_pages(ROOT)) == [], "run: .venv/bin/python manage.py docs"


def test_a_stale_page_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name, text in stale_pages(tmp_path).items():
        (tmp_path / name).write_text(text + "edited by hand\n")
    assert list(stale_pages(tmp_path)) == ["docs/events.md", "docs/states.md"]


# -- links


def anchors(text: str) -> set[str]:
    """The names that a page's headings have as link targets."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.M)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


def links(name: str, text: str) -> Iterator[tuple[Path, str]]:
    """The files that a page refers to, with the heading meant in each."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield ((ROOT / name).parent / path).resolve() if path else ROOT / name, anchor


def dead_links(name: str, text: str) -> list[str]:
    dead = [str(path) for path, _ in links(name, text) if not path.exists()]
    return dead + [
        f"{path.name}#{anchor}"
        for path, anchor in links(name, text)
        if anchor and path.exists() and anchor not in anchors(path.read_text(encoding="utf-8"))
    ]


@every_page
def test_every_relative_link_leads_somewhere(name: str) -> None:
    assert dead_links(name, TEXTS[name]) == []


def test_a_dead_link_would_be_noticed() -> None:
    text = "[a](nowhere.md) and [b](CHANGELOG.md#no-such-heading)"
    assert len(dead_links("README.md", text)) == 2


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, open_ones = set[Path](), [README]
    while open_ones:
        page = open_ones.pop()
        if page not in seen and page.suffix == ".md":
            seen.add(page)
            name = str(page.relative_to(ROOT))
            open_ones += [path for path, _ in links(name, TEXTS[name]) if path.exists()]
    assert set(PAGES) - seen == set()


# -- files, tests, commands, addresses


def missing_files(text: str) -> list[str]:
    """Quoted paths of ours that match no file; `<app>` stands for any name."""
    found = []
    for one in quoted(text):
        path, _, test = one.partition("::")
        if not re.fullmatch(r"[\w.<>*/-]+", path) or path.split("/")[0] not in TOP:
            continue
        if "/" not in path or path in {"docs/"}:
            continue
        files = list(ROOT.glob(re.sub(r"<[\w-]+>", "*", path.rstrip("/"))))
        if not files or (test and f"def {test}(" not in files[0].read_text()):
            found.append(one)
    return found


@every_page
def test_every_file_and_test_that_a_page_names_exists(name: str) -> None:
    assert missing_files(TEXTS[name]) == []


def test_a_wrong_file_or_test_would_be_noticed() -> None:
    text = "`apps/<app>/nothing.py`, `tests/architecture/test_docs.py::test_of_nothing`"
    assert len(missing_files(text)) == 2


@pytest.mark.parametrize("name", HOWTOS)
def test_every_how_to_lists_files_in_order_and_the_test_that_notices(name: str) -> None:
    text = TEXTS[name]
    files = [one for one in quoted(text) if "/" in one and one.split("/")[0] in TOP]
    assert re.search(r"^1\. ", text, re.M) and len(files) >= 3
    assert re.search(r"^## What notices\n+.*`(tests/\S+::test_\w+|make \w+)`", text, re.M | re.S)


def test_every_management_command_of_ours_is_in_the_docs() -> None:
    ours = {name for name, app in get_commands().items() if str(app).startswith(("apps.", "ops"))}
    told = set(re.findall(r"manage\.py (\w+)", "\n".join(TEXTS.values())))
    assert ours - told == set()
    assert told - set(get_commands()) == set()


def test_every_make_target_in_the_docs_exists() -> None:
    told = set(re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)\b", "\n".join(map(code, TEXTS.values()))))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert told - targets == set()


def code(text: str) -> str:
    """What stands in code blocks and between backticks."""
    blocks = re.findall(r"^```.*?^```$", text, re.M | re.S)
    return "\n".join([*quoted(text), *blocks])


def unanswered(text: str) -> list[str]:
    """Quoted addresses of this product (`/oncall/`, `/api/v1/events`) that nobody answers."""
    intake = IntakeApp(Store(""), max_body=1, max_batch=1, default_rate=None)
    found = []
    for one in quoted(text):
        path = re.sub(r"<[\w-]+>", "1", one.partition("?")[0].removeprefix("POST ").strip())
        path = path.removeprefix("GET ")
        if re.fullmatch(r"/[\w/.-]*", path) and not path.startswith(("/etc", "/var", "/opt")):
            try:
                _ = intake.handles(path) or resolve(path)
            except Resolver404:
                found.append(one)
    return found


@every_page
def test_every_address_that_a_page_names_is_answered(name: str) -> None:
    assert unanswered(TEXTS[name]) == []


def test_a_wrong_address_would_be_noticed() -> None:
    assert unanswered("`/nothing/here/` and `POST /api/v1/events`") == ["/nothing/here/"]


# -- the environment


def environment_reads(source: str) -> dict[str, str]:
    """The variables that a module reads, with their defaults as the documentation writes them."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not node.args or not _reads(node.func):
            continue
        name, *rest = node.args
        if isinstance(name, ast.Constant) and re.fullmatch(r"[A-Z][A-Z0-9_]+", str(name.value)):
            rest += [keyword.value for keyword in node.keywords if keyword.arg == "default"]
            found[str(name.value)] = _default(node.func, rest)
    return found


def _reads(function: ast.expr) -> bool:
    written = ast.unparse(function)
    return bool(re.fullmatch(r"env(\.(text|flag|number|words|get))?|os\.environ\.get", written))


def _default(function: ast.expr, rest: list[ast.expr]) -> str:
    kind = ast.unparse(function).rpartition(".")[2]
    value = rest[0].value if rest and isinstance(rest[0], ast.Constant) else None
    if kind == "flag":
        return "yes" if value else "no"
    if kind == "text" and not rest:
        return "required"
    return f"`{value}`" if value not in {None, ""} else "" if rest and value == "" else "?"


def documented_variables(text: str) -> dict[str, str]:
    """Name and default of every row of the tables under "Environment"."""
    text = re.split(r"^## ", text.partition("## Environment\n")[2], flags=re.M)[0]
    return dict(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \| ?(.*?) ?\|", text, re.M))


def _settings() -> dict[str, str]:
    """What settings read; production's default is the one that is told."""
    dev, base, prod = (
        environment_reads((ROOT / f"opsportal/settings/{name}.py").read_text())
        for name in ("dev", "base", "prod")
    )
    return dict.fromkeys(dev, "?") | base | prod


def test_every_setting_of_the_environment_is_documented_with_its_default() -> None:
    told = documented_variables(TEXTS["docs/deployment.md"])
    for name, default in _settings().items():
        assert name in told, f"{name} is missing in docs/deployment.md"
        if default != "?":
            assert told[name] == default, name


def test_every_documented_variable_is_read_somewhere() -> None:
    sources = [*_python("opsportal"), *_python("apps"), *_python("tests")]
    others = [ROOT / name for name in ("Makefile", "Dockerfile", "docker-compose.yml")]
    text = "\n".join(path.read_text() for path in (*sources, *others))
    names = documented_variables(TEXTS["docs/deployment.md"])
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []


def test_variables_outside_the_settings_and_in_compose_are_documented_too() -> None:
    found = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    for path in _python("opsportal"):
        found |= set(environment_reads(path.read_text()))
    told = documented_variables(TEXTS["docs/deployment.md"])
    assert found - set(told) - {"PATH"} == set()


def test_an_undocumented_variable_or_a_wrong_default_would_be_noticed() -> None:
    source = (
        "A = env.number('OPS_A', 30_000)\nB = env.flag('OPS_B', default=True)\nenv.text('OPS_C')"
    )
    assert environment_reads(source) == {"OPS_A": "`30000`", "OPS_B": "yes", "OPS_C": "required"}
    assert documented_variables("## Environment\n| `OPS_A` | `300` | why |") == {"OPS_A": "`300`"}


def _python(folder: str) -> Iterable[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


# -- snippets


def blocks(name: str, language: str) -> list[str]:
    found = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", TEXTS[name], re.M | re.S)
    return [dedent(block) for written, block in found if written == language]


def posted(name: str) -> list[tuple[str, dict[str, str], bytes]]:
    """Address, headers and body of every curl in a page that posts JSON."""
    found = []
    for block in blocks(name, ""):
        for call in re.split(r"(?m)^(?=curl )", block.replace("\\\n", " ")):
            body = re.search(r"-d '(.*?)'\s*$", call, re.S)
            if body:
                headers = dict(re.findall(r"-H '([^:']+): ([^']+)'", call))
                found.append((call.split()[1], headers, body[1].encode()))
    return found


@pytest.mark.parametrize(
    "call", posted("docs/integrations.md"), ids=lambda call: str(call[0]).rpartition(".org")[2]
)
def test_every_event_that_the_docs_post_would_be_taken(
    call: tuple[str, dict[str, str], bytes],
) -> None:
    url, headers, body = call
    if url.endswith("/v2/alerts"):
        assert opsgenie.validate(body, headers, fallback_key="x")
    elif url.endswith("/v2/enqueue"):
        assert pagerduty.validate(body, headers, fallback_key="x")
    else:
        assert url.endswith("/api/v1/events")
        assert checked_adapter_for(headers).validate(body, headers, fallback_key="x")


def test_the_docs_post_native_pagerduty_opsgenie_and_cloud_events() -> None:
    assert len(posted("docs/integrations.md")) >= 5


def test_the_table_in_the_readme_can_be_pasted() -> None:
    (table,) = blocks("README.md", "csv")
    lines, remarks = read(table)
    assert remarks == []
    assert [(line.table, line.problem) for line in lines] == [
        ("people", ""),
        ("people", ""),
        ("surfaces", ""),
    ]


def test_the_yaml_of_the_docs_can_be_read() -> None:
    found = [block for name in TEXTS for block in blocks(name, "yaml")]
    assert len(found) >= 3
    for block in found:
        assert yaml.safe_load(block)


# -- the map and the words


def test_every_app_is_on_the_map_in_the_order_of_the_layers() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contract = project["tool"]["importlinter"]["contracts"][0]
    told = re.findall(r"^\| `(\w+)` \|", TEXTS["docs/where-things-go.md"], re.M)
    assert told == contract["layers"]


def test_every_schedule_is_explained_where_operators_look() -> None:
    for entry in SCHEDULES:
        assert f"`{entry.name}`" in TEXTS["docs/operations.md"], entry.name


def test_every_figure_of_prometheus_is_explained_where_operators_look() -> None:
    source = (ROOT / "apps/portal/metrics.py").read_text()
    names = set(re.findall(r'_(?:gauge|family)\(\s*f?"([a-z_{}]+)"', source))
    names |= {one.replace("{name}", part) for one in names for part in ("engine", "cluster")}
    told = set(re.findall(r"`opsportal_(\w+)`", TEXTS["docs/operations.md"]))
    assert len(told) > 5
    assert told == {name for name in names if "{" not in name}


def out_of_order(text: str) -> list[str]:
    """Glossary terms that stand before their turn, or twice."""
    terms = [term.casefold() for term in re.findall(r"^- \*\*(.+?)\*\*:", text, re.M)]
    return [b for a, b in pairwise(terms) if a >= b]


def test_the_glossary_is_sorted_and_names_each_term_once() -> None:
    text = TEXTS["docs/glossary.md"]
    assert out_of_order(text) == []
    assert len(re.findall(r"^- \*\*", text, re.M)) > 60


def test_a_misplaced_term_would_be_noticed() -> None:
    assert out_of_order("- **Page**: a.\n- **Alert**: b.\n- **alert**: c.") == ["alert", "alert"]


@every_page
def test_the_docs_do_not_shout(name: str) -> None:
    text = re.sub(r"`[^`]*`|!\[|<!--", "", prose(TEXTS[name]))
    assert "!" not in text
