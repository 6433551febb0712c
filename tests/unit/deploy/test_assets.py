"""What the browser gets from others is what the manifest says, and nothing of it points elsewhere."""

import json
import re
from pathlib import Path

from deploy.assets.__main__ import MANIFEST, TARGET, digests

ROOT = Path(__file__).parents[3]


def test_the_vendored_files_are_those_of_the_manifest() -> None:
    assert digests(TARGET) == json.loads(MANIFEST.read_text())


def test_modules_name_only_files_that_are_served_beside_them() -> None:
    for module in TARGET.glob("*.mjs"):
        named = set(re.findall(r'(?:from|import)\s*"([^"]+)"', module.read_text("utf-8")))
        assert {n for n in named if not (n.startswith("./") and (TARGET / n).exists())} == set(), module.name


def test_the_lock_file_says_what_is_installed_and_from_nowhere_in_particular() -> None:
    lock = json.loads((ROOT / "deploy" / "assets" / "package-lock.json").read_text())
    wanted = json.loads((ROOT / "deploy" / "assets" / "package.json").read_text())["dependencies"]
    assert lock["packages"][""]["dependencies"] == wanted
    for name, package in lock["packages"].items():
        assert not name or package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
