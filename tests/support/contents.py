"""Artifacts that are no images, made by the tests: charts, models, bundles, modules."""

import gzip
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.images import OCI_INDEX, OCI_MANIFEST, Content, Image, Index, tar_of

HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"
HELM_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
HELM_PROVENANCE = "application/vnd.cncf.helm.chart.provenance.v1.prov"
MODEL_CONFIG = "application/vnd.cncf.model.config.v1+json"
MODEL_PATH = "org.cncf.model.filepath"
Layer = tuple[Content, Mapping[str, str]]


def json_of(document: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(document, separators=(",", ":")).encode()


def make_manifest(
    config: Content,
    layers: Sequence[Layer] = (),
    *,
    config_annotations: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    **more: Any,
) -> Image:
    """A manifest that no other test has, of this config and these layers with their annotations."""
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {**config.descriptor, "annotations": dict(config_annotations or {})},
        "layers": [{**content.descriptor, "annotations": dict(notes)} for content, notes in layers],
        "annotations": {"made": os.urandom(8).hex(), **(annotations or {})},
        **more,
    }
    contents = tuple(content for content, _ in layers)
    return Image(Content(json_of(document), OCI_MANIFEST), config, contents, ())


def make_chart(
    files: Mapping[str, bytes], *, metadata: Mapping[str, Any] | None = None, name: str = "app"
) -> Image:
    """A Helm chart with ``files`` in its folder; ``metadata`` is added to what its ``Chart.yaml`` says."""
    chart = {
        "apiVersion": "v2",
        "name": name,
        "version": "1.2.3",
        "description": "A chart",
        **(metadata or {}),
    }
    everything = {f"{name}/Chart.yaml": json_of(chart)} | {
        f"{name}/{path}": data for path, data in files.items()
    }
    archive = Content(gzip.compress(tar_of(everything), mtime=0), HELM_LAYER)
    provenance = Content(os.urandom(16), HELM_PROVENANCE)
    return make_manifest(Content(json_of(chart), HELM_CONFIG), [(provenance, {}), (archive, {})])


def make_bundle(config: Mapping[str, Any]) -> Index:
    """A CNAB bundle: an index whose first child holds the config."""
    bundle = make_manifest(Content(json_of(config), "application/vnd.cnab.config.v1+json"))
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [{**bundle.manifest.descriptor, "annotations": {"io.cnab.manifest.type": "config"}}],
        "annotations": {
            "org.opencontainers.artifactType": "application/vnd.cnab.manifest.v1",
            "made": os.urandom(8).hex(),
        },
    }
    return Index(Content(json_of(document), OCI_INDEX), (bundle,))
