"""What storage drivers raise."""


class StorageError(Exception):
    """The medium failed."""


class FileMissingError(StorageError):
    """There is no such file."""


class StorageFullError(StorageError):
    """There is no room left, or a limit of the medium is reached."""


class UploadBusyError(StorageError):
    """Another writer has the upload open."""


class OffsetMismatchError(StorageError):
    """The upload holds another number of bytes than the caller believed."""

    def __init__(self, *, size: int) -> None:
        super().__init__(f"the upload holds {size} bytes")
        self.size = size


class UploadSealedError(StorageError):
    """The upload was published, or read for it, and takes no more bytes."""


class UploadIdInvalidError(FileMissingError):
    """What a client sent as the id of an upload is none, so there is no such upload."""


class StorageUrlError(StorageError):
    """A storage URL cannot be used; the message names the scheme or the option, never a value."""
