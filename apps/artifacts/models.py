from django.db import models
from django.utils import timezone

from apps.common.fields import BytewiseCharField
from apps.projects.models import Label, Project


class Repository(models.Model):
    """Artifacts under one name, ``<project>/<path>``; ``name`` is the whole of it.

    The row exists from the first blob on, to hold links; ``listed`` says that an artifact has been pushed, so that
    a push that was given up shows nowhere.
    """

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="repositories", db_index=False
    )
    name = BytewiseCharField(max_length=255, unique=True)
    description = models.TextField(default="", blank=True)
    pull_count = models.BigIntegerField(default=0)
    listed = models.BooleanField(default=False)
    creation_time = models.DateTimeField(default=timezone.now)
    update_time = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "repository"
        # PostgreSQL has one of the name's trigrams as well.
        indexes = [
            models.Index(fields=["project", "-creation_time", "-id"], name="repository_default_order"),
            models.Index(fields=["-creation_time", "-id"], name="repository_order"),
        ]

    def __str__(self) -> str:
        return self.name


class Blob(models.Model):
    """Bytes by digest. ``stored`` says that storage holds them; a manifest's bytes are in its artifact instead.

    ``state`` is ``live`` or ``deleting``; ``touched_at`` keeps the collector away for its window. One that is
    ``deleting`` has no links of any kind, and its bytes may be gone.
    """

    LIVE = "live"
    DELETING = "deleting"

    digest = BytewiseCharField(max_length=135, unique=True)
    size = models.BigIntegerField()
    stored = models.BooleanField(default=True)
    state = models.CharField(max_length=8, default=LIVE)
    touched_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "blob"
        indexes = [
            models.Index(fields=["id"], name="blob_deleting", condition=models.Q(state="deleting")),
        ]


class RepositoryBlob(models.Model):
    """Who may read a blob: those who may read this repository."""

    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, related_name="blob_links", db_index=False
    )
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="repository_links")

    class Meta:
        db_table = "repository_blob"
        constraints = [models.UniqueConstraint(fields=["repository", "blob"], name="repository_blob_once")]


