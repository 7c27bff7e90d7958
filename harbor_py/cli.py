"""The command `harbor-py`. Only ``up`` has work of its own to do; what needs Django runs in another process."""

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version as package_version
from typing import Any, NoReturn

import click
import yaml

from apps.common.configuration import (
    CONFIG_FILE_VARIABLE,
    OVERWRITE_VARIABLE,
    PREFIX,
    Configuration,
    ConfigurationError,
    load_configuration,
)
from apps.config.types import overwrite_parse
from harbor_py.configuration_docs import masked, page
from harbor_py.first_secrets import secrets_make
from harbor_py.processes import AlreadyRunningError, lock_data_folder
from harbor_py.seeding.sizes import SIZES
from harbor_py.settings_docs import settings_page

EXIT_FAILED = 1
EXIT_CONFIGURATION = 2

_SETTINGS_MODULE = "harbor_py.settings"
_HEALTH = "/api/v2.0/health"
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what it is replaced by is the loopback

_HELP = """A container registry for many tenants, with the OCI Distribution protocol and Harbor's API.

\b
Start it:          harbor-py up
Then push to it:   docker login 127.0.0.1:8080
                   docker tag IMAGE 127.0.0.1:8080/library/IMAGE
                   docker push 127.0.0.1:8080/library/IMAGE

Settings come from HARBOR_* variables and one YAML file; `harbor-py config docs` lists them.

Exit codes: 0 done, 1 failed, 2 wrong setting or wrong use.
"""

_UP_HELP = """Run the registry until SIGTERM or Ctrl-C.

The first start makes the data folder, its secrets, the tables, the user `admin` and the public project
`library`. The password of `admin` is HARBOR_ADMIN_PASSWORD, or a random one that is printed once.
A folder serves one `up` at a time.

\b
For other machines:
  harbor-py up --bind 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem
On PostgreSQL and Redis:
  HARBOR_DATABASE_URL=postgresql://... HARBOR_REDIS_URL=redis://... harbor-py up
"""

_SEED_HELP = """Fill a fresh database with projects, people, artifacts and logs, to try things out or to measure.

\b
SIZE     projects  repositories  artifacts  tags about  audit rows
ci             10           110        600       1,000       2,000
small         100        10,900     50,000      75,000     250,000
medium        200        43,800    250,000     370,000   2,000,000
large         300        99,700  1,000,000   1,400,000  10,000,000

One repository has a tenth of all artifacts, one artifact very many tags (1,000 at medium and large), one project
very many repositories (10,000 at large) and one very many members. The manifests are real and parse, digests are
those of the bytes, and quotas count what is linked. Nobody can sign in as a seeded person without --password,
and never as a seeded robot account; `admin` stays as it is.

At size ci configs and layers are in storage too, so that images can be pulled; at the others their digests are
made up, and a pull of a layer answers 404.

Everything is one transaction: after an error or Ctrl-C nothing is there (but blobs of size ci, which are harmless).
On PostgreSQL, which size large needs, the indexes are dropped and built anew inside of it, so that nobody else can
use the tables meanwhile: it takes minutes for medium and about ten for large. Do not run it
on a database that people work with.
"""

_config_option = click.option(
    "--config",
    type=click.Path(dir_okay=False),
    help="YAML file of settings; the environment wins over it. Also HARBOR_CONFIG.",
)
_data_dir_option = click.option(
    "--data-dir", type=click.Path(file_okay=False), help="Folder of all state. [default: ./data]"
)


