from django.apps import AppConfig


class PushRulesConfig(AppConfig):
    name = "apps.push_rules"

    def ready(self) -> None:
        """Register the gate."""
        from apps.artifacts.gates import gates  # noqa: PLC0415 - models can be imported from here on
        from apps.push_rules.gates import PushRulesGate  # noqa: PLC0415

        gates.push.append(PushRulesGate())
