"""What the pages of a robot account's trusts do: whose jobs may come with their own token in place of its secret."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from apps.common.errors import NotFoundError
from apps.common.forwarding import base_url
from apps.portal.robot_views import RobotPage
from apps.portal.trust_forms import CHOICES, Choice, TrustForm
from apps.portal.views import ALWAYS, ConfirmMixin, FormMixin
from apps.robots.models import RobotTrust
from apps.robots.selectors import full_name
from apps.robots.trust_services import robot_trust_add, robot_trust_get, robot_trust_remove


class RobotTrustAdd(FormMixin, RobotPage):
    """A new one."""

    dangerous = ALWAYS

    @cached_property
    def choice(self) -> Choice:
        """The one that the path names."""
        found = next((one for one in CHOICES if one.word == self.kwargs["kind"]), None)
        if found is None:
            raise NotFoundError("there is no such form")
        return found

    @property
    def form_class(self) -> type[TrustForm]:  # type: ignore[override]
        """See :class:`FormMixin`."""
        return self.choice.form_class

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"issuer": self.choice.issuer, "audience": base_url(self.request.META), "protected": True}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        words = {"name": full_name(self.robot), "issuer": self.choice.name}
        return {
            "title": _("%(name)s trusts %(issuer)s") % words,
            "lead": _(
                "A job that this fits signs in with its own token in place of the secret, and may do what the"
                " robot account may until the token ends."
            ),
            "submit": _("Trust"),
            "layout": self.layout,
        }

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return self.robot_url("detail", self.robot.pk)

    def save(self, form: Any) -> HttpResponse:
        """Add it."""
        row = robot_trust_add(actor=self.actor, robot_id=self.robot.pk, trust=form.trust())
        return self.done(
            _("Jobs with the subject %(subject)s are trusted.") % {"subject": row.subject}, self.cancel_url()
        )


class RobotTrustRemove(ConfirmMixin, RobotPage):
    """The end of one."""

    @cached_property
    def trust(self) -> RobotTrust:
        """The one that the path names."""
        return robot_trust_get(actor=self.actor, robot_id=self.robot.pk, trust_id=self.kwargs["trust_id"])

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        words = {"subject": self.trust.subject, "issuer": self.trust.issuer}
        return {
            "layout": self.layout,
            "title": _("Trust it no more?"),
            "text": _("Jobs with the subject %(subject)s of %(issuer)s are refused at once.") % words,
            "undo": _("It can be added again."),
            "submit": _("Remove"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return self.robot_url("detail", self.robot.pk)

    def act(self) -> HttpResponse:
        """Remove it."""
        robot_trust_remove(actor=self.actor, robot_id=self.robot.pk, trust_id=self.trust.pk)
        return self.done(_("The trust is removed."), self.cancel_url())
