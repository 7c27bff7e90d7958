"""What the pages of robot accounts do, whether they are of a project or of the installation."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.security import require_system
from apps.common.errors import NotFoundError
from apps.common.forwarding import base_url
from apps.config.selectors import system_settings
from apps.portal.commands import login_commands, registry_at
from apps.portal.errors import problem_text
from apps.portal.forms import PasswordField, PortalForm
from apps.portal.lists import Table, table_page
from apps.portal.permissions import Granted, granted
from apps.portal.robot_forms import RobotForm, boxes_of
from apps.portal.trust_forms import CHOICES
from apps.portal.views import ALWAYS, ConfirmMixin, FormMixin, PortalView, ProjectPage
from apps.projects.types import ProjectRef
from apps.robots.constants import FOR_EVER, PROJECT, SYSTEM
from apps.robots.models import Robot
from apps.robots.selectors import full_name, is_expired, name_prefix, robot_get, robot_list
from apps.robots.services import robot_create, robot_delete, robot_secret_refresh, robot_update
from apps.robots.trust_services import robot_trust_list
from apps.robots.types import permissions_from_json

_ROBOTS = Table(
    order=("name", "id"),
    search=("name", "description"),
    sorts={"name": "name", "created": "creation_time"},
)


class RobotPage(PortalView):
    """What pages of both levels share. ``layout`` is the template around the page."""

    resource_type = "robot"
    layout = "portal/base.html"
    level = SYSTEM
    owner: ProjectRef | None = None
    """The project whose robot accounts these are."""

    def may_robot(self, action: str) -> bool:
        """Whether the caller may do this with robot accounts of the level."""
        return self.actor.can_system("robot", action)

    def list_url(self) -> str:
        """The list of the level."""
        return reverse("portal:robots")

    def robot_url(self, name: str, *words: int | str) -> str:
        """Another page of the level, by the end of its name."""
        return reverse(f"portal:robot-{name}", args=words)

    @cached_property
    def robot(self) -> Robot:
        """The robot account that the path names."""
        robot = robot_get(actor=self.actor, robot_id=self.kwargs["robot_id"])
        if robot.project_id != (None if self.owner is None else self.owner.id):
            raise NotFoundError("robot account not found")
        return robot

    def save_robot(self, **changes: Any) -> Robot:
        """Change the robot account of the path: what is not named stays."""
        robot = self.robot
        values = {
            "permissions": permissions_from_json(robot.permissions),
            "description": robot.description,
            "disable": robot.disable,
            **changes,
        }
        return robot_update(
            actor=self.actor, robot_id=robot.pk, name=full_name(robot), level=self.level, **values
        )

    def show_secret(self, robot: Robot, secret: str) -> HttpResponse:
        """The only page that ever shows it: the answer to the request that made it."""
        name = full_name(robot)
        registry = registry_at(base_url(self.request.META))
        return self.render(
            "portal/secret.html",
            layout=self.layout,
            title=_("The secret of %(name)s") % {"name": name},
            username=name,
            secret=secret,
            registry=registry,
            clients=login_commands(registry, name),
            back_url=self.list_url(),
        )


class SystemRobotPage(RobotPage):
    """A page of the installation's robot accounts."""

    action = "list"

    def check(self, request: HttpRequest) -> None:
        """See :class:`PortalView`."""
        super().check(request)
        require_system(self.actor, "robot", self.action)


class ProjectRobotPage(RobotPage, ProjectPage):
    """A page of a project's robot accounts."""

    resource = "robot"
    action = "list"
    tab = "robots"
    layout = "portal/project.html"
    level = PROJECT
    needs_sign_in = False

    def check(self, request: HttpRequest) -> None:
        """See :class:`ProjectPage`."""
        super().check(request)
        self.owner = self.project.ref

    def may_robot(self, action: str) -> bool:
        """See :class:`RobotPage`."""
        return self.may("robot", action)

    def list_url(self) -> str:
        """See :class:`RobotPage`."""
        return reverse("portal:project-robots", args=[self.project.pk])

    def robot_url(self, name: str, *words: int | str) -> str:
        """See :class:`RobotPage`."""
        return reverse(f"portal:project-robot-{name}", args=[self.project.pk, *words])


class RobotList(RobotPage):
    """The list of a level."""

    template = "portal/robots.html"

    def get(self, request: HttpRequest, **_words: Any) -> HttpResponse:
        """The robot accounts of the level, by name."""
        page = table_page(request, robot_list(actor=self.actor, project=self.owner), _ROBOTS)
        prefix = name_prefix()
        lines = [
            {
                "robot": robot,
                "name": prefix + robot.name,
                "is_expired": is_expired(robot),
                "granted": _granted(robot),
                "url": self.robot_url("detail", robot.pk),
                "edit_url": self.robot_url("edit", robot.pk),
                "switch_url": self.robot_url("switch", robot.pk),
            }
            for robot in page.rows
        ]
        return self.render(
            title=_("Robot accounts"),
            layout=self.layout,
            page=page,
            lines=lines,
            new_url=self.robot_url("new"),
            may_create=self.may_robot("create"),
            may_change=self.may_robot("update"),
        )


