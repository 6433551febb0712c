"""Staff who come in by their own organisation's login, tried against Keycloak in a real browser: roles by groups, out
again in every room, answers that somebody else began, and both protocols."""

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from services.ingest.handlers.federating import Federating
from services.ingest.web.login import DEVICE
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from services.runtime.sealing import Sealer
from services.runtime.tokens import COOKIE
from tests.browser.conftest import DESKTOP, Login, Town
from tests.browser.test_pages import violations
from tests.support.http import asking
from tests.support.instance import eventually
from tests.support.keycloak import Keycloak, running

CLIENT, SECRET, PASSWORD = "lagesbild", "hemligt & #1", "ett långt lösenord"
BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>'


@pytest.fixture(scope="module")
async def keycloak(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Keycloak]:
    async with running(tmp_path_factory.mktemp("keycloak")) as started:
        yield started


def command(town: Town, *argv: str) -> subprocess.CompletedProcess[str]:
    """An operator's command, as the serving role of the door."""
    layout = town.instance.ground.layout
    env = {
        "LAGESBILD_DATABASE_URL": town.instance.ground.database_url(serve_role("ingest")),
        "LAGESBILD_SEAL_SECRET": layout.secrets["seal"],
        "LAGESBILD_PUBLIC_URL": town.url,
        "PATH": "/usr/bin:/bin",
    }
    argv = (sys.executable, "-m", "services.cli", "login-provider", *argv, "--json")
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False)


async def grant(town: Town, provider: str) -> None:
    """Analysts by their group."""
    database = Database(town.instance.ground.database_url(serve_role("ingest")), pool_size=1)
    try:
        federating = Federating(database, Sealer(town.instance.ground.layout.secrets["seal"]))
        assert await federating.map_roles(town.tenant.kommun, UUID(provider), {"analytiker": ["EST analys"]})
    finally:
        await database.close()


