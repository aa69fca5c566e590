"""Small rules of the house that an import contract cannot say, each with a failing sample."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import ForeignKey, ManyToManyField, Model

from opsportal.schedules import SCHEDULES

ROOT = Path(__file__).resolve().parents[2]
ORDER = [
    "core",
    "accounts",
    "notifications",
    "calendars",
    "ownership",
    "customers",
    "followups",
    "runbooks",
    "rotations",
    "paging",
    "intake",
    "telemetry",
    "changes",
    "alerts",
    "incidents",
    "support",
    "portal",
]
CORE = {
    "admin_base",
    "api",
    "apps",
    "audit",
    "clock",
    "errors",
    "events",
    "heartbeats",
    "idempotency",
    "jobs",
    "middleware",
    "models",
    "providers",
    "safe_json",
    "secrets",
    "text",
    "transitions",
    "admin",
    "migrations",
}


# -- foreign keys point to the same app or lower


def upward(model: type[Model]) -> list[str]:
    """The relations of a model that point to a higher app."""
    mine = ORDER.index(model._meta.app_label)
    found = []
    for field in model._meta.get_fields():
        if isinstance(field, ForeignKey | ManyToManyField) and isinstance(
            field.related_model, type
        ):
            label = field.related_model._meta.app_label
            # The person who acted may be referred to from everywhere: core.audit says how.
            if label in ORDER and ORDER.index(label) > mine and label != "accounts":
                found.append(f"{model.__name__}.{field.name} → {label}")
    return found


def _models() -> list[type[Model]]:
    return [m for m in apps.get_models() if m._meta.app_label in ORDER]


@pytest.mark.parametrize("model", _models(), ids=lambda m: m._meta.label)
def test_foreign_keys_point_to_the_same_app_or_lower(model: type[Model]) -> None:
    assert upward(model) == []


def test_an_upward_foreign_key_would_be_noticed() -> None:
    from apps.alerts.models import Alert

    order = ORDER.copy()
    try:
        ORDER.remove("intake")
        ORDER.append("intake")
        assert "Alert.integration → intake" in upward(Alert)
    finally:
        ORDER[:] = order


# -- nobody assigns a status outside core/transitions.py

CREATES = {"create", "get_or_create", "bulk_create"}


def status_writes(source: str) -> list[int]:
    """Lines that assign `.status` or pass `status=` to an `update`."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            flat = [e for t in targets for e in (t.elts if isinstance(t, ast.Tuple) else [t])]
            lines += [
                node.lineno for t in flat if isinstance(t, ast.Attribute) and t.attr == "status"
            ]
        elif isinstance(node, ast.Call) and _updates_status(node):
            lines.append(node.lineno)
    return lines


def _updates_status(call: ast.Call) -> bool:
    named = isinstance(call.func, ast.Attribute) and call.func.attr == "update"
    return named and any(keyword.arg == "status" for keyword in call.keywords)


STATUS_MAY = {
    "apps/core/transitions.py": "the mover",
    "apps/core/idempotency.py": "an HTTP status",
    "apps/notifications/services/sender.py": "a fresh copy of a row for another method",
    "opsportal/demo/stage.py": "the demo's past mail, delivered in one statement",
}


def _sources(*folders: str) -> Iterable[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def test_nobody_assigns_a_status_outside_the_mover() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in _sources("apps", "opsportal")
        if (lines := status_writes(path.read_text()))
    }
    assert set(found) <= set(STATUS_MAY), found


@pytest.mark.parametrize(
    "sample",
    ["page.status = 'open'", "Page.objects.update(status='open')", "a.x, a.status = 1, 'open'"],
)
def test_a_status_written_elsewhere_would_be_noticed(sample: str) -> None:
    assert status_writes(sample) == [1]


# -- time is asked in one place


def clock_reads(source: str) -> list[str]:
    return re.findall(r"\b(?:clock\.now|clock\.db_now|timezone\.now|datetime\.now)\(", source)


DOORS = {"views", "api", "admin", "tasks", "management", "authentication", "middleware"}


def test_services_and_models_never_ask_for_the_time() -> None:
    for path in _sources("apps"):
        parts = set(path.relative_to(ROOT).with_suffix("").parts)
        if parts & {"services", "models", "selectors", "querysets", "handlers", "targets"}:
            assert not clock_reads(path.read_text()), path


def test_a_service_that_asks_for_the_time_would_be_noticed() -> None:
    assert clock_reads("now = clock.now()") and clock_reads("datetime.now(UTC)")


# -- core is a closed list


def test_core_holds_what_the_architecture_lists_and_nothing_else() -> None:
    found = {p.stem for p in (ROOT / "apps/core").iterdir() if not p.name.startswith("__")}
    assert found - {"management"} <= CORE, found - CORE


def test_no_app_stands_empty() -> None:
    for name in ORDER:
        sources = [p for p in (ROOT / "apps" / name).rglob("*.py") if p.stat().st_size > 200]
        assert len(sources) >= 3, name


# -- tasks, migrations, signals


@pytest.mark.parametrize("entry", SCHEDULES, ids=lambda e: e.name)
def test_every_schedule_names_a_task_that_exists(entry: object) -> None:
    module, _, name = entry.task.rpartition(".")  # type: ignore[attr-defined]
    assert module.endswith(".tasks")
    assert callable(getattr(import_module(module), name))


def test_every_migration_has_a_name_that_says_what_it_does() -> None:
    for path in (ROOT / "apps").glob("*/migrations/0*.py"):
        assert not re.search(r"_auto_|_alter_|_initial_", path.name), path
        assert path.stem == "0001_initial" or "initial" not in path.stem, path


def test_no_model_signals() -> None:
    pattern = re.compile(r"\b(post_save|pre_save|post_delete|pre_delete|m2m_changed)\b")
    for path in _sources("apps", "opsportal"):
        assert not pattern.search(path.read_text()), path


def test_no_app_but_notifications_sends() -> None:
    pattern = re.compile(
        r"^\s*(?:import|from) (smtplib|apprise|requests|httpx|http\.client)\b", re.M
    )
    for path in _sources("apps"):
        if "notifications" not in path.parts:
            assert not pattern.search(path.read_text()), path


def test_the_wiring_is_complete() -> None:
    """Every event that an app declares is heard by somebody, or says why not."""
    from apps.core.events import listeners

    heard = {event.__name__ for event in listeners()}
    unheard: dict[str, str] = {}
    declared = set()
    for path in (ROOT / "apps").glob("*/events.py"):
        if path.parent.name != "core":
            declared |= set(re.findall(r"^class (\w+)", path.read_text(), re.M))
    assert declared - heard == set(unheard)
