from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.common.fields import BytewiseCharField
from apps.projects.types import Role


class Project(models.Model):
    """A tenant's name space: the first component of its repositories' names."""

    name = BytewiseCharField(max_length=255, unique=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="owned_projects"
    )
    public = models.BooleanField(default=False)
    creation_time = models.DateTimeField(default=timezone.now)
    update_time = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "project"

    def __str__(self) -> str:
        return self.name


class ProjectMetadata(models.Model):
    """A switch of a project by Harbor's key; ``public`` is a column of the project instead."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="metadata")
    name = models.CharField(max_length=255)
    value = models.CharField(max_length=255)

    class Meta:
        db_table = "project_metadata"
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="project_metadata_once")]


class Member(models.Model):
    """A person's role in a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.PositiveSmallIntegerField(choices=[(role.value, role.name) for role in Role])
    creation_time = models.DateTimeField(default=timezone.now)
    update_time = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "project_member"
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="project_member_once")]
