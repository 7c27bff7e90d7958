from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "apps.audit"

    def ready(self) -> None:
        """Have every change written down."""
        from apps.audit.handlers import register  # noqa: PLC0415 - models can be imported from here on

        register()
