"""People: added with roles and teams, invited, switched off and on. No passwords here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest

from apps.accounts import services as accounts
from apps.accounts.models import Person, Team
from apps.accounts.roles import ROLE_HELP, Role
from apps.core import audit, clock
from apps.core.admin_base import (
    ModelAdmin,
    act,
    action,
    become,
    display,
    register,
    say_domain_errors,
    when,
)
from apps.core.admin_base.forms import Choices, Form, ZoneWidget
from apps.core.admin_base.lists import Filter, chip
from apps.notifications import services
from apps.notifications.models import Invitation
from apps.notifications.selectors import Reach, reach_of


class PersonForm(Form):
    roles = Choices(
        choices=Role.choices, helps=ROLE_HELP, required=False,
        help_text="Without a role somebody can sign in and see nothing.",
    )  # fmt: skip
    teams = forms.ModelMultipleChoiceField(
        Team.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )
    invite = forms.BooleanField(
        required=False, initial=True, label="Send an invitation now",
        help_text="A mail with a link by which they set a password; it is good for 7 days.",
    )  # fmt: skip

    class Meta:
        model = Person
        fields = ["name", "email", "roles", "time_zone"]
        widgets = {"time_zone": ZoneWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "teams" in self.fields:
            mine = [team.pk for team in self.instance.teams.all()] if self.instance.pk else []
            teams: Any = self.fields["teams"]
            teams.queryset = Team.objects.filter(Q(archived_at=None) | Q(pk__in=mine))
            self.initial.setdefault("teams", mine)


class StateFilter(Filter):
    title = "state"
    parameter_name = "state"
    choices_offered = [("here", "Here"), ("off", "Deactivated"), ("new", "Never signed in")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "here":
                return queryset.filter(is_active=True)
            case "off":
                return queryset.filter(is_active=False)
            case "new":
                return queryset.filter(is_active=True, last_login=None)
        return queryset


class RoleFilter(Filter):
    title = "role"
    parameter_name = "role"
    choices_offered = Role.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(roles__contains=[self.value()]) if self.value() else queryset


@register(Person)
class PersonAdmin(ModelAdmin[Person]):
    form = PersonForm
    intro = (
        "Everybody who signs in or is on call. People set their own passwords, contact methods "
        "and quiet hours."
    )
    empty_text = "Nobody is here yet."
    list_display = [
        "name", "email", "shown_roles", "shown_teams", "reach", "state",
        when("last_login", "last signed in", "never"),
    ]  # fmt: skip
    list_filter = [StateFilter, RoleFilter, "teams"]
    search_fields = ["name", "email"]
    actions = ["send_invitations"]
    ordering = ["name"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        first = ["name", "email", "roles", "teams", "time_zone"]
        if obj is None:
            return [(None, {"fields": [*first, "invite"]})]
        facts = ["state", "reach", when("last_login", "last signed in", "never")]
        return [(None, {"fields": first}), ("Known", {"fields": facts})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["state", "reach", when("last_login", "last signed in", "never")]

    def portal_path(self, obj: Person) -> str:
        return f"/people/{obj.pk}/"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Person]:
        rows: QuerySet[Person] = super().get_queryset(request)
        waiting = Invitation.objects.filter(accepted_at=None, expires_at__gt=clock.now())
        return rows.prefetch_related(
            "teams", Prefetch("invitations", waiting, to_attr="invited_now")
        )

    def enrich(self, rows: list[Person], now: datetime) -> None:
        reach = reach_of(rows)
        for row in rows:
            row.reach_now = reach[row.pk]  # type: ignore[attr-defined] # read by the column

    @display(description="roles")
    def shown_roles(self, obj: Person) -> object:
        words = [str(Role(role).label) for role in obj.roles if role in Role.values]
        return ", ".join(words) or chip("No role", "warning")

    @display(description="teams")
    def shown_teams(self, obj: Person) -> str:
        return ", ".join(team.name for team in obj.teams.all())

    @display(description="can be woken")
    def reach(self, obj: Any) -> object:
        found: Reach = getattr(obj, "reach_now", None) or reach_of([obj])[obj.pk]
        if found.route == "in_app":
            return chip("Demo mailbox", "info")
        if found.route == "email":
            return chip("E-mail only" if found.verified else "Sign-in address only", "warning")
        return chip("Yes", "success")

    @display(description="state", ordering="is_active")
    def state(self, obj: Any) -> object:
        if not obj.is_active:
            return chip("Deactivated")
        if obj.last_login is None and not obj.has_usable_password():
            return chip("Invited", "info") if obj.invited_now else chip("Not invited", "warning")
        return chip("Here", "success")

    def save_model(self, request: Any, obj: Person, form: Any, change: bool) -> None:
        given, now = form.cleaned_data, clock.now()
        values = {name: given[name] for name in ("email", "name", "roles", "time_zone")}
        if change:
            stored = Person.objects.get(pk=obj.pk)
            saved = accounts.change_person(
                person=stored, actor=audit.person(request.user), **values
            )
        else:
            saved = accounts.create_person(**values, now=now)
        accounts.set_teams(person=saved, teams=list(given["teams"]))
        if not change and given["invite"]:
            services.invite(person=saved, by=request.user, now=now)
        become(obj, saved)

    @action(description="Send an invitation")
    def send_invitations(self, request: Any, queryset: QuerySet[Person]) -> None:
        now, sent = clock.now(), 0
        for person in queryset.filter(is_active=True):
            with say_domain_errors(request, person):
                services.invite(person=person, by=request.user, now=now)
                sent += 1
        people = "1 person" if sent == 1 else f"{sent} people"
        self.message_user(request, f"Invited {people}.")

    @act(
        "Send invitation",
        about="Mails a link by which they set a password. It is good for 7 days.",
        offered=lambda person: person.is_active,
    )
    def invite(self, request: Any, obj: Person, values: dict[str, Any]) -> str:
        services.invite(person=obj, by=request.user, now=clock.now())
        return f"{obj.name} is invited."

    @act(
        "Deactivate",
        about="They can no longer sign in and are no longer woken. Their turns on call and the "
        "surfaces that they own need somebody else: look at the start page of the admin after.",
        danger=True,
        offered=lambda person: person.is_active,
    )
    def deactivate(self, request: Any, obj: Person, values: dict[str, Any]) -> str:
        accounts.deactivate(person=obj, actor=audit.person(request.user), now=clock.now())
        return f"{obj.name} is deactivated."

    @act("Reactivate", offered=lambda person: not person.is_active)
    def reactivate(self, request: Any, obj: Person, values: dict[str, Any]) -> str:
        accounts.reactivate(person=obj, actor=audit.person(request.user), now=clock.now())
        return f"{obj.name} is back."
