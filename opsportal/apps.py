from __future__ import annotations

from django.apps import AppConfig


class OpsPortalConfig(AppConfig):
    """The project itself: settings, wiring, schedules, engine. It has no models."""

    name = "opsportal"
    label = "opsportal"
    verbose_name = "OpsPortal"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate  # noqa: TID251 - the one seam: schedules follow code

        from opsportal import logs, schedules, upgrade, wiring

        logs.configure()
        wiring.wire()
        post_migrate.connect(schedules.sync_after_migrate, sender=self)
        post_migrate.connect(upgrade.after_migrate, sender=self)
