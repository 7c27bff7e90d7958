"""The base of every page: who looks, in which language, what happens to errors, what every page shows around it."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.messages.middleware import MessageMiddleware
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.decorators import decorator_from_middleware, method_decorator
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.gzip import gzip_page
from django.views.generic import View

from apps.accounts.cookies import SESSION_COOKIE
from apps.accounts.security import Principal, SecurityContext, context_of
from apps.accounts.sessions import is_confirmed, session_principal
from apps.common.errors import ConfirmationNeededError, DomainError, UnauthorizedError
from apps.common.logs import PERSON
from apps.common.origin import take_credential
from apps.config.read_only import read_only_check
from apps.config.selectors import system_settings
from apps.oci.errors import OciError
from apps.portal.banner import BANNER_COOKIE, banner_read
from apps.portal.errors import error_page, page_headers, problem_status, problem_text
from apps.portal.navigation import NavigationItem, main_navigation, project_navigation
from apps.portal.refusals import note_refused
from apps.projects.contexts import AnonymousContext
from apps.projects.models import Project
from apps.projects.selectors import project_require

POLL_HEADER = "HTTP_X_HARBOR_NO_SESSION_RENEWAL"
"""Sent by parts of pages that ask again and again by themselves: they do not keep the session alive."""

_SAFE = frozenset({"GET", "HEAD"})
ALWAYS = _SAFE | {"POST"}
"""For :attr:`PortalView.dangerous`: to see the page, too."""


@method_decorator(gzip_page, name="dispatch")
@method_decorator(decorator_from_middleware(MessageMiddleware), name="dispatch")
class PortalView(View):
    """A page. ``GET`` reads through selectors, ``POST`` writes through services and redirects.

    A page that only those may see who are signed in says so with ``needs_sign_in``; what a person may see or do is
    the services' and selectors' business. A :class:`DomainError` becomes a page that tells it.
    """

    http_method_names = ["get", "head", "post"]
    template = ""
    needs_sign_in = True
    resource_type: ClassVar[str] = "portal"
    """What the page is about, as the audit log names it where somebody is refused."""
    dangerous: ClassVar[frozenset[str]] = frozenset()
    """Methods before which the session has to have given the password lately. A form is asked for before it is shown
    (:data:`ALWAYS`): nothing that was filled in is lost, and nothing is sent twice."""

    actor: SecurityContext
    principal: Principal | None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Find out who looks, and tell what went wrong in words."""
        self.principal = self._principal(request)
        self.actor = AnonymousContext() if self.principal is None else context_of(self.principal)
        with translation.override(translation.get_language_from_request(request)):
            try:
                self.check(request)
                if self.is_dangerous(request) and not self.is_confirmed:
                    raise ConfirmationNeededError("give your password again to do this")
                return super().dispatch(request, *args, **kwargs)
            except (DomainError, OciError) as error:
                return self.refused(request, error)

    def check(self, request: HttpRequest) -> None:
        """Before anything else: is somebody signed in, may anything be written now?"""
        if self.needs_sign_in and self.principal is None:
            raise UnauthorizedError("sign in to do this")
        if request.method not in _SAFE:
            self.check_write(request)

    def check_write(self, _request: HttpRequest) -> None:
        """Refuse changes while nothing may change."""
        read_only_check()

    def is_dangerous(self, request: HttpRequest) -> bool:
        """Whether this needs a session that has given the password lately."""
        return request.method in self.dangerous

    @property
    def is_confirmed(self) -> bool:
        """Whether the session has given the password lately."""
        return self.principal is None or is_confirmed(self.request.COOKIES.get(SESSION_COOKIE, ""))

    def refused(self, request: HttpRequest, error: DomainError | OciError) -> HttpResponse:
        """The page that tells what is wrong; for who is not signed in and would have to be, the way there."""
        if isinstance(error, ConfirmationNeededError):
            return redirect(f"{reverse('portal:confirm')}?{urlencode({'next': request.get_full_path()})}")
        status = problem_status(error)
        note_refused(request, error, status, self.resource_type, self.kwargs)
        # A private project answers an anonymous visitor as one that is not there: signing in may help.
        if self.principal is None and status in {
            HTTPStatus.UNAUTHORIZED,
            HTTPStatus.FORBIDDEN,
            HTTPStatus.NOT_FOUND,
        }:
            return redirect(sign_in_url(request.get_full_path() if request.method in _SAFE else "/"))
        return error_page(request, status, problem_text(error), self.shell(request))

    def render(self, template: str = "", *, status: int = HTTPStatus.OK, **context: Any) -> HttpResponse:
        """The page ``template`` (default: the view's) with what every page shows."""
        context = {**self.shell(self.request), **context}
        response = render(self.request, template or self.template, context, status=status)
        page_headers(response)
        return response

    def shell(self, request: HttpRequest) -> dict[str, Any]:
        """What the layout needs: who is signed in, where they may go, the banner."""
        settings = system_settings()
        banner = banner_read(settings.banner_message)
        closed = request.COOKIES.get(BANNER_COOKIE, "")
        return {
            "actor": self.actor,
            "person": self.principal,
            "is_system_admin": self.actor.is_system_admin,
            "navigation": main_navigation(self.actor, request.path_info),
            "banner": banner if banner.is_shown(timezone.now().date(), closed=closed) else None,
            "is_read_only": settings.read_only,
            "theme": request.COOKIES.get("harbor-theme", ""),
            "search": request.GET.get("search", ""),
        }

    def home_url(self) -> str:
        """The page that this one belongs to, where its forms and questions lead back."""
        return "/"

    def done(self, message: str, url: str) -> HttpResponseRedirect:
        """After a change: back to a page, which shows ``message`` once. Never a secret: it travels in a cookie."""
        messages.success(self.request, message)
        return HttpResponseRedirect(url)

    def _principal(self, request: HttpRequest) -> Principal | None:
        key = request.COOKIES.get(SESSION_COOKIE, "")
        principal = session_principal(key, renew=POLL_HEADER not in request.META)
        if principal is not None:
            request.META[PERSON] = principal.name
            take_credential("session")
        return principal


