"""Who comes in: keys for systems, e-mailed codes and device sessions for people, short tokens for every room."""

import asyncio
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from joserfc.jwk import OKPKey
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.appointments import AppointmentChanged
from schemas.envelope import Envelope, derived_id
from schemas.topics import APPOINTMENT_CHANGED
from services.ingest import secrets
from services.ingest.domain import Sender
from services.ingest.handlers.submitting import SOURCE
from services.ingest.store import people as store
from services.ingest.store.reports import epoch
from services.runtime import outbox
from services.runtime.database import Database
from services.runtime.minting import next_number
from services.runtime.publisher import message, type_of
from services.runtime.tokens import NotAuthenticated, Principal, issue

ROLES = ("rapportor", "analytiker", "est_medlem", "administrator")
SCOPES = (
    "reports:write",
    "reports:read",
    "counts:read",
    "features:read",
    "context:write",
    "people:write",
    "subscriptions:write",
)


@dataclass(frozen=True, slots=True)
class NewCode:
    """A login code on its way to its owner."""

    nonce: str
    code: str
    send_to: str | None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A device session, or the municipalities (code, name) to choose among."""

    session: str | None
    choices: tuple[tuple[str, str], ...] = ()


class UnknownMunicipality(Exception):
    """The municipality is not registered."""


class People:
    """The door's use cases for people, systems and their tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._key: OKPKey | None = None
        self._making = asyncio.Lock()

    async def create_municipality(self, kommun: str, name: str, *, invented: bool = False) -> None:
        """Register or rename a municipality."""
        async with self._database.transaction() as connection:
            await store.put_municipality(connection, kommun, name, invented=invented)

    async def create_key(
        self, kommun: str, *, system: str, organisation: str, source: str, scopes: list[str]
    ) -> tuple[UUID, str]:
        """A new key for a system, registered if it is not yet; returns its client id and the key, shown only now."""
        key = secrets.new_key()
        async with self._database.transaction((kommun,)) as connection:
            municipality = await store.municipality(connection, kommun)
            if municipality is None:
                raise UnknownMunicipality(kommun)
            owner = await self._organisation(connection, kommun, organisation)
            client = await store.system_client(connection, kommun, system)
            if client is None:
                client = uuid4()
                await store.add_client(
                    connection,
                    kommun,
                    client,
                    organisation=owner,
                    kind="system",
                    name=system,
                    source=source,
                    invented=municipality.invented,
                )
            await store.add_credential(
                connection, secrets.digest(key), kommun=kommun, client_id=client, prefix=key[:8], scopes=scopes
            )
        return client, key

    async def create_person(
        self, kommun: str, *, name: str, email: str, roles: list[str], organisation: str, source: str = "rapportor"
    ) -> UUID:
        """Register and appoint a person; the same address in the same municipality gives the same person again."""
        async with self._database.transaction((kommun,)) as connection:
            municipality = await store.municipality(connection, kommun)
            if municipality is None:
                raise UnknownMunicipality(kommun)
            known = await store.person_by_email(connection, kommun, email)
            if known is not None:
                found: UUID = known.person_id
                return found
            person, client, token = uuid4(), uuid4(), uuid4().hex
            owner = await self._organisation(connection, kommun, organisation)
            await store.add_client(
                connection,
                kommun,
                client,
                organisation=owner,
                kind="person",
                name="person",
                source=source,
                invented=municipality.invented,
            )
            await store.add_person(
                connection,
                kommun,
                person,
                client_id=client,
                organisation=owner,
                name=name,
                email=email,
                roles=roles,
                token=token,
                email_hash=secrets.email_digest(email),
            )
            await self._appoint(connection, kommun, token, owner)
        return person

    async def _appoint(self, connection: AsyncConnection, kommun: str, token: str, organisation: UUID) -> None:
        """Say that a reporter is appointed: an opaque token, never a person."""
        now = datetime.now(UTC)
        appointment = AppointmentChanged(
            kommun=kommun,
            reporter_token=token,
            revision=next_number(None, await epoch(connection)),
            organisation=organisation,
            since=now,
            minted_at=now,
        )
        envelope = Envelope(
            id=derived_id(APPOINTMENT_CHANGED.name, kommun, token, appointment.revision),
            source=SOURCE,
            type=type_of(APPOINTMENT_CHANGED),
            time=now,
            partitionkey=kommun,
            correlationid=str(uuid4()),
        )
        await outbox.write(connection, [message(APPOINTMENT_CHANGED, appointment, envelope)])

    async def _organisation(self, connection: AsyncConnection, kommun: str, name: str) -> UUID:
        found = await store.organisation(connection, kommun, name)
        if found is None:
            found = uuid4()
            await store.add_organisation(connection, kommun, found, name, "department")
        return found

    async def sender(self, principal: Principal) -> Sender:
        """What the door knows about a principal as a sender; NotAuthenticated when the client is gone."""
        async with self._database.transaction(principal.kommuner) as connection:
            client_id = UUID(principal.subject)
            if principal.kind == "person":
                person = await store.person(connection, principal.kommun, client_id)
                if person is None:
                    raise NotAuthenticated("no such person")
                client_id = person.client_id
            row = await store.client(connection, principal.kommun, client_id)
        if row is None:
            raise NotAuthenticated("no such client")
        return Sender(
            kommun=principal.kommun,
            client_id=client_id,
            source=row.source,
            organisation=row.organisation_id,
            reporter_token=row.reporter_token,
            invented=row.invented,
        )

    async def by_key(self, key: str) -> Principal:
        """The principal of an API key; NotAuthenticated when it is unknown or revoked."""
        async with self._database.transaction() as connection:
            row = await store.credential(connection, secrets.digest(key))
        if row is None:
            raise NotAuthenticated("unknown key")
        return Principal(str(row.client_id), "client", row.kommun, scopes=frozenset(row.scopes))

    async def start_login(self, email: str, minutes: int) -> NewCode:
        """A code for an address. The answer looks the same for a stranger: nobody learns who is registered."""
        nonce, code, address = secrets.new_session(), secrets.new_code(), secrets.email_digest(email)
        expires = datetime.now(UTC) + timedelta(minutes=minutes)
        async with self._database.transaction() as connection:
            known = await store.logins(connection, address)
            room = await store.add_code(
                connection, secrets.digest(nonce), address, secrets.code_digest(nonce, code), expires
            )
        # To the address as it was registered, never as it was typed: two spellings may be two people's mailboxes.
        people = [p for p in [await self.person(*entry) for entry in known] if p is not None and p.active]
        return NewCode(nonce, code, people[0].email if people and room else None)

    async def finish_login(self, nonce: str, code: str, days: int, kommun: str | None = None) -> LoggedIn | None:
        """A new device session when the code is right, in this browser, in time; None otherwise.

        Somebody who is active in several municipalities chooses one: without ``kommun`` the answer is the choices, and
        the code stays good for the choice.
        """
        digest = secrets.digest(nonce)
        async with self._database.transaction() as connection:
            attempt = await store.try_code(connection, digest)
            known = await store.logins(connection, bytes(attempt.email_hash)) if attempt is not None else []
        if attempt is None or not hmac.compare_digest(bytes(attempt.code_hash), secrets.code_digest(nonce, code)):
            return None
        found = [(entry, await self.person(*entry)) for entry in known]
        active = {entry[0]: (entry[1], row.kommun_name) for entry, row in found if row is not None and row.active}
        if not active:
            return None
        chosen = kommun if kommun is not None else next(iter(active)) if len(active) == 1 else None
        if chosen is None:
            return LoggedIn(None, tuple((code, name) for code, (_, name) in active.items()))
        if chosen not in active:
            return None
        session = secrets.new_session()
        async with self._database.transaction() as connection:
            await store.use_code(connection, digest)
            expires = datetime.now(UTC) + timedelta(days=days)
            await store.add_session(connection, secrets.digest(session), chosen, active[chosen][0], expires)
        return LoggedIn(session)

    async def by_session(self, session: str) -> Principal | None:
        """The person behind a device session; None when it has ended or the person is no longer active."""
        async with self._database.transaction() as connection:
            found = await store.session(connection, secrets.digest(session))
        if found is None:
            return None
        row = await self.person(*found)
        if row is None or not row.active:
            return None
        return Principal(
            str(row.person_id),
            "person",
            found[0],
            roles=frozenset(row.roles),
            name=row.name,
            kommun_name=row.kommun_name,
            invented=row.invented,
        )

    async def person(self, kommun: str, ident: UUID) -> Row[Any] | None:
        """A person of this municipality, with contact details."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.person(connection, kommun, ident)

    async def end_session(self, session: str) -> None:
        """Sign out this device."""
        async with self._database.transaction() as connection:
            await store.revoke_session(connection, secrets.digest(session))

    async def token(self, principal: Principal) -> str:
        """A short token that every room verifies."""
        return issue(await self._signing_key(), principal)

    async def public_keys(self) -> dict[str, Any]:
        """The published keys (JWKS)."""
        await self._signing_key()
        async with self._database.transaction() as connection:
            private = await store.signing_keys(connection)
        return {"keys": [OKPKey.import_key(k).as_dict(private=False) for k in private]}

    async def _signing_key(self) -> OKPKey:
        """The newest key; the first process that needs one makes it."""
        async with self._making:
            if self._key is None:
                async with self._database.transaction() as connection:
                    await store.lock_signing_keys(connection)
                    stored = await store.signing_keys(connection)
                    if not stored:
                        made = OKPKey.generate_key("Ed25519", {"use": "sig"}, auto_kid=True)
                        await store.add_signing_key(connection, made.kid or "", dict(made.as_dict(private=True)))
                        stored = [dict(made.as_dict(private=True))]
                self._key = OKPKey.import_key(stored[-1])
            return self._key
