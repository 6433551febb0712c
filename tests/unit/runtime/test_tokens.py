"""Tokens: what is signed is read back; what is changed, old or signed by another is refused."""

from types import SimpleNamespace

import pytest
from joserfc.jwk import KeySet, OKPKey

from services.ingest.web.login import local_path
from services.runtime.http import bearer
from services.runtime.tokens import NotAuthenticated, Principal, Verifier, issue, verify

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