def sign_in_url(following: str) -> str:
    """The page to sign in, which leads to ``following`` (a path of ours) afterwards."""
    query = "" if following == "/" else f"?{urlencode({'next': following})}"
    return reverse("portal:sign-in") + query


class ProjectPage(PortalView):
    """A page of one project, whose id is ``project_id`` in the path.

    ``resource`` and ``action`` are what one must be allowed to do there to see the page at all.
    Anonymous visitors see pages of public projects where the role table lets them.
    """

    needs_sign_in = False
    resource: ClassVar[str] = ""
    action: ClassVar[str] = "read"
    tab: ClassVar[str] = ""
    """The key of the tab (:mod:`apps.portal.navigation`) that is marked as the current one."""

    project: Project

    def check(self, request: HttpRequest) -> None:
        """The project first: one that is hidden from the caller is not there."""
        super().check(request)
        self.project = project_require(
            actor=self.actor,
            name_or_id=str(self.kwargs["project_id"]),
            resource=self.resource,
            action=self.action,
        )

    def may(self, resource: str, action: str, *, repository: str = "") -> bool:
        """Whether the caller may do this in the project (in the repository, named without the project)."""
        return self.actor.can_project(
            self.project.pk,
            public=self.project.public,
            resource=resource,
            action=action,
            repository=repository,
        )

    def render(self, template: str = "", *, status: int = HTTPStatus.OK, **context: Any) -> HttpResponse:
        """As every page, with the project and its tabs."""
        tabs: list[NavigationItem] = project_navigation(self.actor, self.project, self.tab)
        shown = {"project": self.project, "tabs": tabs, "layout": "portal/project.html"}
        return super().render(template, status=status, **{**shown, **context})


