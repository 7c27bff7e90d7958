"""Where the directory is made known to the accounts."""

from importlib import import_module

from apps.accounts.directories import register_directory
from apps.accounts.directory_groups import register_group_finder
from apps.accounts.types import Source
from apps.ldap.engine import engine_set
from apps.ldap.missing import MissingDirectory
from apps.ldap.services import directory_group_find
from apps.ldap.types import is_installed


def register() -> None:
    """Let people come from LDAP, where the extra is installed; else say how to install it."""
    register_group_finder(directory_group_find)
    if not is_installed():
        register_directory(Source.LDAP, MissingDirectory())
        return
    # By name: it cannot be imported without the extra.
    directory = import_module("apps.ldap.directory").LdapDirectory()
    register_directory(Source.LDAP, directory)
    engine_set(directory)
