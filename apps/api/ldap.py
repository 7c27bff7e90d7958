"""The company's directory: ``/ldap``."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.types import GroupType
from apps.api.parameters import text_asked
from apps.api.shapes import Input, Shape, flag, integer, text
from apps.api.views import HarborView
from apps.ldap.services import (
    PING_KEYS,
    ldap_groups_search,
    ldap_people_import,
    ldap_people_search,
    ldap_ping,
)

_NUMBERS = {"ldap_scope", "ldap_connection_timeout", "ldap_timeout", "ldap_group_search_scope"}
_FLAGS = {"ldap_verify_cert", "ldap_start_tls"}


class LdapPingShape(Shape):
    success = serializers.BooleanField(source="is_good")
    message = serializers.CharField()


class LdapPersonShape(Shape):
    username = serializers.CharField()
    realname = serializers.CharField()
    email = serializers.CharField()


class LdapGroupShape(Shape):
    group_name = serializers.CharField(source="name")
    group_type = serializers.SerializerMethodField()
    ldap_group_dn = serializers.CharField(source="dn")

    def get_group_type(self, _group: Any) -> int:
        """LDAP's, all of them."""
        return int(GroupType.LDAP)


class LdapImportFailureShape(Shape):
    uid = serializers.CharField()
    error = serializers.CharField()


class LdapPingInput(Input):
    """Settings to try out; those that are not given are the stored ones."""

    def get_fields(self) -> dict[str, Any]:
        """Each by its key."""
        return {name: _field(name) for name in PING_KEYS}


class LdapImportInput(Input):
    ldap_uid_list = serializers.ListField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False), required=False, default=list
    )


class LdapPingView(HarborView):
    """``/ldap/ping``."""

    takes = {"post": LdapPingInput}
    answers = {"post": LdapPingShape}
    statuses = {"post": 200}

    def post(self, request: Request) -> Response:
        """Whether the directory can be used, with these settings or the stored ones."""
        has_body = bool(request.body.strip())
        given = self.read(LdapPingInput, name="ldapconf") if has_body else {}
        asked = {name: value for name, value in given.items() if value is not None}
        return Response(LdapPingShape(ldap_ping(actor=self.actor, given=asked)).data)


class LdapPeopleView(HarborView):
    """``/ldap/users/search``."""

    asks = {"get": (text_asked("username"),)}
    answers = {"get": [LdapPersonShape]}

    def get(self, request: Request) -> Response:
        """People of a name, without one all of them."""
        found = ldap_people_search(actor=self.actor, username=request.query_params.get("username", ""))
        return Response(LdapPersonShape(found, many=True).data)


class LdapImportView(HarborView):
    """``/ldap/users/import``."""

    takes = {"post": LdapImportInput}
    statuses = {"post": 200}
    refusals = {"post": {404: [LdapImportFailureShape]}}

    def post(self, _request: Request) -> Response:
        """Make accounts of people; who could not be imported is told with 404, as in Harbor."""
        uids = self.read(LdapImportInput, name="uid_list")["ldap_uid_list"]
        failures = ldap_people_import(actor=self.actor, uids=uids)
        if failures:
            return Response(LdapImportFailureShape(failures, many=True).data, status=404)
        return Response()


class LdapGroupsView(HarborView):
    """``/ldap/groups/search``."""

    asks = {"get": (text_asked("groupname"), text_asked("groupdn"))}
    answers = {"get": [LdapGroupShape]}

    def get(self, request: Request) -> Response:
        """The group of a distinguished name, or groups by name."""
        asked = request.query_params
        found = ldap_groups_search(
            actor=self.actor, name=asked.get("groupname", ""), dn=asked.get("groupdn", "")
        )
        return Response(LdapGroupShape(found, many=True).data)


def _field(name: str) -> serializers.Field[Any, Any, Any, Any]:
    if name in _NUMBERS:
        return integer(default=None)
    return flag(default=None) if name in _FLAGS else text(default=None)
