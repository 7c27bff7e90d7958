"""What the addresses of the portal hold besides Django's own kinds; registered when the app is ready."""


class RepositoryConverter:
    """A repository's name without its project: it has slashes, and no part of it is ``-``, which ends it."""

    # No "%": names in addresses of Harbor's portal are encoded (pages/deep_links.py).
    regex = r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*"

    def to_python(self, value: str) -> str:
        """As it is."""
        return value

    def to_url(self, value: str) -> str:
        """As it is."""
        return value


class ReferenceConverter(RepositoryConverter):
    """A tag, or a digest."""

    regex = r"[A-Za-z0-9_][A-Za-z0-9_.:+-]*"
