from django.apps import AppConfig


class QuotasConfig(AppConfig):
    name = "apps.quotas"

    def ready(self) -> None:
        """Register the storage gate and the handlers."""
        from apps.quotas.handlers import register  # noqa: PLC0415 - models can be imported from here on

        register()
