"""One WSGI callable for both planes: ``/v2`` and ``/service/token`` do not pass Django's full stack."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harbor_py.settings")
_full_stack = get_wsgi_application()

# Below the call above: models can be imported only when Django is set up.
from apps.distribution.wsgi import application as _data_plane  # noqa: E402


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Send a request to the plane that its path belongs to."""
    path = environ["PATH_INFO"]
    if path.startswith("/v2/") or path in ("/v2", "/service/token"):
        return _data_plane(environ, start_response)
    return _full_stack(environ, start_response)
