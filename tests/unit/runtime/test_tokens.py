"""Tokens: what is signed is read back; what is changed, old or signed by another is refused."""

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from joserfc.jwk import KeySet, OKPKey

from services.ingest.web.login import local_path
from services.runtime.http import bearer
from services.runtime.tokens import NotAuthenticated, Principal, Verifier, issue, subject_digest, verify

WHO = Principal(
    "p-1", "person", "0682", frozenset({"analytiker"}), name="Sam Påhitt", kommun_name="Nässjö", invented=True
)


def new_key() -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"use": "sig"}, auto_kid=True)


def published(*keys: OKPKey) -> KeySet:
    return KeySet.import_key_set({"keys": [k.as_dict(private=False) for k in keys]})


def test_a_token_is_read_back_by_the_published_key() -> None:
    key = new_key()
    assert verify(issue(key, WHO), published(key)) == WHO


@pytest.mark.parametrize(
    "damage", [lambda t: t[:-4] + "AAAA", lambda t: t.split(".")[0], lambda _: "", lambda _: "a.b.c"]
)
def test_a_damaged_token_is_refused(damage: object) -> None:
    key = new_key()
    with pytest.raises(NotAuthenticated):
        verify(damage(issue(key, WHO)), published(key))  # type: ignore[operator]  # a lambda


def test_an_old_token_and_a_stranger_s_are_refused() -> None:
    key = new_key()
    with pytest.raises(NotAuthenticated):
        verify(issue(key, WHO, now=1000, seconds=60), published(key), now=1061)
    with pytest.raises(NotAuthenticated):
        verify(issue(new_key(), WHO), published(key))


async def test_a_new_key_is_fetched_when_a_token_needs_it() -> None:
    old, new = new_key(), new_key()
    keys = [old]

    async def fetch() -> dict[str, object]:
        return {"keys": [k.as_dict(private=False) for k in keys]}

    verifier = Verifier(fetch)
    assert await verifier.principal(issue(old, WHO)) == WHO
    keys.append(new)
    verifier._fetched -= Verifier.REFETCH_SECONDS
    assert await verifier.principal(issue(new, WHO)) == WHO


async def test_what_is_revoked_is_known_in_time_and_what_is_known_holds_while_nobody_answers() -> None:
    key = new_key()
    revoked: dict[str, float] = {}
    away = False

    async def fetch() -> dict[str, object]:
        if away:
            raise OSError("nobody answers")
        return {"keys": [key.as_dict(private=False)], "revoked": dict(revoked)}

    verifier = Verifier(fetch)
    token = issue(key, WHO)
    assert await verifier.principal(token) == WHO
    revoked[subject_digest(WHO.kommun, WHO.subject)] = time.time() + 0.01  # a token's time is in whole milliseconds
    assert await verifier.principal(token) == WHO, "not asked with every request"
    verifier._fetched -= Verifier.FRESH_SECONDS
    with pytest.raises(NotAuthenticated, match="revoked"):
        await verifier.principal(token)
    assert await verifier.principal(issue(key, WHO, now=time.time() + 1)) == WHO, "one that was issued later holds"
    away = True
    verifier._fetched -= Verifier.FRESH_SECONDS
    assert await verifier.principal(issue(key, WHO, now=time.time() + 1)) == WHO


def test_a_token_is_as_old_as_what_it_says() -> None:
    key, read_at = new_key(), time.time() - 10
    late = issue(key, replace(WHO, known_at=read_at))
    with pytest.raises(NotAuthenticated):
        verify(late, published(key), revoked={subject_digest(WHO.kommun, WHO.subject): read_at + 1})
    with pytest.raises(NotAuthenticated):
        verify(issue(key, replace(WHO, known_at=time.time() - 301)), published(key))


def test_a_principal_sees_its_own_municipality_only() -> None:
    assert WHO.kommuner == ("0682",)
    assert WHO.may("analytiker", "administrator")
    assert not WHO.may("rapportor")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/oversikt?from=x", "/oversikt?from=x"),
        ("https://ond.se", "/"),
        ("//ond.se", "/"),
        ("/\\ond.se", "/"),
        ("x", "/"),
    ],
)
def test_no_redirect_leaves_the_site(target: str, expected: str) -> None:
    assert local_path(target) == expected


def test_bearer() -> None:
    asked = SimpleNamespace(headers={"authorization": "Bearer  abc "})
    assert bearer(asked) == "abc"  # type: ignore[arg-type]  # a stand-in with the same field
