from django.db import models


class Setting(models.Model):
    """A system setting that an administrator changed, by Harbor's key; the others have their defaults.

    ``value`` is JSON text, encrypted (:mod:`apps.common.encryption`) where the setting is a secret.
    """

    name = models.CharField(max_length=64, primary_key=True)
    value = models.TextField()
    update_time = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "setting"
