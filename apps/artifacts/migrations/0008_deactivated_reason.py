"""Why an artifact was deactivated."""

from django.db import migrations, models

_COLUMN = "deactivated_reason varchar(255) DEFAULT '' NOT NULL"


def _add(model, table):
    """As AddField, but SQLite adds the column at once and does not write the whole table anew."""
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD COLUMN {_COLUMN}",
        f"ALTER TABLE {table} DROP COLUMN deactivated_reason",
        state_operations=[
            migrations.AddField(
                model_name=model,
                name="deactivated_reason",
                field=models.CharField(blank=True, db_default="", default="", max_length=255),
            )
        ],
    )


class Migration(migrations.Migration):

    dependencies = [
        ('artifacts', '0007_collection_index'),
    ]

    operations = [
        _add("artifact", "artifact"),
        _add("trashedartifact", "trashed_artifact"),
    ]
