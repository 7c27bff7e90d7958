"""What is left of a person who is deleted: the row that the history refers to, and nothing that lets anybody in.

Where the start-up settings ask for it (``gdpr_delete_user``, ``gdpr_audit_logs``) their name goes too; what has names
in other apps replaces them there by the same :func:`name_replacement`.
"""

import hashlib
import hmac

from django.conf import settings
from django.contrib.sessions.models import Session

from apps.accounts.models import Identity, SignInRecord, User, UserGroupMember, UserSession
from apps.accounts.security import TOKEN, USER
from apps.accounts.throttle import account_hash
from apps.common.database import delete_rows

_KEPT_NAME = 230
_NO_PASSWORD = "!"  # noqa: S105 (what no password has as its hash)


def traces_remove(user: User) -> None:
    """Delete what the person signed in with, where from and with whom; in the transaction that deletes them.

    Changes ``user``, which the caller saves: name, address, password and rights.
    """
    name = user.username
    hashes = list(UserSession.objects.filter(user=user).values_list("key_hash", flat=True))
    delete_rows(Session.objects.filter(session_key__in=hashes))
    delete_rows(UserSession.objects.filter(user=user))
    delete_rows(SignInRecord.objects.filter(account__in=[account_hash(name, kind) for kind in (USER, TOKEN)]))
    UserGroupMember.objects.filter(user=user).delete()
    Identity.objects.filter(user=user).delete()
    user.deleted, user.is_active, user.password = True, False, _NO_PASSWORD
    user.sysadmin_flag = user.admin_role_in_auth = user.auditor_flag = False
    user.username, user.email = _name_after(name, user.pk), None
    if settings.HARBOR.gdpr_delete_user:
        user.realname = user.comment = ""


def _name_after(name: str, user_id: int) -> str:
    """What a deleted person's row is called: other names stay free, and ``gdpr_delete_user`` keeps none."""
    if settings.HARBOR.gdpr_delete_user:
        return _hashed(f"deleted:{user_id}:{name}", user_id)
    return f"{name[:_KEPT_NAME]}#{user_id}"


def name_replacement(username: str, user_id: int) -> str:
    """What stands for a name in the history: the same for the same person, and by nobody who lacks our key found by
    guessing.
    """
    return _hashed(f"audit:{user_id}:{username}", user_id)


def _hashed(text: str, user_id: int) -> str:
    digest = hmac.digest(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256)
    return f"{digest.hex()[:32]}#{user_id}"
