from django.apps import AppConfig


class PushRulesConfig(AppConfig):
    name = "apps.push_rules"
