"""Types, attributes and accessories, read from manifests."""

from collections.abc import Mapping
from typing import Any

import pytest

from apps.artifacts.accessories import accessory_link
from apps.artifacts.chart_dependencies import requirements_of
from apps.artifacts.contents import Content, content_of
from apps.artifacts.errors import ArchiveInvalidError, ContentTooLargeError
from apps.artifacts.icons import built_in_icon, icon_digest, icon_type
from apps.artifacts.model_files import file_tree
from apps.oci.digests import parse_digest
from apps.oci.manifests import Manifest, parse_manifest
from apps.storage.layout import blob_path
from apps.storage.selectors import get_driver
from tests.support import images
from tests.support.contents import MODEL_PATH, Layer, json_of, make_manifest

PNG = b"\x89PNG\r\n\x1a\n and so on"
ICON = "io.goharbor.artifact.v1alpha1.icon"


def parsed(image: images.Image) -> Manifest:
    for blob in image.blobs:
        get_driver().put(blob_path(parse_digest(blob.digest)), blob.data)
    return parse_manifest(image.manifest.data, content_type=None)


def looked_at(config: Any, media_type: str, layers: list[Layer] = [], **more: Any) -> Content:  # noqa: B006
    data = config if isinstance(config, bytes) else json_of(config)
    manifest = parsed(make_manifest(images.Content(data, media_type), layers, **more))
    return content_of(manifest, lambda _digest: None)


def test_an_image_says_who_made_it_in_its_labels_if_nowhere_else() -> None:
    config = {"os": "linux", "config": {"Labels": {"maintainer": "me", "x": "y"}}, "history": []}
    content = looked_at(config, images.OCI_CONFIG)
    assert content.type == "IMAGE"
    assert content.extra_attrs == {
        "architecture": "",
        "author": "me",
        "os": "linux",
        "created": None,
        "config": {"Labels": {"maintainer": "me", "x": "y"}},
    }


@pytest.mark.parametrize(
    ("media_type", "kind", "shown"),
    [
        ("application/vnd.cncf.helm.config.v1+json", "CHART", True),
        ("application/vnd.cncf.model.config.v1+json", "CNAI", True),
        ("application/vnd.cnai.model.config.v1+json", "CNAI", True),
        ("application/vnd.goharbor.harbor.sbom.v1", "SBOM", True),
        ("application/vnd.acme.rocket.config.v1+json", "ROCKET", True),
        ("application/vnd.oci.empty.v1+json", "UNKNOWN", False),
    ],
)
def test_types_by_the_config(media_type: str, kind: str, shown: bool) -> None:
    content = looked_at({"name": "x"}, media_type)
    assert (content.type, content.media_type) == (kind, media_type)
    assert content.extra_attrs == ({"name": "x"} if shown else {})


def test_a_module_by_its_config_type() -> None:
    layer = images.Content(b"\0asm", "application/vnd.wasm.content.layer.v1+wasm")
    title = "org.opencontainers.image.title"
    content = looked_at({}, "application/vnd.wasm.config.v1+json", [(layer, {title: "x.wasm"})])
    assert content.type == "WASM"
    assert content.extra_attrs == {
        "manifest.config.mediaType": "application/vnd.wasm.config.v1+json",
        "manifest.layers.mediaType": layer.media_type,
        title: "x.wasm",
    }


@pytest.mark.parametrize("note", [{"module.wasm.image/variant": "compat"}, {"run.oci.handler": "wasm"}])
def test_a_module_by_its_annotation(note: Mapping[str, str]) -> None:
    content = looked_at({"architecture": "wasm"}, images.OCI_CONFIG, annotations=note)
    assert (content.type, content.media_type) == ("WASM", "application/vnd.wasm.config.v1+json")
    assert content.extra_attrs["architecture"] == "wasm"
    assert content.extra_attrs["manifest.config.mediaType"] == images.OCI_CONFIG


def test_what_a_config_lists_is_skipped_and_a_picture_is_taken() -> None:
    config = {"shown": 1, "metrics": [1], "git": "x"}
    skip = {"io.goharbor.artifact.v1alpha1.skip-list": "metrics,git"}
    picture = images.Content(PNG, "image/png")
    content = looked_at(
        config, "application/vnd.acme.model.config.v1+json", [(picture, {ICON: ""})], config_annotations=skip
    )
    assert content.extra_attrs == {"shown": 1}
    assert content.icon == picture.digest


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"<svg onload=...>", "image/svg+xml"),
        (PNG + bytes(1024 * 1024), "image/png"),
        (PNG, images.DOCKER_LAYER.replace("rootfs.diff", "rootfs.foreign.diff")),
    ],
    ids=["no picture", "too large", "somebody else's blob"],
)
def test_pictures_that_are_not_taken(data: bytes, media_type: str) -> None:
    layer = images.Content(data, media_type)
    assert looked_at({}, "application/vnd.acme.x.config.v1+json", [(layer, {ICON: ""})]).icon == ""


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"x": value}
    return value


