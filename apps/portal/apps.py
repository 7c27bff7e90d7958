"""The portal: the web console."""

from django.apps import AppConfig
from django.urls import register_converter

from apps.portal.converters import ReferenceConverter, RepositoryConverter


class PortalConfig(AppConfig):
    """See the module."""

    name = "apps.portal"
    label = "portal"

    def ready(self) -> None:
        """Make known what the addresses are written with."""
        register_converter(RepositoryConverter, "repo")
        register_converter(ReferenceConverter, "reference")
