from django.db import models
from django.utils import timezone

from apps.projects.models import Project


class RetentionPolicy(models.Model):
    """What of a project's repositories is kept when the policy runs; its schedule is one of the jobs'.

    ``rules`` are as the API has them, checked (:func:`apps.retention.types.rules_checked`).
    """

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="retention_policy")
    rules = models.JSONField(default=list)
    creation_time = models.DateTimeField(default=timezone.now)
    update_time = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "retention_policy"
