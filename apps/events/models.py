from django.db import models


class OutboxEvent(models.Model):
    """One event that one after-commit handler still has to take; written with the change, gone when taken."""

    event_id = models.UUIDField()
    name = models.CharField(max_length=64)
    handler = models.CharField(max_length=255)
    payload = models.JSONField()
    attempts = models.PositiveIntegerField(default=0)
    due_time = models.DateTimeField()
    creation_time = models.DateTimeField()
    last_error = models.TextField(default="", blank=True)

    class Meta:
        db_table = "outbox_event"
        indexes = [models.Index(fields=["due_time", "id"], name="outbox_event_due")]
        constraints = [models.UniqueConstraint(fields=["event_id", "handler"], name="outbox_event_once")]


class SpoolFile(models.Model):
    """How much of a spool file is in the database: what a crash makes us read again is not counted twice.

    ``position`` is in bytes from the file's beginning.
    """

    name = models.CharField(max_length=255, unique=True)
    position = models.BigIntegerField(default=0)
    drained_time = models.DateTimeField()

    class Meta:
        db_table = "spool_file"
