"""A person's sessions, and the page that asks for their password again before something dangerous."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.cookies import SESSION_COOKIE, request_device
from apps.accounts.models import UserSession
from apps.accounts.reauthentication import has_password, reauthentication_path
from apps.accounts.session_services import session_end, session_is, session_list, sessions_end
from apps.accounts.sessions import session_close, session_confirm, session_source
from apps.common.forwarding import client_address
from apps.portal.forms import PasswordField, PortalForm
from apps.portal.lists import Table, table_page
from apps.portal.pages.account import next_url
from apps.portal.pages.profile import PersonPage
from apps.portal.views import ConfirmMixin, FormMixin, sign_in_url

_SESSIONS = Table(
    order=("-seen_at", "-id"),
    search=("address", "agent"),
    sorts={"seen": "seen_at", "began": "began_at"},
)


class SessionsPage(PersonPage):
    """``/account/sessions``."""

    template = "portal/sessions.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Where one is signed in."""
        page = table_page(request, session_list(actor=self.actor, user_id=self.person_id), _SESSIONS)
        key = request.COOKIES.get(SESSION_COOKIE, "")
        own = {session.pk for session in page.rows if session_is(session, key)}
        return self.render(title=_("Sessions"), page=page, own=own)


class SessionEndPage(ConfirmMixin, PersonPage):
    """``/account/sessions/ID/end``."""

    is_danger = False
    session: UserSession

    def check_write(self, _request: HttpRequest) -> None:
        """For the read-only mode too: a session in wrong hands cannot wait."""

    def check(self, request: HttpRequest) -> None:
        """See :class:`PortalView`."""
        super().check(request)
        sessions = session_list(actor=self.actor, user_id=self.person_id)
        found = sessions.filter(pk=self.kwargs["session_id"]).first()
        if found is None:
            raise Http404
        self.session = found

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("End the session from %(address)s?") % {"address": self.session.address},
            "text": _("That browser is signed out."),
            "undo": _("You can sign in there again. If it was not yours, change your password."),
            "submit": _("End"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return reverse("portal:sessions")

    def act(self) -> HttpResponse:
        """End it."""
        session_end(actor=self.actor, user_id=self.person_id, session_id=self.session.pk)
        return self.done(_("The session is ended."), self.cancel_url())


class SessionsEndPage(ConfirmMixin, PersonPage):
    """``/account/sessions/end-others``."""

    is_danger = False

    def check_write(self, _request: HttpRequest) -> None:
        """For the read-only mode too: a session in wrong hands cannot wait."""

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("End all other sessions?"),
            "text": _("Every browser but this one is signed out."),
            "undo": _("You can sign in there again. If one was not yours, change your password."),
            "submit": _("End all others"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return reverse("portal:sessions")

    def act(self) -> HttpResponse:
        """End them."""
        key = self.request.COOKIES.get(SESSION_COOKIE, "")
        sessions_end(actor=self.actor, user_id=self.person_id, but=key)
        return self.done(_("The other sessions are ended."), self.cancel_url())


class ConfirmForm(PortalForm):
    """One's own password."""

    password = PasswordField(label=gettext_lazy("Password"))


class ConfirmPage(FormMixin, PersonPage):
    """``/account/confirm?next=PATH``: the password again, and on to the page that asked for it.

    Nothing that was sent before is sent again: the page that asked begins anew.
    """

    form_class = ConfirmForm

    def check_write(self, _request: HttpRequest) -> None:
        """For the read-only mode too: without it nobody could end that."""

    def get(self, request: HttpRequest, **words: Any) -> HttpResponse:
        """The form, for whose session has to; other sources than ours ask by themselves."""
        if self.is_confirmed:
            return HttpResponseRedirect(next_url(request))
        if not self.has_password:
            onward = reauthentication_path(self.source, next_url(request))
            return self.render("portal/sign_in_again.html", title=self.title_text, onward=onward)
        return super().get(request, **words)

    def post(self, request: HttpRequest, **words: Any) -> HttpResponse:
        """Take the password, or sign out those who have none here, so that they sign in again."""
        if self.has_password:
            return super().post(request, **words)
        session_close(request.COOKIES.get(SESSION_COOKIE, ""))
        response = redirect(sign_in_url(next_url(request)))
        response.delete_cookie(SESSION_COOKIE, path="/", samesite="Lax")
        return response

    @property
    def source(self) -> str:
        """Where the person of the session comes from."""
        return session_source(self.request.COOKIES.get(SESSION_COOKIE, ""))

    @property
    def has_password(self) -> bool:
        """Whether it can be asked for here."""
        return has_password(self.source)

    @property
    def title_text(self) -> str:
        """The heading."""
        return _("Is it you?")

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": self.title_text,
            "lead": _("What you are about to do needs your password again, %(name)s.")
            % {"name": self.user.username},
            "submit": _("Go on"),
        }

    def save(self, form: Any) -> HttpResponse:
        """Check it and go on."""
        is_right = session_confirm(
            key=self.request.COOKIES.get(SESSION_COOKIE, ""),
            password=form.cleaned_data["password"],
            address=client_address(self.request.META),
            device=request_device(self.request, self.user.username),
        )
        if is_right:
            return HttpResponseRedirect(next_url(self.request))
        form.add_error("password", _("The password is wrong."))
        return self.show(form, HTTPStatus.UNAUTHORIZED)


urlpatterns = [
    path("account/sessions", SessionsPage.as_view(), name="sessions"),
    path("account/sessions/end-others", SessionsEndPage.as_view(), name="sessions-end"),
    path("account/sessions/<int:session_id>/end", SessionEndPage.as_view(), name="session-end"),
    path("account/confirm", ConfirmPage.as_view(), name="confirm"),
]
