"""Well formed documents for the tests to bend."""

import orjson

from apps.oci.digests import digest_of
from apps.oci.manifests import parse_manifest
from apps.oci.media_types import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
)


def descriptor(content=b"{}", media_type=OCI_LAYER_GZIP, **more):
    return {"mediaType": media_type, "digest": str(digest_of(content)), "size": len(content), **more}


def image(**more):
    config = descriptor(b"config", OCI_CONFIG)
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [], **more}


def index(**more):
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], **more}


def parse(document, content_type=None, **more):
    return parse_manifest(orjson.dumps(document), content_type=content_type, **more)


def without(document, *names):
    return {name: value for name, value in document.items() if name not in names}
