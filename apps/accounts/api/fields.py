"""People and teams on the wire: a person is their sign-in address, a team its key."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.accounts.authentication import KeyPrincipal
from apps.accounts.models import Person, Team


class PersonField(serializers.CharField):
    """A person by e-mail address (in), shown as the address (out)."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data).strip().lower()
        person = Person.objects.active().filter(email=text).first()
        if person is None:
            raise serializers.ValidationError("Nobody here has this address.")
        return person

    def to_representation(self, value: Any) -> str:
        return str(value.email)


class TeamField(serializers.CharField):
    """A team by key. A key that is bound to a team may name that team alone."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data).strip().lower()
        rows = Team.objects.filter(archived_at=None, key=text)
        request = self.context.get("request")
        if (bound := bound_team(request.user if request else None)) is not None:
            rows = rows.filter(pk=bound.pk)
        team = rows.first()
        if team is None:
            raise serializers.ValidationError("There is no such team, or none that you may use.")
        return team

    def to_representation(self, value: Any) -> str:
        return str(value.key)


def bound_team(user: Any) -> Team | None:
    """The team that a key is bound to; None for people and for other keys."""
    return user.key.team if isinstance(user, KeyPrincipal) else None


def person_of(user: Any) -> Person | None:
    """The person behind a request; None for a key."""
    return user if isinstance(user, Person) else None
