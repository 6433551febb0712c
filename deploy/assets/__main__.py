"""``python -m deploy.assets``: install the browser's libraries by npm and copy their built files to ``static/vendor``.

Standard library only: the image is built with it before anything else is there. Nothing is bundled or built here; one
line of one file is changed, where a bare module name stands that browsers cannot look up.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "services" / "pages" / "static" / "vendor"
MANIFEST = HERE / "manifest.json"
"""SHA-256 of every file as it is served; checked at each copy and by the tests."""
_ADAPTER = "terra-draw-maplibre-gl-adapter"
FILES = {
    "maplibre-gl/dist/maplibre-gl.mjs": "maplibre-gl.mjs",
    "maplibre-gl/dist/maplibre-gl-worker.mjs": "maplibre-gl-worker.mjs",
    "maplibre-gl/dist/maplibre-gl.css": "maplibre-gl.css",
    "maplibre-gl/LICENSE.txt": "maplibre-gl.LICENSE.txt",
    "terra-draw/dist/terra-draw.modern.js": "terra-draw.mjs",
    f"{_ADAPTER}/dist/{_ADAPTER}.modern.js": f"{_ADAPTER}.mjs",
}
_BARE, _BESIDE = 'from"terra-draw"', 'from"./terra-draw.mjs"'
_COMMENT = "\n//# sourceMappingURL="


def served(path: Path) -> bytes:
    """A file as browsers get it: module names that they can look up, no pointer to a map that is not served."""
    if path.suffix not in {".js", ".mjs"}:
        return path.read_bytes()
    code = path.read_text("utf-8").replace(_BARE, _BESIDE)
    return (code.partition(_COMMENT)[0] + "\n").encode()


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 by name of the files in a folder."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir()) if p.suffix}


def main() -> int:
    """Install, copy, compare; 1 when something is missing or is not what the manifest says."""
    asked = argparse.ArgumentParser(prog="python -m deploy.assets", description=__doc__)
    asked.add_argument("--npm", default="npm", help="the npm to use")
    asked.add_argument("--update", action="store_true", help="after a new version: write the manifest anew")
    options = asked.parse_args()
    command = [options.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=HERE, check=False)  # noqa: S603 - our own lock file decides what is installed
    if done.returncode:
        sys.stderr.write("The browser's libraries could not be fetched. npm and a network are needed.\n")
        return 1
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    for source, name in FILES.items():
        (TARGET / name).write_bytes(served(HERE / "node_modules" / source))
    shutil.rmtree(HERE / "node_modules")
    found = digests(TARGET)
    if options.update:
        MANIFEST.write_text(json.dumps(found, indent=1) + "\n")
    if found != json.loads(MANIFEST.read_text()):
        sys.stderr.write("The browser's libraries are not those of deploy/assets/manifest.json.\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
