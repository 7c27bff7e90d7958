"""The clients that people have, each behind the same few verbs, each with private state.

A reference is ``HOST/PROJECT/NAME:TAG`` or ``HOST/PROJECT/NAME@DIGEST``. Every verb returns an :class:`Outcome`
whatever the client says: the tests judge.
"""

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.support.accounts import Person
from tests.support.images import OCI_MANIFEST, Image, digest_of, write_docker_archive, write_oci_layout
from tests.support.programs import need

_SECONDS = 120


@dataclass(frozen=True)
class Outcome:
    """How a command ended and all that it printed."""

    code: int
    text: str

    @property
    def ok(self) -> bool:
        """Whether the client called it a success."""
        return self.code == 0


class Client(Protocol):
    """What every client can do."""

    def login(self, host: str, person: Person) -> Outcome:
        """Log in to ``host`` and keep the credentials for the verbs below."""

    def push(self, image: Image, reference: str) -> Outcome:
        """Push ``image`` under a tag."""

    def pull(self, reference: str) -> Outcome:
        """Pull by tag or digest."""

    def config_digest(self, reference: str) -> str:
        """The digest of the config of the image that was pulled as ``reference``: what the client knows it by."""

    def forget(self, reference: str) -> None:
        """Remove the local copy, so that the next pull has to fetch."""


def run(command: Sequence[str], *, stdin: str = "", env: dict[str, str] | None = None) -> Outcome:
    """Run a command to its end."""
    done = subprocess.run(
        command,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(env or {})},
        encoding="utf-8",
        errors="replace",
        timeout=_SECONDS,
    )
    return Outcome(done.returncode, done.stdout)


def expect(outcome: Outcome) -> str:
    """The text of an outcome that has to be a success."""
    assert outcome.ok, outcome.text
    return outcome.text


class Docker:
    """The docker command against a private daemon."""

    def __init__(self, folder: Path, daemon: str) -> None:
        self._folder = folder
        self._command = [need("docker"), "--config", str(folder / "config"), "-H", daemon]

    def run(self, *arguments: str, stdin: str = "") -> Outcome:
        """Any docker command."""
        return run([*self._command, *arguments], stdin=stdin)

    def login(self, host: str, person: Person) -> Outcome:
        return self.run("login", "-u", person.name, "--password-stdin", host, stdin=person.password)

    def push(self, image: Image, reference: str) -> Outcome:
        archive = write_docker_archive(self._folder / f"{uuid.uuid4()}.tar", image, name=reference)
        expect(self.run("load", "-i", str(archive)))
        return self.run("push", reference)

    def pull(self, reference: str) -> Outcome:
        return self.run("pull", reference)

    def config_digest(self, reference: str) -> str:
        return expect(self.run("inspect", "--format", "{{.Id}}", reference)).strip()

    def forget(self, reference: str) -> None:
        identifier = self.config_digest(reference)
        expect(self.run("rmi", "--force", identifier))


class _Containers:
    """What podman and buildah have in common: storage of their own and an authentication file."""

    def __init__(self, folder: Path, program: str, options: Sequence[str] = ()) -> None:
        self._folder = folder
        self._command = [
            need(program),
            *(
                "--root",
                str(folder / "root"),
                "--runroot",
                str(folder / "runroot"),
                "--storage-driver",
                "vfs",
            ),
            *options,
        ]
        self.remote_options = ["--authfile", str(_auth_file(folder)), "--tls-verify=false"]

    def run(self, *arguments: str, stdin: str = "") -> Outcome:
        """Any command of the program."""
        return run([*self._command, *arguments], stdin=stdin)

    def run_remote(self, verb: str, *arguments: str, stdin: str = "") -> Outcome:
        """A command that talks to a registry."""
        return self.run(verb, *self.remote_options, *arguments, stdin=stdin)

    def login(self, host: str, person: Person) -> Outcome:
        return self.run_remote("login", "-u", person.name, "--password-stdin", host, stdin=person.password)

    def push(self, image: Image, reference: str) -> Outcome:
        archive = write_docker_archive(self._folder / f"{uuid.uuid4()}.tar", image, name=reference)
        expect(self.run("pull", f"docker-archive:{archive}"))
        return self.run_remote("push", reference)

    def pull(self, reference: str) -> Outcome:
        return self.run_remote("pull", reference)

    def forget(self, reference: str) -> None:
        expect(self.run("rmi", "--force", self.config_digest(reference).removeprefix("sha256:")))


class Podman(_Containers):
    """podman as root, without systemd."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "podman", ["--cgroup-manager", "cgroupfs", "--tmpdir", str(folder / "tmp")])

    def config_digest(self, reference: str) -> str:
        return f"sha256:{expect(self.run('image', 'inspect', '--format', '{{.Id}}', reference)).strip()}"


class Buildah(_Containers):
    """buildah as root."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "buildah")

    def config_digest(self, reference: str) -> str:
        text = expect(self.run("inspect", "--type", "image", "--format", "{{.FromImageID}}", reference))
        return f"sha256:{text.strip()}"


class Skopeo:
    """skopeo, with folders as the other side."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = need("skopeo")
        self._auth = ["--authfile", str(_auth_file(folder))]

    def run(self, verb: str, *arguments: str, stdin: str = "") -> Outcome:
        """A skopeo command, with the credentials of :meth:`login`."""
        return run([self._program, "--debug", verb, *self._auth, *arguments], stdin=stdin)

    def copy(self, source: str, target: str, *options: str) -> Outcome:
        """Copy between any two places."""
        return self.run("copy", "--src-tls-verify=false", "--dest-tls-verify=false", *options, source, target)

    def login(self, host: str, person: Person) -> Outcome:
        return self.run(
            "login", "--tls-verify=false", "-u", person.name, "--password-stdin", host, stdin=person.password
        )

    def push(self, image: Image, reference: str) -> Outcome:
        path = self._folder / str(uuid.uuid4())
        if image.manifest.media_type == OCI_MANIFEST:
            source = f"oci:{write_oci_layout(path, image)}:latest"
        else:
            source = f"docker-archive:{write_docker_archive(path, image, name='localhost/any:latest')}"
        return self.copy(source, f"docker://{reference}")

    def pull(self, reference: str) -> Outcome:
        shutil.rmtree(self._pulled(reference), ignore_errors=True)
        return self.copy(f"docker://{reference}", f"dir:{self._pulled(reference)}")

    def config_digest(self, reference: str) -> str:
        """Of the files: their bytes are hashed here, not believed."""
        folder = self._pulled(reference)
        manifest = json.loads((folder / "manifest.json").read_bytes())
        for blob in (manifest["config"], *manifest["layers"]):
            digest = str(blob["digest"])
            assert digest_of((folder / digest.removeprefix("sha256:")).read_bytes()) == digest
        return str(manifest["config"]["digest"])

    def forget(self, reference: str) -> None:
        # What it pushes it does not keep, so there may be nothing.
        shutil.rmtree(self._pulled(reference), ignore_errors=True)

    def _pulled(self, reference: str) -> Path:
        return self._folder / f"pulled-{uuid.uuid5(uuid.NAMESPACE_URL, reference)}"


def _auth_file(folder: Path) -> Path:
    """An authentication file without any credentials: the programs refuse to start when it is missing."""
    path = folder / "auth.json"
    path.write_text('{"auths": {}}')
    return path
