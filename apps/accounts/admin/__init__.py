"""Teams and API keys. People are edited one floor up, where their invitations are."""

from __future__ import annotations

from apps.accounts.admin import keys, teams

__all__ = ["keys", "teams"]
