"""``python -m benchmarks.acceptance [INDEX]``: the methods against published numbers, as a table for people.

The same as ``lagesbild check statistics``; writes ``benchmarks/acceptance.md``. The index is the reference's.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.analysis import acceptance
from services.analysis.acceptance.cases import Result

HERE = Path(__file__).parent
INDEX = HERE.parent.parent / "shared" / "data" / "stats" / "index.json"
SHOWN = 3
"""Numbers of a case that are shown; the command says all."""


def page(results: Sequence[Result]) -> str:
    """The table: what was got beside what is expected, the first few numbers of each."""
    gates = [r for r in results if r.gate]
    rows = "".join(f"| {_holds(r)} | {r.id} | {_said(r.got)} | {_said(r.expect)} | {r.note or ''} |\n" for r in results)
    return (
        "# The methods against published numbers\n\n"
        "`python -m benchmarks.acceptance`; with all digits: `lagesbild check statistics --index FILE --json`.\n\n"
        f"{sum(r.ok for r in gates)} of {len(gates)} gates hold. {len(results) - len(gates)} cases are no gate: what "
        "is published there is known to be of something else. Where more is allowed than the index says stands in "
        "`services/analysis/acceptance/cases.py`.\n\n"
        f"| holds | case | ours | expected | note |\n|---|---|---|---|---|\n{rows}"
    )


def _holds(result: Result) -> str:
    return "yes" if result.ok else "**no**" if result.gate else "no gate"


def _said(value: object) -> str:
    """Numbers with six digits, the first few of many."""
    if isinstance(value, Mapping):
        shown = [f"{name} {_said(one)}" for name, one in list(value.items())[:SHOWN]]
        return " · ".join(shown) + (" · …" if len(value) > SHOWN else "")
    if isinstance(value, list | tuple):
        return ", ".join(_said(one) for one in value[:SHOWN]) + (", …" if len(value) > SHOWN else "")
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def main() -> None:
    """Hold them against each other and write the page; exit 1 when a gate does not hold."""
    index = Path(sys.argv[1]) if len(sys.argv) > 1 else INDEX
    results = acceptance.run(index)
    (HERE / "acceptance.md").write_text(page(results), "utf-8")
    sys.exit(0 if all(r.ok for r in results if r.gate) else 1)


if __name__ == "__main__":
    main()
