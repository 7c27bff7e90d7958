"""One module a medium; :mod:`apps.storage.factory` chooses."""