@click.group(help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Dispatch to the commands below."""


@main.command(help=_UP_HELP)
@_data_dir_option
@click.option("--bind", help="HOST:PORT to listen on; [::]:8080 for IPv6. [default: 127.0.0.1:8080]")
@click.option("--workers", type=int, help="Server processes. [default: one a core, at most 4]")
@click.option("--tls-cert", type=click.Path(dir_okay=False), help="PEM file of the certificate chain.")
@click.option("--tls-key", type=click.Path(dir_okay=False), help="PEM file of its private key.")
@_config_option
def up(config: str | None, **flags: Any) -> None:
    """See :data:`_UP_HELP`."""
    configuration = _configuration(config, flags)
    _check_files(configuration)
    os.umask(0o077)  # Whatever is made from here on is the owner's alone.
    try:
        configuration.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = lock_data_folder(configuration.data_dir / "up.lock")
        address = _check_address(configuration)
        secrets_make(configuration)
    except (AlreadyRunningError, OSError) as error:
        _fail(str(error))
    except ConfigurationError as error:
        _fail(str(error), EXIT_CONFIGURATION)
    environment = _environment(configuration, flags)
    _run_django("harbor_py.first_start", environment)
    # Its purpose is served; the longer-lived processes need not know it.
    environment.pop(f"{PREFIX}ADMIN_PASSWORD", None)
    _become_supervisor(configuration, address, lock, environment)


@main.command(short_help="Bring the database's tables up to date.")
@_data_dir_option
@_config_option
def migrate(config: str | None, **flags: Any) -> None:
    """Bring the tables of the database up to date, without starting anything (`up` does it by itself)."""
    configuration = _configuration(config, flags)
    configuration.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _run_django("django", _environment(configuration, flags), "migrate", "--no-input")


@main.command(help=_SEED_HELP, short_help="Fill a fresh database, to try or to measure.")
@click.option("--size", type=click.Choice(list(SIZES)), required=True, help="How much; see above.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same number makes the same rows.")
@click.option(
    "--password", is_flag=True, help="Ask for a password that all seeded people get, or read it from a pipe."
)
@click.option(
    "--force", is_flag=True, help="Also if there are other projects than `library`; they stay as they are."
)
@_data_dir_option
@_config_option
def seed(size: str, seed: int, config: str | None, *, password: bool, force: bool, **flags: Any) -> None:
    """See :data:`_SEED_HELP`."""
    configuration = _configuration(config, flags)
    configuration.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    arguments, text = ["--size", size, "--seed", str(seed)], ""
    if force:
        arguments.append("--force")
    if password:
        arguments.append("--password-stdin")
        text = _new_password() + "\n"
    _run_django("harbor_py.seeding", _environment(configuration, flags), *arguments, text=text)


@main.group()
def config() -> None:
    """Check, show and document the settings."""


@config.command("check", short_help="Say whether every setting can be used.")
@_config_option
def config_check(config: str | None) -> None:
    """Exit with 0 if every setting can be used, else name the first that cannot and exit with 2."""
    _check_files(_configuration(config, {}))
    click.echo("The configuration is good.")


@config.command("show")
@_config_option
def config_show(config: str | None) -> None:
    """Print the settings in force as YAML, secrets masked."""
    click.echo(
        yaml.safe_dump(masked(_configuration(config, {})), sort_keys=False, allow_unicode=True), nl=False
    )


@config.command("schema")
def config_schema() -> None:
    """Print a JSON schema of the YAML file, for editors."""
    click.echo(json.dumps(Configuration.model_json_schema(), indent=2, default=str))


@config.command("docs", short_help="Print the page of settings in Markdown.")
@click.argument("name", type=click.Choice(["configuration", "settings"]), default="configuration")
def config_docs(name: str) -> None:
    """Print docs/configuration.md (what is set before the start) or docs/settings.md (what changes while it runs)."""
    click.echo(page() if name == "configuration" else settings_page(), nl=False)


@main.group()
def user() -> None:
    """Help people who cannot sign in."""


@user.command("reset-password", short_help="Give a person a new password.")
@click.argument("name")
@click.option("--random", "random_one", is_flag=True, help="Make a random password and print it.")
@_data_dir_option
@_config_option
def user_reset_password(name: str, config: str | None, *, random_one: bool, **flags: Any) -> None:
    """Give the person NAME a new password, asked for twice, or read from standard input if that is a pipe.

    Who can run this on the machine can do everything anyhow, so no password is asked for. It works while the
    registry runs; what was cached under the old password ends at once.
    """
    configuration = _configuration(config, flags)
    password = "" if random_one else _new_password()
    _run_django("harbor_py.reset_password", _environment(configuration, flags), name, text=password + "\n")


@main.group()
def jobs() -> None:
    """See and stop jobs: collections, purges, deliveries, whatever runs in the background."""


@jobs.command("list", short_help="The newest jobs.")
@click.option("--kind", default="", help="Of one kind only, such as GARBAGE_COLLECTION.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@_data_dir_option
@_config_option
def jobs_list(kind: str, limit: int, config: str | None, **flags: Any) -> None:
    """List the newest jobs with their ids."""
    _run_jobs(config, flags, "list", "--kind", kind, "--limit", str(limit))


@jobs.command("show", short_help="All about one job, as JSON.")
@click.argument("job_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@_data_dir_option
@_config_option
def jobs_show(job_id: int, config: str | None, **flags: Any) -> None:
    """Print what is known of the job ID."""
    _run_jobs(config, flags, "show", str(job_id))


@jobs.command("log", short_help="What a job has written.")
@click.argument("job_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@click.option("-f", "--follow", is_flag=True, help="Go on until it ends.")
@_data_dir_option
@_config_option
def jobs_log(job_id: int, config: str | None, *, follow: bool, **flags: Any) -> None:
    """Print what the job ID has written so far."""
    _run_jobs(config, flags, "log", str(job_id), *(["--follow"] if follow else []))


@jobs.command("stop", short_help="Stop a job.")
@click.argument("job_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@_data_dir_option
@_config_option
def jobs_stop(job_id: int, config: str | None, **flags: Any) -> None:
    """Stop the job ID: at once if it waits, within seconds if it runs."""
    _run_jobs(config, flags, "stop", str(job_id))


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(package_version("harbor-py"))


def _new_password() -> str:
    """Asked for twice at a terminal, else the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password: str = click.prompt("New password", hide_input=True, confirmation_prompt=True)
    return password


def _configuration(config: str | None, flags: Mapping[str, Any]) -> Configuration:
    """The settings in force; ends with one line and code 2 if one of them cannot be used."""
    if config:
        os.environ[CONFIG_FILE_VARIABLE] = config
    try:
        return load_configuration(os.environ, overrides=flags)
    except ConfigurationError as error:
        _fail(str(error), EXIT_CONFIGURATION)


def _check_files(configuration: Configuration) -> None:
    """End with code 2 unless what settings name or hold can be used."""
    try:
        overwrite_parse(configuration.config_overwrite_json)
    except ValueError as error:
        _fail(f"setting config_overwrite_json ({OVERWRITE_VARIABLE}): {error}", EXIT_CONFIGURATION)
    if (authority := configuration.ca_certificate_file) is not None and not os.access(authority, os.R_OK):
        _fail(f"setting ca_certificate_file: {authority} cannot be read", EXIT_CONFIGURATION)
    _check_tls(configuration)


def _check_tls(configuration: Configuration) -> None:
    """End with code 2 unless the certificate and its key fit together."""
    certificate, key = configuration.tls_cert, configuration.tls_key
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        _fail("settings tls_cert and tls_key: one is given without the other", EXIT_CONFIGURATION)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:  # Includes ssl.SSLError.
        reason = error.strerror or str(error)
        _fail(f"settings tls_cert and tls_key ({certificate}, {key}): {reason}", EXIT_CONFIGURATION)


def _check_address(configuration: Configuration) -> str:
    """The URL's host and port; ends with a clear line if nobody can listen there.

    Granian's workers share the port by SO_REUSEPORT, which would also let them share it with a stranger's
    process of the same user; this bind, without it, does not.
    """
    host, port = configuration.host, configuration.port
    if port == 0:
        _fail("setting bind (HARBOR_BIND): the port must not be 0", EXIT_CONFIGURATION)
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        _fail(f"cannot listen on {configuration.bind}: {error.strerror or error}")
    reachable = _EVERY_ADDRESS.get(str(address[0]), host)
    return f"[{reachable}]:{port}" if ":" in reachable else f"{reachable}:{port}"


def _environment(configuration: Configuration, flags: Mapping[str, Any]) -> dict[str, str]:
    """The environment of the processes to start: flags are handed on as settings."""
    environment = dict(os.environ)
    for name in (name for name, value in flags.items() if value is not None):
        environment[PREFIX + name.upper()] = str(getattr(configuration, name))
    environment["DJANGO_SETTINGS_MODULE"] = _SETTINGS_MODULE
    # glibc gives each of many threads an arena of its own, and what one of them freed stays with the process.
    environment.setdefault("MALLOC_ARENA_MAX", "2")
    # Pieces of bodies go back to the system when they are freed, instead of growing the heap for good.
    environment.setdefault("MALLOC_MMAP_THRESHOLD_", str(1024 * 1024))
    environment.setdefault("MALLOC_TRIM_THRESHOLD_", str(2 * 1024 * 1024))
    return environment


def _run_django(module: str, environment: Mapping[str, str], *arguments: str, text: str = "") -> None:
    """Run a module to its end and pass its failure on."""
    parent = () if module == "django" else (str(os.getpid()),)
    command = [sys.executable, "-P", "-m", module, *parent, *arguments]
    code = subprocess.run(command, env=environment, input=text.encode(), check=False).returncode  # noqa: S603 - our own modules
    if code:
        sys.exit(code if code > 0 else EXIT_FAILED)


def _run_jobs(config: str | None, flags: Mapping[str, Any], *arguments: str) -> None:
    _run_django("harbor_py.jobs", _environment(_configuration(config, flags), flags), *arguments)


def _become_supervisor(
    configuration: Configuration, address: str, lock: int, environment: dict[str, str]
) -> NoReturn:
    """Replace this program, and all that it has loaded, by the small one that stays."""
    scheme = "https" if configuration.tls_cert else "http"
    url = configuration.external_url or f"{scheme}://{address}"
    registry = url.partition("://")[2]
    click.echo(f"harbor-py keeps its data in {configuration.data_dir}")
    click.echo(f"Sign in as admin:  docker login {registry}")
    click.echo(f"Push an image:     docker push {registry}/library/IMAGE")
    sys.stdout.flush()
    os.set_inheritable(lock, True)
    arguments = [str(lock), url, f"{scheme}://{address}{_HEALTH}"]
    os.execve(  # noqa: S606 - our own module, no shell
        sys.executable, [sys.executable, "-P", "-m", "harbor_py.supervisor", *arguments], environment
    )


def _fail(message: str, code: int = EXIT_FAILED) -> NoReturn:
    click.echo(f"harbor-py: {message}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
