"""Sealing: what a room must be able to read again but nobody else may, in the database or in a browser's cookie.

A compact JWE, AES-256-GCM, by a key of the instance's own (RFC 7516 ``dir``). Each seal names its purpose: what was
sealed for one thing does not open for another.
"""

import hashlib
import hmac

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

_ALGORITHMS = ["dir", "A256GCM"]


class Unsealable(Exception):
    """Not sealed by this instance, or for another purpose, or there is no secret to seal by."""


class Sealer:
    """Seals and opens by the instance's secret: any text of chance, at least 16 characters."""

    def __init__(self, secret: str) -> None:
        self._raw = hashlib.sha256(secret.encode()).digest()
        self._key = OctKey.import_key(self._raw) if len(secret) >= 16 else None

    @property
    def ready(self) -> bool:
        """Whether there is a secret to seal by."""
        return self._key is not None

    def seal(self, purpose: str, value: str) -> str:
        """The value, unreadable and unchangeable. Unsealable when the instance has no secret."""
        if self._key is None:
            raise Unsealable("there is no secret to seal by: set LAGESBILD_SEAL_SECRET")
        header = {"alg": "dir", "enc": "A256GCM", "typ": purpose}
        return jwe.encrypt_compact(header, value, self._key, algorithms=_ALGORITHMS)

    def digest(self, purpose: str, value: str) -> bytes:
        """32 bytes that nobody can tell beforehand who has not the instance's secret. Unsealable without one."""
        if self._key is None:
            raise Unsealable("there is no secret: set LAGESBILD_SEAL_SECRET")
        return hmac.digest(self._raw, f"{purpose}/{value}".encode(), "sha256")

    def open(self, purpose: str, sealed: str) -> str:
        """What was sealed for this purpose; Unsealable."""
        if self._key is None:
            raise Unsealable("there is no secret to open by: set LAGESBILD_SEAL_SECRET")
        try:
            opened = jwe.decrypt_compact(sealed, self._key, algorithms=_ALGORITHMS)
        except (JoseError, ValueError) as wrong:
            raise Unsealable(f"it was not sealed here ({type(wrong).__name__})") from None
        if opened.protected.get("typ") != purpose or opened.plaintext is None:
            raise Unsealable("it was sealed for something else")
        return opened.plaintext.decode()
