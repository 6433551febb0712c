"""The same mails by Apprise, eight threads, as its plugins are meant to be used: one URL per receiver."""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apprise


def main() -> None:
    """Print how many were sent and the seconds they took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("body", type=Path)
    chosen = parser.parse_args()
    body = chosen.body.read_text("utf-8")

    def send(number: int) -> bool:
        sender = apprise.Apprise()
        url = f"mailto://127.0.0.1:{chosen.port}/?from=lagesbild@exempel.invalid&to=p{number}@exempel.invalid&mode=insecure"
        sender.add(url + "&format=html")
        return bool(sender.notify(body=body, title="Inför mötet", body_format=apprise.NotifyFormat.HTML))

    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        sent = sum(pool.map(send, range(chosen.count)))
    print(sent, time.monotonic() - began)


if __name__ == "__main__":
    main()
