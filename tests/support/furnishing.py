"""What a furnished project holds: an image of several layers, an index, a chart, a model, an SBOM, signatures."""

import gzip
import json
from dataclasses import dataclass

import httpx

from tests.support.contents import MODEL_CONFIG, MODEL_PATH, json_of, make_chart, make_manifest
from tests.support.http import RegistryClient
from tests.support.images import (
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    Content,
    Image,
    Index,
    digest_of,
    make_artifact,
    make_image,
    make_index,
    tar_of,
)

_README = b"""# Shop

The **shop** of a company.

| Value | Meaning |
| --- | --- |
| `replicas` | how many |

1. Install it
2. Look at <https://example.com/shop>
"""
_VALUES = b"replicas: 2\nimage:\n  repository: shop\n  tag: v2 # the newest\nresources: {}\n"
_DOC = "application/vnd.cncf.model.doc.v1."
_COMMANDS = (
    "/bin/sh -c #(nop) ADD file:0d8e in / ",
    "/bin/sh -c #(nop)  ENV PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8",
    "RUN /bin/sh -c apt-get update && apt-get install -y --no-install-recommends ca-certificates # buildkit",
    "COPY . /srv/shop # buildkit",
    'CMD ["/srv/shop/run" "--port" "8080"]',
)
_WITHOUT_LAYER = (1, 4)


@dataclass(frozen=True)
class Contents:
    """What was pushed; ``repository`` is that of the image, without the project."""

    repository: str
    tag: str
    image: Image
    index: Index
    chart: Image
    model: Image
    sbom: Image
    other: Image

    @property
    def escaped(self) -> str:
        """The repository as the API's paths have it."""
        return self.repository.replace("/", "%252F")

    @property
    def places(self) -> dict[str, str]:
        """Names and digests as arguments of the portal's addresses."""
        return {
            "repository": self.repository,
            "repository_escaped": self.escaped,
            "tag": self.tag,
            "digest": self.image.digest,
            "sbom_digest": self.sbom.digest,
            "index_repository": "web/proxy",
            "index_digest": self.index.digest,
            "chart_repository": "charts/shop",
            "chart_digest": self.chart.digest,
            "model_repository": "models/small",
            "model_digest": self.model.digest,
        }


def make_shop() -> Image:
    """An image with commands, settings, a user and annotations, as builders make them."""
    tars = tuple(
        tar_of({f"srv/{number}": bytes([number]) * size})
        for number, size in enumerate((90_000, 40_000, 7_000))
    )
    layers = tuple(Content(gzip.compress(tar, 1, mtime=0), OCI_LAYER) for tar in tars)
    image = make_image()
    history = [
        {
            "created": f"2026-03-0{number + 1}T10:00:00Z",
            "created_by": command,
            **({"empty_layer": True} if number in _WITHOUT_LAYER else {}),
        }
        for number, command in enumerate(_COMMANDS)
    ]
    config = json.loads(image.config.data) | {
        "created": "2026-03-05T10:00:00Z",
        "author": "Platform <platform@example.com>",
        "config": {
            "Entrypoint": ["/srv/shop/run"],
            "Cmd": ["--port", "8080"],
            "User": "shop",
            "WorkingDir": "/srv",
            "ExposedPorts": {"8080/tcp": {}},
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"],
            "Labels": {"made": digest_of(image.manifest.data)},
        },
        "rootfs": {"type": "layers", "diff_ids": [digest_of(tar) for tar in tars]},
        "history": history,
    }
    written = Content(json_of(config), OCI_CONFIG)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": written.descriptor,
        "layers": [layer.descriptor for layer in layers],
        "annotations": {
            "org.opencontainers.image.source": "https://example.com/shop",
            "org.opencontainers.image.revision": "4f2a90c",
        },
    }
    return Image(Content(json_of(manifest), OCI_MANIFEST), written, layers, tars)


def make_shop_chart() -> Image:
    """A chart with a readme, values and a dependency."""
    return make_chart(
        {"README.md": _README, "values.yaml": _VALUES},
        metadata={
            "appVersion": "2.0",
            "dependencies": [
                {
                    "name": "db",
                    "version": "1.x",
                    "repository": "https://charts.example.com",
                    "condition": "db.on",
                }
            ],
        },
        name="shop",
    )


def make_model() -> Image:
    """A model with a readme, a licence and weights."""
    layers = [
        (
            Content(gzip.compress(tar_of({"README.md": _README})), f"{_DOC}tar+gzip"),
            {MODEL_PATH: "README.md"},
        ),
        (Content(tar_of({"LICENSE": b"Apache-2.0\n"}), f"{_DOC}tar"), {MODEL_PATH: "LICENSE"}),
        (Content(b"12345" * 1000, "application/vnd.cncf.model.weight.v1.raw"), {MODEL_PATH: "weights/1.bin"}),
    ]
    config = {
        "descriptor": {"name": "small", "family": "tiny", "version": "1"},
        "config": {"format": "safetensors", "paramSize": "1B"},
    }
    return make_manifest(Content(json_of(config), MODEL_CONFIG), layers)


def push_contents(registry: RegistryClient, client: httpx.Client, project: str) -> Contents:
    """Push all of it, twice under one tag for the history; one tag ends some day, one more may not change."""
    shop = f"{project}/web/shop"
    registry.push(shop, make_image(), tag="v2")
    image = make_shop()
    for tag in ("v2", "release-2.0"):
        registry.push(shop, image, tag=tag)
    sbom = make_manifest(
        Content(b"{}", "application/vnd.goharbor.harbor.sbom.v1"),
        [
            (
                Content(
                    json_of({"spdxVersion": "SPDX-2.3", "name": "shop", "packages": []}), "text/spdx+json"
                ),
                {},
            )
        ],
        subject=image.manifest.descriptor,
    )
    signature = make_artifact(
        artifact_type="application/vnd.dev.sigstore.bundle.v0.3+json", subject=image.manifest
    )
    report = make_artifact(artifact_type="application/vnd.example.report", subject=sbom.manifest)
    index, chart, model, other = make_index(), make_shop_chart(), make_model(), make_image()
    for one in (sbom, signature, report):
        registry.push(shop, one)
    registry.push(f"{project}/web/proxy", index, tag="v1")
    registry.push(f"{project}/charts/shop", chart, tag="1.2.3")
    registry.push(f"{project}/models/small", model, tag="v1")
    registry.pull(shop, "v2")
    contents = Contents("web/shop", "v2", image, index, chart, model, sbom, other)
    path = f"/projects/{project}/repositories/{contents.escaped}"
    for answer in (
        client.put(path, json={"description": _README.decode()}),
        client.put(f"{path}/artifacts/v2/tags/v2", json={"expires_after": "30d"}),
    ):
        assert answer.status_code == 200, answer.text
    return contents
