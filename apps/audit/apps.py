from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "apps.audit"

    def ready(self) -> None:
        """Have every change written down."""
        # Models cannot be imported before the apps are loaded.
        from apps.audit.handlers import subscribe_all  # noqa: PLC0415

        subscribe_all()
