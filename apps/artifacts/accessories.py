"""Artifacts that say something about another one (their subject): signatures, SBOMs, accelerated images."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.oci.manifests import Manifest
from apps.oci.media_types import DOCKER_CONFIG, OCI_CONFIG

COSIGN = "signature.cosign"
NOTATION = "signature.notation"
NYDUS = "accelerator.nydus"
SBOM = "sbom.harbor"
OTHER = "subject.accessory"

# By the artifact type of a manifest with a subject (its config's type where it names none).
_TYPES: Mapping[str, str] = {
    "application/vnd.dev.cosign.artifact.sig.v1+json": COSIGN,
    "application/vnd.dev.sigstore.bundle.v0.3+json": COSIGN,
    "application/vnd.cncf.notary.signature": NOTATION,
    "application/vnd.goharbor.harbor.sbom.v1": SBOM,
}
_NYDUS_BOOTSTRAP = "containerd.io/snapshot/nydus-bootstrap"
_COSIGN_LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"
_COSIGN_TAG = re.compile(r"sha256-(?P<hex>[0-9a-f]{64})\.sig\Z")

HARD_TYPES = frozenset({COSIGN, NOTATION, NYDUS, SBOM})
"""Accessories that go where their subject goes and cannot be copied alone."""


@dataclass(frozen=True, slots=True)
class AccessoryLink:
    """What an accessory is about and of which type it is."""

    subject_digest: str
    type: str


def accessory_link(manifest: Manifest, tags: Sequence[str]) -> AccessoryLink | None:
    """The link of a manifest pushed with ``tags``; None for one that is no accessory.

    A manifest names its subject, or is tagged as older versions of cosign do: ``sha256-<hex>.sig``.
    """
    if manifest.subject is not None:
        return AccessoryLink(str(manifest.subject.digest), _type(manifest))
    found = next((match for tag in tags if (match := _COSIGN_TAG.match(tag))), None)
    if found is None or not any(layer.media_type == _COSIGN_LAYER for layer in manifest.layers):
        return None
    return AccessoryLink(f"sha256:{found['hex']}", COSIGN)


def _type(manifest: Manifest) -> str:
    artifact_type = manifest.artifact_type or ""
    if (
        artifact_type in {OCI_CONFIG, DOCKER_CONFIG}
        and manifest.layers
        and _NYDUS_BOOTSTRAP in manifest.layers[-1].annotations
    ):
        return NYDUS
    return _TYPES.get(artifact_type, OTHER)
