"""Customers on the wire: accounts and orgs by their keys."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.customers.models import Account, Org


class AccountField(serializers.CharField):
    """A customer in use, by key."""

    def to_internal_value(self, data: Any) -> Any:
        key = super().to_internal_value(data).strip().lower()
        rows = Account.objects.visible_to(self.context["request"].user).current()
        account = rows.filter(key=key).first()
        if account is None:
            raise serializers.ValidationError("There is no such customer.")
        return account

    def to_representation(self, value: Any) -> str:
        return str(value.key)


class OrgField(serializers.CharField):
    """An org in use, by key."""

    def to_internal_value(self, data: Any) -> Any:
        key = super().to_internal_value(data).strip().lower()
        rows = Org.objects.visible_to(self.context["request"].user).current()
        org = rows.filter(key=key).first()
        if org is None:
            raise serializers.ValidationError("There is no such org.")
        return org

    def to_representation(self, value: Any) -> str:
        return str(value.key)
