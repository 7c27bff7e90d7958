"""Groups of people, and who is in them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.group_selectors import group_get, group_list, group_member_counts, group_member_list
from apps.accounts.group_services import (
    group_create,
    group_delete,
    group_member_add,
    group_member_remove,
    group_rename,
)
from apps.accounts.models import User, UserGroup
from apps.accounts.security import require_system
from apps.accounts.selectors import user_search
from apps.accounts.types import GroupType
from apps.common.errors import NotFoundError
from apps.portal.forms import PortalForm
from apps.portal.lists import Table, table_page
from apps.portal.suggestions import NamesMixin, SuggestedField, suggest_from
from apps.portal.views import ConfirmMixin, FormMixin, PortalView

_GROUPS = Table(
    order=("group_name", "id"),
    search=("group_name",),
    sorts={"name": "group_name", "kind": "group_type", "created": "creation_time"},
)
_PEOPLE = Table(
    order=("username", "id"),
    search=("username", "realname"),
    sorts={"name": "username", "realname": "realname"},
)
_KINDS = {
    GroupType.LOCAL: gettext_lazy("local"),
    GroupType.LDAP: gettext_lazy("LDAP"),
    GroupType.HTTP: gettext_lazy("HTTP proxy"),
    GroupType.OIDC: gettext_lazy("OpenID Connect"),
}


class GroupsPage(PortalView):
    """``/harbor/groups``."""

    template = "portal/groups.html"
    resource_type = "usergroup"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The groups, and how many people are in each."""
        page = table_page(request, group_list(actor=self.actor), _GROUPS)
        counts = group_member_counts(group.pk for group in page.rows)
        lines = [(group, _KINDS[GroupType(group.group_type)], counts.get(group.pk, 0)) for group in page.rows]
        return self.render(
            title=_("Groups"),
            page=page,
            lines=lines,
            may_create=self.actor.can_system("user-group", "create"),
        )


class GroupForm(PortalForm):
    """The name of a group."""

    group_name = forms.CharField(label=gettext_lazy("Name"), max_length=255)


class GroupCreatePage(FormMixin, PortalView):
    """``/harbor/groups/new``."""

    form_class = GroupForm
    resource_type = "usergroup"

    def check(self, request: HttpRequest) -> None:
        """See :class:`PortalView`."""
        super().check(request)
        require_system(self.actor, "user-group", "create")

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("New group"),
            "lead": _("You choose who is in it. A project can then give the group a role."),
            "submit": _("Create"),
        }

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return reverse("portal:groups")

    def save(self, form: Any) -> HttpResponse:
        """Make it and go there."""
        group = group_create(
            actor=self.actor, group_name=form.cleaned_data["group_name"], group_type=GroupType.LOCAL
        )
        return self.done(
            _("The group %(name)s is there.") % {"name": group.group_name},
            reverse("portal:group", args=[group.pk]),
        )


class _OneGroupPage(PortalView):
    """A page of one group; ``action`` is what one must be allowed to do to groups."""

    resource_type = "usergroup"
    action = "update"
    group: UserGroup

    def check(self, request: HttpRequest) -> None:
        """See :class:`PortalView`."""
        super().check(request)
        require_system(self.actor, "user-group", self.action)
        self.group = group_get(actor=self.actor, group_id=self.kwargs["group_id"])

    def own_url(self) -> str:
        """The page of the group."""
        return reverse("portal:group", args=[self.group.pk])


class GroupPage(_OneGroupPage):
    """``/harbor/groups/ID``."""

    template = "portal/group.html"
    action = "read"

    def get(self, request: HttpRequest, **_words: Any) -> HttpResponse:
        """The people who are in it."""
        kind = GroupType(self.group.group_type)
        may_change = self.actor.can_system("user-group", "update")
        return self.render(
            title=self.group.group_name,
            group=self.group,
            kind=_KINDS[kind],
            page=table_page(request, group_member_list(actor=self.actor, group_id=self.group.pk), _PEOPLE),
            may_rename=may_change,
            may_change_people=may_change and kind == GroupType.LOCAL,
            may_delete=self.actor.can_system("user-group", "delete"),
        )


class GroupRenamePage(FormMixin, _OneGroupPage):
    """``/harbor/groups/ID/edit``."""

    form_class = GroupForm

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"group_name": self.group.group_name}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"title": _("Rename the group"), "submit": _("Rename")}

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return self.own_url()

    def save(self, form: Any) -> HttpResponse:
        """Change the name."""
        name = form.cleaned_data["group_name"]
        group_rename(actor=self.actor, group_id=self.group.pk, group_name=name)
        return self.done(_("The group is called %(name)s now.") % {"name": name}, self.own_url())


