from django.db import models
from django.utils import timezone

from apps.projects.models import Project


class Quota(models.Model):
    """Bytes that a project may hold (``hard``, -1 for no limit) and holds (``used``)."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="quota")
    hard = models.BigIntegerField(default=-1)
    used = models.BigIntegerField(default=0)
    creation_time = models.DateTimeField(default=timezone.now)
    update_time = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "quota"
        indexes = [
            models.Index(fields=["used"], name="quota_used"),
            models.Index(fields=["hard"], name="quota_hard"),
        ]
