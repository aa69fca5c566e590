"""A few facts go up. A lower app publishes a frozen dataclass; wiring.py says who listens.

Handlers run inside the publisher's transaction, load and call one service, and do no I/O.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

E = TypeVar("E")
_handlers: dict[type[Any], list[Callable[[Any], None]]] = defaultdict(list)


def subscribe(event: type[E], handler: Callable[[E], None]) -> None:
    """Called from opsportal/wiring.py only. Subscribing twice is the same as once."""
    if handler not in _handlers[event]:
        _handlers[event].append(handler)


def publish(event: object) -> None:
    """Tell every listener, in the order of the wiring page."""
    for handler in _handlers[type(event)]:
        handler(event)


def listeners() -> dict[type[Any], list[Callable[[Any], None]]]:
    """The wiring as data, for the documentation and its test."""
    return {event: list(handlers) for event, handlers in _handlers.items() if handlers}
