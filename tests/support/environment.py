"""What the process of the tests has in its environment before Django's settings are read.

Each process, and so each worker of pytest-xdist, has a data folder of its own, with secrets in it, that goes away
at the end. ``HARBOR_TEST_DATABASE=postgres`` puts the tests that use Django's database on a private PostgreSQL.
"""

import os
import secrets
import shutil
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.services import PostgreSQL

_DATABASE_CHOICE = "HARBOR_TEST_DATABASE"
_CHOICES = ("", "sqlite", "postgres")


class TestEnvironment:
    """Made once, when ``tests/conftest.py`` is imported."""

    __test__ = False

    def __init__(self) -> None:
        self.database: PostgreSQL | None = None
        is_worker = "PYTEST_XDIST_WORKER" in os.environ
        database = os.environ.pop(_DATABASE_CHOICE, "")
        if database not in _CHOICES:
            raise ValueError(f"{_DATABASE_CHOICE} must be sqlite or postgres")
        # A worker inherits the database that its controller has started; nobody else's settings are let in.
        inherited = os.environ.get("HARBOR_DATABASE_URL", "") if is_worker else ""
        for name in [name for name in os.environ if name.startswith("HARBOR_")]:
            del os.environ[name]
        if not inherited and database == "postgres":
            self.database = PostgreSQL()
            inherited = self.database.url("postgres")
        if inherited:
            os.environ["HARBOR_DATABASE_URL"] = inherited
        self.data_dir = Path(tempfile.mkdtemp(prefix="harbor-tests-"))
        self._write_secrets(self.data_dir / "secrets")
        os.environ["HARBOR_DATA_DIR"] = str(self.data_dir)
        os.environ["DJANGO_SETTINGS_MODULE"] = "harbor_py.settings"

    def forget_cached(self) -> None:
        """Make every cache that stands under a stamp reload: a rolled-back test's rows are gone without a bump."""
        path = self.data_dir / "stamps"
        if path.exists():
            # Written in place: the file is mapped into this process.
            with path.open("r+b") as file:
                file.write(os.urandom(path.stat().st_size))

    def close(self) -> None:
        """Stop what was started and remove the data folder."""
        if self.database is not None:
            self.database.stop()
        shutil.rmtree(self.data_dir, ignore_errors=True)

    @staticmethod
    def _write_secrets(folder: Path) -> None:
        folder.mkdir(mode=0o700)
        (folder / "secret-key").write_text(secrets.token_urlsafe(48), "ascii")
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "token-key.pem").write_bytes(pem)
