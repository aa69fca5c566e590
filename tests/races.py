"""Several at the same moment: threads with real commits, each on a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from apps.core.errors import DomainError

PATIENCE = 30  # seconds: a lock that nobody gives back must not hang the suite


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What each of several threads answered, or the refusal that it met."""
    answers: list[Any] = [None] * len(acts)

    def answer(index: int, act: Callable[[], Any]) -> None:
        try:
            answers[index] = act()
        except DomainError as error:
            answers[index] = error

    _run([lambda pair=pair: answer(*pair) for pair in enumerate(acts)])
    return answers


def together(*acts: Callable[[], object]) -> list[BaseException]:
    """What was raised, of any kind, by callables that start at the same moment."""
    errors: list[BaseException] = []

    def keep(act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            errors.append(error)

    _run([lambda act=act: keep(act) for act in acts])
    return errors


def _run(acts: Sequence[Callable[[], None]]) -> None:
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], None]) -> None:
        try:
            gate.wait(PATIENCE)
            act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
