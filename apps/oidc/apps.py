from django.apps import AppConfig


class OidcConfig(AppConfig):
    name = "apps.oidc"

    def ready(self) -> None:
        """Let people come by an OpenID provider, and by the ID tokens that it gives them."""
        from apps.oidc.handlers import register  # noqa: PLC0415 - models can be imported from here on

        register()
