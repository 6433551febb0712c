"""The garbage collector in processes that live long: it looks seldom, and not at the program."""

import gc


def collect_rarely() -> None:
    """Take what was built at the start out of the collector's sight, and let it look less often.

    A batch, or a page's rows, are thousands of small objects without cycles; at the default threshold the collector
    walks them again and again, and everything else with them: as much as decoding a batch, a quarter of a second for
    an answer of ten thousand rows.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
