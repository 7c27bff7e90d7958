from django.apps import AppConfig


class ArtifactsConfig(AppConfig):
    name = "apps.artifacts"

    def ready(self) -> None:
        """Register the handlers."""
        from apps.artifacts.handlers import register  # noqa: PLC0415 (models can be imported only from here on)

        register()
