from __future__ import annotations

from django.apps import AppConfig


class OwnershipConfig(AppConfig):
    name = "apps.ownership"
    label = "ownership"
    verbose_name = "Ownership"
