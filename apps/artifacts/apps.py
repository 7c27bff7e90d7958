from django.apps import AppConfig


class ArtifactsConfig(AppConfig):
    name = "apps.artifacts"

    def ready(self) -> None:
        from apps.artifacts.handlers import count_pulls, discard_uploads  # noqa: PLC0415 (models are loaded now)
        from apps.events.bus import subscribe, subscribe_after_commit  # noqa: PLC0415
        from apps.events.catalogue import ArtifactsPulled, RepositoryDeleted  # noqa: PLC0415

        subscribe(ArtifactsPulled, count_pulls)
        subscribe_after_commit(RepositoryDeleted, discard_uploads)
