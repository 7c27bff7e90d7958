from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.utils import timezone

from apps.accounts.types import GroupType, Source


class User(AbstractBaseUser):
    """A person of the installation.

    ``auditor_flag`` lets read everything and change nothing; ``is_active`` is false while the account is suspended.
    ``source`` is who says that it is them: our own password, or a directory, for which there is an
    :class:`Identity` besides; ``admin_role_in_auth`` is an administrator by a group of the directory.
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
    source = models.CharField(
        max_length=8,
        choices=[(source.value, source.name) for source in Source],
        default=Source.LOCAL,
        db_default=Source.LOCAL.value,
    )
    admin_role_in_auth = models.BooleanField(default=False, db_default=False)
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


class Identity(models.Model):
    """Who a person is to the directory that they come from, and what it said of them last.

    ``issuer`` and ``subject`` are their name there that never changes: of OpenID Connect ``iss`` and ``sub``, of LDAP
    the normalised distinguished name. ``credentials`` (a JSON object: the refresh token) and ``cli_secret`` are
    encrypted. The directory was last heard at ``confirmed_at``; ``asked_at`` is when somebody began to ask it again,
    empty when they are done. One that cannot be asked again has said it until ``confirmed_until``. ``is_refused``: it
    does not know them any more.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="identity")
    source = models.CharField(max_length=8, choices=[(source.value, source.name) for source in Source])
    issuer = models.CharField(max_length=512, default="", blank=True)
    subject = models.CharField(max_length=512)
    credentials = models.TextField(default="", blank=True)
    cli_secret = models.TextField(default="", blank=True)
    confirmed_at = models.DateTimeField(default=timezone.now)
    asked_at = models.DateTimeField(null=True)
    confirmed_until = models.DateTimeField(null=True)
    is_refused = models.BooleanField(default=False)
    creation_time = models.DateTimeField(default=timezone.now)
    update_time = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "user_identity"
        constraints = [
            models.UniqueConstraint(fields=["source", "issuer", "subject"], name="user_identity_once")
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.issuer} {self.subject}"


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


class SignInRecord(models.Model):
    """How signing in went lately, of an account from a network, of an account from anywhere, and from a network at all.

    ``account`` is a keyed hash of the name that was given (whether there is such an account or not), "" for any;
    ``network`` an IPv4 address or an IPv6 /64, "" for any. ``failures`` are those since ``counted_since``; nothing of
    this is let in until ``held_until``. ``succeeded_at``: the account signed in from there. Of no use after
    ``stale_at``. See :mod:`apps.accounts.throttle`.
    """

    account = models.CharField(max_length=32)
    network = models.CharField(max_length=49)
    failures = models.PositiveIntegerField(default=0)
    counted_since = models.DateTimeField(default=timezone.now)
    held_until = models.DateTimeField(null=True)
    is_locked = models.BooleanField(default=False)
    succeeded_at = models.DateTimeField(null=True)
    stale_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        db_table = "sign_in_record"
        constraints = [models.UniqueConstraint(fields=["account", "network"], name="sign_in_record_once")]


class UserSession(models.Model):
    """A session of a browser, beside Django's row of it, which says whether it lives.

    ``key_hash`` is the key of Django's row: nobody learns from the database what a browser has to show.
    ``version`` is the person's when they signed in: with another one the session is over.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    key_hash = models.CharField(max_length=40, unique=True)
    version = models.PositiveIntegerField()
    source = models.CharField(max_length=8)
    address = models.CharField(max_length=64, default="", blank=True)
    agent = models.CharField(max_length=255, default="", blank=True)
    began_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "user_session"
