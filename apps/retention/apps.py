from datetime import timedelta

from django.apps import AppConfig

_RETRIES = 3
_PAUSE = timedelta(seconds=30)


class RetentionConfig(AppConfig):
    name = "apps.retention"

    def ready(self) -> None:
        """Register the runner and the handlers."""
        from apps.jobs.registry import JobType, register_job  # noqa: PLC0415 - models can be imported from here on
        from apps.jobs.types import VendorType  # noqa: PLC0415
        from apps.retention import handlers  # noqa: PLC0415
        from apps.retention.runner import retention_run  # noqa: PLC0415
        from apps.retention.services import scheduled_retention_begin  # noqa: PLC0415

        register_job(
            VendorType.RETENTION,
            JobType(
                run=retention_run,
                retries=_RETRIES,
                pause=lambda attempts: attempts * _PAUSE,
                schedule_start=scheduled_retention_begin,
            ),
        )
        handlers.register()
