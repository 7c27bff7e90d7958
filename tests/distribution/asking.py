"""Asking for tokens, and looking into them."""

from typing import Any

import httpx
import jwt

from tests.support.accounts import Person

SERVICE = "harbor-registry"


def ask(http: httpx.Client, person: Person | None, *scopes: str, **parameters: str) -> httpx.Response:
    query = [("service", SERVICE), *(("scope", scope) for scope in scopes), *parameters.items()]
    return http.get("/service/token", params=query, auth=person.basic if person else None)


def claims_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return jwt.decode(answer.json()["token"], options={"verify_signature": False})


def access_of(answer: httpx.Response) -> dict[str, list[str]]:
    return {entry["name"]: sorted(entry["actions"]) for entry in claims_of(answer)["access"]}


def opens(http: httpx.Client, token: str, path: str) -> int:
    return http.get(path, headers={"Authorization": f"Bearer {token}"}).status_code
