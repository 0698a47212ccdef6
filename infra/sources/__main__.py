"""``python -m infra.sources``: starts the server of the simulated sources and serves until interrupted."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from infra.sources.app import DEFAULT_SEED, build_app
from infra.sources.closes_file import PriceFileError
from infra.sources.contract_lists import ConstituentsError
from infra.sources.frankfurter import EcbFileError
from infra.sources.server import PortTaken, SourcesServer


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 after a stop, 2 when the server cannot start."""
    options = _parser().parse_args(arguments)
    try:
        app = build_app(options.prices, options.seed, options.constituents, options.chaos_root)
        server = SourcesServer(app, options.port, options.log)
    except (PortTaken, ConstituentsError, PriceFileError, EcbFileError, OSError) as error:
        print(f"sources: {error}", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        # shutdown() waits for the serving loop, so it must not run inside it, where signals are handled.
        signal.signal(number, lambda *_: threading.Thread(target=server.stop).start())
    print(f"sources: listening on {server.url}, prices {app.health()['prices']['source']}", flush=True)
    server.serve_forever(0.1)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.sources", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0 picks a free one")
    parser.add_argument("--prices", type=Path, help="CSV of closes in pence: a date column, one column a ticker")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="seed of the simulated prices (%(default)s)")
    parser.add_argument("--constituents", type=Path, help="symbols to simulate; the pipeline's own list by default")
    parser.add_argument("--chaos-root", type=Path, help="folder whose switch turns faults on and off")
    parser.add_argument("--log", type=Path, help="file to which each request is written")
    return parser


if __name__ == "__main__":
    sys.exit(main())
