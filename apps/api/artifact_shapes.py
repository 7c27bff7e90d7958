"""How an artifact looks on the wire, with all that hangs on it."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.api.labels import LabelShape
from apps.api.shapes import OptionalTimeField, Shape, TimeField
from apps.api.tags import TagShape
from apps.artifacts.additions import addition_names
from apps.artifacts.icons import icon_digest
from apps.artifacts.models import Artifact
from apps.catalog.artifacts import accessory_of
from apps.oci.media_types import INDEX_TYPES

_NAMES = serializers.ListField(child=serializers.CharField())
_ANNOTATIONS = serializers.DictField(child=serializers.CharField())
# Harbor's description writes these two names with quotes; its answers are without.
_DOTTED = ("os.version", "os.features")


class PlatformShape(Shape):
    architecture = serializers.CharField()
    os = serializers.CharField()
    variant = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        """Two of the keys have a dot, which no attribute can have."""
        fields: dict[str, Any] = super().get_fields()
        fields["'os.version'"] = serializers.CharField(source="os_version")
        fields["'os.features'"] = serializers.ListField(child=serializers.CharField(), source="os_features")
        return fields

    def to_representation(self, instance: dict[str, Any]) -> dict[str, Any]:
        """The platform of a descriptor, as it was pushed."""
        known = {name: instance.get(name, "") for name in ("architecture", "os", "variant")}
        dotted = {name.replace(".", "_"): instance.get(name) for name in _DOTTED}
        shown = super().to_representation(known | dotted)
        shown = {name.strip("'"): value for name, value in shown.items()}
        return shown | {"os.features": instance.get("os.features") or None}


class ReferenceShape(Shape):
    parent_id = serializers.IntegerField()
    child_id = serializers.IntegerField()
    child_digest = serializers.CharField()
    platform = PlatformShape()
    annotations = _ANNOTATIONS
    urls = _NAMES


class AccessoryShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset(
        {"artifact_id", "subject_artifact_digest", "subject_artifact_repo", "size", "digest", "type", "icon"}
    )

    id = serializers.IntegerField()
    artifact_id = serializers.IntegerField()
    subject_artifact_id = serializers.IntegerField()
    subject_artifact_digest = serializers.CharField()
    subject_artifact_repo = serializers.CharField()
    size = serializers.IntegerField()
    digest = serializers.CharField()
    type = serializers.CharField()
    icon = serializers.CharField()
    creation_time = TimeField()


class AccessoryRowShape(AccessoryShape):
    """Of the accessory's own row; context ``subject_id``: that of the artifact which it is about."""

    def to_representation(self, instance: Artifact) -> dict[str, Any]:
        """The row as the accessory that it is."""
        return super().to_representation(accessory_of(instance, self.context["subject_id"]))


class ScannerNameShape(Shape):
    name = serializers.CharField()
    vendor = serializers.CharField()
    version = serializers.CharField()


class SbomOverviewShape(Shape):
    start_time = TimeField()
    end_time = TimeField()
    scan_status = serializers.CharField()
    sbom_digest = serializers.CharField()
    report_id = serializers.CharField()
    duration = serializers.IntegerField()
    scanner = ScannerNameShape()


class ArtifactShape(Shape):
    """Context: see :meth:`apps.api.artifacts.ArtifactListing.shape_context`."""

    id = serializers.IntegerField()
    type = serializers.CharField()
    media_type = serializers.CharField(source="config_media_type")
    manifest_media_type = serializers.CharField(source="media_type")
    artifact_type = serializers.CharField()
    project_id = serializers.IntegerField()
    repository_id = serializers.IntegerField()
    repository_name = serializers.SerializerMethodField()
    digest = serializers.CharField()
    size = serializers.IntegerField()
    icon = serializers.SerializerMethodField()
    push_time = TimeField()
    pull_time = TimeField()
    deactivated_at = OptionalTimeField()
    deactivated_by = serializers.CharField()
    deactivated_reason = serializers.CharField()
    extra_attrs = serializers.DictField()
    annotations = serializers.DictField(child=serializers.CharField())
    references = ReferenceShape(many=True)
    tags = serializers.SerializerMethodField()
    addition_links = serializers.SerializerMethodField()
    labels = serializers.SerializerMethodField()
    scan_overview = serializers.SerializerMethodField()
    sbom_overview = serializers.SerializerMethodField()
    accessories = serializers.SerializerMethodField()
    inherited_accessories = serializers.SerializerMethodField()

    def to_representation(self, instance: Artifact) -> dict[str, Any]:
        """Unlike other lists this one is left out when it is empty."""
        shown = super().to_representation(instance)
        if shown["inherited_accessories"] is None:
            del shown["inherited_accessories"]
        return shown

    def get_repository_name(self, artifact: Artifact) -> str:
        """With the project's."""
        names: dict[int, str] = self.context["repository_names"]
        return names[artifact.repository_id]

    def get_icon(self, artifact: Artifact) -> str:
        """The digest of its own picture, or of that of its type."""
        return artifact.icon or icon_digest(artifact.type)

    @extend_schema_field(TagShape(many=True))
    def get_tags(self, artifact: Artifact) -> list[Any]:
        """Newest first, from the prefetched rows."""
        if not self.context["with_tag"]:
            return []
        return _shown(self.context, TagShape, artifact.tags.all())

    @extend_schema_field(serializers.DictField())
    def get_addition_links(self, artifact: Artifact) -> dict[str, Any]:
        """Where its additions are, relative to this server."""
        project, _, path = self.get_repository_name(artifact).partition("/")
        place = f"/api/v2.0/projects/{project}/repositories/{path.replace('/', '%252F')}"
        names = addition_names(artifact.type, is_index=artifact.media_type in INDEX_TYPES)
        return {
            name: {"absolute": False, "href": f"{place}/artifacts/{artifact.digest}/additions/{name}"}
            for name in names
        }

    @extend_schema_field(LabelShape(many=True))
    def get_labels(self, artifact: Artifact) -> list[Any]:
        """In the order in which they were put on."""
        return _shown(self.context, LabelShape, self.context["labels"].get(artifact.pk, ()))

    @extend_schema_field(serializers.DictField())
    def get_scan_overview(self, _artifact: Artifact) -> None:
        """Nothing, as long as no scanner has looked."""
        return

    @extend_schema_field(SbomOverviewShape())
    def get_sbom_overview(self, _artifact: Artifact) -> None:
        """Nothing, as long as no scanner has looked."""
        return

    @extend_schema_field(AccessoryShape(many=True))
    def get_accessories(self, artifact: Artifact) -> list[Any]:
        """Signatures and the like."""
        return _shown(self.context, AccessoryShape, self.context["accessories"].get(artifact.pk, ()))

    @extend_schema_field(AccessoryShape(many=True))
    def get_inherited_accessories(self, artifact: Artifact) -> list[Any]:
        """Those of the indexes that it is a child of."""
        return _shown(self.context, AccessoryShape, self.context["inherited"].get(artifact.pk, ()))


def _shown(context: Mapping[str, Any], shape: type[Shape], rows: Iterable[Any]) -> list[Any]:
    """What hangs on one artifact. A shape is made once for all artifacts: that costs more than using it."""
    shapes: dict[type[Shape], Shape] = context["shapes"]
    if shape not in shapes:
        shapes[shape] = shape(context=context)
    return [shapes[shape].to_representation(row) for row in rows]
