from datetime import datetime

from django.db import migrations

_TIMES = ("deactivated_at", "push_time", "pull_time")
_COLUMNS = (
    "accessory_type", "annotations", "artifact_type", "config_media_type", "deactivated_by", "extra_attrs", "icon",
)


def _moment(text):
    return datetime.fromisoformat(text) if text else None


def spread(apps, schema_editor):
    """What the JSON columns hold becomes rows and columns."""
    artifacts = apps.get_model("artifacts", "TrashedArtifact")
    blobs = apps.get_model("artifacts", "Blob")
    tags, references, links, labels = (
        apps.get_model("artifacts", name)
        for name in ("TrashedTag", "TrashedReference", "TrashedBlob", "TrashedLabel")
    )
    for artifact in artifacts.objects.defer("manifest").iterator(chunk_size=500):
        row = artifact.row
        for name in _COLUMNS:
            setattr(artifact, name, row.get(name, getattr(artifact, name)))
        for name in _TIMES:
            setattr(artifact, name, _moment(row.get(name)) or getattr(artifact, name))
        artifact.save(update_fields=[*_COLUMNS, *_TIMES])
        tags.objects.bulk_create(
            tags(
                artifact=artifact,
                name=tag["name"],
                push_time=_moment(tag["push_time"]),
                pull_time=_moment(tag.get("pull_time")),
                expires_at=_moment(tag.get("expires_at")),
            )
            for tag in artifact.kept_tags
        )
        references.objects.bulk_create(
            references(artifact=artifact, **reference) for reference in row.get("references", ())
        )
        # One that collection has taken already cannot be linked.
        stored = blobs.objects.filter(digest__in=row.get("blobs", ()), stored=True)
        links.objects.bulk_create(links(artifact=artifact, blob=blob) for blob in stored)
        labels.objects.bulk_create(labels(artifact=artifact, label_id=label) for label in artifact.labels)


def forget(apps, schema_editor):
    """The version before cannot read these rows: the trash is empty when one goes back to it."""
    for name in ("TrashedTag", "TrashedReference", "TrashedBlob", "TrashedLabel", "TrashedArtifact", "TrashEntry"):
        apps.get_model("artifacts", name).objects.all().delete()


class Migration(migrations.Migration):
    # PostgreSQL does not alter a table in the transaction that has written to it.
    atomic = False

    dependencies = [
        ('artifacts', '0005_trash_tables_reasons'),
    ]

    operations = [
        migrations.RunPython(spread, forget, atomic=True),
        migrations.RemoveField(
            model_name='trashedartifact',
            name='labels',
        ),
        migrations.RemoveField(
            model_name='trashedartifact',
            name='row',
        ),
        migrations.RemoveField(
            model_name='trashedartifact',
            name='kept_tags',
        ),
    ]
