"""Words and limits of personal access tokens."""

MAX_TOKENS = 100
"""Of one person, those that have ended included."""

MAX_LABEL = 255
MAX_PROJECTS = 100
