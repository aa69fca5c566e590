"""What a run is for, when somebody names it: only what they may see, and as it really is."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from apps.core.errors import Invalid
from apps.core.providers import ask
from apps.runbooks.ports import Context, RunContext


def context_of(*, user: Any, sort: str, ref: str, url: str = "") -> Context:
    """The incident, drill or ticket of a reference; Invalid when there is none for `user`."""
    knowing = [one for one in ask(RunContext) if one.sort == sort]  # type: ignore[type-abstract] # a port is its protocol
    if not knowing:
        return Context(ref=ref, url=url)
    for one in knowing:
        found = one.find(user=user, ref=ref)
        if found is not None:
            return found
    said = f"There is no {sort} {ref[:60]}, or none that you may see."
    raise Invalid(said, fields={"context": [said]})


def check_context(context: tuple[str, str, str]) -> None:
    """Raise Invalid for what does not fit, and for an address that is no page."""
    sort, ref, url = context
    if len(sort) > 30 or len(ref) > 60 or len(url) > 300 or bool(sort) != bool(ref):
        raise Invalid("Say what the run is for: a sort and a reference.", code="bad_context")
    if url and not _is_page(url):
        said = "An address begins with / or https://."
        raise Invalid(said, code="bad_context", fields={"context": [said]})


def _is_page(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    ours = url.startswith("/") and not url.startswith(("//", "/\\"))
    return url.isprintable() and (
        ours or (parts.scheme in {"http", "https"} and bool(parts.netloc))
    )
