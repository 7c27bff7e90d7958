from django.db import models

from apps.projects.models import Project


class PushRules(models.Model):
    """What may be pushed into a project; without a row, everything.

    ``media_types`` are patterns of allowed artifact, config and layer types, none for every type;
    ``required_annotations`` are keys that each manifest must have.
    """

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="push_rules")
    media_types = models.JSONField(default=list)
    required_annotations = models.JSONField(default=list)
    allow_foreign_urls = models.BooleanField(default=True)
    allow_sparse_indexes = models.BooleanField(default=True)
    update_time = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "push_rules"
