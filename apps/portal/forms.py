"""Forms of the portal's pages. They check shapes; the services say what may be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms

from apps.accounts.models import Person
from apps.core.errors import Invalid
from apps.ownership.models import Surface

T = TypeVar("T")


def submit(form: forms.Form, act: Callable[[dict[str, Any]], T]) -> T | None:
    """Run `act` with the form's values; None when form or service find something wrong in them.

    What the service says of a field stands beside that field, anything else above the form.
    """
    if not form.is_valid():
        return None
    try:
        return act(form.cleaned_data)
    except Invalid as error:
        known = {name: texts for name, texts in error.fields.items() if name in form.fields}
        for name, texts in known.items():
            form.add_error(name, texts)
        if not known:
            form.add_error(None, error.message)
        return None


def _text(label: str, *, required: bool, rows: int = 2, help: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=10_000,
        help_text=help,
        widget=forms.Textarea(attrs={"rows": rows}),
    )


class CommentForm(forms.Form):
    text = _text("Comment", required=True)


class ResolveForm(forms.Form):
    note = _text("Note for the timeline", required=False)


class SurfaceKey(forms.CharField):
    """A surface by its key, completed from the page's one list of them (`<datalist>`)."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"list": "surface-keys", "autocomplete": "off", "spellcheck": "false"}
        super().__init__(max_length=80, widget=forms.TextInput(attrs=attrs), **kwargs)


def _surface(viewer: Person, key: str) -> Surface | None:
    """The current surface of that key that the viewer may see; nothing for no key."""
    if not key:
        return None
    found = Surface.objects.visible_to(viewer).current().filter(key=key.strip().lower()).first()
    if found is None:
        raise forms.ValidationError(f"There is no surface {key}. Choose one from the list.")
    return found


class RouteForm(forms.Form):
    """Which surface an alert belongs to, and whether its like go there from now on."""

    surface = SurfaceKey(label="Surface")
    remember = forms.BooleanField(
        label="Always for this class",
        required=False,
        help_text="Adds a routing rule for alerts of the same class and component.",
    )

    def __init__(self, *args: Any, viewer: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.viewer = viewer

    def clean_surface(self) -> Surface | None:
        return _surface(self.viewer, self.cleaned_data["surface"])
