"""Robot accounts: those of a project, and those of the installation."""

from django.urls import path

from apps.portal.robot_forms import RobotForm, SystemRobotForm
from apps.portal.robot_views import (
    ProjectRobotPage,
    RobotCreate,
    RobotDelete,
    RobotDetail,
    RobotEdit,
    RobotList,
    RobotSecret,
    RobotSwitch,
    SystemRobotPage,
)
from apps.portal.trust_views import RobotTrustAdd, RobotTrustRemove


class RobotsPage(RobotList, SystemRobotPage):
    """``/harbor/robots``."""


class RobotPage(RobotDetail, SystemRobotPage):
    """``/harbor/robots/ROBOT``."""

    action = "read"


class RobotCreatePage(RobotCreate, SystemRobotPage):
    """``/harbor/robots/new``."""

    action = "create"
    form_class = SystemRobotForm


class RobotEditPage(RobotEdit, SystemRobotPage):
    """``/harbor/robots/ROBOT/edit``."""

    action = "update"
    form_class = SystemRobotForm


class RobotSwitchPage(RobotSwitch, SystemRobotPage):
    """``POST /harbor/robots/ROBOT/switch``."""

    action = "update"


class RobotSecretPage(RobotSecret, SystemRobotPage):
    """``/harbor/robots/ROBOT/secret``."""

    action = "update"


class RobotDeletePage(RobotDelete, SystemRobotPage):
    """``/harbor/robots/ROBOT/delete``."""

    action = "delete"


class RobotTrustAddPage(RobotTrustAdd, SystemRobotPage):
    """``/harbor/robots/ROBOT/trusts/new/KIND``."""

    action = "update"


class RobotTrustRemovePage(RobotTrustRemove, SystemRobotPage):
    """``/harbor/robots/ROBOT/trusts/TRUST/remove``."""

    action = "update"


class ProjectRobotsPage(RobotList, ProjectRobotPage):
    """``/harbor/projects/ID/robots``."""


class ProjectRobotDetailPage(RobotDetail, ProjectRobotPage):
    """``/harbor/projects/ID/robots/ROBOT``."""

    action = "read"


class ProjectRobotCreatePage(RobotCreate, ProjectRobotPage):
    """``/harbor/projects/ID/robots/new``."""

    action = "create"
    form_class = RobotForm


class ProjectRobotEditPage(RobotEdit, ProjectRobotPage):
    """``/harbor/projects/ID/robots/ROBOT/edit``."""

    action = "update"
    form_class = RobotForm


class ProjectRobotSwitchPage(RobotSwitch, ProjectRobotPage):
    """``POST /harbor/projects/ID/robots/ROBOT/switch``."""

    action = "update"


class ProjectRobotSecretPage(RobotSecret, ProjectRobotPage):
    """``/harbor/projects/ID/robots/ROBOT/secret``."""

    action = "update"


class ProjectRobotDeletePage(RobotDelete, ProjectRobotPage):
    """``/harbor/projects/ID/robots/ROBOT/delete``."""

    action = "delete"


class ProjectRobotTrustAddPage(RobotTrustAdd, ProjectRobotPage):
    """``/harbor/projects/ID/robots/ROBOT/trusts/new/KIND``."""

    action = "update"


class ProjectRobotTrustRemovePage(RobotTrustRemove, ProjectRobotPage):
    """``/harbor/projects/ID/robots/ROBOT/trusts/TRUST/remove``."""

    action = "update"


_ALL = "harbor/robots"
_ONE = f"{_ALL}/<int:robot_id>"
_OF_PROJECT = "harbor/projects/<int:project_id>/robots"
_ONE_OF_PROJECT = f"{_OF_PROJECT}/<int:robot_id>"
_NEW_TRUST = "trusts/new/<slug:kind>"
_NO_TRUST = "trusts/<int:trust_id>/remove"

urlpatterns = [
    path(_ALL, RobotsPage.as_view(), name="robots"),
    path(f"{_ALL}/new", RobotCreatePage.as_view(), name="robot-new"),
    path(_ONE, RobotPage.as_view(), name="robot-detail"),
    path(f"{_ONE}/edit", RobotEditPage.as_view(), name="robot-edit"),
    path(f"{_ONE}/switch", RobotSwitchPage.as_view(), name="robot-switch"),
    path(f"{_ONE}/secret", RobotSecretPage.as_view(), name="robot-secret"),
    path(f"{_ONE}/delete", RobotDeletePage.as_view(), name="robot-delete"),
    path(f"{_ONE}/{_NEW_TRUST}", RobotTrustAddPage.as_view(), name="robot-trust-new"),
    path(f"{_ONE}/{_NO_TRUST}", RobotTrustRemovePage.as_view(), name="robot-trust-remove"),
    path(_OF_PROJECT, ProjectRobotsPage.as_view(), name="project-robots"),
    path(f"{_OF_PROJECT}/new", ProjectRobotCreatePage.as_view(), name="project-robot-new"),
    path(_ONE_OF_PROJECT, ProjectRobotDetailPage.as_view(), name="project-robot-detail"),
    path(f"{_ONE_OF_PROJECT}/edit", ProjectRobotEditPage.as_view(), name="project-robot-edit"),
    path(f"{_ONE_OF_PROJECT}/switch", ProjectRobotSwitchPage.as_view(), name="project-robot-switch"),
    path(f"{_ONE_OF_PROJECT}/secret", ProjectRobotSecretPage.as_view(), name="project-robot-secret"),
    path(f"{_ONE_OF_PROJECT}/delete", ProjectRobotDeletePage.as_view(), name="project-robot-delete"),
    path(
        f"{_ONE_OF_PROJECT}/{_NEW_TRUST}", ProjectRobotTrustAddPage.as_view(), name="project-robot-trust-new"
    ),
    path(
        f"{_ONE_OF_PROJECT}/{_NO_TRUST}",
        ProjectRobotTrustRemovePage.as_view(),
        name="project-robot-trust-remove",
    ),
]
