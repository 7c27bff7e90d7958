from django.db import models
from django.utils import timezone

from apps.projects.models import Project


class Robot(models.Model):
    """A machine's account. ``project`` is empty at system level.

    ``name`` is the stored form, ``NAME`` or ``PROJECT+NAME``, without the prefix that clients write before it.
    ``permissions`` is the list of ``{kind, namespace, access: [{resource, action, effect}]}`` as the API has it.
    ``version`` counts changes that end tokens given out before. ``sources`` are networks (CIDR) that it may sign in
    from, none for anywhere. ``duration`` is in days, -1 for ever;
    ``expires_at`` in seconds since 1970, -1 for never.
    """

    name = models.CharField(max_length=511, unique=True)
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="robots")
    description = models.CharField(max_length=1024, default="", blank=True)
    secret = models.CharField(max_length=255)
    permissions = models.JSONField(default=list)
    duration = models.IntegerField(default=-1)
    expires_at = models.BigIntegerField(default=-1)
    sources = models.JSONField(default=list)
    disable = models.BooleanField(default=False)
    visible = models.BooleanField(default=True)
    creator_type = models.CharField(max_length=16, default="local")
    creator_ref = models.BigIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)
    creation_time = models.DateTimeField(default=timezone.now)
    update_time = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "robot"

    def __str__(self) -> str:
        return self.name


class RobotTrust(models.Model):
    """Tokens of another issuer that a robot account takes for its secret: see :mod:`apps.robots.trusts`."""

    robot = models.ForeignKey(Robot, on_delete=models.CASCADE, related_name="trusts")
    issuer = models.CharField(max_length=1024)
    audience = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    claims = models.JSONField(default=dict)
    creation_time = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "robot_trust"

    def __str__(self) -> str:
        return f"{self.subject} of {self.issuer}"
