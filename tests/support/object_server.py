"""rclone as a server that speaks S3, with a folder behind it: a program that others wrote, for what keeps objects."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.layout import pick_port

KEY_ID, SECRET, BUCKET = "testnyckel", "testhemlighet", "foton"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The server's address; the bucket is the folder ``BUCKET`` in ``folder``."""
    (folder / BUCKET).mkdir(parents=True)
    url = f"http://127.0.0.1:{pick_port()}"
    program = Path(sys.executable).with_name("rclone")
    argv = [str(program), "serve", "s3", "--addr", url.removeprefix("http://"), "--auth-key", f"{KEY_ID},{SECRET}",
            "--config", "", "--quiet", str(folder)]  # fmt: skip
    with subprocess.Popen(argv) as process:
        try:
            _wait(url, process)
            yield url
        finally:
            process.kill()


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2)  # noqa: S310 - the address that was just made
        except urllib.error.HTTPError:
            return  # it answers: nobody may list without a signature
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("rclone's S3 server did not start")
