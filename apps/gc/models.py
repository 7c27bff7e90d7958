from django.db import models

from apps.jobs.models import Task


class Collection(models.Model):
    """What the task of a collection has deleted, counted in the transactions that do it: exact whatever dies."""

    task = models.OneToOneField(Task, on_delete=models.CASCADE, related_name="collection")
    purged_blobs = models.BigIntegerField(default=0)
    purged_manifests = models.BigIntegerField(default=0)
    freed_space = models.BigIntegerField(default=0)

    class Meta:
        db_table = "collection"
