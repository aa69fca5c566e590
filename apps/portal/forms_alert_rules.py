"""Forms of rules: one for each kind, made of what the kind's parameters say of themselves.

Lengths are written as people write them ("1 h 30 min"), shares in percent; what is kept is in
seconds and parts of one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.utils.text import slugify

from apps.accounts.models import Person
from apps.alerts.models import AlertRule, Severity
from apps.alerts.rules.params import KINDS, Param
from apps.alerts.rules.words import span
from apps.ownership.models import Surface
from apps.portal.forms import SurfaceKey, _surface
from apps.runbooks.models import Runbook
from apps.telemetry.models import Slo

UNITS: Final = {
    "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600, "d": 86_400, "day": 86_400,
    "w": 604_800, "week": 604_800,
}  # fmt: skip
_PIECE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([a-z]*)", re.ASCII)
_LINE = re.compile(r"[,;]")
LOOSE: Final = {"autocomplete": "off", "spellcheck": "false"}
TIMES: Final = ("every_seconds", "for_seconds", "keep_firing_seconds")


def read_length(text: str) -> int | None:
    """ "1 h 30 min" in seconds; a bare number is of seconds; None for what is no length."""
    pieces = _PIECE.findall(text.lower())
    rest = _PIECE.sub("", text.lower()).strip(" ,")
    if not pieces or rest:
        return None
    found = 0.0
    for number, unit in pieces:
        size = UNITS.get(unit or "s") or UNITS.get(unit.removesuffix("s"))
        if size is None or (not unit and len(pieces) > 1):
            return None
        found += float(number) * size
    return int(found) if found == int(found) and found < 2**31 else None


def write_length(seconds: int) -> str:
    """The shortest text that `read_length` reads as so many seconds."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        whole, rest = divmod(seconds, size)
        if whole and not rest:
            return f"{whole} {unit}"
        if whole and rest % 60 == 0 and unit != "min":
            return f"{whole} {unit} {write_length(rest)}"
    return f"{seconds} s"


class LengthField(forms.CharField):
    """A length of time; what it holds is whole seconds."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=40, widget=forms.TextInput(attrs=dict(LOOSE)), **options)

    def prepare_value(self, value: Any) -> Any:
        return write_length(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        if (seconds := read_length(text)) is None:
            raise forms.ValidationError("Write a length as in 90 s, 15 min, 1 h 30 min or 7 d.")
        return seconds


class ShareField(forms.CharField):
    """A share, written in percent; what it holds lies between 0 and 1."""

    def __init__(self, **options: Any) -> None:
        attrs = {**LOOSE, "inputmode": "decimal"}
        super().__init__(max_length=20, widget=forms.TextInput(attrs=attrs), **options)

    def prepare_value(self, value: Any) -> Any:
        return f"{value * 100:.10g} %" if isinstance(value, float) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value).replace("%", "").strip()
        if not text:
            return None
        try:
            percent = float(text)
        except ValueError as error:
            raise forms.ValidationError("Write percent, as in 5 or 99.5.") from error
        if not 0 <= percent <= 100:
            raise forms.ValidationError("Percent lie between 0 and 100.")
        return round(percent / 100, 12)


class WindowsField(forms.CharField):
    """Windows of a burn rate: `auto`, or a line each: `1 h, 5 min, 14.4, page`."""

    def __init__(self, **options: Any) -> None:
        widget = forms.Textarea(attrs={**LOOSE, "rows": 3})
        super().__init__(max_length=1000, widget=widget, **options)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(
            f"{write_length(row['long'])}, {write_length(row['short'])}, {row['burn']:g}, "
            f"{row.get('severity', 'page')}"
            for row in value
        )

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text in {"", "auto"}:
            return "auto"
        return [self._line(line) for line in text.splitlines() if line.strip()]

    def _line(self, line: str) -> dict[str, Any]:
        parts = [part.strip() for part in _LINE.split(line)]
        long, short = (read_length(part) for part in (*parts, "", "")[:2])
        try:
            burn = float(parts[2])
        except (IndexError, ValueError):
            burn = 0.0
        severity = parts[3] if len(parts) > 3 else "page"
        if not long or not short or not 0 < burn < 1e6 or severity not in {"page", "ticket"}:
            raise forms.ValidationError(
                f"“{line.strip()[:60]}” is no window. Write long, short, burn and page or ticket, "
                "as in 1 h, 5 min, 14.4, page."
            )
        return {"long": long, "short": short, "burn": burn, "severity": severity}


def field_of(param: Param) -> forms.Field:
    """The form's field of a parameter."""
    label = re.sub(r" \(s\)$", "", param.label)
    options: dict[str, Any] = {
        "label": label, "required": param.required, "help_text": _help(param),
        "initial": _begin(param),
    }  # fmt: skip
    bounds: dict[str, Any] = {"min_value": param.least, "max_value": param.most}
    match param.type:
        case "int":
            return forms.IntegerField(**options, **bounds)
        case "float":
            return forms.FloatField(**options, **bounds)
        case "share":
            return ShareField(**options)
        case "seconds":
            return LengthField(**options)
        case "choice":
            return forms.ChoiceField(**options, choices=param.choices)
        case "sources":
            return forms.MultipleChoiceField(
                **options, choices=param.choices, widget=forms.CheckboxSelectMultiple
            )
        case "windows":
            return WindowsField(**options)
        case _:
            return forms.CharField(
                **options, max_length=160, widget=forms.TextInput(attrs=dict(LOOSE))
            )


def _begin(param: Param) -> Any:
    return list(param.default) if isinstance(param.default, tuple) else param.default


def _help(param: Param) -> str:
    if param.type == "windows":
        return (
            "auto: chosen by how many events an hour there are. Else one a line: long window, "
            "short window, burn, page or ticket."
        )
    return param.help.replace("0.95, and 0.99 where", "95 %, and 99 % where")


