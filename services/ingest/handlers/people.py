"""Who comes in: keys for systems, e-mailed codes and device sessions for people, short tokens for every room."""

import asyncio
import hmac
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from joserfc.jwk import OKPKey
from sqlalchemy import Row

from schemas.values import Source
from services.ingest import secrets
from services.ingest.domain import FreeText, Sender
from services.ingest.handlers.keys import SANDBOX
from services.ingest.store import appointments, federation, signing_keys
from services.ingest.store import people as store
from services.runtime.database import Database
from services.runtime.tokens import TOKEN_SECONDS, NotAuthenticated, Principal, issue, subject_digest

COMMIT_SECONDS = 1.0
"""How long a change that revokes may take to commit: what was read meanwhile is as old as that."""


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


def _only_reports(row: Row[Any]) -> bool:
    return set(row.roles) == {"rapportor"}


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

    async def municipality(self, kommun: str) -> Row[Any] | None:
        """A registered municipality: name, invented or not, contact for accessibility."""
        async with self._database.transaction() as connection:
            return await store.municipality(connection, kommun)

    async def put_accessibility_contact(self, kommun: str, contact: str) -> None:
        """Whom people tell about faults of accessibility."""
        async with self._database.transaction() as connection:
            await store.put_accessibility_contact(connection, kommun, contact)

    async def put_free_text(self, kommun: str, free_text: FreeText) -> None:
        """From whom the municipality takes in free text, from the next report on."""
        async with self._database.transaction() as connection:
            await store.put_free_text(connection, kommun, free_text)

    async def sender(self, principal: Principal) -> Sender:
        """What the door knows about a principal as a sender; NotAuthenticated when the client is gone.

        A person's reports are a reporter's while an appointment holds; what anybody else sees, and what a contact
        centre is told, is a tip and no exposure. A system's source is its own.
        """
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
        of_person: Source = "tips" if row.reporter_token is None else "rapportor"
        return Sender(
            kommun=principal.kommun,
            client_id=client_id,
            source=of_person if row.kind == "person" else row.source,
            organisation=row.organisation_id,
            reporter_token=row.reporter_token,
            person=row.kind == "person",
            sandbox=principal.may(SANDBOX),
            invented=row.invented,
            free_text=row.free_text,
        )

    async def by_key(self, key: str) -> Principal:
        """The principal of an API key; NotAuthenticated when it is unknown or revoked."""
        known_at = time.time() - COMMIT_SECONDS
        async with self._database.transaction() as connection:
            row = await store.credential(connection, secrets.digest(key))
        if row is None:
            raise NotAuthenticated("unknown key")
        return Principal(str(row.client_id), "client", row.kommun, scopes=frozenset(row.scopes), known_at=known_at)

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
        found = [(entry[0], await self.person(*entry)) for entry in known]
        people = [p for owner, p in found if p is not None and await self._may_by_mail(owner, p)]
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
        active = {
            entry[0]: (entry[1], row.kommun_name)
            for entry, row in found
            if row is not None and await self._may_by_mail(entry[0], row)
        }
        if not active:
            return None
        chosen = kommun if kommun is not None else next(iter(active)) if len(active) == 1 else None
        if chosen is None:
            return LoggedIn(None, tuple((code, name) for code, (_, name) in active.items()))
        if chosen not in active:
            return None
        async with self._database.transaction() as connection:
            await store.use_code(connection, digest)
        return LoggedIn(await self.begin_session(chosen, active[chosen][0], days))

    async def by_session(self, session: str) -> Principal | None:
        """The person behind a device session; None when it has ended or the person is no longer active."""
        known_at = time.time() - COMMIT_SECONDS
        async with self._database.transaction() as connection:
            found = await store.session(connection, secrets.digest(session))
        if found is None:
            return None
        row = await self.person(*found)
        if row is None or not (
            row.active and row.roles and (_only_reports(row) or await self._still_good(found[0], session))
        ):
            return None
        return Principal(
            str(row.person_id),
            "person",
            found[0],
            roles=frozenset(row.roles),
            name=row.name,
            kommun_name=row.kommun_name,
            invented=row.invented,
            known_at=known_at,
        )

    async def _may_by_mail(self, kommun: str, row: Row[Any]) -> bool:
        """Whether somebody may come in by a code: not staff where the municipality wants its own login for them."""
        if not row.active or not row.roles:
            return False
        async with self._database.transaction() as connection:
            return _only_reports(row) or kommun not in await federation.required(connection)

    async def _still_good(self, kommun: str, session: str) -> bool:
        """Whether a session of staff was begun as the municipality wants it now."""
        async with self._database.transaction() as connection:
            if kommun not in await federation.required(connection):
                return True
            return await federation.of_session(connection, secrets.digest(session)) is not None

    async def told(self, kommun: str, roles: Collection[str]) -> list[Row[Any]]:
        """Who is active and has any of these roles."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.told(connection, kommun, roles)

    async def by_mails(self, kommun: str, mails: Collection[str], roles: Collection[str]) -> dict[str, UUID]:
        """Whose these addresses are, among those with any of these roles."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.by_mails(connection, kommun, mails, roles)

    async def known(self, kommun: str, people: Collection[UUID]) -> list[UUID]:
        """Those of these who have not been erased."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.known(connection, kommun, people)

    async def addresses(self, kommun: str, people: Collection[UUID], roles: Collection[str]) -> dict[UUID, str]:
        """How to reach those of these who have any of these roles."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.addresses(connection, kommun, people, roles)

    async def of_token(self, kommun: str, token: str) -> UUID | None:
        """Who was appointed under a token; None when it leads to nobody (any more)."""
        async with self._database.transaction((kommun,)) as connection:
            found = await appointments.by_token(connection, kommun, token)
        return None if found is None else found.person_id

    async def person(self, kommun: str, ident: UUID) -> Row[Any] | None:
        """A person of this municipality, with contact details."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.person(connection, kommun, ident)

    async def begin_session(self, kommun: str, person: UUID, days: int) -> str:
        """A device session for somebody who has shown who they are; its secret."""
        session = secrets.new_session()
        async with self._database.transaction() as connection:
            expires = datetime.now(UTC) + timedelta(days=days)
            await store.add_session(connection, secrets.digest(session), kommun, person, expires)
        return session

    async def end_session(self, session: str) -> None:
        """Sign out this device: its session at once, its short token in every room within half a minute."""
        async with self._database.transaction() as connection:
            found = await store.session(connection, secrets.digest(session))
            await store.revoke_session(connection, secrets.digest(session))
            if found is not None:
                await appointments.revoke(connection, subject_digest(found[0], str(found[1])), datetime.now(UTC))

    async def token(self, principal: Principal) -> str:
        """A short token that every room verifies."""
        return issue(await self._signing_key(), principal)

    async def public_keys(self) -> dict[str, Any]:
        """The published keys (JWKS), and whose tokens no longer hold: digest of the subject → Unix time."""
        await self._signing_key()
        since = datetime.now(UTC) - timedelta(seconds=TOKEN_SECONDS + 60)
        async with self._database.transaction() as connection:
            private = await signing_keys.private(connection)
            revoked = await appointments.revoked(connection, since)
        return {"keys": [OKPKey.import_key(k).as_dict(private=False) for k in private], "revoked": revoked}

    async def _signing_key(self) -> OKPKey:
        """The newest key; the first process that needs one makes it."""
        async with self._making:
            if self._key is None:
                async with self._database.transaction() as connection:
                    await signing_keys.lock(connection)
                    stored = await signing_keys.private(connection)
                    if not stored:
                        made = OKPKey.generate_key("Ed25519", {"use": "sig"}, auto_kid=True)
                        await signing_keys.add(connection, made.kid or "", dict(made.as_dict(private=True)))
                        stored = [dict(made.as_dict(private=True))]
                self._key = OKPKey.import_key(stored[-1])
            return self._key
