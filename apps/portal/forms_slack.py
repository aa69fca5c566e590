"""Forms of a Slack workspace: its bot, who is who, which group follows which schedule."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.accounts.models import Person
from apps.rotations.models import Schedule

PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class BotForm(forms.Form):
    bot_token = forms.CharField(
        label="Bot token", required=False, max_length=300,
        help_text="Begins with xoxb-. Empty: the one that is set stays.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip
    channel = forms.CharField(
        label="Channel for pages", required=False, max_length=20,
        help_text="Its ID, such as C024BE91L. Empty: pages are posted nowhere.",
        widget=forms.TextInput(attrs=PLAIN),
    )  # fmt: skip


class MemberForm(forms.Form):
    person = forms.ModelChoiceField(Person.objects.none(), label="Person", empty_label=None)
    slack_user_id = forms.CharField(
        label="Slack member ID", max_length=20,
        help_text="In Slack: profile, More, Copy member ID.",
        widget=forms.TextInput(attrs=PLAIN),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = Person.objects.active().order_by("name", "pk")
        self.fields["person"].queryset = people  # type: ignore[attr-defined] # a model choice


class GroupForm(forms.Form):
    schedule = forms.ModelChoiceField(Schedule.objects.none(), label="Schedule", empty_label=None)
    slack_group_id = forms.CharField(
        label="User group ID", max_length=20, help_text="Such as S0614TZR7.",
        widget=forms.TextInput(attrs=PLAIN),
    )  # fmt: skip

    def __init__(self, *args: Any, viewer: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        seen = Schedule.objects.visible_to(viewer).current().order_by("name", "pk")
        self.fields["schedule"].queryset = seen  # type: ignore[attr-defined] # a model choice
