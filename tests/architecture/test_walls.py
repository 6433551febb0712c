"""The walls hold: an import between rooms fails the check, and files, functions and names keep to the house's sizes."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "services", "deploy", "tests")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


SOURCES = sorted(p for name in PACKAGES for p in (ROOT / name).rglob("*.py") if "__pycache__" not in p.parts)
FURNITURE = {
    "__init__", "app", "settings", "api", "subscribers", "handlers", "domain", "views", "store", "gateways", "metrics",
    "web", "cli", "migrations", "data",
}  # fmt: skip
OWN_ROOMS = {
    # What a room has besides the furniture, because it is what the room is about.
    "ingest": {"guard", "secrets", "polisen", "federation", "pictures", "versions"},
    "geo": {"layers", "importing", "accuracy", "registers"},
    "analysis": {"statistics", "acceptance"},
    "notify": {"wording"},
}


def _copy(target: Path) -> None:
    for name in ("schemas", "services", "deploy"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "data", "static"))
    shutil.copy(ROOT / ".importlinter", target)


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(folder), "PATH": ""}
    )


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("services/geo/leak.py", "from services.ingest import domain"),
        ("services/runtime/leak.py", "from services.notify import store"),
        ("services/pages/leak.py", "import services.analysis.views"),
        ("schemas/leak.py", "from services.runtime import errors"),
    ],
)
def test_an_import_through_a_wall_fails_the_check(tmp_path: Path, module: str, line: str) -> None:
    _copy(tmp_path)
    assert _lint(tmp_path).returncode == 0
    (tmp_path / module).write_text(f'"""A leak."""\n\n{line}\n')
    answer = _lint(tmp_path)
    assert answer.returncode == 1
    assert "BROKEN" in answer.stdout


def test_files_and_functions_are_short() -> None:
    long_files, long_functions = [], []
    for path in SOURCES:
        text = path.read_text("utf-8")
        limit = 400 if "tests" in path.relative_to(ROOT).parts else 300
        if text.count("\n") > limit:
            long_files.append(f"{path.relative_to(ROOT)} {text.count(chr(10))}")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > 50 and limit == 300:
                    long_functions.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name} {length}")
    assert long_files == []
    assert long_functions == []


def test_names_say_something() -> None:
    assert [p for p in SOURCES if re.fullmatch(r"(utils?|helpers?|common|misc|stuff)", p.stem)] == []


def test_rooms_have_the_same_furniture() -> None:
    for room, own in OWN_ROOMS.items():
        found = {p.stem for p in (ROOT / "services" / room).iterdir() if p.name != "__pycache__"}
        assert found <= FURNITURE | own, room
        opening = ast.get_docstring(ast.parse((ROOT / "services" / room / "__init__.py").read_text("utf-8"))) or ""
        assert all(word in opening for word in ("In:", "Does:", "Out:", "Owns:")), room


def test_sql_stands_in_stores_and_the_plant_room_only() -> None:
    allowed = re.compile(r"store|migrations|runtime|deploy|tests")
    pattern = re.compile(r'"\s*(select|insert into|update \w+ set|delete from) ', re.IGNORECASE)
    guilty = [_name(p) for p in SOURCES if pattern.search(p.read_text("utf-8")) and not allowed.search(_name(p))]
    assert guilty == []


def test_only_runtime_knows_kafka() -> None:
    pattern = re.compile(r"^\s*(from|import) (aiokafka|faststream)", re.MULTILINE)
    allowed = ("services/runtime", "deploy", "tests")
    guilty = [
        p for p in SOURCES if pattern.search(p.read_text("utf-8")) and not str(p.relative_to(ROOT)).startswith(allowed)
    ]
    assert guilty == []


def test_only_settings_and_the_start_read_the_environment() -> None:
    pattern = re.compile(r"os\.environ|getenv")
    allowed = {"services/runtime/faultpoints.py"}
    guilty = [
        str(p.relative_to(ROOT))
        for p in SOURCES
        if pattern.search(p.read_text("utf-8"))
        and p.relative_to(ROOT).parts[0] in {"services", "schemas"}
        and p.name != "settings.py"
    ]
    assert set(guilty) <= allowed


def test_every_module_opens_with_where_it_stands() -> None:
    missing = [
        str(p.relative_to(ROOT))
        for p in SOURCES
        if p.relative_to(ROOT).parts[0] != "tests" and not ast.get_docstring(ast.parse(p.read_text("utf-8")))
    ]
    assert missing == []
