import base64
import dataclasses

import orjson
import pytest

from apps.oci.digests import digest_of
from apps.oci.errors import (
    DigestInvalidError,
    ManifestInvalidError,
    ManifestUnsupportedError,
)
from apps.oci.manifests import Descriptor, parse_manifest
from apps.oci.media_types import (
    DOCKER_CONFIG,
    DOCKER_FOREIGN_LAYER,
    DOCKER_LAYER,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    DOCKER_SCHEMA1,
    DOCKER_SCHEMA1_SIGNED,
    OCI_CONFIG,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
)
from tests.oci.documents import descriptor, image, index, parse, without


class TestImageManifest:
    def test_all_fields(self):
        layer = descriptor(b"layer", annotations={"title": "x"}, urls=["https://example.com/x"])
        subject = descriptor(b"subject", OCI_MANIFEST)
        raw = orjson.dumps(
            image(
                layers=[layer],
                subject=subject,
                annotations={"a": "b"},
                artifactType="application/x",
                custom=[{}],
            )
        )
        manifest = parse_manifest(raw, content_type=f"{OCI_MANIFEST}; charset=utf-8")
        assert manifest.raw == raw
        assert manifest.digest == digest_of(raw)
        assert manifest.media_type == OCI_MANIFEST
        assert manifest.artifact_type == "application/x"
        assert manifest.config.media_type == OCI_CONFIG
        assert manifest.layers == (
            Descriptor(
                media_type=OCI_LAYER_GZIP,
                digest=digest_of(b"layer"),
                size=5,
                urls=("https://example.com/x",),
                annotations={"title": "x"},
                data=None,
                artifact_type=None,
                platform=None,
            ),
        )
        assert manifest.manifests == ()
        assert manifest.subject.digest == digest_of(b"subject")
        assert manifest.annotations == {"a": "b"}
        assert not manifest.is_index

    def test_bytes_are_hashed_as_they_came(self):
        raw = orjson.dumps(image(), option=orjson.OPT_INDENT_2) + b"\n \n"
        assert parse_manifest(raw, content_type=None).digest == digest_of(raw)
        assert parse_manifest(raw, content_type=None, algorithm="sha512").digest == digest_of(raw, "sha512")

    def test_unknown_algorithm(self):
        with pytest.raises(DigestInvalidError):
            parse(image(), algorithm="md5")

    def test_docker_manifest(self):
        document = image(
            mediaType=DOCKER_MANIFEST,
            config=descriptor(b"c", DOCKER_CONFIG),
            layers=[descriptor(b"l", DOCKER_LAYER)],
        )
        manifest = parse(document, DOCKER_MANIFEST)
        assert (manifest.media_type, manifest.artifact_type) == (DOCKER_MANIFEST, DOCKER_CONFIG)
        assert len(manifest.blobs) == 2

    @pytest.mark.parametrize(
        ("more", "expected"),
        [
            ({}, OCI_CONFIG),
            ({"artifactType": None}, OCI_CONFIG),
            ({"artifactType": ""}, OCI_CONFIG),
            ({"artifactType": "application/x"}, "application/x"),
            ({"config": descriptor(b"{}", OCI_EMPTY)}, OCI_EMPTY),
        ],
    )
    def test_effective_artifact_type(self, more, expected):
        assert parse(image(**more)).artifact_type == expected

    def test_blobs_leave_out_foreign_layers_and_repetitions_and_keep_the_order(self):
        layers = [
            descriptor(b"one"),
            descriptor(b"foreign", DOCKER_FOREIGN_LAYER),
            descriptor(b"two two"),
            descriptor(b"one"),
            descriptor(b"config"),
        ]
        raw = orjson.dumps(image(layers=layers))
        manifest = parse_manifest(raw, content_type=None)
        assert [blob.digest for blob in manifest.blobs] == [
            digest_of(c) for c in (b"config", b"one", b"two two")
        ]
        assert len(manifest.layers) == 5
        assert manifest.total_size == len(raw) + 6 + 3 + 7

    def test_embedded_data(self):
        content = b"some \0 bytes"
        layer = descriptor(content, data=base64.b64encode(content).decode())
        assert parse(image(layers=[layer])).layers[0].data == content
        empty = descriptor(b"", data="")
        assert parse(image(layers=[empty])).layers[0].data == b""

    def test_optional_fields_may_be_null(self):
        nulls = dict.fromkeys(["urls", "annotations", "data", "artifactType", "platform"])
        manifest = parse(image(layers=[descriptor(**nulls)], annotations=None, subject=None, mediaType=None))
        assert manifest.subject is None
        assert manifest.annotations == {}
        assert manifest.layers[0].urls == ()

    def test_it_cannot_be_changed(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            parse(image()).media_type = OCI_INDEX


class TestIndex:
    @pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
    def test_platforms(self, media_type):
        platform = {
            "architecture": "arm64",
            "os": "linux",
            "os.version": "1",
            "variant": "v8",
            "os.features": ["a"],
        }
        child = descriptor(
            b"m", OCI_MANIFEST, platform={**platform, "custom": {}}, artifactType="application/x"
        )
        nested = descriptor(b"n", OCI_INDEX, platform={})
        raw = orjson.dumps(index(mediaType=media_type, manifests=[child, nested]))
        manifest = parse_manifest(raw, content_type=media_type)
        assert manifest.is_index
        assert manifest.config is None
        assert manifest.manifests[0].platform == {**platform, "os.features": ("a",)}
        assert manifest.manifests[0].artifact_type == "application/x"
        assert manifest.manifests[1].platform == {}
        assert (manifest.blobs, manifest.total_size) == ((), len(raw))

    def test_artifact_type_and_subject(self):
        assert parse(index()).artifact_type is None
        manifest = parse(index(artifactType="application/x", subject=descriptor(b"s", OCI_INDEX)))
        assert manifest.artifact_type == "application/x"
        assert manifest.subject.digest == digest_of(b"s")


class TestMediaType:
    @pytest.mark.parametrize(
        ("document", "content_type", "expected"),
        [
            (image(), None, OCI_MANIFEST),
            (image(), "", OCI_MANIFEST),
            (image(), "APPLICATION/vnd.oci.image.manifest.v1+json ; a=b", OCI_MANIFEST),
            (without(image(), "mediaType"), OCI_MANIFEST, OCI_MANIFEST),
            (without(image(), "mediaType"), DOCKER_MANIFEST, DOCKER_MANIFEST),
            (without(image(), "mediaType"), None, OCI_MANIFEST),
            (without(index(), "mediaType"), OCI_INDEX, OCI_INDEX),
            (without(index(), "mediaType"), None, OCI_INDEX),
            (index(mediaType=""), None, OCI_INDEX),
        ],
    )
    def test_from_header_body_or_shape(self, document, content_type, expected):
        assert parse(document, content_type).media_type == expected

    @pytest.mark.parametrize(
        ("document", "content_type"),
        [
            (image(), OCI_INDEX),
            (image(), DOCKER_MANIFEST),
            (image(), "application/json"),
            (index(), OCI_MANIFEST),
            (image(mediaType="text/plain"), OCI_MANIFEST),
        ],
    )
    def test_header_against_body(self, document, content_type):
        with pytest.raises(ManifestInvalidError, match=r"^mediaType: .* is not the Content-Type"):
            parse(document, content_type)

    @pytest.mark.parametrize(
        "document",
        [
            {"schemaVersion": 2},
            {"schemaVersion": 2, "layers": []},
            {"schemaVersion": 2, "config": descriptor()},
            without(image(manifests=[]), "mediaType"),
        ],
    )
    def test_shape_that_does_not_tell(self, document):
        with pytest.raises(ManifestInvalidError, match="the fields do not tell"):
            parse(document)

    @pytest.mark.parametrize(
        ("document", "content_type"),
        [
            (image(mediaType="application/vnd.oci.artifact.manifest.v1+json"), None),
            (without(image(), "mediaType"), "application/json"),
            (without(image(), "mediaType"), "*/*"),
        ],
    )
    def test_unknown_type(self, document, content_type):
        with pytest.raises(ManifestUnsupportedError, match="are not supported") as caught:
            parse(document, content_type)
        assert caught.value.code == "UNSUPPORTED"

    @pytest.mark.parametrize(
        ("document", "content_type"),
        [
            ({"schemaVersion": 1, "fsLayers": [], "history": []}, None),
            ({"schemaVersion": 1}, "application/json"),
            ({"schemaVersion": 1}, OCI_MANIFEST),
            (image(mediaType=DOCKER_SCHEMA1), None),
            (without(image(), "mediaType"), DOCKER_SCHEMA1_SIGNED),
        ],
    )
    def test_schema_1(self, document, content_type):
        with pytest.raises(ManifestUnsupportedError, match="push the image again with a current client"):
            parse(document, content_type)

    @pytest.mark.parametrize(
        ("document", "field"),
        [
            (image(manifests=[]), "manifests"),
            (image(manifests=None), "manifests"),
            (index(layers=[]), "layers"),
            (index(config=descriptor()), "config"),
            (index(fsLayers=[]), "fsLayers"),
            (without(index(config=descriptor()), "mediaType"), "config"),
        ],
    )
    def test_document_that_could_be_read_as_the_other_kind(self, document, field):
        with pytest.raises(ManifestInvalidError, match=f"^{field}: must not be in an i"):
            parse(document)
