from django.apps import AppConfig


class RobotsConfig(AppConfig):
    name = "apps.robots"

    def ready(self) -> None:
        """Register robot accounts as a kind of caller, and the handlers."""
        from apps.robots.handlers import register  # noqa: PLC0415 - models can be imported from here on

        register()
