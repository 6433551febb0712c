"""Passkeys (WebAuthn): the phone's or computer's own lock in the place of the code by mail. An extra.

A challenge travels in a sealed cookie, holds for five minutes and for one answer. The device must have known its owner
(user verification), and the answer must be for this address.
"""

import hashlib
import json
import time
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from services.ingest.store import passkeys as store
from services.ingest.store.passkeys import Passkey
from services.runtime.database import Database
from services.runtime.logs import logger
from services.runtime.sealing import Sealer, Unsealable
from services.runtime.tokens import Principal, subject_digest

CHALLENGE_SECONDS = 300
ADDING, ENTERING = "passkey-add", "passkey-in"
MOST = 20
"""Passkeys of one person."""
_log = logger(__name__)


class Passkeys:
    """The use cases."""

    def __init__(self, database: Database, sealer: Sealer, public_url: str) -> None:
        parts = urlsplit(public_url)
        self._database, self._sealer = database, sealer
        self._house, self._origin = parts.hostname or "", f"{parts.scheme}://{parts.netloc}"
        self.ready = find_spec("webauthn") is not None
        """Whether the extra is installed."""

    async def begin_adding(self, who: Principal, name: str) -> tuple[str, str]:
        """(options for the browser, what to keep in a cookie meanwhile)."""
        import webauthn  # the extra
        from webauthn.helpers import structs

        known = [structs.PublicKeyCredentialDescriptor(id=r.credential_id) for r in await self.own(who)]
        options = webauthn.generate_registration_options(
            rp_id=self._house,
            rp_name="Lägesbild",
            user_name=name,
            # Opaque, and the same for each of a person's devices.
            user_id=subject_digest(who.kommun, who.subject).encode(),
            exclude_credentials=known,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
        )
        return webauthn.options_to_json(options), self._kept(ADDING, options.challenge, who.subject)

    async def add(self, who: Principal, credential: dict[str, Any], kept: str, label: str) -> bool:
        """Keep a new passkey; False when the answer is not right, too late, or there are too many."""
        import webauthn  # the extra
        from webauthn.helpers.exceptions import WebAuthnException

        challenge = await self._challenge(ADDING, kept, who.subject)
        if challenge is None or len(await self.own(who)) >= MOST:
            return False
        try:
            found = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._house,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as wrong:
            _log.warning("a passkey was not taken", error=type(wrong).__name__)
            return False
        new = Passkey(found.credential_id, found.credential_public_key, found.sign_count)
        async with self._database.transaction() as connection:
            return await store.add(connection, who.kommun, UUID(who.subject), new, label)

    def begin_entering(self) -> tuple[str, str]:
        """(options for the browser, what to keep in a cookie meanwhile); the device knows whose keys it has."""
        import webauthn  # the extra
        from webauthn.helpers import structs

        options = webauthn.generate_authentication_options(
            rp_id=self._house, user_verification=structs.UserVerificationRequirement.REQUIRED
        )
        return webauthn.options_to_json(options), self._kept(ENTERING, options.challenge, "")

    async def enter(self, credential: dict[str, Any], kept: str) -> tuple[str, UUID] | None:
        """(municipality, person) who has shown who they are; None when the answer is not right, or too late."""
        import webauthn  # the extra
        from webauthn.helpers import base64url_to_bytes
        from webauthn.helpers.exceptions import WebAuthnException

        challenge = await self._challenge(ENTERING, kept, "")
        if challenge is None:
            return None
        try:
            ident = base64url_to_bytes(str(credential["id"]))
            async with self._database.transaction() as connection:
                row = await store.one(connection, ident)
                if row is None:
                    return None
                found = webauthn.verify_authentication_response(
                    credential=credential,
                    expected_challenge=challenge,
                    expected_rp_id=self._house,
                    expected_origin=self._origin,
                    credential_public_key=row.public_key,
                    credential_current_sign_count=row.sign_count,
                    require_user_verification=True,
                )
                await store.used(connection, ident, found.new_sign_count)
        except (WebAuthnException, ValueError, KeyError, TypeError) as wrong:
            _log.warning("a passkey was refused", error=type(wrong).__name__)
            return None
        return row.kommun, row.person_id

    async def own(self, who: Principal) -> list[Any]:
        """A person's passkeys."""
        async with self._database.transaction() as connection:
            return await store.own(connection, who.kommun, UUID(who.subject))

    async def end(self, who: Principal, ident: bytes) -> None:
        """Take one away."""
        async with self._database.transaction() as connection:
            await store.end(connection, who.kommun, UUID(who.subject), ident)

    def _kept(self, purpose: str, challenge: bytes, subject: str) -> str:
        said = {"challenge": challenge.hex(), "until": time.time() + CHALLENGE_SECONDS, "who": subject}
        return self._sealer.seal(purpose, json.dumps(said))

    async def _challenge(self, purpose: str, kept: str, subject: str) -> bytes | None:
        """The challenge of a cookie that we sealed for this and this person, if nobody has answered it yet."""
        try:
            said = json.loads(self._sealer.open(purpose, kept))
        except (Unsealable, ValueError):
            return None
        if said["until"] < time.time() or said["who"] != subject:
            return None
        challenge = bytes.fromhex(said["challenge"])
        async with self._database.transaction() as connection:
            fresh = await store.spend(connection, hashlib.sha256(challenge).digest())
        return challenge if fresh else None
