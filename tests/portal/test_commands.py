"""Commands for clients, as the pages show them."""

from apps.artifacts.contents import CHART, IMAGE
from apps.portal.commands import Registry, login_commands, pull_commands, push_commands, registry_at

DIGEST = f"sha256:{'a' * 64}"
HOST = "registry.example.com"


def pulled(registry: Registry, reference: str, kind: str) -> dict[str, str]:
    commands = pull_commands(registry, "shop/deep/app", reference, kind)
    return {one.client: one.lines[0] for one in commands}


def test_an_image_by_tag() -> None:
    assert pulled(registry_at(f"https://{HOST}"), "1.0", IMAGE) == {
        "docker": f"docker pull {HOST}/shop/deep/app:1.0",
        "podman": f"podman pull {HOST}/shop/deep/app:1.0",
        "skopeo": f"skopeo copy docker://{HOST}/shop/deep/app:1.0 oci:app:1.0",
        "oras": f"oras copy {HOST}/shop/deep/app:1.0 --to-oci-layout app:1.0",
    }


def test_an_image_by_digest_over_plain_http() -> None:
    assert pulled(registry_at("http://localhost:8080"), DIGEST, IMAGE) == {
        "docker": f"docker pull localhost:8080/shop/deep/app@{DIGEST}",
        "podman": f"podman pull --tls-verify=false localhost:8080/shop/deep/app@{DIGEST}",
        "skopeo": f"skopeo copy --src-tls-verify=false docker://localhost:8080/shop/deep/app@{DIGEST} oci:app",
        "oras": f"oras copy --from-plain-http localhost:8080/shop/deep/app@{DIGEST} --to-oci-layout app:latest",
    }


def test_a_chart_is_for_helm() -> None:
    by_tag = pulled(registry_at(HOST), "1.0.0_build.2", CHART)
    assert by_tag["helm"] == f"helm pull oci://{HOST}/shop/deep/app --version 1.0.0+build.2"
    assert by_tag["oras"] == f"oras pull {HOST}/shop/deep/app:1.0.0_build.2"
    assert "docker" not in by_tag
    by_digest = pulled(registry_at(HOST), DIGEST, CHART)
    assert by_digest["helm"] == f"helm pull oci://{HOST}/shop/deep/app@{DIGEST}"


def test_what_else_there_is_is_for_those_who_take_anything() -> None:
    assert set(pulled(registry_at(HOST), "1", "SOMETHING")) == {"skopeo", "oras"}


def test_clients_push_by_https_unless_they_have_to_be_told() -> None:
    secure = [line for one in push_commands(registry_at(f"https://{HOST}"), "shop") for line in one.lines]
    assert f"docker tag my-app:1.0.0 {HOST}/shop/my-app:1.0.0" in secure
    assert f"helm push my-app-1.0.0.tgz oci://{HOST}/shop" in secure
    assert not any("plain" in line or "verify" in line for line in secure)
    plain = push_commands(registry_at(f"http://{HOST}"), "shop")
    told = {one.client for one in plain if any("plain" in line or "verify" in line for line in one.lines)}
    assert told == {"podman", "skopeo", "helm", "oras"}


def test_every_client_signs_in_as_a_robot_and_is_told_no_secret() -> None:
    shown = {one.client: one.lines for one in login_commands(registry_at(f"http://{HOST}"), "robot$shop+ci")}
    assert shown == {
        "docker": (f"docker login --username 'robot$shop+ci' {HOST}",),
        "podman": (f"podman login --tls-verify=false --username 'robot$shop+ci' {HOST}",),
        "skopeo": (f"skopeo login --tls-verify=false --username 'robot$shop+ci' {HOST}",),
        "helm": (f"helm registry login --plain-http --username 'robot$shop+ci' {HOST}",),
        "oras": (f"oras login --plain-http --username 'robot$shop+ci' {HOST}",),
    }
