"""The system packages that the tests need: run as a module, gets or names a missing one, and fails without it.

They are not among the packages that pip installs. On Debian:
``apt-get install chromium prometheus cgi-mapserver faketime``.
"""

import os
import shutil
import sys
from pathlib import Path

from tests.support import map_server

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """The browser: ``CHROMIUM`` or the first of the usual names on the path."""
    return os.environ.get("CHROMIUM") or next((path for name in CHROMIUM if (path := shutil.which(name))), None)


def faketime() -> str | None:
    """The library that shifts a process' clock; ``make faults`` needs it."""
    return next((str(path) for path in Path("/usr/lib").rglob("libfaketime.so.1")), None)


def qgis_python() -> str | None:
    """QGIS' Python module, which belongs to the system's own Python; ``make qgis`` needs it."""
    found = Path("/usr/lib/python3/dist-packages/qgis/core")
    return str(found) if found.exists() else None


def missing() -> list[str]:
    """Debian's names of what is not here: for the tests, and with the word ``faults`` for all faults too."""
    wanted = {"chromium": chromium(), "prometheus": shutil.which("promtool"), "cgi-mapserver": map_server.program()}
    if "faults" in sys.argv[1:]:
        wanted["faketime"] = faketime()
    if "qgis" in sys.argv[1:]:
        wanted |= {"qgis": shutil.which("qgis"), "python3-qgis": qgis_python()}
    return [package for package, found in wanted.items() if found is None]


def sentence() -> str:
    """What to do when something is missing."""
    return (
        "The tests need Chromium, promtool and MapServer, the clock's faults faketime, make qgis QGIS. On Debian: "
        "apt-get install chromium prometheus cgi-mapserver faketime qgis python3-qgis "
        "(or set CHROMIUM to the program). They are never skipped silently."
    )


def install() -> None:
    """On Debian as root, as on a fresh CI machine, get them; elsewhere only say what is missing."""
    if missing() and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        import subprocess

        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", *missing()]):
            subprocess.run(
                command, check=False, stdout=subprocess.DEVNULL, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            )


if __name__ == "__main__":
    install()
    if missing():
        sys.exit(sentence())
