from django.apps import AppConfig
from django.conf import settings


class WebhooksConfig(AppConfig):
    name = "apps.webhooks"

    def ready(self) -> None:
        """Register the runners and the handlers."""
        from apps.jobs.registry import JobType, register_job  # noqa: PLC0415 - models can be imported from here on
        from apps.jobs.types import VendorType  # noqa: PLC0415
        from apps.webhooks import handlers  # noqa: PLC0415
        from apps.webhooks.runner import deliver, pause_before  # noqa: PLC0415

        workers, retries = settings.HARBOR.webhook_workers, settings.HARBOR.webhook_retries
        register_job(
            VendorType.WEBHOOK,
            JobType(run=deliver, concurrency=workers, share=2, retries=retries, pause=pause_before),
        )
        # Slack takes a message a second of one sender.
        register_job(
            VendorType.SLACK,
            JobType(
                run=deliver, concurrency=(workers + 1) // 2, share=1, retries=retries, pause=pause_before
            ),
        )
        handlers.register()
