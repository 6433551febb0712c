"""The system packages that the browser tests need: run as a module, says how to get a missing one, and fails.

Chromium is not among the packages that pip installs. On Debian: ``apt-get install chromium``.
"""

import os
import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """The browser: ``CHROMIUM`` or the first of the usual names on the path."""
    return os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)


def sentence() -> str:
    """What to do when it is missing."""
    return (
        "The browser tests need Chromium. On Debian: apt-get install chromium "
        "(or set CHROMIUM to the program). They are never skipped silently."
    )


def install() -> None:
    """On Debian as root, as on a fresh CI machine, get it; elsewhere only say what is missing."""
    if chromium() is None and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        import subprocess

        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "chromium"]):
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    install()
    if chromium() is None:
        sys.exit(sentence())
