"""Are our numbers right: an index of cases with known answers, held against ``statistics``.

An index is a JSON list of {id, function, input, params, expect, tol}; paths in it are relative to the index. ``cases``
reads and compares, the other modules say for every function how its input becomes our call and what is compared.
Nothing here is part of the product's answers; quirks of the programs that made the numbers live here, not there.
"""

from pathlib import Path

from services.analysis.acceptance import counting, mapping, sampling, watching
from services.analysis.acceptance.cases import Adapter, Case, Result, compare, read_index

ADAPTERS: dict[str, Adapter] = {**counting.ADAPTERS, **watching.ADAPTERS, **mapping.ADAPTERS, **sampling.ADAPTERS}
NO_GATE = {
    "ff_muan_": "the published standard errors use other weights than they should",
    "ff_farrington_b4w3_": "as above",
    "eb_local": "the list of neighbours is not published",
    "naus_260_1_1_6": "published for another exponent",
    "naus_104_1_0.5_4": "as above",
    "naus_52_4_2_9": "as above",
}
"""Cases whose published numbers are known to be of something else (statistics reference §8); shown, not counted."""


def run(index: Path) -> list[Result]:
    """Every case of an index in its order; a case that cannot be run is not ok and says why.

    Raises ValueError when the file is no index.
    """
    return [_result(case) for case in read_index(index)]


def _result(case: Case) -> Result:
    why = next((why for prefix, why in NO_GATE.items() if case.id.startswith(prefix)), None)
    gate = why is None
    adapter = ADAPTERS.get(case.function)
    if adapter is None:
        return Result(case.id, False, None, case.expect, why or f"there is no {case.function} here", gate)
    try:
        got, expect = adapter(case)
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError, NotImplementedError) as wrong:
        return Result(case.id, False, None, case.expect, why or f"not run: {type(wrong).__name__}: {wrong}", gate)
    return Result(case.id, compare(got, expect, case.tolerance()), got, expect, why, gate)
