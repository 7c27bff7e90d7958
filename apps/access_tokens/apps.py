from django.apps import AppConfig


class AccessTokensConfig(AppConfig):
    name = "apps.access_tokens"

    def ready(self) -> None:
        """Register personal access tokens as a kind of caller, and the handlers."""
        from apps.access_tokens.handlers import register  # noqa: PLC0415 - models can be imported from here on

        register()