class RuleForm(forms.Form):
    """A rule of one kind. `condition` names its parameters' fields, in their order."""

    name = forms.CharField(
        label="Name", max_length=120, help_text="It stands in every alert: “Snowflake runs fail”."
    )
    key = forms.CharField(
        label="Key", max_length=60, required=False, widget=forms.TextInput(attrs=dict(LOOSE)),
        help_text="Empty: made of the name. It stays, since its alerts are called by it.",
    )  # fmt: skip
    description = forms.CharField(
        label="Why it is there", max_length=500, required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip
    surface = SurfaceKey(
        label="Surface", required=False, help_text="Who is paged, where the look names no other."
    )
    owner = forms.ModelChoiceField(
        Person.objects.none(), label="Owner", required=False, empty_label="Nobody yet",
        help_text="Who looks after the rule.",
    )  # fmt: skip
    runbook = forms.ModelChoiceField(
        Runbook.objects.none(), label="Runbook", required=False, empty_label="None yet",
        help_text="What to do when it fires.",
    )  # fmt: skip
    severity = forms.ChoiceField(
        label="Severity", choices=Severity.choices, initial=Severity.ERROR,
        help_text="Critical and error wake somebody, a warning is told by day, info is kept.",
    )  # fmt: skip
    slo = forms.ModelChoiceField(
        Slo.objects.none(), label="SLO", required=False, empty_label="Choose",
        help_text="Whose budget it watches.",
    )  # fmt: skip
    tier = forms.IntegerField(
        label="Tier", required=False, min_value=0, max_value=99, initial=0,
        help_text="Of an SLO's rules that fire, the one with the lowest number is heard.",
    )  # fmt: skip
    every_seconds = LengthField(label="Looks every", initial=60)
    for_seconds = LengthField(
        label="Pending for", required=False, initial=0,
        help_text="So long it must be true before it fires.",
    )  # fmt: skip
    keep_firing_seconds = LengthField(
        label="Keeps firing for", required=False, initial=900,
        help_text="After it was last true, so that what flaps is told once.",
    )  # fmt: skip

    def __init__(
        self, *args: Any, kind: str, viewer: Person, rule: AlertRule | None = None, **kwargs: Any
    ) -> None:
        kwargs["initial"] = {**_values(rule), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.kind, self.viewer, self.rule = KINDS[kind], viewer, rule
        self.condition = [param.name for param in self.kind.params]
        for param in self.kind.params:
            self.fields[param.name] = field_of(param)
        if rule is not None:
            del self.fields["key"]
        if kind != AlertRule.Kind.BURN_RATE:
            del self.fields["slo"], self.fields["tier"]
        self._offer()

    def _offer(self) -> None:
        people = Person.objects.active().order_by("name", "pk")
        books = Runbook.objects.visible_to(self.viewer).filter(archived_at=None)
        offered = {"owner": people, "runbook": books.order_by("title", "pk")}
        if "slo" in self.fields:
            offered["slo"] = Slo.objects.visible_to(self.viewer).filter(archived_at=None)
        for name, rows in offered.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined] # model choices
        runbooks: Any = self.fields["runbook"]
        runbooks.label_from_instance = lambda book: book.title

    @property
    def condition_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.condition]

    def clean_surface(self) -> Surface | None:
        return _surface(self.viewer, self.cleaned_data["surface"])

    def params(self) -> dict[str, Any]:
        """The parameters that were given; what was left empty has its default."""
        given = {name: self.cleaned_data.get(name) for name in self.condition}
        return {name: value for name, value in given.items() if value not in (None, "", [])}

    def values(self) -> dict[str, Any]:
        """What the services take, without key and kind."""
        names = (
            "name", "description", "surface", "owner", "runbook", "severity", "slo", "tier", *TIMES,
        )  # fmt: skip
        found = {name: self.cleaned_data[name] for name in names if name in self.fields}
        for name in ("tier", "for_seconds", "keep_firing_seconds"):
            if name in found and found[name] is None:
                found[name] = 0
        return {**found, "params": self.params()}

    def rule_key(self) -> str:
        key: str = self.cleaned_data.get("key", "")
        return key.strip().lower() or slugify(self.cleaned_data["name"])[:60].strip("-_")


def _values(rule: AlertRule | None) -> Mapping[str, Any]:
    """What a form about a rule begins with."""
    if rule is None:
        return {}
    names = ("name", "description", "severity", "tier", *TIMES)
    return {
        **{name: getattr(rule, name) for name in names},
        **rule.params,
        "surface": rule.surface.key if rule.surface else "",
        "owner": rule.owner_id,
        "runbook": rule.runbook_id,
        "slo": rule.slo_id,
    }


class WhyForm(forms.Form):
    """Switching a rule off."""

    reason = forms.CharField(
        label="Why", max_length=300, help_text="Whoever relied on it reads this."
    )


def shown_params(kind: str, params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A rule's parameters as (label, value), in their order, for people."""
    rows = []
    for param in KINDS[kind].params:
        value = params.get(param.name, param.default)
        rows.append((re.sub(r" \(s\)$", "", param.label), _shown(param, value)))
    return rows


def _shown(param: Param, value: Any) -> str:
    if value in (None, "", ()):
        return dict(param.choices).get("", "not set")
    match param.type:
        case "seconds":
            return span(value)
        case "share":
            return f"{float(value) * 100:.6g} %"
        case "choice":
            return dict(param.choices).get(value, str(value))
        case "days":
            return ", ".join(str(day) for day in value)
        case "sources":
            return ", ".join(dict(param.choices).get(one, one) for one in value)
        case "windows" if isinstance(value, list):
            return json.dumps(value)
        case _:
            return str(value)
