"""Alarms: Prometheus' own tool reads and tries them, every metric exists, every alarm has its page."""

import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY

from deploy.observability.dashboard import ROWS, TARGET, build
from tests.support.system_packages import sentence

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "observability"
RULES = [rule for g in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in g["rules"]]


def _promtool(*arguments: str) -> str:
    program = shutil.which("promtool")
    if program is None:
        pytest.fail(sentence())
    done = subprocess.run([program, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_reads_the_rules() -> None:
    assert f"{len(RULES)} rules found" in _promtool("check", "rules", "alerts.yml")


def test_alarms_go_off_when_they_must_and_only_then() -> None:
    assert "SUCCESS" in _promtool("test", "rules", "alerts.test.yml")


def test_alarms_go_off_on_a_recorded_evening_and_not_before() -> None:
    """Series of a real instance whose broker, mail server and processes went away; tests/support/recording.py."""
    assert "SUCCESS" in _promtool("test", "rules", "recorded.test.yml")


def test_every_alarm_is_tried() -> None:
    tried = (FOLDER / "alerts.test.yml").read_text()
    assert [rule["alert"] for rule in RULES if f"alertname: {rule['alert']}" not in tried] == []


def _known() -> set[str]:
    for name in ("services.runtime.metrics", "services.analysis.metrics", "services.notify.metrics"):
        import_module(name)
    known = set()
    for family in REGISTRY.collect():
        known |= {family.name, f"{family.name}_total"} | {
            f"{family.name}_{part}" for part in ("sum", "count", "bucket")
        }
    return known | {"up", "process_start_time_seconds"}


def _used(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:est_[a-z_]+|process_[a-z_]+|up)\b", expression))


def test_every_metric_exists() -> None:
    for rule in RULES:
        assert _used(rule["expr"]), rule["alert"]
        assert _used(rule["expr"]) <= _known(), rule["alert"]


def test_the_dashboard_is_what_the_code_builds_and_every_metric_exists() -> None:
    assert TARGET.read_text("utf-8") == build(), "run: python -m deploy.observability.dashboard"
    for panels in ROWS.values():
        for panel in panels:
            assert _used(panel.expression) <= _known(), panel.title


def test_prometheus_watches_every_process_and_finds_the_rules() -> None:
    written = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    configs = [c for s in written["scrape_configs"] for c in s["static_configs"]]
    targets = {t.partition(":")[0] for c in configs for t in c["targets"]}
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert targets == {name for name, s in services.items() if str(s.get("command", ""))[:8] == "['room',"}
    mounted = {v.split(":")[0] for n in ("prometheus", "grafana") for v in services[n]["volumes"] if v.startswith(".")}
    assert all((ROOT / path).exists() for path in mounted)


def test_every_alarm_has_its_page_in_the_runbook() -> None:
    runbook = (ROOT / "docs" / "operations.md").read_text("utf-8")
    pages = set(re.findall(r"^### ([A-Za-z]+)$", runbook, re.MULTILINE))
    assert {rule["alert"] for rule in RULES} == pages
    for rule in RULES:
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
