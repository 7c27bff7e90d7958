"""Words and limits of robot accounts."""

SYSTEM = "system"
PROJECT = "project"

SYSTEM_NAMESPACE = "/"
EVERY_PROJECT = "*"

FOR_EVER = -1
MAX_DURATION_DAYS = 2**31 - 1
SECONDS_A_DAY = 86400
MAX_EXPIRY = 2**62
"""Seconds since 1970: later than any duration can lead to."""

MAX_NAME = 255
MAX_STORED_NAME = 511
MAX_DESCRIPTION = 1024
MAX_PERMISSIONS = 10_000
"""Entries of one robot account, over all name spaces."""
