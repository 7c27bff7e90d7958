"""The portal: the web console."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """See the module."""

    name = "apps.portal"
    label = "portal"
