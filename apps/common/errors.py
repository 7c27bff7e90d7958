"""Domain errors: a code of the API's error envelope and a message for people. No HTTP status here."""


class DomainError(Exception):
    """Base of what services and selectors refuse; ``detail`` goes into the Distribution envelope."""

    code = "UNKNOWN"

    def __init__(self, message: str, *, detail: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class BadRequestError(DomainError):
    """What was asked makes no sense, whoever asks and whenever."""

    code = "BAD_REQUEST"


class UnauthorizedError(DomainError):
    """The caller is anonymous and would have to sign in."""

    code = "UNAUTHORIZED"


class ForbiddenError(DomainError):
    """The caller is known and may not."""

    code = "FORBIDDEN"


class ConfirmationNeededError(DomainError):
    """The caller may, and has to give the password again before: the session has not seen it for a while."""

    code = "PASSWORD_CONFIRMATION_REQUIRED"


class DeniedError(DomainError):
    """A rule refuses: quota, proxy project, a robot that would grant more than it has."""

    code = "DENIED"


class NotFoundError(DomainError):
    code = "NOT_FOUND"


class ConflictError(DomainError):
    """It exists already, or changed meanwhile."""

    code = "CONFLICT"


class PreconditionError(DomainError):
    """The state of things does not allow it now."""

    code = "PRECONDITION"


class UnprocessableError(DomainError):
    """A parameter has the wrong type or is out of range, before anything was looked up."""

    code = "UNPROCESSABLE_ENTITY"


class TooManyRequestsError(DomainError):
    """Too often from one place: later it is done."""

    code = "TOO_MANY_REQUEST"


class UnavailableError(DomainError):
    """Something that is needed cannot be reached now; trying again later helps."""

    code = "UNAVAILABLE"
