from __future__ import annotations

from django.apps import AppConfig, apps


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
        # Django tells only apps with models; the schedules are rows of django-q2's.
        sender = apps.get_app_config("django_q")
        post_migrate.connect(schedules.sync_after_migrate, sender=sender)
        post_migrate.connect(upgrade.after_migrate, sender=sender)
