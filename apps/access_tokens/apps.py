from django.apps import AppConfig


class AccessTokensConfig(AppConfig):
    name = "apps.access_tokens"
