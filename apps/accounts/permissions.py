"""Default deny: a view names the scope that reading and writing needs."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from apps.accounts.authentication import KeyPrincipal
from apps.accounts.roles import SCOPE_GRANTS, Scope


class ScopeRequired(BasePermission):
    """Keys need the scope, people the grant behind it. A view without scopes is closed."""

    message = "This is closed to keys and people alike."

    def has_permission(self, request: Request, view: Any) -> bool:
        user: Any = request.user
        if not user or not user.is_authenticated:
            return False
        kind = "read" if request.method in SAFE_METHODS else "write"
        needed = getattr(view, "scopes", {}).get(kind)
        if needed is None:
            return False
        self.message = f"This needs the scope {needed}."
        if isinstance(user, KeyPrincipal):
            return needed in user.key.scopes or Scope.ADMIN in user.key.scopes
        return bool(user.may(SCOPE_GRANTS[needed]))
