from django.db import models


class AuditLog(models.Model):
    """Who did what to which resource, and how it ended. Names are text: rows outlive what they speak of."""

    op_time = models.DateTimeField()
    operation = models.CharField(max_length=32)
    operation_description = models.CharField(max_length=1024, default="", blank=True)
    operation_result = models.BooleanField(default=True)
    resource = models.CharField(max_length=1024)
    resource_type = models.CharField(max_length=64)
    username = models.CharField(max_length=511)
    project_id = models.BigIntegerField(null=True)
    # Where the change came from; "" for background work and for rows of before these columns.
    address = models.CharField(max_length=64, default="", db_default="", blank=True)
    method = models.CharField(max_length=16, default="", db_default="", blank=True)
    credential = models.CharField(max_length=16, default="", db_default="", blank=True)

    class Meta:
        db_table = "audit_log_ext"
        indexes = [
            models.Index(fields=["-op_time", "-id"], name="audit_log_order"),
            models.Index(fields=["project_id", "-op_time", "-id"], name="audit_log_project"),
            models.Index(fields=["username", "op_time", "id"], name="audit_log_username"),
            # What is rare is found by these; pulls, nine rows of ten, are in none of them and are met soon anyhow.
            models.Index(
                fields=["operation", "-op_time", "-id"],
                name="audit_log_operation",
                condition=~models.Q(operation="pull"),
            ),
            models.Index(
                fields=["resource_type", "-op_time", "-id"],
                name="audit_log_type",
                condition=~models.Q(resource_type="artifact"),
            ),
            models.Index(
                fields=["-op_time", "-id"],
                name="audit_log_failed",
                condition=models.Q(operation_result=False),
            ),
            # And PostgreSQL one of the resource, for equality, in the order of bytes.
        ]


class AuditForward(models.Model):
    """A row that one destination still has to get; written with the change, gone when it was sent."""

    destination = models.CharField(max_length=8)
    op_time = models.DateTimeField()
    name = models.CharField(max_length=128)
    line = models.TextField()

    class Meta:
        db_table = "audit_forward"
        indexes = [models.Index(fields=["destination", "id"], name="audit_forward_order")]


class AuditForwarder(models.Model):
    """The state of one destination: who sends to it now, when to try again, whether its queue is full."""

    destination = models.CharField(max_length=8, primary_key=True)
    leased_until = models.DateTimeField()
    due_time = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0)
    full_since = models.DateTimeField(null=True)

    class Meta:
        db_table = "audit_forwarder"


class AuditForget(models.Model):
    """A name that still has to be taken out of the log, and what takes its place."""

    username = models.CharField(max_length=511)
    replacement = models.CharField(max_length=511)
    due_time = models.DateTimeField()

    class Meta:
        db_table = "audit_forget"
