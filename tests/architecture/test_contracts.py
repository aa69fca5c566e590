"""The import contracts of pyproject.toml hold, and each of them would notice a breach."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = {
    "Apps stand in one order; calls go down": (
        "apps/core/clock.py",
        "import apps.portal.formats\n",
    ),
    "Apps never import the project": ("apps/portal/context.py", "import opsportal.health\n"),
    "Inside an app, doors call services, services call selectors": (
        "apps/rotations/models.py",
        "import apps.rotations.services\n",
    ),
    "Rules know nothing of the REST framework": (
        "apps/ownership/services.py",
        "import rest_framework.response\n",
    ),
    "Calculators are pure: no Django, no clock, no I/O": (
        "apps/paging/plan.py",
        "import django.utils.timezone\n",
    ),
}


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [program, "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    ignore = shutil.ignore_patterns("__pycache__", "migrations")
    for name in ("apps", "opsportal"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_contracts_hold() -> None:
    done = _lint(ROOT)
    assert done.returncode == 0, done.stdout


def test_every_contract_notices_its_breach(copy: Path) -> None:
    """One bad import for each contract, all planted in one copy."""
    planted = {}
    for path, line in CONTRACTS.values():
        target = copy / path
        planted[target] = target.read_text()
        target.write_text(planted[target] + "\n" + line)
    try:
        output = " ".join(_lint(copy).stdout.split())
    finally:
        for target, text in planted.items():
            target.write_text(text)
    for name in CONTRACTS:
        assert name in output
    assert "0 kept, 5 broken" in output, output
