from django.apps import AppConfig


class GcConfig(AppConfig):
    name = "apps.gc"
    verbose_name = "Garbage collection"

    def ready(self) -> None:
        """Register the work."""
        from apps.gc.running import collect  # noqa: PLC0415 - models can be imported from here on
        from apps.gc.services import collection_begin_scheduled  # noqa: PLC0415
        from apps.jobs.registry import JobType, register_job  # noqa: PLC0415
        from apps.jobs.types import VendorType  # noqa: PLC0415

        register_job(
            VendorType.GARBAGE_COLLECTION,
            JobType(run=collect, concurrency=1, retries=1, schedule_start=collection_begin_scheduled),
        )
