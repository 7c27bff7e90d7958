from django.apps import AppConfig


class DistributionConfig(AppConfig):
    name = "apps.distribution"

    def ready(self) -> None:
        """Have the REST API and the token service take access tokens."""
        from apps.accounts.bearers import register_bearer  # noqa: PLC0415 - models can be imported from here on
        from apps.distribution.authentication import access_token_principal  # noqa: PLC0415 - as above

        register_bearer(access_token_principal)
