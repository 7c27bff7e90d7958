"""What is measured, one class a row of the table; each takes one sample of one server."""

import os
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count

from tests.bench.client import Connection
from tests.bench.images import Blob, LargeContent, SmallImage, make_blob, make_image
from tests.bench.load import get_rate, head_rate
from tests.bench.pushes import Target, delete_blob, pull_blob, push_blob, push_image, push_images, push_large
from tests.bench.servers import OurServer, Server, token_path

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
CLIENTS = 8
_TAG = "latest"
_WARM = "bench/app"
_PUSHED = "bench/pushed"
# Without one docker-registry makes a manifest of the old schema 1, and fails.
_ACCEPT = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
_MEDIUM = 64 * MIB
_PULL_CONNECTIONS = 2

PROJECTS = ["bench", *(f"bench-{number}" for number in range(CLIENTS))]

Sample = Mapping[str, float]


@dataclass(frozen=True)
class Sizes:
    """How much work a sample is; smaller for a quick look."""

    seconds: int = 5
    medium_pulls: int = 32
    large: int = GIB
    huge: int = 2 * GIB
    images: int = 200


QUICK = Sizes(seconds=2, medium_pulls=16, large=256 * MIB, huge=512 * MIB, images=80)


@dataclass
class Bench:
    """The content that every server is given, and the samples that are taken of it."""

    sizes: Sizes
    image: SmallImage = field(default_factory=make_image)
    medium: Blob = field(default_factory=lambda: make_blob(os.urandom(_MEDIUM)))
    _numbers: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        self._large = LargeContent(self.sizes.large)
        self._huge = LargeContent(self.sizes.huge)

    def warm(self, server: Server) -> None:
        """Make the projects and push what is going to be pulled."""
        server.prepare(PROJECTS)
        target = _target(server, _WARM)
        with Connection(server.host) as connection:
            push_image(connection, target, self.image, _TAG)
            push_blob(connection, target, self.medium)

    def manifest_get_tag(self, server: Server) -> Sample:
        return self._get(server, f"manifests/{_TAG}")

    def manifest_get_digest(self, server: Server) -> Sample:
        return self._get(server, f"manifests/{self.image.manifest.digest}")

    def manifest_head_tag(self, server: Server) -> Sample:
        return self._head(server, f"manifests/{_TAG}")

    def manifest_head_digest(self, server: Server) -> Sample:
        return self._head(server, f"manifests/{self.image.manifest.digest}")

    def blob_get_small(self, server: Server) -> Sample:
        return self._get(server, f"blobs/{self.image.blobs[0].digest}")

    def token(self, server: Server) -> Sample:
        """Tokens a second for one repository, with credentials that are warm."""
        if not isinstance(server, OurServer):
            return {}
        path = token_path(f"repository:{_WARM}:pull")
        get_rate(server.host, path, server.basic(), seconds=1)
        return {"rate": get_rate(server.host, path, server.basic(), seconds=self.sizes.seconds)}

    def blob_get_medium(self, server: Server) -> Sample:
        """64 MiB, again and again."""
        target = _target(server, _WARM)
        pull_blob(target, self.medium.digest, times=_PULL_CONNECTIONS, connections=_PULL_CONNECTIONS)
        times = self.sizes.medium_pulls
        seconds = pull_blob(target, self.medium.digest, times=times, connections=_PULL_CONNECTIONS)
        gigabytes = (times + _PULL_CONNECTIONS) * _MEDIUM / 1e9
        return {"rate": times * _MEDIUM / 1e6 / seconds, "gigabytes": gigabytes}

    def push_large(self, server: Server) -> Sample:
        target = _target(server, _PUSHED)
        os.sync()
        seconds, digest = push_large(target, self._large)
        delete_blob(target, digest)
        return {"seconds": seconds}

    def push_and_pull_huge(self, server: Server) -> Sample:
        target = _target(server, _PUSHED)
        os.sync()
        pushing, digest = push_large(target, self._huge)
        pulling = pull_blob(target, digest, times=1, connections=1)
        delete_blob(target, digest)
        return {"push_seconds": pushing, "pull_seconds": pulling}

    def images_one_repository(self, server: Server) -> Sample:
        return self._images(server, [_target(server, _PUSHED)] * CLIENTS)

    def images_eight_projects(self, server: Server) -> Sample:
        return self._images(server, [_target(server, f"{project}/app") for project in PROJECTS[1:]])

    def _get(self, server: Server, path: str) -> Sample:
        return self._rate(get_rate, server, path)

    def _head(self, server: Server, path: str) -> Sample:
        return self._rate(head_rate, server, path)

    def _rate(self, load: Callable[..., float], server: Server, path: str) -> Sample:
        whole = f"/v2/{_WARM}/{path}"
        headers = {**server.credentials(_WARM), "Accept": _ACCEPT}
        warm = load(server.host, whole, headers, seconds=1)
        rate = load(server.host, whole, headers, seconds=self.sizes.seconds)
        return {"rate": rate, "requests": warm + rate * self.sizes.seconds}

    def _images(self, server: Server, targets: list[Target]) -> Sample:
        images = [make_image() for _ in range(self.sizes.images)]
        os.sync()
        seconds, each = push_images(targets, images, f"bench{next(self._numbers)}")
        return {
            "rate": len(images) / seconds,
            "p50": statistics.median(each),
            "p95": statistics.quantiles(each, n=20)[-1],
        }


@dataclass(frozen=True, slots=True)
class Measure:
    """``sample`` takes one; ``once`` says that one is enough."""

    name: str
    label: str
    sample: Callable[[Bench, Server], Sample]
    once: bool = False
    needs_tokens: bool = False


MEASURES = (
    Measure("manifest-get-tag", "manifest GET by tag", Bench.manifest_get_tag),
    Measure("manifest-get-digest", "manifest GET by digest", Bench.manifest_get_digest),
    Measure("manifest-head-tag", "manifest HEAD by tag", Bench.manifest_head_tag),
    Measure("manifest-head-digest", "manifest HEAD by digest", Bench.manifest_head_digest),
    Measure("blob-get-small", "blob GET, 10 KiB", Bench.blob_get_small),
    Measure("token", "/service/token, warm", Bench.token, needs_tokens=True),
    Measure("blob-get-medium", "blob GET, 64 MiB", Bench.blob_get_medium),
    Measure("push-large", "blob push, 1 GiB in chunks", Bench.push_large),
    Measure("images-one-repository", "small images, one repository", Bench.images_one_repository),
    Measure("images-eight-projects", "small images, eight projects", Bench.images_eight_projects),
    Measure("huge", "blob push and pull, 2 GiB", Bench.push_and_pull_huge, once=True),
)


def _target(server: Server, repository: str) -> Target:
    return Target(server.host, repository, server.credentials(repository))
