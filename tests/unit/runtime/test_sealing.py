"""Sealing: opened by the same instance for the same purpose, by nobody else."""

import pytest

from services.runtime.sealing import Sealer, Unsealable


def test_what_is_sealed_opens_again_and_is_not_readable() -> None:
    sealer = Sealer("a secret of this instance")
    sealed = sealer.seal("cookie", "åäö hemligt")
    assert "hemligt" not in sealed
    assert sealer.open("cookie", sealed) == "åäö hemligt"
    assert sealer.seal("cookie", "åäö hemligt") != sealed, "equal values must not look equal"


def test_another_purpose_another_instance_or_a_changed_sign_opens_nothing() -> None:
    sealer = Sealer("a secret of this instance")
    sealed = sealer.seal("cookie", "x")
    head, *rest = sealed.split(".")
    for purpose, opener, tried in (
        ("provider", sealer, sealed),
        ("cookie", Sealer("a secret of another one"), sealed),
        ("cookie", sealer, ".".join([head, *rest[:-1], "AAAAAAAAAAAAAAAAAAAAAA"])),
        ("cookie", sealer, ""),
        ("cookie", sealer, "a.b.c.d.e"),
        ("cookie", sealer, "ö"),
    ):
        with pytest.raises(Unsealable):
            opener.open(purpose, tried)


def test_without_a_secret_nothing_is_sealed() -> None:
    with pytest.raises(Unsealable, match="LAGESBILD_SEAL_SECRET"):
        Sealer("").seal("cookie", "x")
