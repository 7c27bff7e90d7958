"""An artifact: what it is, what hangs on it, what it is part of, and whether it can be pulled."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.artifacts.build_steps import moment_written
from apps.artifacts.errors import ManifestUnknownError
from apps.artifacts.models import Artifact
from apps.artifacts.platforms import platform_text, platforms_of
from apps.artifacts.selectors import artifact_list, artifact_row, tag_list
from apps.artifacts.services.activation import MAX_REASON, artifact_activate, artifact_deactivate
from apps.artifacts.services.labels import artifact_label_remove
from apps.catalog.accessories import accessory_tree, indexes_of
from apps.catalog.artifacts import labels_of
from apps.immutability.selectors import immutable_tags
from apps.portal.artifact_lines import ArtifactLine, artifact_lines
from apps.portal.forms import PortalForm
from apps.portal.lists import Table, table_page
from apps.portal.repository_views import ArtifactPage
from apps.portal.views import ConfirmMixin, FormMixin

_TAGS = Table(
    order=("-push_time", "-id"),
    search=("name",),
    sorts={"name": "name", "pushed": "push_time", "pulled": "pull_time"},
)
_MOST_ACCESSORIES = 200
_MOST_PARENTS = 50
_MOST_CHILDREN = 500
# What a container is started with, by its names in the config of an image.
_SETTINGS = ("Entrypoint", "Cmd", "User", "WorkingDir", "ExposedPorts", "Volumes", "StopSignal", "Env")


class OverviewPage(ArtifactPage):
    """``…/-/artifacts/DIGEST``."""

    template = "portal/artifact.html"
    part = "overview"

    def get(self, request: HttpRequest, **_words: object) -> HttpResponse:
        """Everything about it that one look should tell."""
        artifact = self.artifact
        page = table_page(request, tag_list(artifact), _TAGS)
        kept = immutable_tags(
            project_id=artifact.project_id,
            repository_name=self.repository.name,
            tags=[tag.name for tag in page.rows],
        )
        newest = next(iter(artifact.tags.all()), None)
        return self.render(
            page=page,
            tags=[(tag, tag.name in kept) for tag in page.rows],
            reference=newest.name if newest else artifact.digest,
            platforms=platforms_of(artifact),
            created=moment_written(artifact.extra_attrs.get("created")),
            author=_word(artifact.extra_attrs.get("author")),
            chart=_chart(artifact),
            settings=_settings(artifact),
            annotations=sorted(artifact.annotations.items()),
            labels=labels_of([artifact]).get(artifact.pk, []),
            accessories=accessory_tree(artifact, most=_MOST_ACCESSORIES),
            subject=self._subject(),
            parents=indexes_of(artifact, most=_MOST_PARENTS),
            **self._rights(),
        )

    def _subject(self) -> Artifact | None:
        """What it is an accessory of, if that is there."""
        if not self.artifact.subject_digest:
            return None
        try:
            return artifact_row(self.repository, self.artifact.subject_digest)
        except ManifestUnknownError:
            return None

    def _rights(self) -> Mapping[str, Any]:
        return {
            "may_tag": self.may_here("tag", "create"),
            "may_untag": self.may_here("tag", "delete"),
            "may_label": self.may_here("artifact-label", "create"),
            "may_unlabel": self.may_here("artifact-label", "delete"),
            "may_delete": self.may_here("artifact", "delete"),
            "may_copy": self.may_copy(),
        }


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _chart(artifact: Artifact) -> Mapping[str, str]:
    """What a Helm chart calls itself; empty for other artifacts."""
    if artifact.type != "CHART":
        return {}
    return {
        key: _word(artifact.extra_attrs.get(key)) for key in ("name", "version", "appVersion", "description")
    }


def _settings(artifact: Artifact) -> list[tuple[str, list[str]]]:
    """What an image says about how it is run: names, each with its values."""
    config = artifact.extra_attrs.get("config")
    found = []
    for name in _SETTINGS if isinstance(config, dict) else ():
        value = config.get(name)
        values = list(value) if isinstance(value, list | dict) else [value] if value else []
        if texts := [text for text in values if isinstance(text, str)]:
            found.append((name, texts))
    return found


class ChildrenPage(ArtifactPage):
    """``…/children``: one step down into an index."""

    template = "portal/artifact_children.html"
    part = "children"

    def get(self, _request: HttpRequest, **_words: object) -> HttpResponse:
        """What the index lists, in its order; what the repository lacks is named too."""
        references = list(self.artifact.references.all())
        shown = references[:_MOST_CHILDREN]
        ids = [row.child_id for row in shown if row.child_id is not None]
        rows = artifact_list(self.repository).filter(pk__in=ids)
        lines: dict[int, ArtifactLine] = {
            line.artifact.pk: line for line in artifact_lines(self.repository, rows)
        }
        children = [
            (row, platform_text(row.platform), lines.get(row.child_id) if row.child_id else None)
            for row in shown
        ]
        return self.render(children=children, is_cut=len(references) > len(shown))


class LabelRemovePage(ConfirmMixin, ArtifactPage):
    """``…/labels/ID/remove``."""

    resource = "artifact-label"
    action = "delete"
    is_danger = False

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        label_id = self.kwargs["label_id"]
        names = [
            label.name
            for label in labels_of([self.artifact]).get(self.artifact.pk, [])
            if label.pk == label_id
        ]
        return {
            "layout": "portal/repository.html",
            "title": _("Take the label off?"),
            "text": _("Label: %(name)s") % {"name": names[0] if names else label_id},
            "undo": _("It can be put on again."),
            "submit": _("Take off"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return self.artifact_url()

    def act(self) -> HttpResponse:
        """Take it off."""
        artifact_label_remove(
            actor=self.actor,
            repository_name=self.repository.name,
            reference=self.artifact.digest,
            label_id=self.kwargs["label_id"],
        )
        return self.done(_("The label is taken off."), self.artifact_url())


class DeactivateForm(PortalForm):
    """Why nobody is to pull it."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=MAX_REASON,
        required=False,
        help_text=gettext_lazy("Optional. Told to those who try to pull it, and kept in the audit log."),
    )


