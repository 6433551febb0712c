"""The catalogue is the code's, the compose file's and the gateway's; no registry or machine is named."""

import fnmatch
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_pydantic import ComposeSpecification
from pydantic import ValidationError
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from deploy.local.layout import Layout
from deploy.local.servers import room_environment
from schemas.topics import CATALOGUE
from services.analysis.settings import AnalysisSettings
from services.analysis.subscribers import CONSUMERS as ANALYSIS
from services.geo.settings import GeoSettings
from services.geo.subscribers import consumers as geo_consumers
from services.ingest.settings import IngestSettings
from services.notify.settings import NotifySettings
from services.notify.subscribers import consumers as notify_consumers
from services.runtime.migrations import ROOMS
from services.runtime.settings import RoomSettings

ROOT = Path(__file__).parents[2]
FORWARDED = "FORWARDED_ALLOW_IPS"
"""Read by the web server itself (uvicorn)."""
SETTINGS: dict[str, type[RoomSettings]] = {
    "ingest": IngestSettings,
    "geo": GeoSettings,
    "analysis": AnalysisSettings,
    "notify": NotifySettings,
}


class _NoPlacer:
    place_reports = place_context = None


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8")))


def test_consumers_in_the_code_are_those_of_the_catalogue() -> None:
    built = [
        *geo_consumers(_NoPlacer()),  # type: ignore[arg-type]  # only names and topics are looked at
        *ANALYSIS,
        *notify_consumers(),
    ]
    assert {(c.name, c.topic.name) for c in built} == {(name, t.name) for t in CATALOGUE for name in t.consumers}


def test_producers_and_consumers_are_rooms() -> None:
    for topic in CATALOGUE:
        assert topic.producer in ROOMS
        assert {name.partition(".")[0] for name in topic.consumers} <= set(ROOMS)


def known_variables(room: str) -> set[str]:
    return {f"LAGESBILD_{name.upper()}" for name in SETTINGS[room].model_fields}


def _filled_in(value: Any) -> Any:
    """The file as compose reads it: every variable has a value."""
    if isinstance(value, str):
        return re.sub(r"\$\{[A-Z_]+(?::[-?][^}]*)?\}", "value", value)
    if isinstance(value, dict):
        return {k: _filled_in(v) for k, v in value.items() if not k.startswith("x-")}
    return [_filled_in(v) for v in value] if isinstance(value, list) else value


def test_compose_is_what_the_specification_allows() -> None:
    whole = _filled_in(compose())
    ComposeSpecification.model_validate(whole)
    for wrong in ({"restrat": "always"}, {"ports": "80:80"}, {"healthcheck": {"tset": ["x"]}}):
        with pytest.raises(ValidationError):
            ComposeSpecification.model_validate(whole | {"services": whole["services"] | {"x": {"image": "a"} | wrong}})


def test_the_image_runs_as_nobody_special_and_is_the_one_that_compose_names() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim\S*|[a-z]+", base) for base in bases), bases
    users = re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE)
    assert users, "no USER"
    assert users[-1] not in {"root", "0"}
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert version is not None
    services = compose()["services"]
    assert {services[name]["image"] for name in (*ROOMS, "topics", "migrate")} == {f"lagesbild:{version.group(1)}"}


def test_compose_runs_every_process_with_settings_that_the_code_reads() -> None:
    services = compose()["services"]
    for room in ROOMS:
        for process in ("serve", "work"):
            service = services[room if process == "serve" else f"{room}-work"]
            assert service["command"] == ["room", room, process]
            given = set(service["environment"])
            assert given - {FORWARDED} <= known_variables(room), f"{room} {process} gives what nobody reads"
            assert {"LAGESBILD_DATABASE_URL", "LAGESBILD_KAFKA"} <= given
            assert service["restart"] == "always"
            assert service["read_only"] is True
            assert "healthcheck" in service