@pytest.mark.parametrize(
    ("config", "shown"),
    [
        ({"deep": _nested(400), "name": "x"}, {"name": "x"}),
        ({"large": ["x" * 300_000], "name": "x"}, {"name": "x"}),
        ([1], {}),
    ],
)
def test_configs_that_would_hurt_every_list(config: Any, shown: Any) -> None:
    assert looked_at(config, "application/vnd.cncf.helm.config.v1+json").extra_attrs == shown


def test_a_crowd_of_attributes_is_cut() -> None:
    config = {f"k{number}": "x" * 100 for number in range(20_000)}
    kept = looked_at(config, "application/vnd.cncf.helm.config.v1+json").extra_attrs
    assert 0 < len(json_of(kept)) <= 256 * 1024


def test_accessories_by_their_subject() -> None:
    subject = images.make_image().manifest
    for artifact_type, kind in {
        "application/vnd.dev.cosign.artifact.sig.v1+json": "signature.cosign",
        "application/vnd.dev.sigstore.bundle.v0.3+json": "signature.cosign",
        "application/vnd.cncf.notary.signature": "signature.notation",
        "application/vnd.goharbor.harbor.sbom.v1": "sbom.harbor",
        "application/vnd.example.other": "subject.accessory",
    }.items():
        found = parsed(images.make_artifact(artifact_type=artifact_type, subject=subject))
        link = accessory_link(found, ())
        assert link is not None
        assert (link.subject_digest, link.type) == (subject.digest, kind)
    layer = images.Content(b"bootstrap", images.OCI_LAYER)
    nydus = make_manifest(
        images.Content(b"{}", images.OCI_CONFIG),
        [(layer, {"containerd.io/snapshot/nydus-bootstrap": "true"})],
        subject=subject.descriptor,
    )
    assert accessory_link(parsed(nydus), ()).type == "accelerator.nydus"
    assert accessory_link(parsed(images.make_image()), ("v1",)) is None


def test_a_signature_by_its_tag_alone() -> None:
    layer = images.Content(b"{}", "application/vnd.dev.cosign.simplesigning.v1+json")
    signature = parsed(make_manifest(images.Content(b"{}", images.OCI_CONFIG), [(layer, {})]))
    link = accessory_link(signature, (f"sha256-{'a' * 64}.sig",))
    assert (link.subject_digest, link.type) == (f"sha256:{'a' * 64}", "signature.cosign")
    assert accessory_link(signature, ("v1", f"sha256-{'a' * 64}.att", f"sha256-{'A' * 64}.sig")) is None
    assert accessory_link(parsed(images.make_image()), (f"sha256-{'a' * 64}.sig",)) is None


def test_pictures_of_types_are_ours_and_differ() -> None:
    kinds = ["IMAGE", "CHART", "CNAB", "WASM", "CNAI", "SBOM", "signature.cosign", "signature.notation"]
    digests = {icon_digest(kind) for kind in [*kinds, "accelerator.nydus", "UNKNOWN"]}
    assert len(digests) == 10
    assert icon_digest("ROCKET") == icon_digest("UNKNOWN") == icon_digest("subject.accessory")
    for digest in digests:
        picture = built_in_icon(digest)
        assert images.digest_of(picture) == digest
        assert icon_type(picture) == "image/png"


def test_requirements_of_an_older_chart() -> None:
    text = b"dependencies:\n- {name: db, version: 1.x, repository: https://x, unknown: 1, tags: [a]}\n- {name: y}\n"
    assert requirements_of(text) == [
        {"name": "db", "version": "1.x", "repository": "https://x", "tags": ["a"]},
        {"name": "y", "repository": ""},
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"dependencies: &a [*a]", ArchiveInvalidError),
        (b"a: &a [1]\ndependencies: [*a, *a]", ArchiveInvalidError),
        (b"[" * 100_000, ArchiveInvalidError),
        (b"{", ArchiveInvalidError),
        (b"\xff\xfe\xff", ArchiveInvalidError),
        (b"other: 1", ArchiveInvalidError),
        (b"#" * 300_000, ContentTooLargeError),
        (b"dependencies: !!python/object/apply:os.system [ls]", ArchiveInvalidError),
    ],
)
def test_requirements_made_to_hurt(text: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        requirements_of(text)


def _layers(*paths: str) -> Any:
    layers = [(images.Content(path.encode(), "x/y"), {MODEL_PATH: path}) for path in paths]
    return parsed(make_manifest(images.Content(b"{}", "x/y"), layers)).layers


def test_files_of_a_model() -> None:
    assert file_tree(_layers("b/x", "a.txt", "b/c/", "b/../y", "x" * 3 + "/" * 200, "a/" * 100)) == [
        {
            "name": "b",
            "type": "directory",
            "children": [
                {"name": "c", "type": "directory"},
                {"name": "x", "type": "file", "size": 3},
                {"name": "y", "type": "file", "size": 6},
            ],
        },
        {"name": "a.txt", "type": "file", "size": 5},
    ]
