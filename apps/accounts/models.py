from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.utils import timezone


class User(AbstractBaseUser):
    """A person of the installation.

    ``version`` counts changes that end every credential given out before: password, suspension, deletion.
    A deleted person stays as a row under another name, so that the history keeps its references.
    """

    id = models.BigAutoField(primary_key=True)
    username = models.CharField(max_length=255, unique=True)
    email = models.CharField(max_length=255, unique=True, null=True)  # noqa: DJ001 (two people without one)
    realname = models.CharField(max_length=255, default="", blank=True)
    comment = models.CharField(max_length=255, default="", blank=True)
    sysadmin_flag = models.BooleanField(default=False)
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
