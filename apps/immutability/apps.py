from django.apps import AppConfig


class ImmutabilityConfig(AppConfig):
    name = "apps.immutability"

    def ready(self) -> None:
        """Register the gates."""
        from apps.artifacts.gates import gates  # noqa: PLC0415 - models can be imported from here on
        from apps.immutability.gates import IMMUTABILITY  # noqa: PLC0415

        gates.tag.append(IMMUTABILITY)
        gates.delete.append(IMMUTABILITY)
