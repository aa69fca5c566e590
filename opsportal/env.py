"""A small typed reader for environment variables: one error names every bad one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


class EnvError(ValueError):
    """A setting is missing or has a value that cannot be read."""


class Env:
    """Reads `OPSPORTAL_*` and the few conventional names (`DATABASE_URL`, `PORT`).

    `NAME_FILE` is honored for every text setting, so that container secrets need no variable.
    """

    def __init__(self, source: Mapping[str, str] | None = None) -> None:
        self._source = os.environ if source is None else source

    def text(self, name: str, default: str | None = None) -> str:
        value = self._source.get(name)
        if not value and (path := self._source.get(f"{name}_FILE")):
            value = Path(path).read_text(encoding="utf-8").strip()
        if value:
            return value
        if default is None:
            raise EnvError(f"{name} is not set. Set it, or {name}_FILE to a file that holds it.")
        return default

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._source.get(name, "").strip().lower()
        if not value:
            return default
        if value in {"1", "true", "yes", "on"}:
            return True
        if value in {"0", "false", "no", "off"}:
            return False
        raise EnvError(f"{name}={value!r} is neither yes (1, true, on) nor no (0, false, off).")

    def number(self, name: str, default: int) -> int:
        value = self._source.get(name, "").strip()
        try:
            return int(value) if value else default
        except ValueError as error:
            raise EnvError(f"{name}={value!r} is not a whole number.") from error

    def words(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        value = self.text(name, "")
        return [word.strip() for word in value.split(",") if word.strip()] or list(default)
