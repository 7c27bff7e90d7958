from django.apps import AppConfig


class QuotasConfig(AppConfig):
    name = "apps.quotas"

    def ready(self) -> None:
        """Have every project counted, and every push weighed."""
        # Models cannot be imported before the apps are loaded.
        from apps.artifacts.gates import gates  # noqa: PLC0415
        from apps.events.bus import subscribe  # noqa: PLC0415
        from apps.events.catalogue import ProjectCreated  # noqa: PLC0415
        from apps.quotas.gates import QuotaStorageGate  # noqa: PLC0415
        from apps.quotas.handlers import make_quota  # noqa: PLC0415

        subscribe(ProjectCreated, make_quota)
        gates.storage.append(QuotaStorageGate())
