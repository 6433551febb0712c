"""MapServer in front of a file: a WFS and an OGC API that somebody else wrote, for what reads such services."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

CGI = Path("/usr/lib/cgi-bin/mapserv")
"""Debian's cgi-mapserver."""
_CONFIG = 'CONFIG ENV MS_MAP_PATTERN "." END MAPS kommun "{map}" END END'
_MAP = """MAP
  NAME "kommun" PROJECTION "init=epsg:3006" END EXTENT 490000 6380000 500000 6395000
  WEB METADATA
    "wfs_title" "Kommunens skikt" "wfs_srs" "EPSG:3006 EPSG:4326" "wfs_enable_request" "*"
    "wfs_onlineresource" "{url}/wfs?"
    "oga_title" "Kommunens skikt" "oga_onlineresource" "{url}/kommun/ogcapi" "oga_enable_request" "*"
  END END
  LAYER
    NAME "distrikt" TYPE POLYGON STATUS ON CONNECTIONTYPE OGR CONNECTION "{file}" DATA "{layer}" TEMPLATE "x"
    PROJECTION "init=epsg:3006" END
    METADATA
      "wfs_title" "Distrikt" "gml_include_items" "all" "gml_featureid" "kod" "wfs_srs" "EPSG:3006"
      "oga_title" "Distrikt" "oga_featureid" "kod" "oga_enable_request" "*"
      "gml_types" "auto"
    END
  END
END"""


def _handler(environment: dict[str, str], asked: list[str]) -> type[BaseHTTPRequestHandler]:
    class Cgi(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            path, _, query = self.path.partition("?")
            known = {"REQUEST_METHOD": "GET", "QUERY_STRING": query, "PATH_INFO": path, "SCRIPT_NAME": ""}
            known |= {"SERVER_NAME": "127.0.0.1", "HTTP_ACCEPT": self.headers.get("Accept", "")}
            if path == "/wfs":
                known["PATH_INFO"] = ""
            done = subprocess.run([CGI], env=os.environ | environment | known, capture_output=True, check=False)
            head, _, body = done.stdout.partition(b"\r\n\r\n" if b"\r\n\r\n" in done.stdout else b"\n\n")
            headers = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
            self.send_response(int(headers.pop("Status", "200")[:3]))
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """The tests' output is for their results."""

    return Cgi


def program() -> str | None:
    """The server's program, None where it is not installed."""
    return str(CGI) if CGI.exists() else None


@contextmanager
def serving(file: Path, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The address, and every path that was asked for: ``/wfs`` is a WFS, ``/kommun/ogcapi`` an OGC API."""
    asked: list[str] = []
    environment = {"MAPSERVER_CONFIG_FILE": str(folder / "mapserver.conf")}
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(environment, asked))
    url = f"http://127.0.0.1:{server.server_port}"
    (folder / "kommun.map").write_text(_MAP.format(url=url, file=file, layer=file.stem))
    (folder / "mapserver.conf").write_text(_CONFIG.format(map=folder / "kommun.map"))
    environment["MS_MAPFILE"] = str(folder / "kommun.map")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield url, asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
