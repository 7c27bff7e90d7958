from django.apps import AppConfig


class HttpAuthConfig(AppConfig):
    name = "apps.http_auth"

    def ready(self) -> None:
        """Let people come by the proxy, with their password or with a token that it gave them."""
        from apps.http_auth.handlers import register  # noqa: PLC0415 - models can be imported from here on

        register()
