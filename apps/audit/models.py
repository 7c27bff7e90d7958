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

    class Meta:
        db_table = "audit_log_ext"
        indexes = [
            models.Index(fields=["-op_time", "-id"], name="audit_log_order"),
            models.Index(fields=["project_id", "-op_time", "-id"], name="audit_log_project"),
            models.Index(fields=["username", "-op_time", "-id"], name="audit_log_user"),
        ]
