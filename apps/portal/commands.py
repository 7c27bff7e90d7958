"""Commands for a shell that push to a project or pull an artifact, by the clients that people use."""

import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit

from apps.artifacts.contents import CHART, IMAGE

_SAMPLE = "my-app"
_SAMPLE_VERSION = "1.0.0"


@dataclass(frozen=True, slots=True)
class ClientCommands:
    """What to type for one client, line by line."""

    client: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Registry:
    """Where clients find the registry. Most want to be told when that is not by https (``is_plain``)."""

    host: str
    is_plain: bool

    def flag(self, text: str) -> str:
        """A client's option for plain http, with a space before it, if it needs one here."""
        return f" {text}" if self.is_plain else ""


def registry_at(url: str) -> Registry:
    """The registry at a URL or at a bare host, which is taken to speak https."""
    if "://" not in url:
        return Registry(url, is_plain=False)
    parts = urlsplit(url)
    return Registry(parts.netloc, is_plain=parts.scheme == "http")


def login_commands(registry: Registry, username: str) -> list[ClientCommands]:
    """How to sign in as somebody; each client asks for the secret, which no command line shows so."""
    host, name = registry.host, shlex.quote(username)
    no_tls = registry.flag("--tls-verify=false")
    plain = registry.flag("--plain-http")
    return [
        ClientCommands("docker", (f"docker login --username {name} {host}",)),
        ClientCommands("podman", (f"podman login{no_tls} --username {name} {host}",)),
        ClientCommands("skopeo", (f"skopeo login{no_tls} --username {name} {host}",)),
        ClientCommands("helm", (f"helm registry login{plain} --username {name} {host}",)),
        ClientCommands("oras", (f"oras login{plain} --username {name} {host}",)),
    ]


def push_commands(registry: Registry, project: str) -> list[ClientCommands]:
    """How to push something to ``project``, signing in first."""
    host = registry.host
    image = f"{_SAMPLE}:{_SAMPLE_VERSION}"
    target = f"{host}/{project}/{image}"
    no_tls = registry.flag("--tls-verify=false")
    to_plain = registry.flag("--dest-tls-verify=false")
    plain = registry.flag("--plain-http")
    return [
        ClientCommands(
            "docker", (f"docker login {host}", f"docker tag {image} {target}", f"docker push {target}")
        ),
        ClientCommands("podman", (f"podman login{no_tls} {host}", f"podman push{no_tls} {image} {target}")),
        ClientCommands(
            "skopeo",
            (
                f"skopeo login{no_tls} {host}",
                f"skopeo copy{to_plain} oci:{_SAMPLE}:{_SAMPLE_VERSION} docker://{target}",
            ),
        ),
        ClientCommands(
            "helm",
            (
                f"helm registry login{plain} {host}",
                f"helm push{plain} {_SAMPLE}-{_SAMPLE_VERSION}.tgz oci://{host}/{project}",
            ),
        ),
        ClientCommands("oras", (f"oras login{plain} {host}", f"oras push{plain} {target} {_SAMPLE}.tar.gz")),
    ]


def pull_commands(registry: Registry, repository: str, reference: str, kind: str) -> list[ClientCommands]:
    """How to pull ``reference``, a tag or a digest, of a repository by its full name.

    ``kind`` is the artifact's type: only images run in containers, only charts are for helm; the rest of the clients
    take anything.
    """
    place = f"{registry.host}/{repository}"
    is_digest = ":" in reference
    target = f"{place}@{reference}" if is_digest else f"{place}:{reference}"
    name = repository.rpartition("/")[2]
    commands = []
    if kind == IMAGE:
        no_tls = registry.flag("--tls-verify=false")
        commands.append(ClientCommands("docker", (f"docker pull {target}",)))
        commands.append(ClientCommands("podman", (f"podman pull{no_tls} {target}",)))
    if kind == CHART:
        plain = registry.flag("--plain-http")
        # A version may hold a plus, which a tag may not: helm writes an underscore there.
        chart = f"{place}@{reference}" if is_digest else f"{place} --version {reference.replace('_', '+')}"
        commands.append(ClientCommands("helm", (f"helm pull{plain} oci://{chart}",)))
    layout = f"oci:{name}" if is_digest else f"oci:{name}:{reference}"
    from_plain = registry.flag("--src-tls-verify=false")
    commands.append(ClientCommands("skopeo", (f"skopeo copy{from_plain} docker://{target} {layout}",)))
    oras = "oras copy" if kind == IMAGE else "oras pull"
    plain = registry.flag("--from-plain-http" if kind == IMAGE else "--plain-http")
    place_for_oras = f" --to-oci-layout {name}:{_layout_tag(reference)}" if kind == IMAGE else ""
    commands.append(ClientCommands("oras", (f"{oras}{plain} {target}{place_for_oras}",)))
    return commands


def _layout_tag(reference: str) -> str:
    """A tag in a directory for what is pulled by ``reference``."""
    return "latest" if ":" in reference else reference
