from django.db import models
from django.utils import timezone

from apps.projects.models import Project


class ImmutableRule(models.Model):
    """Which tags of a project stay where they are: those that match both selectors of an enabled rule.

    The selectors are as the API has them, ``[{kind, decoration, pattern}]``.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="immutable_rules")
    priority = models.IntegerField(default=0)
    disabled = models.BooleanField(default=False)
    tag_selectors = models.JSONField(default=list)
    scope_selectors = models.JSONField(default=dict)
    creation_time = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "immutable_tag_rule"
