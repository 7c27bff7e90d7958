"""``python -m harbor_py.probe PARENT_ID URL`` ends with 0 when URL answers 200, with 1 if it does not in time.

A process of its own, so that the HTTP and TLS libraries leave memory with it.
"""

import ssl
import sys
import time
import urllib.request

from harbor_py.processes import die_with_parent

_PATIENCE_SECONDS = 90
_PAUSE_SECONDS = 0.2


def main() -> None:
    """Ask until the answer is 200."""
    die_with_parent(int(sys.argv[1]))
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _is_healthy(sys.argv[2]):
        if time.monotonic() > deadline:
            sys.exit(1)
        time.sleep(_PAUSE_SECONDS)


def _is_healthy(url: str) -> bool:
    # The certificate is for the name that clients use; this asks the same machine by its address, and sends nothing.
    context = ssl._create_unverified_context()  # noqa: S323, SLF001 - the reason is above
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    main()