def test_compose_stands_in_flow_order_and_waits_for_its_ground() -> None:
    services = compose()["services"]
    order = [name for name in services if name in ROOMS]
    assert order == list(ROOMS)
    assert services["topics"]["command"][0] == "topics"
    assert services["migrate"]["command"][0] == "migrate"
    for room in ROOMS:
        waits = services[f"{room}-work"]["depends_on"]
        assert waits["topics"]["condition"] == waits["migrate"]["condition"] == "service_completed_successfully"


def test_compose_images_are_pinned_and_volumes_named() -> None:
    found = compose()
    for name, service in found["services"].items():
        image = service.get("image", "")
        assert re.fullmatch(r"[a-z0-9./-]+:v?[0-9][0-9A-Za-z.-]*", image), f"{name}: {image}"
    used = {v.split(":")[0] for s in found["services"].values() for v in s.get("volumes", []) if not v.startswith(".")}
    assert used == set(found["volumes"])


def test_the_local_run_gives_settings_that_the_code_reads(tmp_path: Path) -> None:
    layout = Layout.open(tmp_path, 8080)
    for room in ROOMS:
        for process in ("serve", "work"):
            assert set(room_environment(layout, room, process)) <= known_variables(room)


def test_compose_and_the_local_run_use_the_variables_of_the_same_caddyfile() -> None:
    named = set(re.findall(r"\{\$([A-Z_]+)", (ROOT / "deploy" / "Caddyfile").read_text("utf-8")))
    assert set(compose()["services"]["gateway"]["environment"]) <= named


def test_the_gateway_sends_every_documented_path_to_its_room() -> None:
    """In the Caddyfile's order; what no room takes is the door's."""
    matchers = re.findall(r"^\t@(\w+) path (.*)$", (ROOT / "deploy" / "Caddyfile").read_text("utf-8"), re.MULTILINE)

    def room_of(path: str) -> str:
        found = (name for name, paths in matchers if any(fnmatch.fnmatchcase(path, p) for p in paths.split()))
        return next(found, "ingest")

    for room in ROOMS:
        document = json.loads((ROOT / "services" / "pages" / "documents" / f"{room}.json").read_text("utf-8"))
        paths = [re.sub(r"\{\w+\}", "x", path) for path in document["paths"]]
        assert {path: room_of(path) for path in paths} == dict.fromkeys(paths, room)


def test_the_repository_names_no_registry_and_no_machine() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    registry = re.compile(
        r"https?://(files|registry|repo[0-9]?|proxy|index|static|deb)\.|https?://[a-z.]+/(simple|maven2)"
    )
    machine = re.compile(r"(^|[^a-zA-Z0-9_.])/(work|farm|root)/")
    binary = {".parquet", ".png", ".jpg", ".pdf", ".xlsx"}
    guilty = []
    for name in files:
        path = ROOT / name
        if not name or path.suffix in binary or not path.exists() or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            if registry.search(line) or machine.search(line):
                guilty.append(f"{name}:{number}")
    assert guilty == []


