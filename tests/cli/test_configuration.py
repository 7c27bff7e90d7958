"""Settings: where they come from, what is refused, and how they are shown."""

import json
import os
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(run, tmp_path):
    file = tmp_path / "harbor.yml"
    file.write_text("bind: 0.0.0.0:1234\nstall_timeout: 5\n")

    shown = yaml.safe_load(run("config", "show", "--config", str(file), HARBOR_STALL_TIMEOUT="7").stdout)

    assert (shown["bind"], shown["stall_timeout"], shown["threads"]) == ("0.0.0.0:1234", 7, 256)


def test_relative_paths_become_absolute_so_that_every_process_means_the_same(run, tmp_path):
    assert yaml.safe_load(run("config", "show").stdout)["data_dir"] == str(tmp_path / "data")


@pytest.mark.parametrize(
    ("settings", "file", "named"),
    [
        ({"HARBOR_BNID": "x"}, "", "HARBOR_BNID"),
        ({}, "bnid: 1\n", "bnid"),
        ({"HARBOR_WORKERS": "none"}, "", "HARBOR_WORKERS"),
        ({"HARBOR_BIND": "8080"}, "", "HARBOR_BIND"),
        ({}, "- a list\n", "harbor.yml"),
        ({}, "a: [\n", "harbor.yml"),
        ({"HARBOR_TLS_CERT": "/nowhere.pem"}, "", "tls_key"),
        ({"HARBOR_CA_CERTIFICATE_FILE": "/nowhere.pem"}, "", "ca_certificate_file"),
        ({"CONFIG_OVERWRITE_JSON": "{"}, "", "CONFIG_OVERWRITE_JSON"),
        ({"CONFIG_OVERWRITE_JSON": '{"no_such_setting": 1}'}, "", "no_such_setting"),
        ({"HARBOR_CONFIG_OVERWRITE_JSON": '{"token_expiration": 0}'}, "", "token_expiration"),
    ],
)
@pytest.mark.parametrize("command", [("config", "check"), ("up",)], ids=["check", "up"])
def test_what_cannot_be_used_is_refused_by_name(run, tmp_path, command, settings, file, named):
    path = tmp_path / "harbor.yml"
    path.write_text(file)

    result = run(*command, "--config", str(path), **settings)

    assert result.returncode == 2
    assert named in result.stderr
    assert result.stderr.startswith("harbor-py: ")
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "data").exists()


def test_a_refused_value_is_not_shown(run):
    result = run("config", "check", HARBOR_DATABASE_URL="mysql://me:geheim@host/db")
    assert (result.returncode, "geheim" in result.stderr) == (2, False)


def test_a_missing_file_is_named(run):
    result = run("config", "check", "--config", "/nowhere/harbor.yml")
    assert (result.returncode, "/nowhere/harbor.yml" in result.stderr) == (2, True)


def test_secrets_are_masked(run):
    result = run(
        "config",
        "show",
        HARBOR_ADMIN_PASSWORD="geheim1",
        CONFIG_OVERWRITE_JSON='{"oidc_client_secret": "geheim6"}',
        HARBOR_DATABASE_URL="postgresql://me:geheim2@host/db?sslmode=require&sslpassword=geheim3",
        HARBOR_REDIS_URL="redis://:geheim4@host/0",
        HARBOR_STORAGE_URL="s3://bucket/a?endpoint=http://host:9000&secret_key=geheim5",
    )

    assert "geheim" not in result.stdout
    shown = yaml.safe_load(result.stdout)
    assert shown["database_url"] == "postgresql://me:********@host/db?sslmode=require&sslpassword=********"
    assert shown["redis_url"] == "redis://:********@host/0"
    assert shown["storage_url"] == "s3://bucket/a?endpoint=http://host:9000&secret_key=********"


@pytest.mark.parametrize("page", ["configuration", "settings"])
def test_the_pages_of_settings_are_current(run, page):
    assert run("config", "docs", page).stdout == (ROOT / f"docs/{page}.md").read_text("utf-8")


def test_the_schema_knows_each_setting_and_no_other(run):
    schema = json.loads(run("config", "schema").stdout)
    shown = yaml.safe_load(run("config", "show").stdout)
    assert (set(schema["properties"]), schema["additionalProperties"]) == (set(shown), False)


def test_a_key_file_that_is_set_but_missing_is_not_made(run, tmp_path):
    result = run("up", "--bind", "127.0.0.1:1", HARBOR_SECRET_KEY_FILE=str(tmp_path / "none"))
    assert (result.returncode, "HARBOR_SECRET_KEY_FILE" in result.stderr) == (2, True)
    assert not os.path.exists(tmp_path / "none")