class DeactivatePage(FormMixin, ArtifactPage):
    """``…/deactivate``."""

    action = "delete"
    form_class = DeactivateForm

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "layout": "portal/repository.html",
            "title": _("Deactivate the artifact?"),
            "lead": _(
                "It stays with all its tags, and nobody can pull it any more. Who tries is told that you have"
                " deactivated it. It can be activated again at any time."
            ),
            "submit": _("Deactivate"),
        }

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return self.artifact_url()

    def save(self, form: Any) -> HttpResponse:
        """Refuse its pulls from now on."""
        artifact_deactivate(
            actor=self.actor,
            repository_name=self.repository.name,
            reference=self.artifact.digest,
            reason=form.cleaned_data["reason"],
        )
        return self.done(_("The artifact is deactivated."), self.artifact_url())


class ActivatePage(ConfirmMixin, ArtifactPage):
    """``…/activate``."""

    action = "delete"
    is_danger = False

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "layout": "portal/repository.html",
            "title": _("Activate the artifact?"),
            "text": _("It can be pulled again from now on."),
            "submit": _("Activate"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return self.artifact_url()

    def act(self) -> HttpResponse:
        """Let it be pulled again."""
        artifact_activate(
            actor=self.actor, repository_name=self.repository.name, reference=self.artifact.digest
        )
        return self.done(_("The artifact can be pulled again."), self.artifact_url())


_HERE = "harbor/projects/<int:project_id>/repositories/<repo:repository>/-/artifacts/<reference:digest>"

urlpatterns = [
    path(_HERE, OverviewPage.as_view(), name="artifact"),
    path(f"{_HERE}/children", ChildrenPage.as_view(), name="artifact-children"),
    path(f"{_HERE}/labels/<int:label_id>/remove", LabelRemovePage.as_view(), name="artifact-label-remove"),
    path(f"{_HERE}/deactivate", DeactivatePage.as_view(), name="artifact-deactivate"),
    path(f"{_HERE}/activate", ActivatePage.as_view(), name="artifact-activate"),
]
