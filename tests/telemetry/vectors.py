"""The facts about objectives, budgets and small samples, section by section."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

_FACTS = json.loads((Path(__file__).parents[1] / "vectors" / "slo.json").read_text())


def cases(section: str) -> list[Any]:
    found: list[Any] = _FACTS[section]
    assert found, section
    return found


def table(section: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases(section), ids=lambda case: str(case["in"])[:70])


def rules() -> dict[str, Any]:
    found: dict[str, Any] = _FACTS["recommended_rules"]
    return found


def near(value: float | None, rel: float = 1e-6, abs: float = 5.1e-7) -> Any:
    """Within the tolerance that the facts state; they are written with six decimals."""
    return None if value is None else pytest.approx(value, rel=rel, abs=abs)
