from django.apps import AppConfig


class LdapConfig(AppConfig):
    name = "apps.ldap"

    def ready(self) -> None:
        """Let people come from LDAP."""
        from apps.ldap.handlers import register  # noqa: PLC0415 - models can be imported from here on

        register()
