from __future__ import annotations

from django.apps import AppConfig


class RotationsConfig(AppConfig):
    name = "apps.rotations"
    label = "rotations"
    verbose_name = "On call"
