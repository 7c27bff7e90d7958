"""The members of a project: people and groups with their roles."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.group_selectors import group_search
from apps.accounts.selectors import user_search
from apps.common.errors import NotFoundError
from apps.portal.errors import problem_text
from apps.portal.forms import LinesField, PortalForm
from apps.portal.lists import Table, table_page
from apps.portal.suggestions import NamesMixin, SuggestedField, suggest_from
from apps.portal.views import ConfirmMixin, FormMixin, ProjectPage
from apps.projects.member_services import member_add, member_delete, member_update
from apps.projects.models import Member
from apps.projects.roles import ROLE_RANK
from apps.projects.selectors import member_get, member_list
from apps.projects.types import Role

_MEMBERS = Table(
    order=("entity_name", "id"),
    search=("entity_name",),
    sorts={"name": "entity_name", "since": "creation_time"},
)

_ROLE_TEXTS = {
    Role.PROJECT_ADMIN: gettext_lazy("Project admin: everything, members and settings too"),
    Role.MAINTAINER: gettext_lazy("Maintainer: pushes and deletes, keeps rules and labels"),
    Role.DEVELOPER: gettext_lazy("Developer: pulls and pushes"),
    Role.GUEST: gettext_lazy("Guest: pulls, sees members and robot accounts"),
    Role.LIMITED_GUEST: gettext_lazy("Limited guest: pulls, and sees nothing of the people"),
}


class RoleForm(PortalForm):
    """What a member may do, and in which repositories."""

    role = forms.TypedChoiceField(
        label=gettext_lazy("Role"),
        coerce=int,
        choices=[(int(role), _ROLE_TEXTS[role]) for role in ROLE_RANK],
        widget=forms.RadioSelect,
    )
    pull_patterns = LinesField(
        label=gettext_lazy("Repositories to pull from"),
        help_text=gettext_lazy(
            "Patterns without the project, one on each line, such as base/**. Empty for every repository."
        ),
    )
    push_patterns = LinesField(
        label=gettext_lazy("Repositories to push to"),
        help_text=gettext_lazy(
            "Patterns as above, for everything that changes a repository. Empty for every one."
        ),
    )


class MemberForm(RoleForm):
    """Somebody new. The field suggests names where there is JavaScript."""

    name = SuggestedField()

    field_order = ("name", "role", "pull_patterns", "push_patterns")

    def __init__(self, *args: Any, label: str, names_url: str, **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["name"]
        field.label = label
        suggest_from(field, names_url)


class MembersPage(ProjectPage):
    """``/harbor/projects/ID/members``."""

    resource = "member"
    action = "list"
    tab = "members"
    template = "portal/members.html"
    resource_type = "member"

    def get(self, request: HttpRequest, **_words: Any) -> HttpResponse:
        """Everybody, by name."""
        page = table_page(request, member_list(actor=self.actor, project=self.project), _MEMBERS)
        return self.render(
            title=_("Members"),
            page=page,
            may_add=self.may("member", "create"),
            may_change=self.may("member", "update"),
            may_remove=self.may("member", "delete"),
        )


class _MemberFormPage(FormMixin, ProjectPage):
    resource = "member"
    tab = "members"
    resource_type = "member"

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return reverse("portal:project-members", args=[self.project.pk])


class MemberCreatePage(_MemberFormPage):
    """``/harbor/projects/ID/members/new/KIND``: a person or a group."""

    action = "create"
    form_class = MemberForm
    is_group = False

    def form_arguments(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        kind = "group" if self.is_group else "person"
        return {
            "label": _("Name of the group") if self.is_group else _("User name"),
            "names_url": reverse(f"portal:project-member-names-{kind}", args=[self.project.pk]),
        }

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"role": int(Role.DEVELOPER)}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("Add a group") if self.is_group else _("Add a person"),
            "submit": _("Add"),
            "layout": "portal/project.html",
        }

    def save(self, form: Any) -> HttpResponse:
        """Add them."""
        values = dict(form.cleaned_data)
        name = values.pop("name")
        whom = {"group_name": name} if self.is_group else {"username": name}
        try:
            member_add(actor=self.actor, project_id=self.project.pk, **whom, **values)
        except NotFoundError as error:
            # Nobody of this name: what is wrong is the form, not the address.
            form.add_error("name", problem_text(error))
            return self.show(form, 422)
        return self.done(_("%(name)s is a member now.") % {"name": name}, self.cancel_url())


class MemberNamesPage(NamesMixin, ProjectPage):
    """``/harbor/projects/ID/members/names/KIND?name=…``: names of people or groups."""

    resource = "member"
    action = "create"
    resource_type = "member"
    is_group = False

    def names(self, text: str, most: int) -> Iterable[str]:
        """See :class:`NamesMixin`."""
        if self.is_group:
            return group_search(actor=self.actor, name=text).values_list("group_name", flat=True)[:most]
        return user_search(actor=self.actor, name=text).values_list("username", flat=True)[:most]


class _OneMember(ProjectPage):
    resource = "member"
    tab = "members"
    resource_type = "member"

    @cached_property
    def member(self) -> Member:
        """The membership that the path names."""
        return member_get(actor=self.actor, project=self.project, member_id=self.kwargs["member_id"])

    @property
    def name(self) -> str:
        """Who it is."""
        return str(self.member.user or self.member.group)


class MemberEditPage(FormMixin, _OneMember):
    """``/harbor/projects/ID/members/MEMBER``."""

    action = "update"
    form_class = RoleForm

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return reverse("portal:project-members", args=[self.project.pk])

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        member = self.member
        return {
            "role": member.role,
            "pull_patterns": member.pull_patterns,
            "push_patterns": member.push_patterns,
        }

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("What %(name)s may do") % {"name": self.name},
            "layout": "portal/project.html",
        }

    def save(self, form: Any) -> HttpResponse:
        """Change it."""
        member_update(
            actor=self.actor, project_id=self.project.pk, member_id=self.member.pk, **form.cleaned_data
        )
        return self.done(_("%(name)s has the new role.") % {"name": self.name}, self.cancel_url())


class MemberRemovePage(ConfirmMixin, _OneMember):
    """``/harbor/projects/ID/members/MEMBER/remove``."""

    action = "delete"

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return reverse("portal:project-members", args=[self.project.pk])

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "layout": "portal/project.html",
            "title": _("Remove %(name)s from the project?") % {"name": self.name},
            "text": _("What this membership allows ends at once. The account itself stays."),
            "undo": _("You can add the member again at any time."),
            "submit": _("Remove"),
        }

    def act(self) -> HttpResponse:
        """Remove them."""
        name, project_id = self.name, self.project.pk
        member_delete(actor=self.actor, project_id=project_id, member_id=self.member.pk)
        url = self.cancel_url() if self.may("member", "list") else reverse("portal:projects")
        return self.done(_("%(name)s is no longer a member.") % {"name": name}, url)


_PATH = "harbor/projects/<int:project_id>/members"

urlpatterns = [
    path(_PATH, MembersPage.as_view(), name="project-members"),
    path(f"{_PATH}/new/person", MemberCreatePage.as_view(), name="project-member-new"),
    path(f"{_PATH}/new/group", MemberCreatePage.as_view(is_group=True), name="project-member-new-group"),
    path(f"{_PATH}/names/person", MemberNamesPage.as_view(), name="project-member-names-person"),
    path(f"{_PATH}/names/group", MemberNamesPage.as_view(is_group=True), name="project-member-names-group"),
    path(f"{_PATH}/<int:member_id>", MemberEditPage.as_view(), name="project-member-edit"),
    path(f"{_PATH}/<int:member_id>/remove", MemberRemovePage.as_view(), name="project-member-remove"),
]
