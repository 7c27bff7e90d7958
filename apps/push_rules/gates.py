"""Push rules as one gate: for a push, a copy and a restore alike."""

from collections.abc import Iterator

from apps.artifacts.gates import GateRefusedError, Push
from apps.artifacts.selectors import children_find, repository_find
from apps.common.patterns import any_matches
from apps.oci.manifests import Descriptor, Manifest
from apps.oci.media_types import is_foreign_layer
from apps.push_rules.selectors import push_rules_of
from apps.push_rules.types import ALLOW_ALL, PushRulesValues


class PushRulesGate:
    """Implements :class:`apps.artifacts.gates.PushGate`."""

    def check_push(self, push: Push) -> None:
        """Raise for the first rule that the manifest breaks; no SQL when warm, but for an index where all must be there."""
        project_name = push.repository_name.partition("/")[0]
        rules = push_rules_of(project_id=push.project_id, project_name=project_name)
        if rules == ALLOW_ALL:
            return
        if problem := _problem(rules, push):
            raise GateRefusedError(
                f"the push rules of project {project_name} refuse this manifest: {problem}."
                " Push one that keeps to the rules, or ask a project administrator to change them."
            )


def _problem(rules: PushRulesValues, push: Push) -> str:
    """What is wrong with the push, in words; "" for nothing."""
    manifest = push.manifest
    if rules.media_types:
        for where, media_type in _media_types(manifest):
            if not any_matches(rules.media_types, media_type):
                return f"the {where} type {media_type} is not allowed (media_types)"
    missing = [key for key in rules.required_annotations if not manifest.annotations.get(key)]
    if missing:
        return f"it lacks the annotations {', '.join(missing)} (required_annotations)"
    if not rules.allow_foreign_urls:
        for descriptor in _descriptors(manifest):
            if descriptor.urls or is_foreign_layer(descriptor.media_type):
                return f"the content of {descriptor.digest} is to be had from elsewhere (allow_foreign_urls)"
    if not rules.allow_sparse_indexes and (absent := _absent_children(push)):
        return f"{absent} is not in {push.repository_name}, push it first (allow_sparse_indexes)"
    return ""


def _media_types(manifest: Manifest) -> Iterator[tuple[str, str]]:
    yield "manifest", manifest.media_type
    if manifest.artifact_type:
        yield "artifact", manifest.artifact_type
    if manifest.config is not None:
        yield "config", manifest.config.media_type
    for layer in manifest.layers:
        yield "layer", layer.media_type


def _descriptors(manifest: Manifest) -> Iterator[Descriptor]:
    if manifest.config is not None:
        yield manifest.config
    yield from manifest.layers
    yield from manifest.manifests


def _absent_children(push: Push) -> str:
    """The digest of a child that the repository does not hold; "" for none."""
    wanted = [str(child.digest) for child in push.manifest.manifests]
    if not wanted:
        return ""
    repository = repository_find(push.repository_name)
    there = children_find(repository.id, wanted) if repository else {}
    return next((digest for digest in wanted if digest not in there), "")
