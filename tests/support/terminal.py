"""A shell in which somebody types the commands that the portal shows."""

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.accounts import Person
from tests.support.images import Image, write_oci_layout
from tests.support.programs import need

_SECONDS = 120


@dataclass(frozen=True)
class Ran:
    """How a command ended and all that it printed."""

    code: int
    text: str


class Terminal:
    """A folder with images, and a file for the credentials of it alone. The commands are skopeo's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._skopeo = need("skopeo")
        credentials = folder / "auth.json"
        credentials.write_text('{"auths": {}}')
        self._env = {**os.environ, "REGISTRY_AUTH_FILE": str(credentials)}

    def run(self, command: str, *more: str, stdin: str = "") -> Ran:
        """A command as it is shown, with further arguments if it needs any."""
        program, *arguments = shlex.split(command)
        assert program == "skopeo", command
        done = subprocess.run(
            [self._skopeo, *arguments, *more],
            cwd=self._folder,
            env=self._env,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
        )
        return Ran(done.returncode, done.stdout)

    def login(self, command: str, person: Person) -> None:
        """Sign in by the command for it, which would ask for what it is not told."""
        asked = () if "--username" in command else ("--username", person.name)
        ran = self.run(command, *asked, "--password-stdin", stdin=person.password)
        assert ran.code == 0, ran.text

    def copy(self, command: str, image: Image, *, tag: str = "") -> Ran:
        """Push ``image`` by the command for it; with ``tag`` under another tag than is shown."""
        if tag:
            command = re.sub(r":[\w.]+(?= |$)", f":{tag}", command)
        layout = re.search(r" oci:([\w.-]+):([\w.-]+) ", command)
        assert layout is not None, command
        folder = self._folder / layout[1]
        shutil.rmtree(folder, ignore_errors=True)
        write_oci_layout(folder, image, tag=layout[2])
        return self.run(command)