def test_compose_makes_the_broker_from_the_files_of_the_local_run(tmp_path: Path) -> None:
    """The command of the compose file, run here without a broker: no placeholder is left, every user is made."""
    kafka = compose()["services"]["kafka"]
    script: str = kafka["command"][2]
    for theirs, ours in {
        "$$": "$",
        "/etc/lagesbild": str(ROOT / "deploy" / "kafka"),
        "/opt/kafka/bin/kafka-storage.sh": "echo",
        "exec /opt/kafka/bin/kafka-server-start.sh": "cat",
        "/tmp/server.properties": str(tmp_path / "server.properties"),  # noqa: S108 - inside a container
    }.items():
        script = script.replace(theirs, ours)
    names = [n for n in kafka["environment"] if n != "CLUSTER_ID"]
    done = subprocess.run(
        ["bash", "-ec", script],
        env={"PATH": "/usr/bin:/bin", "CLUSTER_ID": "x"} | {n: f"secret-{n.lower()}" for n in names},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "@" not in done.stdout.replace("1@127", "")
    for user in ("operator", *ROOMS):
        assert f"SCRAM-SHA-256=[name={user},password=secret-{user}]" in done.stdout
    assert "advertised.listeners=CLIENT://kafka:9092" in done.stdout
    assert 'user_operator="secret-operator"' in done.stdout


@pytest.mark.parametrize("address", ["drift@kommunen.se", ""])
def test_compose_mails_alarms_where_they_are_wanted(tmp_path: Path, address: str) -> None:
    """The command of the compose file, run here: no placeholder is left; without an address nobody is mailed."""
    script: str = compose()["services"]["alertmanager"]["entrypoint"][2]
    made = tmp_path / "alertmanager.yml"
    for theirs, ours in {
        "$$": "$",
        "/etc/lagesbild": str(ROOT / "deploy" / "observability"),
        "/tmp/alertmanager.yml": str(made),  # noqa: S108 - inside a container
        "exec /bin/alertmanager": "echo",
    }.items():
        script = script.replace(theirs, ours)
    settings = {"ALARM_MAIL": address, "MAIL_FROM": "noreply@kommunen.se", "SMTP": "mx:25", "STARTTLS": "true"}
    subprocess.run(["sh", "-ec", script], env={"PATH": "/usr/bin:/bin"} | settings, capture_output=True, check=True)
    written = yaml.safe_load(made.read_text("utf-8"))
    assert written["global"] == {
        "smtp_smarthost": "mx:25", "smtp_from": "noreply@kommunen.se", "smtp_require_tls": True,
    }  # fmt: skip
    (receiver,) = written["receivers"]
    assert [m["to"] for m in receiver.get("email_configs", [])] == ([address] if address else [])


def test_compose_starts_without_what_only_a_profile_needs() -> None:
    for name, service in compose()["services"].items():
        if "profiles" in service:
            needed = re.findall(r"\$\{(\w+):\?", json.dumps(service.get("environment", {})))
            assert needed == [], f"{name}: compose would ask for it also where the profile is not wanted"


async def test_compose_lets_rooms_believe_the_gateway_alone_on_where_a_visitor_comes_from() -> None:
    """Else all visitors have the gateway's address, and share one limit of logins."""
    found = compose()
    (network,) = found["networks"]["default"]["ipam"]["config"]
    default = network["subnet"].partition(":-")[2].rstrip("}")
    assert {found["services"][room]["environment"][FORWARDED] for room in ROOMS} == {network["subnet"]}
    seen: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["client"][0])

    for said in (b"203.0.113.7", b"198.51.100.1, 203.0.113.7"):  # the second is what a visitor made up
        for gateway in (default.replace(".0/24", ".9"), "203.0.113.9"):
            scope = {"type": "http", "client": (gateway, 1), "headers": [(b"x-forwarded-for", said)]}
            await ProxyHeadersMiddleware(app, trusted_hosts=default)(scope, None, None)  # type: ignore[arg-type]  # not called
    assert seen == ["203.0.113.7", "203.0.113.9"] * 2


def test_compose_gives_each_room_its_own_roles_in_the_database() -> None:
    services = compose()["services"]
    names = [f"{room}{process}" for room in ROOMS for process in ("", "-work")]
    urls = {name: services[name]["environment"]["LAGESBILD_DATABASE_URL"] for name in names}
    passwords = {re.search(r":\$\{(DB_\w+)\}@", url)[1] for url in urls.values()}  # type: ignore[index]  # or it fails here
    assert len(passwords) == len(urls)
    for name, url in urls.items():
        room, _, process = name.partition("-")
        role = f"{room}_{process or 'serve'}"
        assert f"//lagesbild_{role}:${{DB_{role.upper()}}}@" in url
        given = services["migrate"]["environment"][f"LAGESBILD_PASSWORD_{role.upper()}"]
        assert given.startswith(f"${{DB_{role.upper()}:?")


def test_compose_gives_each_room_its_own_user_on_the_broker() -> None:
    services = compose()["services"]
    for room in ROOMS:
        for service in (services[room], services[f"{room}-work"]):
            assert service["environment"]["LAGESBILD_KAFKA"].startswith(f"sasl://{room}:${{KAFKA_{room.upper()}")