class FormMixin:
    """A page that is a form: ``GET`` shows it, ``POST`` saves it and goes on, or shows it again with what is wrong.

    Comes before :class:`PortalView` (or a subclass of it) among the bases.
    """

    template = "portal/form.html"
    form_class: type[Form]
    title: str = ""
    submit: str = ""
    """The words on the button; "" for Save."""

    # What the class it is mixed into brings.
    resource_type: ClassVar[str]
    request: HttpRequest
    kwargs: dict[str, Any]
    render: Callable[..., HttpResponse]
    home_url: Callable[[], str]

    def initial(self) -> Mapping[str, Any]:
        """What the form shows at first."""
        return {}

    def form_arguments(self) -> Mapping[str, Any]:
        """Further arguments of the form's class."""
        return {}

    def extra(self) -> Mapping[str, Any]:
        """Further context of the page."""
        return {}

    def save(self, form: Any) -> HttpResponse:
        """Do it, with a form that is valid. A :class:`DomainError` is shown above the form."""
        raise NotImplementedError

    def cancel_url(self) -> str:
        """Where Cancel leads: to the page that this one belongs to."""
        return self.home_url()

    def get(self, request: HttpRequest, **words: Any) -> HttpResponse:  # noqa: ARG002 (the words are the route's)
        """The form."""
        return self.show(self.form_class(initial=dict(self.initial()), **self.form_arguments()))

    def post(self, request: HttpRequest, **words: Any) -> HttpResponse:  # noqa: ARG002
        """Save it."""
        form = self.form_class(request.POST, initial=dict(self.initial()), **self.form_arguments())
        if not form.is_valid():
            return self.show(form, HTTPStatus.UNPROCESSABLE_ENTITY)
        try:
            return self.save(form)
        except (DomainError, OciError) as error:
            status = problem_status(error)
            if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
                raise
            note_refused(self.request, error, status, self.resource_type, self.kwargs)
            form.add_error(None, problem_text(error))
            return self.show(form, status)

    def show(self, form: Form, status: int = HTTPStatus.OK) -> HttpResponse:
        """The page with this form."""
        context = {"title": self.title, "submit": self.submit or _("Save"), "cancel_url": self.cancel_url()}
        return self.render(status=status, form=form, **{**context, **self.extra()})


class ConfirmMixin:
    """A page that asks before something is done: what happens, and whether it can be undone.

    Comes before :class:`PortalView` (or a subclass of it) among the bases. ``POST`` does it.
    """

    template = "portal/confirm.html"
    is_danger = True

    resource_type: ClassVar[str]
    request: HttpRequest
    kwargs: dict[str, Any]
    render: Callable[..., HttpResponse]
    home_url: Callable[[], str]

    def question(self) -> Mapping[str, Any]:
        """``title``, ``text``, ``undo`` (how it can be taken back, or that it cannot) and ``submit``."""
        raise NotImplementedError

    def act(self) -> HttpResponse:
        """Do it and go on."""
        raise NotImplementedError

    def cancel_url(self) -> str:
        """Where Cancel leads: to the page that this one belongs to."""
        return self.home_url()

    def get(self, request: HttpRequest, **words: Any) -> HttpResponse:  # noqa: ARG002
        """The question."""
        return self.ask()

    def post(self, request: HttpRequest, **words: Any) -> HttpResponse:  # noqa: ARG002
        """Do it. What the state of things does not allow is told beside the question."""
        try:
            return self.act()
        except (DomainError, OciError) as error:
            status = problem_status(error)
            if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
                raise
            note_refused(self.request, error, status, self.resource_type, self.kwargs)
            return self.ask(problem_text(error), status)

    def ask(self, problem: str = "", status: int = HTTPStatus.OK) -> HttpResponse:
        """The page with the question, and with what went wrong."""
        return self.render(
            status=status,
            problem=problem,
            is_danger=self.is_danger,
            cancel_url=self.cancel_url(),
            **self.question(),
        )
