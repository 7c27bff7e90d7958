"""The signed-in person's own pages, signing up, and what the installation is."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.cookies import SESSION_COOKIE, session_cookie_set
from apps.accounts.models import User
from apps.accounts.selectors import user_get
from apps.accounts.services import user_change_password, user_create, user_update_profile
from apps.accounts.sessions import session_open
from apps.accounts.types import Source
from apps.common.errors import ForbiddenError, PreconditionError
from apps.common.forwarding import client_address
from apps.common.release import HARBOR_RELEASE
from apps.config.selectors import system_settings
from apps.portal.errors import problem_status, problem_text
from apps.portal.forms import PasswordField, PasswordTwiceForm, PortalForm
from apps.portal.refusals import note_refused
from apps.portal.views import FormMixin, PortalView

_MAX_COMMENT = 30


class PersonPage(PortalView):
    """A page about whoever is signed in."""

    resource_type = "user"

    @property
    def person_id(self) -> int:
        """The id of the person."""
        if self.principal is None or self.principal.person is None:
            raise PreconditionError("only people have a profile")
        return self.principal.person

    @cached_property
    def user(self) -> User:
        """Their row."""
        return user_get(actor=self.actor, user_id=self.person_id)


def _email() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("E-mail"),
        max_length=255,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


def _realname(*, required: bool) -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("First and last name"),
        max_length=255,
        required=required,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class ProfileForm(PortalForm):
    """What a person tells of themselves."""

    realname = _realname(required=False)
    email = _email()
    comment = forms.CharField(label=gettext_lazy("Comment"), max_length=_MAX_COMMENT, required=False)


class ProfilePage(FormMixin, PersonPage):
    """``/account/profile``."""

    template = "portal/profile.html"
    form_class = ProfileForm

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"realname": self.user.realname, "email": self.user.email, "comment": self.user.comment}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("Profile"),
            "lead": _("You are signed in as %(name)s.") % {"name": self.user.username},
            "has_cli_secret": self.user.source == Source.OIDC,
        }

    def save(self, form: Any) -> HttpResponse:
        """Change it."""
        user_update_profile(actor=self.actor, user_id=self.person_id, **form.cleaned_data)
        return self.done(_("Your profile is changed."), reverse("portal:profile"))


class PasswordForm(PasswordTwiceForm):
    """The old password and a new one."""

    old = PasswordField(label=gettext_lazy("Old password"))
    field_order = ("old", "password", "again")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["password"].label = _("New password")
        self.fields["again"].label = _("The new password again")


class PasswordPage(FormMixin, PersonPage):
    """``/account/password``."""

    form_class = PasswordForm

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("Change password"),
            "submit": _("Change password"),
            "lead": _("Your sessions in other browsers end. Access tokens stay."),
        }

    def save(self, form: Any) -> HttpResponse:
        """Change it, which ends every session, and go on in a new one."""
        new = form.cleaned_data["password"]
        try:
            user_change_password(
                actor=self.actor, user_id=self.person_id, new=new, old=form.cleaned_data["old"]
            )
        except ForbiddenError as error:
            status = problem_status(error)
            note_refused(self.request, error, status, self.resource_type, self.kwargs)
            form.add_error("old", problem_text(error))
            return self.show(form, status)
        key = session_open(
            username=self.user.username,
            password=new,
            address=client_address(self.request.META),
            replaces=self.request.COOKIES.get(SESSION_COOKIE, ""),
            agent=self.request.headers.get("User-Agent", ""),
        )
        response = self.done(_("Your password is changed."), reverse("portal:profile"))
        if key is not None:
            session_cookie_set(self.request, response, key)
            rotate_token(self.request)
        return response


class SignUpForm(PasswordTwiceForm):
    """A new account of one's own."""

    username = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=255,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
        help_text=gettext_lazy("It cannot be changed later."),
    )
    email = _email()
    realname = _realname(required=True)

    field_order = ("username", "email", "realname", "password", "again")


class SignUpPage(FormMixin, PortalView):
    """``/account/sign-up``, if people may sign up by themselves."""

    needs_sign_in = False
    template = "portal/sign_up.html"
    form_class = SignUpForm
    resource_type = "user"

    def check(self, request: HttpRequest) -> None:
        """Without the setting there is no such page; who has an account needs none."""
        super().check(request)
        if not system_settings().self_registration or self.principal is not None:
            raise Http404

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"title": _("Sign up"), "submit": _("Sign up")}

    def save(self, form: Any) -> HttpResponse:
        """Make the account."""
        values = {key: value for key, value in form.cleaned_data.items() if key != "again"}
        user_create(actor=self.actor, **values)
        return self.done(_("Your account is there: sign in."), reverse("portal:sign-in"))


class AboutPage(PortalView):
    """``/harbor/about``."""

    template = "portal/about.html"

    def get(self, _request: HttpRequest) -> HttpResponse:
        """Versions, licences and where to read more."""
        return self.render(title=_("About"), version=version("harbor-py"), harbor_release=HARBOR_RELEASE)


urlpatterns = [
    path("account/profile", ProfilePage.as_view(), name="profile"),
    path("account/password", PasswordPage.as_view(), name="password"),
    path("account/sign-up", SignUpPage.as_view(), name="sign-up"),
    path("harbor/about", AboutPage.as_view(), name="about"),
]
