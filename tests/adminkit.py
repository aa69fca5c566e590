"""Fills in the admin's forms as a browser without scripts would: what is on the page goes back."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from django.test import Client

Values = dict[str, list[str]]


class _Fields(HTMLParser):
    """The names and values that a browser would send, of the form that can be saved."""

    def __init__(self) -> None:
        super().__init__()
        self.values: Values = {}
        self.choices: dict[str, list[str]] = {}
        self._select = ""
        self._picked: list[str] = []
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "input":
                self._input(given)
            case "select":
                self._select, self._picked = given.get("name", ""), []
                self.choices[self._select] = []
            case "option" if self._select:
                value = given.get("value", "")
                self.choices[self._select].append(value)
                if "selected" in given:
                    self._picked.append(value)
            case "textarea":
                self._area = given.get("name", "")
                self.values[self._area] = [""]

    def _input(self, given: dict[str, str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "text")
        if not name or kind in {"submit", "button"}:
            return
        if kind in {"checkbox", "radio"}:
            if "checked" in given:
                self.values.setdefault(name, []).append(given.get("value", "on"))
            return
        self.values[name] = [given.get("value", "")]

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area] = [data.strip()]

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select:
            first = self.choices[self._select][:1]
            self.values[self._select] = self._picked or first
            self._select = ""
        elif tag == "textarea":
            self._area = ""


def fields(client: Client, address: str) -> Values:
    """What a page's form holds, ready to be changed and sent back."""
    response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)
    return read(response)


def read(response: Any) -> Values:
    parser = _Fields()
    parser.feed(response.content.decode())
    for name in ("csrfmiddlewaretoken", "q", "action"):
        parser.values.pop(name, None)
    return parser.values


def send(client: Client, address: str, values: Values, button: str = "_save", **more: Any) -> Any:
    """Press a button of the form; `more` are values typed over those of the page."""
    return client.post(address, {**values, **more, button: "1"})


def messages(response: Any) -> list[str]:
    """What the next page says was done."""
    from django.contrib.messages import get_messages

    return [str(message) for message in get_messages(response.wsgi_request)]
