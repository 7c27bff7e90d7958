from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.utils import timezone

from apps.accounts.types import GroupType


class User(AbstractBaseUser):
    """A person of the installation.

    ``auditor_flag`` lets read everything and change nothing; ``is_active`` is false while the account is suspended.
    ``version`` counts changes that end every credential given out before: password, suspension, deletion.
    A deleted person stays as a row under another name, so that the history keeps its references.
    """

    id = models.BigAutoField(primary_key=True)
    username = models.CharField(max_length=255, unique=True)
    email = models.CharField(max_length=255, unique=True, null=True)  # noqa: DJ001 (two people without one)
    realname = models.CharField(max_length=255, default="", blank=True)
    comment = models.CharField(max_length=255, default="", blank=True)
    sysadmin_flag = models.BooleanField(default=False)
    auditor_flag = models.BooleanField(default=False, db_default=False)
    is_active = models.BooleanField(default=True)
    deleted = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    creation_time = models.DateTimeField(default=timezone.now)
    update_time = models.DateTimeField(auto_now=True)

    USERNAME_FIELD = "username"

    class Meta:
        db_table = "harbor_user"

    def __str__(self) -> str:
        return self.username


class UserGroup(models.Model):
    """People under one name, of a directory or of our own; see :class:`apps.accounts.types.GroupType`."""

    group_name = models.CharField(max_length=255)
    group_type = models.PositiveSmallIntegerField(choices=[(kind.value, kind.name) for kind in GroupType])
    ldap_group_dn = models.CharField(max_length=512, default="", blank=True)
    creation_time = models.DateTimeField(default=timezone.now)
    update_time = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "user_group"
        constraints = [
            models.UniqueConstraint(
                fields=["group_type", "group_name", "ldap_group_dn"], name="user_group_once"
            )
        ]

    def __str__(self) -> str:
        return self.group_name


class UserGroupMember(models.Model):
    """A person in a group: kept by us for local groups, renewed at each login for a directory's."""

    group = models.ForeignKey(UserGroup, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="group_memberships")

    class Meta:
        db_table = "user_group_member"
        constraints = [models.UniqueConstraint(fields=["group", "user"], name="user_group_member_once")]