class ProjectBlob(models.Model):
    """What the quota counts: a blob once a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="blob_links", db_index=False)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="project_links")

    class Meta:
        db_table = "project_blob"
        constraints = [models.UniqueConstraint(fields=["project", "blob"], name="project_blob_once")]


class ArtifactColumns(models.Model):
    """What an artifact is, wherever it is kept: in a repository or in the trash.

    ``manifest`` is the bytes as received. ``size`` is Harbor's: manifest, config and layers, in bytes, each digest
    once; ``type`` is IMAGE, CHART and so on. ``config_media_type`` is Harbor's ``media_type``: that of the config, of
    an index its own or the annotated one. ``subject_digest`` makes it an accessory, of ``accessory_type``, of another
    artifact. ``icon`` is the digest of a picture that the artifact brings. A deactivated artifact stays and cannot be
    pulled; ``deactivated_reason`` is what the person who did it has written about that.
    """

    digest = BytewiseCharField(max_length=135)
    media_type = models.CharField(max_length=255)
    artifact_type = models.CharField(max_length=255, default="", blank=True)
    config_media_type = models.CharField(max_length=255, default="", blank=True)
    type = models.CharField(max_length=255, default="UNKNOWN")
    manifest = models.BinaryField()
    size = models.BigIntegerField()
    annotations = models.JSONField(default=dict)
    extra_attrs = models.JSONField(default=dict)
    subject_digest = BytewiseCharField(max_length=135, default="", blank=True)
    accessory_type = models.CharField(max_length=32, default="", db_default="", blank=True)
    icon = models.CharField(max_length=135, default="", db_default="", blank=True)
    deactivated_at = models.DateTimeField(null=True)
    deactivated_by = models.CharField(max_length=511, default="", db_default="", blank=True)
    deactivated_reason = models.CharField(max_length=255, default="", db_default="", blank=True)
    push_time = models.DateTimeField(default=timezone.now)
    pull_time = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class Artifact(ArtifactColumns):
    """A manifest or index of a repository, by digest."""

    # Without indexes of their own, here and below: another index begins with the column, and each costs every push.
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, related_name="artifacts", db_index=False
    )
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="artifacts", db_index=False)

    class Meta:
        db_table = "artifact"
        constraints = [models.UniqueConstraint(fields=["repository", "digest"], name="artifact_once")]
        indexes = [
            models.Index(fields=["repository", "-push_time", "-id"], name="artifact_default_order"),
            # Lists leave accessories out.
            models.Index(
                fields=["repository", "id"], name="artifact_by_id", condition=models.Q(subject_digest="")
            ),
            models.Index(
                fields=["repository", "size", "id"],
                name="artifact_by_size",
                condition=models.Q(subject_digest=""),
            ),
            models.Index(
                fields=["repository", "type", "id"],
                name="artifact_by_type",
                condition=models.Q(subject_digest=""),
            ),
            models.Index(
                fields=["repository", "pull_time", "id"],
                name="artifact_by_pull_time",
                condition=models.Q(subject_digest=""),
            ),
            models.Index(
                fields=["repository", "subject_digest", "digest"],
                name="artifact_referrers",
                condition=~models.Q(subject_digest=""),
            ),
            models.Index(fields=["digest", "project"], name="artifact_digest"),
            models.Index(fields=["project", "-push_time", "-id"], name="artifact_project_order"),
            models.Index(fields=["icon"], name="artifact_icon", condition=~models.Q(icon="")),
        ]


class ArtifactReference(models.Model):
    """A descriptor in an index. ``child`` is empty as long as the repository lacks it (a sparse index)."""

    parent = models.ForeignKey(Artifact, on_delete=models.CASCADE, related_name="references")
    child = models.ForeignKey(Artifact, null=True, on_delete=models.SET_NULL, related_name="parents")
    child_digest = BytewiseCharField(max_length=135)
    platform = models.JSONField(default=dict)
    annotations = models.JSONField(default=dict)
    urls = models.JSONField(default=list)

    class Meta:
        db_table = "artifact_reference"
        indexes = [models.Index(fields=["child_digest", "parent"], name="artifact_reference_child")]


class ArtifactBlob(models.Model):
    """What a manifest needs to be pulled whole."""

    artifact = models.ForeignKey(
        Artifact, on_delete=models.CASCADE, related_name="blob_links", db_index=False
    )
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="artifact_links")

    class Meta:
        db_table = "artifact_blob"
        constraints = [models.UniqueConstraint(fields=["artifact", "blob"], name="artifact_blob_once")]


class Tag(models.Model):
    """A name that points to an artifact and can be moved; after ``expires_at`` it goes into the trash."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="tags", db_index=False)
    artifact = models.ForeignKey(Artifact, on_delete=models.CASCADE, related_name="tags", db_index=False)
    name = BytewiseCharField(max_length=128)
    push_time = models.DateTimeField(default=timezone.now)
    pull_time = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tag"
        constraints = [models.UniqueConstraint(fields=["repository", "name"], name="tag_once")]
        indexes = [
            models.Index(fields=["artifact", "-push_time", "-id"], name="tag_default_order"),
            models.Index(
                fields=["expires_at"], name="tag_expiry", condition=models.Q(expires_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ArtifactLabel(models.Model):
    """A label on an artifact."""

    artifact = models.ForeignKey(
        Artifact, on_delete=models.CASCADE, related_name="label_links", db_index=False
    )
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="artifact_links")
    creation_time = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "artifact_label"
        constraints = [models.UniqueConstraint(fields=["artifact", "label"], name="artifact_label_once")]


class TrashEntry(models.Model):
    """One deletion: of a repository, an artifact or a tag, restorable as long as the entry is there.

    ``name`` is the repository's, with its project. ``digest`` and ``tag`` say what was deleted there; both are
    empty for a whole repository, whose ``description`` is kept. ``reason`` is one of :data:`REASONS`.
    """

    REPOSITORY = "repository"
    ARTIFACT = "artifact"
    TAG = "tag"
    PERSON = "person"
    RETENTION = "retention"
    REPLICATION = "replication"
    EXPIRED = "expired"
    COLLECTION = "collection"
    REASONS = (PERSON, RETENTION, REPLICATION, EXPIRED, COLLECTION)

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="trash")
    kind = models.CharField(max_length=16)
    repository_name = BytewiseCharField(max_length=255)
    description = models.TextField(default="", blank=True)
    digest = BytewiseCharField(max_length=135, default="", blank=True)
    tag = BytewiseCharField(max_length=128, default="", blank=True)
    reason = models.CharField(max_length=16, default=PERSON)
    operator = models.CharField(max_length=511, default="", blank=True)
    deleted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "trash_entry"
        indexes = [
            models.Index(fields=["project", "-deleted_at", "-id"], name="trash_entry_order"),
            models.Index(fields=["repository_name", "-deleted_at"], name="trash_entry_repository"),
            models.Index(fields=["deleted_at"], name="trash_entry_age"),
        ]


class TrashedArtifact(ArtifactColumns):
    """A deleted artifact as it was, with the rows below.

    Of a tag's entry it is the artifact that the tag pointed to, which stayed: without bytes and blobs.
    """

    entry = models.ForeignKey(TrashEntry, on_delete=models.CASCADE, related_name="artifacts", db_index=False)

    class Meta:
        db_table = "trashed_artifact"
        constraints = [models.UniqueConstraint(fields=["entry", "digest"], name="trashed_artifact_once")]
        indexes = [models.Index(fields=["digest"], name="trashed_artifact_digest")]


class TrashedTag(models.Model):
    """A tag that went with its artifact, or whose going is the entry."""

    artifact = models.ForeignKey(
        TrashedArtifact, on_delete=models.CASCADE, related_name="tags", db_index=False
    )
    name = BytewiseCharField(max_length=128)
    push_time = models.DateTimeField()
    pull_time = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trashed_tag"
        constraints = [models.UniqueConstraint(fields=["artifact", "name"], name="trashed_tag_once")]


class TrashedReference(models.Model):
    """A descriptor of a deleted index."""

    artifact = models.ForeignKey(TrashedArtifact, on_delete=models.CASCADE, related_name="references")
    child_digest = BytewiseCharField(max_length=135)
    platform = models.JSONField(default=dict)
    annotations = models.JSONField(default=dict)
    urls = models.JSONField(default=list)

    class Meta:
        db_table = "trashed_reference"


class TrashedBlob(models.Model):
    """A blob that a deleted artifact needs to come back: collection has to leave it while the entry is there.

    The manifest's own is not among them: its bytes are in the trash.
    """

    artifact = models.ForeignKey(
        TrashedArtifact, on_delete=models.CASCADE, related_name="blob_links", db_index=False
    )
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="trash_links")

    class Meta:
        db_table = "trashed_blob"
        constraints = [models.UniqueConstraint(fields=["artifact", "blob"], name="trashed_blob_once")]


