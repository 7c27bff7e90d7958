from django.db import models

from apps.projects.models import Project


class UsageSample(models.Model):
    """What a project had on a day (UTC), as it was when it was last looked at.

    ``storage`` is the bytes that its quota counts; ``pull_count`` the pulls of its repositories since they exist.
    """

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="usage_samples", db_index=False
    )
    day = models.DateField(db_index=True)
    storage = models.BigIntegerField()
    artifact_count = models.BigIntegerField()
    pull_count = models.BigIntegerField()

    class Meta:
        db_table = "usage_sample"
        constraints = [models.UniqueConstraint(fields=["project", "day"], name="usage_sample_once")]


class UsageTotal(models.Model):
    """What all projects had on a day (UTC); it stays when projects go. ``pulls`` are those of the day."""

    day = models.DateField(primary_key=True)
    storage = models.BigIntegerField()
    artifact_count = models.BigIntegerField()
    pulls = models.BigIntegerField()

    class Meta:
        db_table = "usage_total"
