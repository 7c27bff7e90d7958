"""What services say is wrong, in the reader's language.

Services speak English, to programs too, with values inside their sentences. The sentences that people meet in the
portal stand here as the services say them, with names in place of the values; others are shown as they are.
"""

import re

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

_LONGEST = 2000
"""Characters of a message that is looked at: with several values in it, longer ones would take their time."""

SENTENCES = (
    # Who may do it.
    _("sign in to do this"),
    _("you do not have permission to do this"),
    _("only a system administrator can do this"),
    _("only a system administrator can change a system administrator or an auditor"),
    _("the first administrator stays a system administrator"),
    _("this account cannot be deleted by you"),
    _("this account cannot be suspended by you"),
    _("The system is in read only mode. Any modification is prohibited."),
    _("Redis cannot be reached, so nothing may be changed now; try again"),
    # People and groups.
    _("the old password is not correct"),
    _("the new password must not be the old one"),
    _("the password was changed meanwhile"),
    _(
        "the password must have %(least)s to %(most)s characters, with at least an upper-case letter,"
        " a lower-case letter, a digit, a symbol"
    ),
    _(
        "the password must have %(least)s to %(most)s characters, with at least an upper-case letter,"
        " a lower-case letter, a digit"
    ),
    _("the email must be a valid address"),
    _("the username %(name)s or the email %(email)s is already used"),
    _("too many people have registered from this address; try again in a minute"),
    _("this user name is taken"),
    _("you have an account here already"),
    _("the address of the provider is missing"),
    _("the OpenID provider cannot be used: %(reason)s"),
    _("the user group %(name)s already exists"),
    _("%(person)s is already in the group %(group)s"),
    _("the members of the group %(group)s are kept by its directory"),
    _("%(member)s is already a member of project %(project)s"),
    _("an access token with the label %(label)s already exists"),
    _("nobody can have more than %(most)s access tokens: revoke one first"),
    # Projects and what is in them.
    _(
        "the project name must have 1 to %(most)s characters: lower-case letters and digits, "
        "with single '.', '_' or '-' between them"
    ),
    _("the project name %(name)s is reserved"),
    _("the project %(name)s already exists"),
    _("the project %(name)s contains repositories and can not be deleted"),
    _("label %(name)s already exists"),
    _("the color of a label is written as #RRGGBB"),
    _("robot account %(name)s already exists"),
    _(
        "robot name %(name)s is not in lower case or contains illegal characters: letters and digits,"
        " parted by single . _ or -, at most %(most)s"
    ),
    _(
        "the secret must have %(least)s to %(most)s characters, with at least one upper-case"
        " letter, one lower-case letter and one digit"
    ),
    _("a robot account can only grant permissions that it has itself"),
    _("the webhook policy %(name)s exists already in project %(project)s"),
    _("the address of a target cannot be used: %(why)s"),
    _("a project has at most %(most)s webhook policies"),
    _("a project has at most %(most)s immutable rules"),
    _("an immutable rule with these selectors is there already"),
    _("only %(most)s tag retention rules are allowed at most"),
    _("rule %(number)s is the same as rule %(other)s"),
    _("the retention rule is gone, or somebody has changed it meanwhile"),
    _("a pattern of repositories must be printable ASCII text, such as base/**"),
    _("the pattern %(pattern)s has an open brace"),
    _("the pattern %(pattern)s has an open class"),
    _("%(source)s is no IPv4 or IPv6 address or network such as 192.0.2.0/24"),
    _("the cron string must have six fields (second minute hour day month weekday): %(cron)s"),
    _("the first field of the cron string, the seconds, must be 0: %(cron)s"),
    _("the cron string %(cron)s is not valid"),
    # Artifacts.
    _("the tag %(tag)s configured as immutable, cannot be deleted"),
    _("Failed to process request due to '%(tag)s' configured as immutable."),
    _("the deleting artifact is referenced by others"),
    _("%(digest)s of %(repository)s was tagged or pushed meanwhile"),
    _("%(digest)s was deactivated by %(by)s at %(at)s"),
    _("invalid expires_after: %(value)s; want a number and one of w, d, h, m, s"),
    _("the push rules of project %(project)s refuse this manifest: %(why)s."),
    _(
        "adding %(size)s of storage resource, which when updated to current usage of"
        " %(used)s will exceed the configured upper limit of %(limit)s."
    ),
    _("the artifact %(digest)s of the tag %(tag)s is gone"),
    _("%(repository)s is being changed at this moment; restore again"),
    _("the history of tags goes back %(days)s days (tag_history_days)"),
    _("the time to restore lies in the future"),
    # What is not there; the last of these fits all.
    _("artifact %(name)s not found"),
    _("project %(name)s not found"),
    _("repository %(name)s not found"),
    _("user group %(name)s not found"),
    _("user %(name)s not found"),
    _("robot account not found"),
    _("the trash has no entry %(number)s"),
    _("%(what)s not found"),
)

_VALUE = re.compile(r"%\((\w+)\)s")


def _pattern(sentence: str) -> re.Pattern[str]:
    pieces = _VALUE.split(sentence)
    return re.compile(
        "".join(f"(?P<{piece}>.+?)" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces)),
        re.DOTALL,
    )


_PATTERNS = tuple((sentence, _pattern(sentence)) for sentence in SENTENCES)


def problem_said(message: str) -> str:
    """``message`` in the reader's language, where it is one of the sentences."""
    for sentence, pattern in _PATTERNS if len(message) <= _LONGEST else ():
        if found := pattern.fullmatch(message):
            return gettext(sentence) % found.groupdict()
    return message