class TrashedLabel(models.Model):
    """A label of a deleted artifact, by its id: it may be gone when the artifact comes back."""

    artifact = models.ForeignKey(
        TrashedArtifact, on_delete=models.CASCADE, related_name="label_links", db_index=False
    )
    label_id = models.BigIntegerField()

    class Meta:
        db_table = "trashed_label"
        constraints = [models.UniqueConstraint(fields=["artifact", "label_id"], name="trashed_label_once")]


class TagMove(models.Model):
    """A tag came ("" before), moved or went ("" after): its history, which outlives the tag and the repository.

    ``reason`` is one of :data:`REASONS`, "" for what was recorded before reasons were.
    """

    PUSHED = "pushed"
    TAGGED = "tagged"
    DELETED = "deleted"
    EXPIRED = "expired"
    RETENTION = "retention"
    REPLICATION = "replication"
    RESTORED = "restored"
    REWOUND = "rewound"
    REASONS = (PUSHED, TAGGED, DELETED, EXPIRED, RETENTION, REPLICATION, RESTORED, REWOUND)

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tag_moves")
    repository_name = BytewiseCharField(max_length=255)
    tag = BytewiseCharField(max_length=128)
    previous_digest = BytewiseCharField(max_length=135, default="", blank=True)
    digest = BytewiseCharField(max_length=135, default="", blank=True)
    operator = models.CharField(max_length=511, default="", blank=True)
    address = models.CharField(max_length=64, default="", blank=True)
    reason = models.CharField(max_length=16, default="", db_default="", blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "tag_move"
        indexes = [
            models.Index(fields=["repository_name", "-at", "-id"], name="tag_move_repository"),
            models.Index(fields=["repository_name", "tag", "-at", "-id"], name="tag_move_tag"),
            models.Index(fields=["at"], name="tag_move_age"),
        ]
