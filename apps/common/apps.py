from django.apps import AppConfig
from django.db.models import CharField, TextField

from apps.common.lookups import Holds


class CommonConfig(AppConfig):
    name = "apps.common"

    def ready(self) -> None:
        """Have every search for a part of a text use the index that it can have."""
        CharField.register_lookup(Holds)
        TextField.register_lookup(Holds)
