"""What the artifact services refuse, with the code of the API's error envelope; no HTTP here."""

from apps.common.errors import DomainError


class ArtifactError(DomainError):
    """Base of this app's refusals."""


class RepositoryUnknownError(ArtifactError):
    code = "NAME_UNKNOWN"


class ManifestUnknownError(ArtifactError):
    code = "MANIFEST_UNKNOWN"


class TagUnknownError(ArtifactError):
    code = "MANIFEST_UNKNOWN"


class BlobUnknownError(ArtifactError):
    code = "BLOB_UNKNOWN"


class UploadUnknownError(ArtifactError):
    code = "BLOB_UPLOAD_UNKNOWN"


class UploadInvalidError(ArtifactError):
    code = "BLOB_UPLOAD_INVALID"


class BlobSizeError(ArtifactError):
    """Fewer or more bytes came than were announced, or than may come."""

    code = "SIZE_INVALID"


class DigestMismatchError(ArtifactError):
    code = "DIGEST_INVALID"


class ManifestBlobUnknownError(ArtifactError):
    code = "MANIFEST_BLOB_UNKNOWN"


class ArtifactReferencedError(ArtifactError):
    """The artifact is a child of an index, so it cannot go before that."""

    code = "VIOLATE_FOREIGN_KEY_CONSTRAINT"


class ArtifactChangedError(ArtifactError):
    """The artifact has other tags, or was pushed again, since somebody decided to delete it."""

    code = "CONFLICT"


class BlobReferencedError(ArtifactError):
    """An artifact of the repository needs the blob."""

    code = "UNSUPPORTED"


class TagExistsError(ArtifactError):
    code = "CONFLICT"


class AdditionUnsupportedError(ArtifactError):
    """Artifacts of this type have no such addition."""

    code = "BAD_REQUEST"


class AdditionMissingError(ArtifactError):
    """The artifact could have this addition and does not."""

    code = "NOT_FOUND"


class ArchiveInvalidError(ArtifactError):
    """A layer that should be an archive is none."""

    code = "BAD_REQUEST"


class ContentTooLargeError(ArtifactError):
    """More than is looked at for an answer."""

    code = "REQUEST_ENTITY_TOO_LARGE"


class ArtifactDeactivatedError(ArtifactError):
    """It is there, and nobody may pull it."""

    code = "DENIED"


class AccessoryAloneError(ArtifactError):
    """A signature, or the like, goes only where its subject goes."""

    code = "DENIED"
