"""Keycloak, an identity provider that others wrote: fetched from Maven Central, held against its SHA-256, started.

It answers for OpenID Connect and SAML 2.0. Everything in it is in memory and gone with the process.
"""

import asyncio
import hashlib
import os
import shutil
import signal
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from deploy.local.kafka_jars import cache_dir, java
from deploy.local.layout import pick_port
from tests.support.http import asking

VERSION = "26.7.3"
SHA256 = "27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f"
REALM = "kommun"
_ADMIN = "admin"
_START_SECONDS = 180
_GROUP_MAPPERS = {
    "openid-connect": {
        "name": "groups",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-group-membership-mapper",
        "config": {"full.path": "false", "claim.name": "groups", "id.token.claim": "true"},
    },
    "saml": {
        "name": "groups",
        "protocol": "saml",
        "protocolMapper": "saml-group-membership-mapper",
        "config": {"attribute.name": "groups", "full.path": "false", "single": "true"},
    },
}
_MAIL = {
    "name": "email",
    "protocol": "saml",
    "protocolMapper": "saml-user-property-mapper",
    "config": {"user.attribute": "email", "attribute.name": "email", "attribute.nameformat": "Basic"},
}


def _distribution() -> Path:
    """The distribution's archive, kept between runs."""
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=cache_dir() / "maven", timeout=300)
    component = context.project("org.keycloak", "keycloak-quarkus-dist").at_version(VERSION)
    archive = Path(component.artifact(packaging="zip").resolve())
    with archive.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == SHA256, f"{archive} is not Keycloak {VERSION}"
    return archive


@dataclass
class Keycloak:
    """The running provider, and an administrator in it."""

    url: str
    _token: str = ""

    @property
    def issuer(self) -> str:
        return f"{self.url}/realms/{REALM}"

    @property
    def saml_metadata(self) -> str:
        return f"{self.issuer}/protocol/saml/descriptor"

    async def admin(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """One call of the administration's API; fails the test when it is refused."""
        async with asking(self.url) as http:
            form = {"grant_type": "password", "client_id": "admin-cli", "username": _ADMIN, "password": _ADMIN}
            bought = await http.post("/realms/master/protocol/openid-connect/token", data=form)
            token = bought.raise_for_status().json()["access_token"]
            answer = await http.request(
                method, f"/admin{path}", json=body, headers={"Authorization": f"Bearer {token}"}
            )
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    async def group(self, name: str) -> str:
        """A group's id; made if it is not there."""
        for group in (await self.admin("GET", f"/realms/{REALM}/groups")).json():
            if group["name"] == name:
                return str(group["id"])
        made = await self.admin("POST", f"/realms/{REALM}/groups", {"name": name})
        return made.headers["location"].rsplit("/", 1)[1]

    async def user(self, name: str, password: str, *, groups: list[str], verified: bool = True) -> str:
        """A user with this name, an address at exempel.invalid and groups, which are made if they are not there."""
        for group in groups:
            await self.group(group)
        body = {
            "username": name,
            "enabled": True,
            "email": f"{name}@exempel.invalid",
            "emailVerified": verified,
            "firstName": name.capitalize(),
            "lastName": "Exempel",
            "groups": groups,
            "credentials": [{"type": "password", "value": password, "temporary": False}],
        }
        made = await self.admin("POST", f"/realms/{REALM}/users", body)
        return made.headers["location"].rsplit("/", 1)[1]

    async def move(self, user: str, *, leave: str, join: str) -> None:
        """Take a user out of a group, and into another."""
        await self.admin("DELETE", f"/realms/{REALM}/users/{user}/groups/{await self.group(leave)}")
        await self.admin("PUT", f"/realms/{REALM}/users/{user}/groups/{await self.group(join)}")

    async def openid_client(self, ident: str, secret: str, back: str) -> None:
        """A confidential client that comes back to one address and hears of sign-outs."""
        await self.admin(
            "POST",
            f"/realms/{REALM}/clients",
            {
                "clientId": ident,
                "secret": secret,
                "redirectUris": [back],
                "standardFlowEnabled": True,
                "attributes": {
                    "pkce.code.challenge.method": "S256",
                    "backchannel.logout.url": back.removesuffix("svar") + "utloggad",
                    "backchannel.logout.session.required": "true",
                    "post.logout.redirect.uris": back.partition("/logga-in")[0] + "/*",
                },
                "protocolMappers": [_GROUP_MAPPERS["openid-connect"]],
            },
        )

    async def saml_client(self, back: str) -> None:
        """A service provider whose entity id is the address that it is sent back to."""
        await self.admin(
            "POST",
            f"/realms/{REALM}/clients",
            {
                "clientId": back,
                "protocol": "saml",
                "redirectUris": [back],
                "attributes": {
                    "saml.assertion.signature": "true",
                    "saml.client.signature": "false",
                    "saml.force.post.binding": "true",
                    "saml_assertion_consumer_url_post": back,
                },
                "protocolMappers": [_GROUP_MAPPERS["saml"], _MAIL],
            },
        )


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Keycloak]:
    """Keycloak in its development mode on a port of its own, with an empty realm."""
    with zipfile.ZipFile(_distribution()) as archive:
        archive.extractall(folder)
    home, port = folder / f"keycloak-{VERSION}", pick_port()
    env = os.environ | {
        "JAVA": java(),
        "KC_BOOTSTRAP_ADMIN_USERNAME": _ADMIN,
        "KC_BOOTSTRAP_ADMIN_PASSWORD": _ADMIN,
        "JAVA_OPTS_APPEND": "-Xmx700m",
    }
    argv = ["bash", str(home / "bin" / "kc.sh"), "start-dev", "--db=dev-mem", "--cache=local",
            "--http-host=127.0.0.1", f"--http-port={port}", f"--http-management-port={pick_port([port])}"]  # fmt: skip
    with (folder / "keycloak.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*argv, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        made = Keycloak(f"http://127.0.0.1:{port}")
        await _answers(made, process, folder / "keycloak.log")
        await made.admin("POST", "/realms", {"realm": REALM, "enabled": True, "sslRequired": "none"})
        yield made
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # its data is in memory: there is nothing to end well
        await process.wait()
        await asyncio.to_thread(shutil.rmtree, home)


async def _answers(keycloak: Keycloak, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(_START_SECONDS), asking() as http:
        while process.returncode is None:
            try:
                if (await http.get(f"{keycloak.url}/realms/master")).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.5)
    said = await asyncio.to_thread(log.read_text, "utf-8", "replace")
    raise AssertionError(f"Keycloak ended: {said[-2000:]}")
