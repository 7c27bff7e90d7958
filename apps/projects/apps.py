from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "apps.projects"

    def ready(self) -> None:
        """Register people as a kind of caller, and the handlers."""
        from apps.projects.handlers import register  # noqa: PLC0415 - models can be imported only now

        register()
