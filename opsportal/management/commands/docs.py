"""`manage.py docs`: the pages of `docs/` that come from the code, written or checked."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Field, Model

from apps.core.events import listeners
from apps.core.providers import provided
from opsportal.schedules import SCHEDULES
from opsportal.wiring import engine_steps

HEAD = "<!-- Written by `manage.py docs` from the code; edit that instead. -->\n"


class Command(BaseCommand):
    """Writes docs/events.md and docs/states.md, or says with --check whether they are fresh."""

    help = __doc__

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail when stale")

    def handle(self, *args: Any, **options: Any) -> None:
        stale = stale_pages(Path(settings.BASE_DIR))
        if options["check"] and stale:
            raise CommandError(f"Out of date: {', '.join(stale)}. Run: manage.py docs")
        for name, text in stale.items():
            (Path(settings.BASE_DIR) / name).write_text(text, encoding="utf-8")
            self.stdout.write(f"wrote {name}")


def stale_pages(root: Path) -> dict[str, str]:
    """The generated pages whose file differs from what the code says, with what it should hold."""
    found = {}
    for name, write in PAGES.items():
        path, text = root / name, write()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            found[name] = text
    return found


# -- events, ports, lanes, schedules


def events_page() -> str:
    """What goes up and what runs by itself, as `opsportal/wiring.py` and `schedules.py` say."""
    return "\n".join([HEAD, _EVENTS_INTRO, *_events(), *_ports(), *_lanes(), *_schedules()])


_EVENTS_INTRO = """\
# Events, ports and what runs by itself

Calls go down the [order of the apps](where-things-go.md). What must go up does so in two ways, both
wired in `opsportal/wiring.py`: an app *tells* those above it by an event, and *asks* them through a
port. A handler runs in the publisher's transaction, loads, calls one service, and does no I/O.
"""


def _events() -> Iterator[str]:
    yield "## Events\n"
    heard = listeners()
    rows = []
    for event in _declared("events"):
        if is_dataclass(event):
            carries = ", ".join(f"`{one.name}`" for one in fields(event))
            who = [f"`{_dotted(handler)}`" for handler in heard.get(event, ())]
            rows.append((_named(event), _summary(event), carries, "<br>".join(who) or "nobody yet"))
    yield _table(("Event", "Says", "Carries", "Heard by, in this order"), rows)


def _ports() -> Iterator[str]:
    yield "## Ports\n"
    answers = provided()
    rows = [
        (_named(port), _summary(port), "<br>".join(f"`{_dotted(one)}`" for one in answers[port]))
        for port in _declared("ports")
        if port in answers
    ]
    yield _table(("Port", "Asks", "Answered by"), rows) if rows else "No app asks upward yet.\n"


def _lanes() -> Iterator[str]:
    yield "## The engine's lanes\n"
    yield (
        "Each lane is a thread with a database connection of its own, woken by NOTIFY and polling\n"
        "once a second. The rows that are due are the truth.\n"
    )
    rows = [
        (str(n), step.name, f"`{_dotted(step.run)}`", _summary(step.run), str(step.limit))
        for n, step in enumerate(engine_steps(), start=1)
    ]
    last = ("messages", "`opsportal.engine.Senders`", "Sends what is due, on a few threads.")
    rows.append((str(len(rows) + 1), *last, "free hands"))
    yield _table(("", "Lane", "Calls", "Does", "Rows a pass"), rows)


def _schedules() -> Iterator[str]:
    yield "## Scheduled tasks\n"
    yield "django-q2 runs these; the rows are synced from `opsportal/schedules.py` on migrate.\n"
    rows = [
        (one.name, f"`{one.task}`", f"`{one.cron}` UTC" if one.cron else "every minute", one.why)
        for one in SCHEDULES
    ]
    yield _table(("Name", "Task", "When", "Why"), rows)


def _declared(module: str) -> Iterator[type[Any]]:
    """The classes that our apps define in `<app>/<module>.py`, lowest app first."""
    for name in reversed(_our_apps()):
        dotted = f"{name}.{module}"
        if name == "apps.core" or find_spec(dotted) is None:
            continue
        found = vars(import_module(dotted)).values()
        yield from (one for one in found if inspect.isclass(one) and one.__module__ == dotted)


def _our_apps() -> list[str]:
    """Highest first, as INSTALLED_APPS has them."""
    return [name for name in settings.INSTALLED_APPS if name.startswith("apps.")]


def _dotted(thing: Any) -> str:
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{named.__module__}.{named.__qualname__}".removeprefix("apps.")


def _named(kind: type[Any]) -> str:
    return f"`{kind.__module__.split('.')[1]}.{kind.__name__}`"


# -- states


def states_page() -> str:
    """Every state machine: a drawing and a table, from the model's TRANSITIONS."""
    found = [model for model in apps.get_models() if hasattr(model, "TRANSITIONS")]
    found.sort(key=lambda model: model._meta.label_lower)
    return "\n".join([HEAD, _STATES_INTRO, *(_states_of(model) for model in found)])


_STATES_INTRO = """\
# States

Each model with a life has a `TRANSITIONS` table beside its status. `apps/core/transitions.py` alone
moves it, by a compare-and-set UPDATE; a step that the table lacks is refused with a sentence.
"""


def _states_of(model: type[Model]) -> str:
    table: dict[str, frozenset[str]] = model.TRANSITIONS  # type: ignore[attr-defined] # asked for by the caller
    field = model._meta.get_field("status")
    assert isinstance(field, Field)
    labels = {str(value): str(label) for value, label in field.flatchoices}
    steps = {one: [to for to in labels if to in table.get(one, ())] for one in labels}
    drawn = ["stateDiagram-v2", f"    [*] --> {field.get_default()}"]
    for one, targets in steps.items():
        drawn += [f"    {one} --> {to}" for to in targets] or [f"    {one} --> [*]"]
    rows = [
        (f"`{one}`", labels[one], ", ".join(f"`{to}`" for to in targets) or "nothing: it ends here")
        for one, targets in steps.items()
    ]
    return "\n".join(
        [
            f"## {str(model._meta.verbose_name).capitalize()}\n",
            f"{_summary(model)} `{model.__module__.replace('.', '/')}.py`\n",
            "```mermaid",
            *drawn,
            "```\n",
            _table(("State", "Shown as", "May become"), rows),
        ]
    )


# -- Markdown


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    cells = ([cell.replace("|", r"\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells) + "\n"


def _summary(thing: Any) -> str:
    """The first paragraph of a docstring, on one line."""
    text = inspect.cleandoc(thing.__doc__ or "").split("\n\n", maxsplit=1)[0]
    return " ".join(text.split())


PAGES: dict[str, Callable[[], str]] = {
    "docs/events.md": events_page,
    "docs/states.md": states_page,
}
