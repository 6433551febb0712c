"""``python -m tests.faults``: every fault, in two sessions side by side on servers of their own; one table at the end.

Many of them mostly wait (for a server to come back, for consumers that come and go for five minutes).
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.tally import BUILD, TABLE_VARIABLE, Row, Table

HERE = Path(__file__).parent
APART = ("test_time.py", "test_servers.py", "test_restore.py")
"""About half of the whole by time."""


def main() -> int:
    """Run both; 0 only when both are green. Either one's output is printed whole, not mixed with the other's."""
    others = sorted(str(path) for path in HERE.glob("test_*.py") if path.name not in APART)
    BUILD.mkdir(exist_ok=True)
    sessions = []
    for name, files in (("others", others), ("apart", [str(HERE / name) for name in APART])):
        part, log = BUILD / f"faults-{name}.json", BUILD / f"faults-{name}.log"
        part.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "pytest", "-o", f"cache_dir=build/pytest-{name}", *files]
        with log.open("wb") as output:
            process = subprocess.Popen(argv, env=os.environ | {TABLE_VARIABLE: str(part)}, stdout=output, stderr=output)
        sessions.append((process, part, log))
    table, green = Table(), True
    try:
        for process, part, log in sessions:
            green &= process.wait() == 0
            print(log.read_text("utf-8", "replace"), flush=True)
            if part.exists():
                table.rows += [Row(**row) for row in json.loads(part.read_text("utf-8"))]
    finally:
        for process, _, _ in sessions:
            process.terminate()
    print(table.write())
    return 0 if green else 1


if __name__ == "__main__":
    sys.exit(main())
