"""The people of the installation, for those who administer it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.locks import user_locks, user_unlock
from apps.accounts.models import User
from apps.accounts.security import require_system
from apps.accounts.selectors import ADMIN_ID, user_get, user_list
from apps.accounts.services import (
    user_change_password,
    user_create,
    user_delete,
    user_set_active,
    user_set_auditor,
    user_set_sysadmin,
)
from apps.accounts.session_services import session_list, sessions_end
from apps.portal.forms import PasswordTwiceForm
from apps.portal.lists import Table, table_page
from apps.portal.navigation import Text
from apps.portal.views import ALWAYS, ConfirmMixin, FormMixin, PortalView

_USERS = Table(
    order=("username", "id"),
    search=("username", "email", "realname"),
    sorts={
        "name": "username",
        "email": "email",
        "admin": "sysadmin_flag",
        "state": "is_active",
        "created": "creation_time",
    },
)


class UsersPage(PortalView):
    """``/harbor/users``."""

    template = "portal/users.html"
    resource_type = "user"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Everybody, a page at a time."""
        page = table_page(request, user_list(actor=self.actor), _USERS)
        locks = user_locks(actor=self.actor, users=page.rows)
        for user in page.rows:
            user.locked_until = locks.get(user.pk)  # type: ignore[attr-defined] # for the template
        return self.render(
            title=_("Users"),
            page=page,
            may_create=self.actor.can_system("user", "create"),
        )


class UserForm(PasswordTwiceForm):
    """A new person."""

    field_order = ("username", "email", "realname", "password", "again", "comment")

    username = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=255,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    email = forms.CharField(
        label=gettext_lazy("E-mail"),
        max_length=255,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    realname = forms.CharField(label=gettext_lazy("First and last name"), max_length=255)
    comment = forms.CharField(label=gettext_lazy("Comment"), max_length=30, required=False)


class UserCreatePage(FormMixin, PortalView):
    """``/harbor/users/new``."""

    form_class = UserForm
    resource_type = "user"

    def check(self, request: HttpRequest) -> None:
        """See :class:`PortalView`."""
        super().check(request)
        require_system(self.actor, "user", "create")

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"title": _("New user"), "submit": _("Create")}

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return reverse("portal:users")

    def save(self, form: Any) -> HttpResponse:
        """Add the person."""
        values = {name: value for name, value in form.cleaned_data.items() if name != "again"}
        user = user_create(actor=self.actor, **values)
        return self.done(_("The user %(name)s is there.") % {"name": user.username}, self.cancel_url())


class _UserPage(PortalView):
    """Something that is done to one person; ``action`` is what one must be allowed to do to people."""

    resource_type = "user"
    action = "update"
    user: User

    def check(self, request: HttpRequest) -> None:
        """See :class:`PortalView`."""
        super().check(request)
        require_system(self.actor, "user", self.action)
        self.user = user_get(actor=self.actor, user_id=self.kwargs["user_id"])

    def own_url(self) -> str:
        """The page of the person."""
        return reverse("portal:user", args=[self.user.pk])


class UserPage(_UserPage):
    """``/harbor/users/ID``: who it is, and what can be done."""

    template = "portal/user.html"
    action = "read"

    def get(self, _request: HttpRequest, **_words: Any) -> HttpResponse:
        """The account, with those buttons that the services would not refuse."""
        is_first = self.user.pk == ADMIN_ID
        is_own = self.principal is not None and self.principal.person == self.user.pk
        may = self.actor.is_system_admin
        self.user.locked_until = user_locks(actor=self.actor, users=[self.user]).get(self.user.pk)  # type: ignore[attr-defined] # for the template
        return self.render(
            title=self.user.username,
            user=self.user,
            may_change=may,
            may_change_admin=may and not (is_first and self.user.sysadmin_flag),
            may_suspend=may and not is_first and not is_own,
            may_reset=may and not is_own,
            sessions=session_list(actor=self.actor, user_id=self.user.pk).count(),
            may_delete=self.actor.can_system("user", "delete") and not is_first and not is_own,
        )


class UserPasswordPage(FormMixin, _UserPage):
    """``/harbor/users/ID/password``."""

    form_class = PasswordTwiceForm
    dangerous = ALWAYS

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return self.own_url()

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("Reset the password of %(name)s") % {"name": self.user.username},
            "lead": _("All sessions of this person end. Tell them the new password yourself."),
            "submit": _("Reset"),
        }

    def save(self, form: Any) -> HttpResponse:
        """Set it."""
        user_change_password(actor=self.actor, user_id=self.user.pk, new=form.cleaned_data["password"])
        return self.done(
            _("The password of %(name)s is reset.") % {"name": self.user.username}, self.cancel_url()
        )


@dataclass(frozen=True, slots=True)
class _Change:
    """A switch of an account: the question before it is turned, and what is said when it is."""

    service: Any
    values: Mapping[str, Any]
    title: Text
    text: Text
    undo: Text
    submit: Text
    done: Text


