from django.db import models
from django.utils import timezone

from apps.common.encryption import UndecipherableError, decrypt, encrypt
from apps.common.fields import BytewiseCharField
from apps.projects.models import Project
from apps.webhooks.types import Target


class WebhookPolicy(models.Model):
    """Which events of a project are told to whom. ``targets`` are as the API has them, with secrets encrypted."""

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="webhook_policies", db_index=False
    )
    name = BytewiseCharField(max_length=255)
    description = models.TextField(default="", blank=True)
    targets = models.JSONField(default=list)
    event_types = models.JSONField(default=list)
    enabled = models.BooleanField(default=False)
    creator = models.CharField(max_length=511, default="", blank=True)
    creation_time = models.DateTimeField(default=timezone.now)
    update_time = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "webhook_policy"
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="webhook_policy_once")]

    def targets_set(self, targets: list[Target]) -> None:
        """Take targets, with their secrets in clear."""
        self.targets = [
            {
                "type": one.type,
                "address": one.address,
                "auth_header": encrypt(one.auth_header, purpose=self._purpose(one.address))
                if one.auth_header
                else "",
                "skip_cert_verify": one.skip_cert_verify,
                "payload_format": one.payload_format,
            }
            for one in targets
        ]

    def target(self, number: int, *, with_secret: bool) -> Target:
        """One of the targets, counted from 0; IndexError, and UndecipherableError where the key is another one."""
        stored = dict(self.targets[number])
        if not with_secret:
            stored["auth_header"] = ""
        elif stored["auth_header"]:
            stored["auth_header"] = decrypt(stored["auth_header"], purpose=self._purpose(stored["address"]))
        return Target(**stored)

    def targets_shown(self, *, with_secrets: bool) -> list[Target]:
        """Every target; a secret that cannot be read is left out."""
        return [self._shown(number, with_secret=with_secrets) for number in range(len(self.targets))]

    def _shown(self, number: int, *, with_secret: bool) -> Target:
        try:
            return self.target(number, with_secret=with_secret)
        except UndecipherableError:
            return self.target(number, with_secret=False)

    def _purpose(self, address: str) -> str:
        """Whoever can write to the database cannot have a secret sent to an address of their own."""
        return f"webhook:{self.project_id}:{address}"
