"""Minting revisions and placements: numbers that only grow, also over a restored database (house contract 2)."""

EPOCH_SHIFT = 32


def next_number(previous: int | None, epoch: int) -> int:
    """The next number: one above the last in this epoch, or the epoch's first.

    The restore epoch stands in the high bits. A restored database starts the next epoch, so a number that was given
    out after the backup is never minted again.
    """
    first = (epoch << EPOCH_SHIFT) + 1
    return first if previous is None or previous < first else previous + 1


def epoch_of(number: int) -> int:
    """The restore epoch that a number was minted in."""
    return number >> EPOCH_SHIFT
