"""The bound on bytes holds whatever is put in, and twice the same is once."""

from hypothesis import given
from hypothesis import strategies as st

from services.geo.domain.recent import ENTRY_BYTES, Recent


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3_000))))
def test_the_count_of_bytes_is_that_of_what_is_kept(puts: list[tuple[int, int]]) -> None:
    kept: Recent[int, bytes] = Recent(5_000, len)
    for key, size in puts:
        kept[key] = bytes(size)
    held = [key for key in range(10) if key in kept]
    assert kept.bytes == sum(ENTRY_BYTES + len(kept[key]) for key in held) <= 5_000


def test_what_is_used_stays_and_what_is_larger_than_all_is_not_kept() -> None:
    kept: Recent[str, bytes] = Recent(3 * (ENTRY_BYTES + 10), len)
    for key in "abc":
        kept[key] = bytes(10)
    assert kept["a"] == bytes(10)
    kept["d"] = bytes(10)
    assert [key for key in "abcd" if key in kept] == ["a", "c", "d"]
    kept["e"] = bytes(10_000)
    assert [key for key in "abcde" if key in kept] == []
