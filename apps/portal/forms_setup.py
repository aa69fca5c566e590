"""Forms of setting up: first run, site, people, presets, profile. Shapes only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import time
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.password_validation import (
    password_validators_help_texts,
    validate_password,
)
from django.core.validators import URLValidator
from django.db.models import QuerySet

from apps.accounts.models import HourCycle, Person, Team, WeekStart
from apps.accounts.roles import ROLE_HELP, Role
from apps.intake.models import Integration
from apps.intake.signatures import VERIFIERS
from apps.notifications.channels import CHANNELS
from apps.notifications.models import Channel, ContactMethod, Site
from apps.notifications.services.site import ACCOUNT_FIELDS
from apps.ownership.models import Surface

DAYS = (
    ("mon", "Mon"),
    ("tue", "Tue"),
    ("wed", "Wed"),
    ("thu", "Thu"),
    ("fri", "Fri"),
    ("sat", "Sat"),
    ("sun", "Sun"),
)
WEEKDAYS = [
    (0, "Monday"),
    (1, "Tuesday"),
    (2, "Wednesday"),
    (3, "Thursday"),
    (4, "Friday"),
    (5, "Saturday"),
    (6, "Sunday"),
]
_AREAS = frozenset(
    {"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe"}
    | {"Indian", "Pacific"}
)
_CODE = {"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}


@lru_cache(maxsize=1)
def zone_choices() -> list[tuple[str, str | list[tuple[str, str]]]]:
    """Every IANA zone of a place, by area, and UTC."""
    areas: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(available_timezones()):
        area, _, place = name.partition("/")
        if area in _AREAS:
            areas.setdefault(area, []).append((name, place.replace("_", " ")))
    return [("UTC", "UTC"), *areas.items()]


def zone_field(**kwargs: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label="Time zone", choices=zone_choices, initial="UTC", **kwargs)


def password_field(label: str, **kwargs: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=True),
        help_text=" ".join(password_validators_help_texts()[1:2]),
        **kwargs,
    )


class MailForm(forms.Form):
    """The mail server. An empty password keeps the one that is stored."""

    smtp_host = forms.CharField(
        label="SMTP server", required=False, max_length=200, help_text="smtp.example.com"
    )
    smtp_port = forms.IntegerField(
        label="Port", min_value=1, max_value=65535, initial=587, required=False
    )
    smtp_security = forms.ChoiceField(
        label="Encryption",
        choices=Site.Security,
        initial=Site.Security.STARTTLS,
        help_text="587 goes with STARTTLS, 465 with TLS from the start.",
    )
    smtp_user = forms.CharField(
        label="User",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    smtp_password = forms.CharField(
        label="Password",
        required=False,
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=True),
    )
    mail_from = forms.EmailField(
        label="Sender", required=False, help_text="The address that mails come from."
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        values["smtp_port"] = values.get("smtp_port") or 587
        host = values.get("smtp_host", "")
        if host and ("/" in host or " " in host or "@" in host):
            self.add_error("smtp_host", "Write the server's name alone, such as smtp.example.com.")
        return values


class AddressField(forms.CharField):
    """Where the site is reached: http or https, a host, no path."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=200, **kwargs)

    def clean(self, value: Any) -> str:
        text = str(super().clean(value)).rstrip("/")
        if not text:
            return ""
        try:
            URLValidator(schemes=["http", "https"])(text)
            parts = urlsplit(text)
        except (forms.ValidationError, ValueError) as error:
            raise forms.ValidationError("Write it as https://ops.example.com.") from error
        if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
            raise forms.ValidationError("Write it as https://ops.example.com, without a path.")
        return text