class GroupDeletePage(ConfirmMixin, _OneGroupPage):
    """``/harbor/groups/ID/delete``."""

    action = "delete"

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("Delete the group %(name)s?") % {"name": self.group.group_name},
            "text": _("Its people lose the roles in projects that they have by it. The people stay."),
            "undo": _("This cannot be undone."),
            "submit": _("Delete"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return self.own_url()

    def act(self) -> HttpResponse:
        """Delete it."""
        group_delete(actor=self.actor, group_id=self.group.pk)
        return self.done(
            _("The group %(name)s is deleted.") % {"name": self.group.group_name}, reverse("portal:groups")
        )


class GroupMemberForm(PortalForm):
    """A person for a group."""

    username = SuggestedField(label=gettext_lazy("User name"))

    def __init__(self, *args: Any, names_url: str, **options: Any) -> None:
        super().__init__(*args, **options)
        suggest_from(self.fields["username"], names_url)


class GroupMemberAddPage(FormMixin, _OneGroupPage):
    """``/harbor/groups/ID/members/new``."""

    form_class = GroupMemberForm

    def form_arguments(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"names_url": reverse("portal:group-member-names", args=[self.group.pk])}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("Add a person to %(name)s") % {"name": self.group.group_name},
            "submit": _("Add"),
        }

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return self.own_url()

    def save(self, form: Any) -> HttpResponse:
        """Put the person in."""
        name = form.cleaned_data["username"]
        try:
            user = group_member_add(actor=self.actor, group_id=self.group.pk, username=name)
        except NotFoundError:
            form.add_error("username", _("There is nobody of this name."))
            return self.show(form, 422)
        return self.done(
            _("%(person)s is in the group %(group)s now.")
            % {"person": user.username, "group": self.group.group_name},
            self.own_url(),
        )


class GroupMemberNamesPage(NamesMixin, _OneGroupPage):
    """``/harbor/groups/ID/members/names?username=…``."""

    field = "username"

    def names(self, text: str, most: int) -> Iterable[str]:
        """See :class:`NamesMixin`; those who are in the group already are not named."""
        inside = group_member_list(actor=self.actor, group_id=self.group.pk).values("pk")
        people = user_search(actor=self.actor, name=text).exclude(pk__in=inside)
        return people.values_list("username", flat=True)[:most]


class GroupMemberRemovePage(ConfirmMixin, _OneGroupPage):
    """``/harbor/groups/ID/members/USER/remove``."""

    member: User

    def check(self, request: HttpRequest) -> None:
        """See :class:`PortalView`."""
        super().check(request)
        people = group_member_list(actor=self.actor, group_id=self.group.pk)
        member = people.filter(pk=self.kwargs["user_id"]).first()
        if member is None:
            raise NotFoundError(f"user {self.kwargs['user_id']} is not in the group {self.group.group_name}")
        self.member = member

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "title": _("Take %(person)s out of the group %(group)s?")
            % {"person": self.member.username, "group": self.group.group_name},
            "text": _("This person loses the roles in projects that they have by the group."),
            "undo": _("You can add them again at any time."),
            "submit": _("Take out"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return self.own_url()

    def act(self) -> HttpResponse:
        """Take the person out."""
        group_member_remove(actor=self.actor, group_id=self.group.pk, user_id=self.member.pk)
        return self.done(
            _("%(person)s is no longer in the group %(group)s.")
            % {"person": self.member.username, "group": self.group.group_name},
            self.own_url(),
        )


urlpatterns = [
    path("harbor/groups", GroupsPage.as_view(), name="groups"),
    path("harbor/groups/new", GroupCreatePage.as_view(), name="group-new"),
    path("harbor/groups/<int:group_id>", GroupPage.as_view(), name="group"),
    path("harbor/groups/<int:group_id>/edit", GroupRenamePage.as_view(), name="group-edit"),
    path("harbor/groups/<int:group_id>/delete", GroupDeletePage.as_view(), name="group-delete"),
    path("harbor/groups/<int:group_id>/members/new", GroupMemberAddPage.as_view(), name="group-member-new"),
    path(
        "harbor/groups/<int:group_id>/members/names",
        GroupMemberNamesPage.as_view(),
        name="group-member-names",
    ),
    path(
        "harbor/groups/<int:group_id>/members/<int:user_id>/remove",
        GroupMemberRemovePage.as_view(),
        name="group-member-remove",
    ),
]