@pytest.fixture(scope="module")
async def provider(town: Town, keycloak: Keycloak, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The municipality's OpenID Connect provider; its id."""
    secret = tmp_path_factory.mktemp("secret") / "client"
    secret.write_text(SECRET + "\n")
    argv = ("put", town.tenant.kommun, "Nässjös konto", "--issuer", keycloak.issuer, "--client-id", CLIENT)
    done = command(town, *argv, "--secret-file", str(secret))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    await keycloak.openid_client(CLIENT, SECRET, said["back"])
    await grant(town, said["provider"])
    yield said["provider"]
    assert command(town, "remove", town.tenant.kommun, "Nässjös konto").returncode == 0


async def map_groups(login: Login, town: Town, provider: str) -> None:
    page = await login("administrator", **DESKTOP)
    await page.goto(f"{town.url}/administration/inloggning")
    await page.fill(f"form[action$='{provider}'] [name=analytiker]", "EST analys\nEST ledning")
    await page.fill(f"form[action$='{provider}'] [name=est_medlem]", "EST ledning")
    await page.locator(f"form[action$='{provider}'] button").click()
    await expect(page.get_by_role("status")).to_contain_text("Sparat")
    assert await violations(page) == []


async def come_in(context: BrowserContext, town: Town, name: str, label: str = "Nässjös konto") -> Page:
    page = await context.new_page()
    await page.goto(f"{town.url}/logga-in?till=/oversikt")
    await page.get_by_role("link", name=label).click()
    await page.fill("#username", name)
    await page.fill("#password", PASSWORD)
    await page.click("#kc-login")
    return page


async def roles_of(town: Town, name: str) -> list[str] | None:
    query = "select roles from people where kommun = $1 and email = $2"
    rows = await town.instance.sql(
        query, town.tenant.kommun, f"{name}@exempel.invalid", kommun=town.tenant.kommun, room="ingest"
    )
    return sorted(rows[0]["roles"]) if rows else None


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    made = await browser.new_context(locale="sv-SE", **DESKTOP)
    yield made
    await made.close()


async def test_roles_follow_the_groups_and_a_sign_out_there_holds_here(
    town: Town, keycloak: Keycloak, provider: str, login: Login, context: BrowserContext
) -> None:
    await map_groups(login, town, provider)
    name = f"anna{uuid4().hex[:6]}"
    user = await keycloak.user(name, PASSWORD, groups=["EST ledning"])
    page = await come_in(context, town, name)
    await page.wait_for_url("**/oversikt**")
    assert await roles_of(town, name) == ["analytiker", "est_medlem"]
    await keycloak.move(user, leave="EST ledning", join="EST analys")
    await page.goto(f"{town.url}/logga-in/med/{provider}?till=/oversikt")  # the provider knows the browser still
    await page.wait_for_url("**/oversikt**")
    assert await roles_of(town, name) == ["analytiker"]
    token = next(c["value"] for c in await context.cookies() if c.get("name") == COOKIE)
    bearer = {"Authorization": f"Bearer {token}"}
    async with asking(town.url) as http:
        assert (await http.get("/v1/counts", headers=bearer)).status_code == 200
        await keycloak.admin("POST", f"/realms/kommun/users/{user}/logout")

        async def refused() -> bool:
            return (await http.get("/v1/counts", headers=bearer)).status_code == 401

        await eventually(refused, "analysis refuses the token of who signed out at the provider")
    await page.goto(f"{town.url}/oversikt")
    await page.wait_for_url("**/logga-in**")


async def test_who_has_no_group_or_no_checked_address_stays_outside(
    town: Town, keycloak: Keycloak, provider: str, browser: Browser
) -> None:
    for groups, verified, said in ((["Vaktmästare"], True, "ingen roll"), (["EST analys"], False, "inte bekräftad")):
        name = f"bo{uuid4().hex[:6]}"
        await keycloak.user(name, PASSWORD, groups=groups, verified=verified)
        context = await browser.new_context(locale="sv-SE", **DESKTOP)
        page = await come_in(context, town, name)
        await expect(page.locator(".lead")).to_contain_text(said)
        assert await roles_of(town, name) is None
        await context.close()


async def test_signing_out_shows_the_way_to_sign_out_there_too(
    town: Town, keycloak: Keycloak, provider: str, context: BrowserContext
) -> None:
    name = f"eva{uuid4().hex[:6]}"
    await keycloak.user(name, PASSWORD, groups=["EST analys"])
    page = await come_in(context, town, name)
    await page.wait_for_url("**/oversikt**")
    await page.evaluate(
        """() => { const f = document.createElement("form"); f.method = "post"; f.action = "/logga-ut";
        document.body.append(f); f.submit(); }"""
    )
    await page.get_by_role("link", name="Logga ut även hos").click()
    await page.locator("#kc-logout").click()
    await page.wait_for_url("**/logga-in**")
    await page.get_by_role("link", name="Nässjös konto").click()
    await expect(page.locator("#username")).to_be_visible()


async def test_an_answer_that_another_browser_began_is_refused(
    town: Town, keycloak: Keycloak, provider: str, context: BrowserContext, browser: Browser
) -> None:
    """Login CSRF: an attacker's answer must not log a victim in as the attacker."""
    name = f"mallory{uuid4().hex[:6]}"
    await keycloak.user(name, PASSWORD, groups=["EST analys"])
    caught: list[str] = []
    context.on("request", lambda r: caught.append(r.url) if "/svar?" in r.url else None)
    page = await come_in(context, town, name)
    await page.wait_for_url("**/oversikt**")
    victim = await browser.new_context()
    theirs = await victim.new_page()
    response = await theirs.goto(caught[0])
    assert response is not None
    assert response.status == 400
    assert not [c for c in await victim.cookies() if c.get("name") == COOKIE]
    await victim.close()


async def test_where_it_is_required_staff_get_no_code_and_reporters_do(town: Town, keycloak: Keycloak) -> None:
    kommun = "0684"
    tenant = await town.instance.tenant(kommun, "Sävsjö")
    argv = ("put", kommun, "Sävsjös konto", "--issuer", keycloak.issuer, "--client-id", CLIENT)
    assert command(town, *argv, "--required").returncode == 0
    addresses = {role: f"{role}-{uuid4().hex[:8]}@exempel.invalid" for role in ("analytiker", "rapportor")}
    try:
        async with asking(town.url) as http:
            for role, address in addresses.items():
                body = {"name": "Kim Exempel", "email": address, "roles": [role], "organisation": "Exempelbolaget"}
                assert (await http.post("/v1/people", json=body, headers=tenant.headers)).status_code == 201
                assert (await http.post("/logga-in", data={"email": address})).status_code == 200

            async def mails(role: str) -> list[dict[str, str]]:
                answer = await http.get("/utkorg/mejl.json", params={"to": addresses[role]})
                return list(answer.json())

            async def arrived() -> bool:
                return bool(await mails("rapportor"))  # asked for last

            await eventually(arrived, "a code for the reporter")
            assert await mails("analytiker") == []
    finally:
        assert command(town, "remove", kommun, "Sävsjös konto").returncode == 0


async def saml_provider(town: Town, keycloak: Keycloak, folder: Path) -> str:
    async with asking() as http:
        (folder / "metadata.xml").write_bytes((await http.get(keycloak.saml_metadata)).content)
    argv = ("put", town.tenant.kommun, "SAML-konto", "--saml-metadata", str(folder / "metadata.xml"))
    done = command(town, *argv, "--trust-email")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    await keycloak.saml_client(said["back"])
    await grant(town, said["provider"])
    return str(said["back"])


async def test_saml_brings_the_same_people_in_and_only_who_asked(
    town: Town, keycloak: Keycloak, context: BrowserContext, tmp_path: Path
) -> None:
    back = await saml_provider(town, keycloak, tmp_path)
    name = f"sam{uuid4().hex[:6]}"
    await keycloak.user(name, PASSWORD, groups=["EST analys"])
    answers: list[str] = []
    context.on("request", lambda r: answers.append(r.post_data or "") if r.url == back else None)
    try:
        page = await come_in(context, town, name, "SAML-konto")
        await page.wait_for_url("**/oversikt**")
        assert await roles_of(town, name) == ["analytiker"]
        (answer,) = [parse_qs(a) for a in answers]
        # The same signed answer, handed in by a browser that asked for nothing; then one that somebody changed.
        async with asking() as http:
            taken = await http.post(back, data=answer)
            assert taken.status_code == 303
            assert (await http.get(back.replace("/svar", "/klar"))).status_code == 400
            assert not {COOKIE, DEVICE} & set(http.cookies)
            other = b64decode(answer["SAMLResponse"][0]).replace(name.encode(), b"admin")
            forged = {"SAMLResponse": b64encode(other).decode(), "RelayState": answer["RelayState"][0]}
            for hostile in (forged, {"SAMLResponse": "AAAA"}, {"SAMLResponse": b64encode(BOMB).decode()}):
                assert (await http.post(back, data=hostile)).status_code == 502
    finally:
        assert command(town, "remove", town.tenant.kommun, "SAML-konto").returncode == 0
    await page.goto(f"{town.url}/administration")
    await page.wait_for_url("**/logga-in**")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--issuer", "http://exempel.invalid/realms/x", "--client-id", "x"), "https"),
        (("--issuer", "http://127.0.0.1:9/realms/x", "--client-id", "x"), "does not answer"),
        (("--issuer", "https://x.invalid"), "--client-id"),
        ((), "--issuer"),
        (("--saml-metadata", "/etc/hostname"), "metadata"),
        (("--saml-metadata", "/finns/inte"), "cannot be read"),
    ],
)
async def test_a_provider_that_cannot_be_used_is_refused_with_what_is_wrong(
    town: Town, argv: tuple[str, ...], said: str
) -> None:
    done = command(town, "put", town.tenant.kommun, "Fel", *argv)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