class RobotDetail(RobotPage):
    """One robot account."""

    template = "portal/robot.html"

    def get(self, _request: HttpRequest, **_words: Any) -> HttpResponse:
        """Everything about it but its secret."""
        robot = self.robot
        names = ("edit", "switch", "secret", "delete")
        return self.render(
            title=full_name(robot),
            layout=self.layout,
            robot=robot,
            is_expired=is_expired(robot),
            granted=_granted(robot),
            back_url=self.list_url(),
            urls={name: self.robot_url(name, robot.pk) for name in names},
            may_change=self.may_robot("update"),
            may_delete=self.may_robot("delete"),
            **self.trusts(),
        )

    def trusts(self) -> Mapping[str, Any]:
        """Whose jobs may come in its place, and the pages that change that."""
        rows = robot_trust_list(actor=self.actor, robot_id=self.robot.pk)
        lines = [
            {"row": row, "remove_url": self.robot_url("trust-remove", self.robot.pk, row.pk)} for row in rows
        ]
        choices = [
            {"name": choice.name, "url": self.robot_url("trust-new", self.robot.pk, choice.word)}
            for choice in CHOICES
        ]
        return {"trusts": lines, "choices": choices}


class RobotCreate(FormMixin, RobotPage):
    """A new one."""

    def form_arguments(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        name = "" if self.owner is None else self.owner.name
        return {"namespace": name, "is_new": True, "keeps_permissions": False}

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        days = system_settings().robot_token_duration
        return {
            "days": None if days == FOR_EVER else days,
            "never": days == FOR_EVER,
            "coverage": "every",
            "access": ["repository:pull", "repository:push"],
        }

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"title": _("New robot account"), "submit": _("Create"), "layout": self.layout}

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return self.list_url()

    def save(self, form: Any) -> HttpResponse:
        """Make it and show its secret."""
        try:
            made = robot_create(
                actor=self.actor,
                name=form.cleaned_data["name"],
                level=self.level,
                permissions=form.permissions(),
                **form.values(),
            )
        except NotFoundError as error:
            return self.show(_with_missing_project(form, error), 422)
        return self.show_secret(made.robot, made.secret)


class RobotEdit(FormMixin, RobotPage):
    """Changes to one."""

    @cached_property
    def boxes(self) -> dict[str, Any] | None:
        """The permissions as the form shows them, if it can."""
        return boxes_of(permissions_from_json(self.robot.permissions))

    def form_arguments(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        name = "" if self.owner is None else self.owner.name
        return {"namespace": name, "is_new": False, "keeps_permissions": self.boxes is None}

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        robot = self.robot
        is_endless = robot.duration == FOR_EVER
        return {
            "description": robot.description,
            "days": None if is_endless else robot.duration,
            "never": is_endless,
            "sources": robot.sources,
            **(self.boxes or {}),
        }

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        kept = _(
            "Its permissions are more than boxes can show: they differ from project to project, or deny"
            " something. They stay as they are, and can be changed by the API."
        )
        return {
            "title": _("Change %(name)s") % {"name": full_name(self.robot)},
            "layout": self.layout,
            "lead": kept if self.boxes is None else "",
        }

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return self.robot_url("detail", self.robot.pk)

    def save(self, form: Any) -> HttpResponse:
        """Change it."""
        permissions = {} if self.boxes is None else {"permissions": form.permissions()}
        try:
            robot = self.save_robot(**form.values(), **permissions)
        except NotFoundError as error:
            return self.show(_with_missing_project(form, error), 422)
        return self.done(_("%(name)s is changed.") % {"name": full_name(robot)}, self.cancel_url())


class RobotSwitch(RobotPage):
    """The button that enables and disables one."""

    http_method_names = ["post"]

    def post(self, _request: HttpRequest, **_words: Any) -> HttpResponse:
        """Enable what is disabled, and the other way round, as the button said."""
        disable = self.request.POST.get("to") == "disable"
        robot = self.save_robot(disable=disable)
        message = _("%(name)s is disabled.") if disable else _("%(name)s is enabled.")
        return self.done(message % {"name": full_name(robot)}, self.list_url())


class SecretForm(PortalForm):
    """A new secret."""

    secret = PasswordField(
        label=gettext_lazy("New secret"),
        new=True,
        required=False,
        help_text=gettext_lazy(
            "Empty for a random one, which is shown once. One of your own has 8 to 128 characters, with capital"
            " letters, small letters and digits."
        ),
    )


class RobotSecret(FormMixin, RobotPage):
    """A new secret for one."""

    form_class = SecretForm
    dangerous = ALWAYS

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("A new secret for %(name)s") % {"name": full_name(self.robot)},
            "lead": _("The old secret ends at once, and so does what was signed in with it."),
            "submit": _("Replace the secret"),
            "layout": self.layout,
        }

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return self.robot_url("detail", self.robot.pk)

    def save(self, form: Any) -> HttpResponse:
        """Replace it; only one that nobody knows yet is shown."""
        secret = robot_secret_refresh(
            actor=self.actor, robot_id=self.robot.pk, secret=form.cleaned_data["secret"]
        )
        if secret:
            return self.show_secret(self.robot, secret)
        return self.done(
            _("%(name)s has the new secret.") % {"name": full_name(self.robot)}, self.cancel_url()
        )


class RobotDelete(ConfirmMixin, RobotPage):
    """The end of one."""

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "layout": self.layout,
            "title": _("Delete the robot account %(name)s?") % {"name": full_name(self.robot)},
            "text": _("Programs that use it are refused at once."),
            "undo": _("This cannot be undone. Disable it instead if you may need it again."),
            "submit": _("Delete"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return self.robot_url("detail", self.robot.pk)

    def act(self) -> HttpResponse:
        """Delete it."""
        name = full_name(self.robot)
        robot_delete(actor=self.actor, robot_id=self.robot.pk)
        return self.done(_("The robot account %(name)s is deleted.") % {"name": name}, self.list_url())


def _granted(robot: Robot) -> list[Granted]:
    return [granted(permission) for permission in permissions_from_json(robot.permissions)]


def _with_missing_project(form: RobotForm, error: NotFoundError) -> RobotForm:
    """The form again: what is not there is a project that it names."""
    form.add_error("projects" if "projects" in form.fields else None, problem_text(error))
    return form
