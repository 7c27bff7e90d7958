from django.db import models
from django.utils import timezone

from apps.jobs.types import UNFINISHED, Status


class Execution(models.Model):
    """One run of something: a collection, a policy, a delivery. ``vendor_id`` is what it is a run of, 0 for nothing.

    ``status`` follows from its tasks. ``extra_attrs`` are its parameters, and at the end its results.
    """

    vendor_type = models.CharField(max_length=64)
    vendor_id = models.BigIntegerField(default=0)
    status = models.CharField(max_length=16, default=Status.PENDING)
    status_message = models.TextField(default="", blank=True)
    trigger = models.CharField(max_length=16)
    operator = models.CharField(max_length=511, default="", blank=True)
    extra_attrs = models.JSONField(default=dict)
    start_time = models.DateTimeField(default=timezone.now)
    update_time = models.DateTimeField(default=timezone.now)
    end_time = models.DateTimeField(null=True)

    class Meta:
        db_table = "execution"
        indexes = [
            models.Index(fields=["vendor_type", "vendor_id", "-start_time", "-id"], name="execution_order"),
            models.Index(fields=["vendor_type", "status"], name="execution_status"),
        ]


class Task(models.Model):
    """A piece of an execution that one worker does.

    Every change of ``status`` is a compare-and-set on ``revision``. ``due_time`` is when it may begin; ``sent_at``
    when Celery was told. While it runs, ``worker`` names its pool and ``heartbeat_at`` says that it is alive:
    one whose heart stopped is run again. ``attempts`` counts failures, ``losses`` workers that died over it.
    ``state`` is what its runner wants to find again when it is run again.
    """

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    vendor_type = models.CharField(max_length=64)
    status = models.CharField(max_length=16, default=Status.PENDING)
    status_message = models.TextField(default="", blank=True)
    revision = models.BigIntegerField(default=0)
    parameters = models.JSONField(default=dict)
    extra_attrs = models.JSONField(default=dict)
    state = models.JSONField(default=dict)
    order_key = models.CharField(max_length=255, default="", blank=True)
    due_time = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=64, default="", blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    stop_requested = models.BooleanField(default=False)
    attempts = models.PositiveIntegerField(default=0)
    losses = models.PositiveIntegerField(default=0)
    creation_time = models.DateTimeField(default=timezone.now)
    start_time = models.DateTimeField(null=True)
    update_time = models.DateTimeField(default=timezone.now)
    end_time = models.DateTimeField(null=True)

    class Meta:
        db_table = "task"
        indexes = [
            models.Index(fields=["execution", "id"], name="task_order"),
            models.Index(
                fields=["vendor_type", "due_time", "id"],
                name="task_unfinished",
                condition=models.Q(status__in=list(UNFINISHED)),
            ),
            models.Index(
                fields=["vendor_type", "order_key", "id"],
                name="task_turn",
                condition=models.Q(status__in=list(UNFINISHED)) & ~models.Q(order_key=""),
            ),
            models.Index(fields=["execution", "status"], name="task_execution_status"),
        ]


class TaskLog(models.Model):
    """Lines that a task wrote, as they came; one row for what was written at one time."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="log", db_index=False)
    text = models.TextField()

    class Meta:
        db_table = "task_log"
        indexes = [models.Index(fields=["task", "id"], name="task_log_order")]


class Schedule(models.Model):
    """When something runs by itself. ``cron`` has six fields, seconds first, in UTC; ``next_time`` is the next run."""

    vendor_type = models.CharField(max_length=64)
    vendor_id = models.BigIntegerField(default=0)
    cron_type = models.CharField(max_length=16)
    cron = models.CharField(max_length=255)
    parameters = models.JSONField(default=dict)
    operator = models.CharField(max_length=511, default="", blank=True)
    next_time = models.DateTimeField()
    creation_time = models.DateTimeField(default=timezone.now)
    update_time = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "schedule"
        constraints = [models.UniqueConstraint(fields=["vendor_type", "vendor_id"], name="schedule_once")]
        indexes = [models.Index(fields=["next_time"], name="schedule_next")]


class PausedQueue(models.Model):
    """A queue of which no task is begun; those of ``SCHEDULER`` are the schedules."""

    vendor_type = models.CharField(max_length=64, primary_key=True)
    paused_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "paused_queue"


class WorkerPool(models.Model):
    """A worker process; one that has not been heard of for a while is gone."""

    id = models.CharField(max_length=64, primary_key=True)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    concurrency = models.IntegerField()
    start_at = models.DateTimeField(default=timezone.now)
    heartbeat_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "worker_pool"


class Lease(models.Model):
    """Who may do something that only one may do, and until when."""

    name = models.CharField(max_length=64, primary_key=True)
    holder = models.CharField(max_length=64)
    until = models.DateTimeField()

    class Meta:
        db_table = "lease"
