"""Staff who come in by their own organisation's login: who somebody is here, and what they may do by their groups.

An account is linked once: by a verified address to the person with it, else to a new person. From then on it is known
by the provider's own id of it. Roles that a group can give follow the groups at each login; others stay as set here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest import secrets
from services.ingest.federation import ROLES, Entered, Identity, Provider, Refusal
from services.ingest.handlers.appointing import Appointing, Gone, LastAdministrator, UnknownMunicipality, register
from services.ingest.store import appointments, federation, people
from services.runtime.database import Database
from services.runtime.mail import ADDRESS
from services.runtime.sealing import Sealer
from services.runtime.tokens import subject_digest

SEALED_FOR = "provider"
"""The purpose of a provider's seal."""


def _issuer(settings: Mapping[str, Any]) -> object:
    return settings.get("issuer") or settings.get("idp", {}).get("entityId")


def _provider(row: Row[Any]) -> Provider:
    return Provider(
        row.provider_id,
        row.kommun,
        row.kommun_name,
        row.kind,
        row.name,
        row.settings,
        row.secret,
        row.roles,
        row.required,
    )


class Federating:
    """The use cases of logging in at one's own organisation."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database, self._sealer = database, sealer

    async def providers(self) -> list[Provider]:
        """Every municipality's, for the login page; without their secrets."""
        async with self._database.transaction() as connection:
            return [replace(_provider(row), secret="") for row in await federation.providers(connection)]

    async def provider(self, ident: UUID) -> Provider | None:
        """One of them, its secret opened. Unsealable when the instance's secret is another than it was."""
        async with self._database.transaction() as connection:
            row = await federation.provider(connection, ident)
        if row is None:
            return None
        found = _provider(row)
        return replace(found, secret=self._sealer.open(SEALED_FOR, found.secret)) if found.secret else found

    async def put(
        self, kommun: str, *, kind: str, name: str, settings: dict[str, Any], secret: str | None, required: bool | None
    ) -> UUID:
        """Register a provider, or change the one with this name. UnknownMunicipality, Unsealable.

        None leaves the secret, and whether it is required, as they were. Another issuer is another provider: whose
        account was whose is forgotten, and who came in by it is signed out.
        """
        sealed = self._sealer.seal(SEALED_FOR, secret) if secret else secret
        async with self._database.transaction((kommun,)) as connection:
            if await people.municipality(connection, kommun) is None:
                raise UnknownMunicipality(kommun)
            known = await federation.named(connection, kommun, name)
            if known is not None and _issuer(known.settings) != _issuer(settings):
                await _revoke(connection, kommun, known.provider_id)
                await federation.forget_accounts(connection, kommun, known.provider_id)
            return await federation.put_provider(
                connection, uuid4(), kommun, kind=kind, name=name, settings=settings, secret=sealed, required=required
            )

    async def remove(self, kommun: str, name: str) -> bool:
        """Forget a provider; who came in by it is signed out. False for none."""
        async with self._database.transaction((kommun,)) as connection:
            known = await federation.named(connection, kommun, name)
            if known is None:
                return False
            await _revoke(connection, kommun, known.provider_id)
            return await federation.remove_provider(connection, kommun, name) is not None

    async def map_roles(self, kommun: str, ident: UUID, roles: Mapping[str, Sequence[str]]) -> bool:
        """Which groups give which role, from each one's next login on; False when it is not the municipality's."""
        kept = {role: list(dict.fromkeys(roles.get(role, ()))) for role in ROLES}
        async with self._database.transaction((kommun,)) as connection:
            return await federation.put_roles(connection, kommun, ident, {r: g for r, g in kept.items() if g})

    async def enter(self, provider: Provider, identity: Identity, hours: float) -> Entered:
        """A session for who the provider says it is, with the roles that their groups give."""
        subject = secrets.digest(identity.subject)
        async with self._database.transaction((provider.kommun,)) as connection:
            await appointments.lock(connection, provider.kommun)
            found = await self._person(connection, provider, identity, subject)
        if isinstance(found, str):
            return Entered(refused=found)
        refused = await self._follow(provider, identity, found)
        if refused is not None:
            return Entered(refused=refused)
        session = secrets.new_session()
        async with self._database.transaction() as connection:
            await people.add_session(
                connection,
                secrets.digest(session),
                provider.kommun,
                found,
                datetime.now(UTC) + timedelta(hours=hours),
                provider=provider.ident,
                sid=secrets.digest(identity.session) if identity.session else None,
            )
        return Entered(session)

    async def _person(
        self, connection: AsyncConnection, provider: Provider, identity: Identity, subject: bytes
    ) -> UUID | Refusal:
        """Whose account it is; linked now if it was not."""
        known = await federation.account(connection, provider.kommun, provider.ident, subject)
        if known is not None:
            return known
        if not re.match(ADDRESS, identity.email):
            return "no_email"
        if not identity.verified:
            return "unverified"
        roles = provider.granted(identity.groups)
        same = await people.person_by_email(connection, provider.kommun, identity.email)
        if same is None and not roles:
            return "no_group"
        if same is not None and await federation.linked(connection, provider.kommun, provider.ident, same.person_id):
            return "taken"  # an address that went to somebody else there, or was written there by its holder
        person, _ = await register(
            connection,
            provider.kommun,
            name=identity.name or identity.email.partition("@")[0],
            email=identity.email,
            roles=roles,
            organisation=str(provider.settings.get("organisation") or f"{provider.kommun_name} kommun"),
        )
        await federation.link(connection, provider.kommun, provider.ident, subject, person)
        return person

    async def _follow(self, provider: Provider, identity: Identity, person: UUID) -> Refusal | None:
        """Give and take roles as the groups say; the last administrator keeps theirs."""
        appointing = Appointing(self._database)
        try:
            row = (await appointing.person(provider.kommun, person)).row
        except Gone:
            return "locked"  # erased at this very moment
        if not row.active:
            return "locked"
        roles = provider.granted(identity.groups, row.roles)
        name = identity.name or row.name
        if set(roles) != set(row.roles) or name != row.name:
            kept = {"name": name, "organisation": row.organisation_id}  # a lock-out meanwhile stands
            try:
                await appointing.change(provider.kommun, person, roles=roles, **kept)
            except LastAdministrator:
                roles = [role for role in ROLES if role in {*roles, "administrator"}]
                await appointing.change(provider.kommun, person, roles=roles, **kept)
        if not roles:
            async with self._database.transaction((provider.kommun,)) as connection:
                await appointments.end_sessions(connection, provider.kommun, person)
        return None if roles else "no_group"

    async def signed_out(self, provider: Provider, subject: str | None, session: str | None) -> None:
        """The provider says that somebody signed out there: that session ends, or all that it began for them."""
        sid = secrets.digest(session) if session else None
        async with self._database.transaction((provider.kommun,)) as connection:
            found = await federation.by_sid(connection, provider.ident, sid) if sid is not None else None
            person = found[1] if found is not None else None
            if person is None and subject:
                digest = secrets.digest(subject)
                person = await federation.account(connection, provider.kommun, provider.ident, digest)
            if person is None:
                return
            await federation.end_sessions(connection, provider.ident, person=person, sid=sid)
            who = subject_digest(provider.kommun, str(person))
            await appointments.revoke(connection, who, datetime.now(UTC))

    async def provider_of(self, session: str) -> Provider | None:
        """The provider by which a device session was begun; None for a code by mail."""
        async with self._database.transaction() as connection:
            ident = await federation.of_session(connection, secrets.digest(session))
            row = await federation.provider(connection, ident) if ident is not None else None
        return replace(_provider(row), secret="") if row is not None else None


async def _revoke(connection: AsyncConnection, kommun: str, provider: UUID) -> None:
    """The tokens of all who have an account at a provider end, in every room."""
    now = datetime.now(UTC)
    for person in await federation.people_of(connection, kommun, provider):
        await appointments.revoke(connection, subject_digest(kommun, str(person)), now)
