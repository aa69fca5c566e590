from __future__ import annotations

from django.apps import AppConfig


class PagingConfig(AppConfig):
    name = "apps.paging"
    label = "paging"
    verbose_name = "Paging"
