from django.apps import AppConfig


class ImmutabilityConfig(AppConfig):
    name = "apps.immutability"
