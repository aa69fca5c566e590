"""What a lower app must ask higher ones: a Protocol in its ports.py, provided by wiring.py."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, TypeVar, cast

P = TypeVar("P")
_providers: dict[type[Any], list[Any]] = defaultdict(list)


def provide(port: type[P], implementation: P) -> None:
    """Called from opsportal/wiring.py only. An app that is absent contributes nothing."""
    if implementation not in _providers[port]:
        _providers[port].append(implementation)


def ask(port: type[P]) -> list[P]:
    """Every implementation of a port, in the order of the wiring page."""
    return cast("list[P]", list(_providers[port]))


def provided() -> dict[type[Any], list[Any]]:
    """The wiring as data, for the documentation and its test."""
    return {port: list(found) for port, found in _providers.items() if found}
