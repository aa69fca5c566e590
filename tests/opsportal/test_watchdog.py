"""What the watchdog hands down to the processes that it looks after."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from opsportal.watchdog import Child


def test_a_child_never_gets_a_connection_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_POOL", "1")
    seen = tmp_path / "seen"
    tell = f"import os; open({str(seen)!r}, 'w').write(os.environ['DB_POOL'])"
    child = Child("cluster", [sys.executable, "-c", tell], "cluster", timedelta(seconds=1))
    child.start()
    assert child.process is not None and child.process.wait(timeout=30) == 0
    assert seen.read_text() == "0"
