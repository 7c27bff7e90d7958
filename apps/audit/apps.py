from django.apps import AppConfig

from apps.jobs.registry import register_job


class AuditConfig(AppConfig):
    name = "apps.audit"

    def ready(self) -> None:
        """Have every change written down, and old rows purged when that is asked for."""
        # Models can be imported from here on.
        from apps.audit.handlers import register  # noqa: PLC0415
        from apps.audit.purge import PURGE, PURGE_JOB  # noqa: PLC0415

        register()
        register_job(PURGE, PURGE_JOB)
