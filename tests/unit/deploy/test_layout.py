"""What is made once for a local instance."""

import pytest

from deploy.local.layout import Layout


def test_a_brokers_identity_is_never_read_as_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter(("-qkNNC4xGOY", "-", "x-9"))
    monkeypatch.setattr("secrets.token_urlsafe", lambda _bytes: next(made))
    assert Layout.new_cluster_id() == "x-9"
