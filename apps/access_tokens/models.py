from django.conf import settings
from django.db import models
from django.utils import timezone


class AccessToken(models.Model):
    """A secret that acts for a person within a scope. The secret itself is not kept, only its hash.

    ``read_only`` leaves only reads and pulls; ``projects`` are names, none for every project of the person;
    ``sources`` are networks (CIDR), none for anywhere. ``version`` counts changes that end cached logins.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_tokens")
    label = models.CharField(max_length=255)
    secret_hash = models.CharField(max_length=64)
    read_only = models.BooleanField(default=False)
    projects = models.JSONField(default=list)
    sources = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_address = models.CharField(max_length=64, default="", blank=True)
    version = models.PositiveIntegerField(default=1)
    creation_time = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "access_token"
        constraints = [models.UniqueConstraint(fields=["user", "label"], name="access_token_label_once")]
        indexes = [models.Index(fields=["user", "-creation_time", "-id"], name="access_token_order")]

    def __str__(self) -> str:
        return self.label