_CHANGES = {
    "make-admin": _Change(
        user_set_sysadmin,
        {"sysadmin": True},
        gettext_lazy("Make %(name)s a system administrator?"),
        gettext_lazy("A system administrator may do everything, in every project."),
        gettext_lazy("You can take this back at any time. Sessions of this person end."),
        gettext_lazy("Make administrator"),
        gettext_lazy("%(name)s is a system administrator now."),
    ),
    "unmake-admin": _Change(
        user_set_sysadmin,
        {"sysadmin": False},
        gettext_lazy("Let %(name)s no longer be a system administrator?"),
        gettext_lazy("What remains are the roles that this person has in projects."),
        gettext_lazy("You can take this back at any time. Sessions of this person end."),
        gettext_lazy("Take away"),
        gettext_lazy("%(name)s is no longer a system administrator."),
    ),
    "make-auditor": _Change(
        user_set_auditor,
        {"auditor": True},
        gettext_lazy("Make %(name)s an auditor?"),
        gettext_lazy("An auditor sees everything, in every project, and changes nothing."),
        gettext_lazy("You can take this back at any time. Sessions of this person end."),
        gettext_lazy("Make auditor"),
        gettext_lazy("%(name)s is an auditor now."),
    ),
    "unmake-auditor": _Change(
        user_set_auditor,
        {"auditor": False},
        gettext_lazy("Let %(name)s no longer be an auditor?"),
        gettext_lazy("What remains are the roles that this person has in projects."),
        gettext_lazy("You can take this back at any time. Sessions of this person end."),
        gettext_lazy("Take away"),
        gettext_lazy("%(name)s is no longer an auditor."),
    ),
    "suspend": _Change(
        user_set_active,
        {"active": False},
        gettext_lazy("Suspend %(name)s?"),
        gettext_lazy("This person cannot sign in, and all their sessions and tokens stop working at once."),
        gettext_lazy("Roles, memberships and history stay, and you can let them in again at any time."),
        gettext_lazy("Suspend"),
        gettext_lazy("%(name)s is suspended."),
    ),
    "resume": _Change(
        user_set_active,
        {"active": True},
        gettext_lazy("Let %(name)s in again?"),
        gettext_lazy("This person may sign in again, with the roles from before."),
        gettext_lazy("You can suspend them again at any time."),
        gettext_lazy("Let in"),
        gettext_lazy("%(name)s may sign in again."),
    ),
    "unlock": _Change(
        user_unlock,
        {},
        gettext_lazy("End the lock of %(name)s?"),
        gettext_lazy(
            "Somebody has given wrong passwords for this name. It is locked for a while, where it has not signed in before or where the passwords came from."
        ),
        gettext_lazy("More wrong passwords lock it again."),
        gettext_lazy("Unlock"),
        gettext_lazy("%(name)s is not locked any more."),
    ),
    "end-sessions": _Change(
        sessions_end,
        {},
        gettext_lazy("End all sessions of %(name)s?"),
        gettext_lazy("This person is signed out in every browser."),
        gettext_lazy("They can sign in again at once. To keep somebody out, suspend them."),
        gettext_lazy("End sessions"),
        gettext_lazy("The sessions of %(name)s are ended."),
    ),
}
_HARMLESS = frozenset({"unlock", "end-sessions"})


class UserChangePage(ConfirmMixin, _UserPage):
    """``/harbor/users/ID/CHANGE``: each direction of a switch has an address, so that twice is once."""

    def check(self, request: HttpRequest) -> None:
        """See :class:`PortalView`."""
        super().check(request)
        if self.kwargs["change"] not in _CHANGES:
            raise Http404
        self.is_danger = self.kwargs["change"] not in _HARMLESS

    def check_write(self, _request: HttpRequest) -> None:
        """See :class:`PortalView`; a session in wrong hands cannot wait for the end of the read-only mode."""
        if self.kwargs["change"] not in _HARMLESS:
            super().check_write(_request)

    def is_dangerous(self, request: HttpRequest) -> bool:  # noqa: ARG002 (the base's)
        """See :class:`PortalView`."""
        return self.kwargs["change"] not in _HARMLESS

    @property
    def change(self) -> _Change:
        """The row of the table."""
        return _CHANGES[self.kwargs["change"]]

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": self._filled(self.change.title),
            "text": self.change.text,
            "undo": self.change.undo,
            "submit": self.change.submit,
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return self.own_url()

    def act(self) -> HttpResponse:
        """Turn the switch."""
        self.change.service(actor=self.actor, user_id=self.user.pk, **self.change.values)
        return self.done(self._filled(self.change.done), self.cancel_url())

    def _filled(self, text: Text) -> str:
        return str(text) % {"name": self.user.username}


class UserDeletePage(ConfirmMixin, _UserPage):
    """``/harbor/users/ID/delete``."""

    action = "delete"
    dangerous = ALWAYS

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("Delete the user %(name)s?") % {"name": self.user.username},
            "text": _("This person cannot sign in any more and loses every role. Their projects stay."),
            "undo": _("This cannot be undone. To keep somebody out for a while, suspend them."),
            "submit": _("Delete"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return self.own_url()

    def act(self) -> HttpResponse:
        """Delete the person."""
        user_delete(actor=self.actor, user_id=self.user.pk)
        return self.done(
            _("The user %(name)s is deleted.") % {"name": self.user.username}, reverse("portal:users")
        )


urlpatterns = [
    path("harbor/users", UsersPage.as_view(), name="users"),
    path("harbor/users/new", UserCreatePage.as_view(), name="user-new"),
    path("harbor/users/<int:user_id>", UserPage.as_view(), name="user"),
    path("harbor/users/<int:user_id>/password", UserPasswordPage.as_view(), name="user-password"),
    path("harbor/users/<int:user_id>/delete", UserDeletePage.as_view(), name="user-delete"),
    path("harbor/users/<int:user_id>/<slug:change>", UserChangePage.as_view(), name="user-change"),
]