class WelcomeForm(MailForm):
    """The first run: somebody, somewhere, and a way for mail to leave."""

    name = forms.CharField(label="Your name", max_length=120)
    email = forms.EmailField(
        label="Your e-mail", widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = password_field("Choose a password")
    time_zone = zone_field()
    address = AddressField(
        label="Address of this site",
        help_text="Links in mails lead here. People must be able to open it.",
    )
    later = forms.BooleanField(label="Set up mail later", required=False)
    setup_code = forms.CharField(
        label="Set-up code",
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        person = Person(
            name=self.cleaned_data.get("name", ""), email=self.cleaned_data.get("email", "")
        )
        validate_password(password, person)
        return password

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        values["mail_from"] = values.get("mail_from") or values.get("email", "")
        if not values.get("smtp_host") and not values.get("later"):
            self.add_error(
                "smtp_host", "Write the name of the mail server, or tick “Set up mail later”."
            )
        return values


class SiteForm(MailForm):
    name = forms.CharField(
        label="Name of this site", max_length=80, help_text="Stands in mails and subjects."
    )
    address = AddressField(
        label="Address of this site",
        required=False,
        help_text="Links in mails lead here. People must be able to open it.",
    )
    time_zone = zone_field(help_text="For people and rotations that name none.")


class AccountForm(forms.Form):
    """A channel's account at its provider. Values that are stored are never shown again."""

    LABELS: Mapping[str, str] = {
        "app_token": "Application token",
        "account_sid": "Account SID",
        "auth_token": "Auth token",
        "from": "Sender number",
        "bot_token": "Bot token",
        "server": "Server",
        "token": "Access token",
    }

    def __init__(self, data: Any = None, *, channel: str, known: Mapping[str, str]) -> None:
        super().__init__(data, prefix=channel)
        self.channel = channel
        self.known = known
        for name in ACCOUNT_FIELDS[channel]:
            stored = bool(known.get(name))
            self.fields[name] = forms.CharField(
                label=self.LABELS[name],
                required=name in CHANNELS[channel].needs and not stored,
                max_length=200,
                help_text="Stored. Leave empty to keep it." if stored else "",
                widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            )

    @property
    def values(self) -> dict[str, str]:
        """What to store: what was typed, else what is stored."""
        return {
            name: self.cleaned_data.get(name) or self.known.get(name, "") for name in self.fields
        }


# -- people


class JoinForm(forms.Form):
    name = forms.CharField(
        label="Your name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password = password_field("Choose a password")
    time_zone = zone_field(help_text="All times are shown in it.")


class InviteForm(forms.Form):
    name = forms.CharField(label="Name", max_length=120)
    email = forms.EmailField(label="E-mail")
    roles = forms.MultipleChoiceField(
        label="Roles",
        choices=[(role.value, f"{role.label}: {ROLE_HELP[role]}") for role in Role],
        initial=[Role.RESPONDER],
        widget=forms.CheckboxSelectMultiple,
    )
    teams = forms.ModelMultipleChoiceField(
        label="Teams",
        queryset=Team.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    time_zone = zone_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["teams"].queryset = Team.objects.filter(archived_at=None)  # type: ignore[attr-defined] # a model choice field


class ImportForm(forms.Form):
    """`seen` is the digest of the plan that somebody looked at before pressing the button."""

    table = forms.CharField(
        label="People and surfaces",
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 12, "class": "mono", "spellcheck": "false", "wrap": "off"}
        ),
    )
    invite = forms.BooleanField(label="Send new people an invitation by mail", required=False)
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)


# -- presets


class RotationForm(forms.Form):
    """Weekly, at this hour, these people in this order, for these surfaces."""

    name = forms.CharField(
        label="Name", max_length=80, initial="Primary", help_text="As people say it: Profiler."
    )
    weekday = forms.TypedChoiceField(label="Handoff on", choices=WEEKDAYS, coerce=int, initial=0)
    at = forms.TimeField(
        label="At", initial=time(9), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    time_zone = zone_field()
    surfaces = forms.ModelMultipleChoiceField(
        label="Surfaces that it covers",
        queryset=Surface.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(
        self, *args: Any, people: Sequence[Person], surfaces: QuerySet[Surface], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.people = list(people)
        self.fields["surfaces"].queryset = surfaces  # type: ignore[attr-defined] # a model choice field
        for person in self.people:
            self.fields[f"in_{person.pk}"] = forms.BooleanField(label=person.name, required=False)
            self.fields[f"place_{person.pk}"] = forms.IntegerField(
                label=f"Place of {person.name}", required=False, min_value=1, max_value=99
            )

    @property
    def rows(self) -> list[tuple[Person, forms.BoundField, forms.BoundField]]:
        """Person, tick box, place: for the template."""
        return [(p, self[f"in_{p.pk}"], self[f"place_{p.pk}"]) for p in self.people]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        chosen = [p for p in self.people if values.get(f"in_{p.pk}")]
        if not chosen:
            self.add_error(None, "Tick at least one person.")
        # Whoever has a number comes in its order, the others after them as they are listed.
        values["people"] = sorted(chosen, key=lambda p: values.get(f"place_{p.pk}") or 100)
        return values


class IntegrationForm(forms.Form):
    KINDS = (
        (Integration.Kind.ALERTMANAGER, "Prometheus Alertmanager"),
        (Integration.Kind.GRAFANA, "Grafana alerting"),
        (Integration.Kind.PAGERDUTY, "A tool that speaks PagerDuty's Events API"),
        (Integration.Kind.OPSGENIE, "A tool that speaks Opsgenie's Alert API"),
        (Integration.Kind.GCP, "Google Cloud Monitoring"),
        (Integration.Kind.FIVETRAN, "Fivetran: syncs that fail or end"),
        (Integration.Kind.STRIPE, "Stripe: disputes and failed payments"),
        (Integration.Kind.SENTRY, "Sentry: issues and metric alerts"),
        (Integration.Kind.GITHUB, "GitHub: deployments, releases and issues"),
        (Integration.Kind.SLACK, "Slack: acknowledge and ask who is on call"),
        (Integration.Kind.HEARTBEAT, "Jobs that ping when they have run"),
        (Integration.Kind.NATIVE, "Your own scripts: our events and telemetry API"),
        (Integration.Kind.MAIL, "Mail (raw): a mail server hands on what customers write"),
    )
    kind = forms.ChoiceField(
        label="Where events come from",
        choices=KINDS,
        widget=forms.RadioSelect,
        initial=Integration.Kind.ALERTMANAGER,
    )
    surface = forms.ModelChoiceField(
        label="Surface",
        queryset=Surface.objects.none(),
        required=False,
        empty_label="Let routing rules decide",
        help_text="Whose people are told when no routing rule says otherwise.",
    )
    name = forms.CharField(
        label="Name", required=False, max_length=80, help_text="Empty: named after its kind."
    )
    secret = forms.CharField(
        label="Signing secret",
        required=False,
        max_length=200,
        help_text="Only where the tool signs what it sends: Stripe, Fivetran, Sentry, GitHub, "
        "Grafana, Slack. Stripe, Sentry and Slack show you theirs; for the others write the same "
        "text here and there.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, surfaces: QuerySet[Surface], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["surface"].queryset = surfaces  # type: ignore[attr-defined] # a model choice field

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("secret") and values.get("kind") not in VERIFIERS:
            self.add_error("secret", "This kind does not sign its requests; leave this empty.")
        return values


class SecretForm(forms.Form):
    secret = forms.CharField(
        label="New signing secret",
        max_length=200,
        help_text="The one before stays valid until you end it, so that nothing is lost meanwhile.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class OwnerForm(forms.Form):
    owner = forms.ModelChoiceField(
        label="Owner",
        queryset=Person.objects.none(),
        required=False,
        empty_label="Nobody: managers are told",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = Person.objects.active().order_by("name")
        self.fields["owner"].queryset = people  # type: ignore[attr-defined] # a model choice field


# -- profile


class PreferencesForm(forms.Form):
    name = forms.CharField(label="Name", max_length=120)
    time_zone = zone_field()
    week_start = forms.TypedChoiceField(label="Weeks begin on", choices=WeekStart, coerce=int)
    hour_cycle = forms.ChoiceField(label="Clock", choices=HourCycle)


class MethodForm(forms.Form):
    """A way to reach oneself. Channels without an account on this site are not offered."""

    channel = forms.ChoiceField(label="How")
    address = forms.CharField(
        label="Address",
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    label = forms.CharField(
        label="Name", required=False, max_length=60, help_text="For yourself: private phone."
    )
    secret = forms.CharField(
        label="Signing secret",
        required=False,
        max_length=200,
        help_text="Only for a signed webhook.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, channels: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = [(kind, CHANNELS[kind].label) for kind in channels]
        self.fields["channel"].choices = chosen  # type: ignore[attr-defined] # a choice field


class CodeForm(forms.Form):
    code = forms.CharField(label="Code", max_length=12, widget=forms.TextInput(attrs=_CODE))


class RulesForm(forms.Form):
    """Up to four (method, minutes) rows for one urgency; a row without a method counts as none."""

    ROWS = 4

    def __init__(
        self,
        data: Any = None,
        *,
        urgency: str,
        methods: Sequence[ContactMethod],
        rows: Sequence[tuple[int, int]] = (),
    ) -> None:
        super().__init__(data, prefix=urgency)
        self.urgency = urgency
        self.methods = {str(method.pk): method for method in methods}
        self.used = len(rows)
        choices = [("", "nothing more"), *((pk, str(m)) for pk, m in self.methods.items())]
        for number in range(self.ROWS):
            method, delay = rows[number] if number < len(rows) else ("", None)
            self.fields[f"method_{number}"] = forms.ChoiceField(
                label=f"By, {number + 1}", choices=choices, required=False, initial=method
            )
            self.fields[f"delay_{number}"] = forms.IntegerField(
                label=f"After minutes, {number + 1}",
                required=False,
                min_value=0,
                max_value=120,
                initial=delay,
            )

    @property
    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """Those in use and one to add; all of them after a mistake."""
        shown = self.ROWS if self.is_bound else min(max(self.used + 1, 2), self.ROWS)
        return [(self[f"method_{n}"], self[f"delay_{n}"]) for n in range(shown)]

    @property
    def chosen(self) -> list[tuple[ContactMethod, int]]:
        """What was chosen, as `set_rules` takes it."""
        found = []
        for number in range(self.ROWS):
            method = self.methods.get(self.cleaned_data.get(f"method_{number}") or "")
            if method is not None:
                found.append((method, self.cleaned_data.get(f"delay_{number}") or 0))
        return found


class QuietForm(forms.Form):
    """Up to two weekly windows; one without days counts as none."""

    ROWS = 2

    def __init__(self, data: Any = None, *, windows: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(data, prefix="quiet")
        for number in range(self.ROWS):
            window = windows[number] if number < len(windows) else {}
            self.fields[f"days_{number}"] = forms.MultipleChoiceField(
                label="Days",
                choices=DAYS,
                required=False,
                initial=window.get("days", []),
                widget=forms.CheckboxSelectMultiple,
            )
            for name, default in (("start", "22:00"), ("end", "07:00")):
                self.fields[f"{name}_{number}"] = forms.TimeField(
                    label="From" if name == "start" else "Until",
                    required=False,
                    initial=window.get(name, default),
                    widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
                )

    @property
    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField, forms.BoundField]]:
        return [(self[f"days_{n}"], self[f"start_{n}"], self[f"end_{n}"]) for n in range(self.ROWS)]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        for number in range(self.ROWS):
            for name in ("start", "end"):
                if values.get(f"days_{number}") and values.get(f"{name}_{number}") is None:
                    self.add_error(f"{name}_{number}", "Write a time such as 22:00.")
        return values

    @property
    def windows(self) -> list[dict[str, Any]]:
        """What was chosen, as `set_quiet_hours` takes it."""
        values = self.cleaned_data
        return [
            {
                "days": values[f"days_{number}"],
                "start": f"{values[f'start_{number}']:%H:%M}",
                "end": f"{values[f'end_{number}']:%H:%M}",
            }
            for number in range(self.ROWS)
            if values[f"days_{number}"]
        ]


def offered_channels() -> list[str]:
    """Channels that somebody can add on this site: those that need an account have one."""
    from apps.notifications.channels import missing
    from apps.notifications.services import site_config

    personal = [kind for kind in CHANNELS if kind in Channel.values and kind != Channel.MAILBOX]
    return [
        kind
        for kind in personal
        if kind == Channel.WEBHOOK or not missing(CHANNELS[kind], site_config(kind))
    ]
