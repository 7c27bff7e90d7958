from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.accounts.models import UserGroup
from apps.common.fields import BytewiseCharField
from apps.projects.types import ProjectRef, Role


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

    @property
    def ref(self) -> ProjectRef:
        """What services ask of a project that they do not change."""
        return ProjectRef(self.pk, self.name, self.public)


class ProjectMetadata(models.Model):
    """A switch of a project by Harbor's key; ``public`` is a column of the project instead."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="metadata")
    name = models.CharField(max_length=255)
    value = models.CharField(max_length=255)

    class Meta:
        db_table = "project_metadata"
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="project_metadata_once")]


class Member(models.Model):
    """The role of a person, or of everybody in a group, in a project.

    Patterns (doublestar, of repositories without their project) narrow the role: ``pull_patterns`` what is read,
    ``push_patterns`` what is changed; none for every repository.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="memberships"
    )
    group = models.ForeignKey(UserGroup, null=True, on_delete=models.CASCADE, related_name="memberships_in")
    pull_patterns = models.JSONField(default=list)
    push_patterns = models.JSONField(default=list)
    role = models.PositiveSmallIntegerField(choices=[(role.value, role.name) for role in Role])
    creation_time = models.DateTimeField(default=timezone.now)
    update_time = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "project_member"
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="project_member_once"),
            models.UniqueConstraint(fields=["project", "group"], name="project_member_group_once"),
            models.CheckConstraint(
                condition=models.Q(user__isnull=False, group__isnull=True)
                | models.Q(user__isnull=True, group__isnull=False),
                name="project_member_one_of",
            ),
        ]


class Label(models.Model):
    """A word and a colour to mark artifacts with: of one project (scope ``p``) or of all (scope ``g``)."""

    GLOBAL = "g"
    OF_PROJECT = "p"

    name = models.CharField(max_length=128)
    description = models.CharField(max_length=1024, default="", blank=True)
    color = models.CharField(max_length=16, default="", blank=True)
    scope = models.CharField(max_length=1)
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="labels")
    creation_time = models.DateTimeField(default=timezone.now)
    update_time = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "harbor_label"
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="label_once"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(project__isnull=True), name="label_global_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CVEAllowlist(models.Model):
    """Vulnerabilities that do not count: of one project, or (without one) of the installation.

    ``items`` are CVE ids; ``expires_at`` in seconds since 1970, empty for never.
    """

    project = models.OneToOneField(Project, null=True, on_delete=models.CASCADE, related_name="cve_allowlist")
    items = models.JSONField(default=list)
    expires_at = models.BigIntegerField(null=True)
    creation_time = models.DateTimeField(default=timezone.now)
    update_time = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "cve_allowlist"
