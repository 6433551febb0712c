"""Keys, codes and sessions: random, shown once, stored as SHA-256 only."""

import hashlib
import secrets

KEY_PREFIX = "lb_"
"""Visible, so that a key found in a file or a log can be recognised."""


def new_key() -> str:
    """An API key with 256 bits of chance."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def new_session() -> str:
    """A device session or login nonce."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """A login code of six digits."""
    return f"{secrets.randbelow(1_000_000):06d}"


def digest(value: str) -> bytes:
    """What is stored instead of the value."""
    return hashlib.sha256(value.encode()).digest()


def email_digest(address: str) -> bytes:
    """The digest by which an address is found, whatever its case."""
    return digest(address.strip().lower())


def code_digest(nonce: str, code: str) -> bytes:
    """A code is bound to the browser that asked for it."""
    return digest(f"{nonce}:{code}")
