"""One WSGI callable for both planes: ``/v2`` and ``/service/token`` do not pass Django's full stack."""

import gc
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harbor_py.settings")
# The REST framework takes these fields, which nothing here uses, where it finds them, and with them PostgreSQL's driver:
# 12 MB for who has SQLite.
sys.modules["django.contrib.postgres"] = None  # type: ignore[assignment] # import then says that it is not there
_full_stack = get_wsgi_application()

# Below the call above: models can be imported only when Django is set up.
from apps.distribution.transfers import ShortBody  # noqa: E402
from apps.distribution.wsgi import application as _data_plane  # noqa: E402

# A full collection walks over every object, a tenth of a second, and one list of a hundred rows made enough of them to
# start one. What is loaded now stays for good and is left out; young objects are looked at when a request is over.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)

_DATA_PLANE = frozenset({"/v2", "/service/token", "/service/token/exchange"})


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Send a request to the plane that its path belongs to."""
    path = environ["PATH_INFO"]
    if path.startswith("/v2/") or path in _DATA_PLANE:
        return _data_plane(environ, start_response)
    if environ.get("CONTENT_LENGTH") in (None, "", "0") and "HTTP_TRANSFER_ENCODING" not in environ:
        return _full_stack(environ, start_response)
    environ["wsgi.input"] = body = ShortBody(environ)
    answer = _full_stack(environ, start_response)
    # The server closes the connection of an unread body without a word, and the client's next request on it fails.
    body.drain()
    return answer
