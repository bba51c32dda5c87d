"""``python -m integrations.sandbox``: run the sandbox until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import secrets
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from integrations.sandbox.app import Sandbox, create_app
from integrations.sandbox.options import Credentials, Options

LONGEST_QUERY = 256 * 1024  # bytes: the vendor's SDK puts a batch of 100, values and all, into the query


def main() -> None:
    """Read the arguments and the SANDBOX_ variables, and run."""
    arguments = _arguments()
    options = Options(report_url=arguments.report_url, seed=arguments.seed)
    gc.set_threshold(20_000, 20, 20)  # many messages lie here, none in a circle: looking costs a fifth of all
    sandbox = Sandbox(arguments.state, Credentials.read(os.environ), options)
    asyncio.run(_serve(sandbox, arguments))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m integrations.sandbox",
        description="沙盒：短信平台、手机和卡系统 / an SMS vendor, handsets, a card system to try against",
        epilog="Accounts come from SANDBOX_ACCESS_KEY_ID, SANDBOX_ACCESS_KEY_SECRET, SANDBOX_SIGN_NAME,"
        " SANDBOX_TTS_CODE, SANDBOX_CARD_APP_ID, SANDBOX_CARD_SECRET, SANDBOX_PENSION_APP_ID,"
        " SANDBOX_PENSION_SECRET, SANDBOX_BANK_APP_ID, SANDBOX_BANK_SECRET, SANDBOX_FILING_APP_ID,"
        " SANDBOX_FILING_SECRET, SANDBOX_TRANSFER_APP_ID, SANDBOX_TRANSFER_SECRET,"
        " SANDBOX_WORK_ORDER_APP_ID, SANDBOX_WORK_ORDER_SECRET (as for the cards),"
        " SANDBOX_TWILIO_SID,"
        " SANDBOX_TWILIO_TOKEN, SANDBOX_TWILIO_NUMBERS, SANDBOX_TENCENT_SECRET_ID,"
        " SANDBOX_TENCENT_SECRET_KEY and SANDBOX_TENCENT_SDK_APP_ID.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose (default)")
    parser.add_argument("--smtp-port", type=int, default=0, help="0 lets the system choose (default)")
    parser.add_argument("--state", type=Path, required=True, help="folder for templates and the city's cards")
    parser.add_argument("--ready-file", type=Path, help='written when listening: {"url", "smtp_port"}')
    parser.add_argument("--report-url", default="", help="where SmsReports are pushed")
    parser.add_argument(
        "--seed",
        type=int,
        default=os.environ.get("SANDBOX_SEED") or secrets.randbelow(2**32),
        help="what all chance begins with: the same requests meet the same luck;"
        " SANDBOX_SEED by default, else new each time",
    )
    return parser.parse_args()


async def _serve(sandbox: Sandbox, arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        create_app(sandbox), access_log=None, shutdown_timeout=0.5, max_line_size=LONGEST_QUERY
    )
    await runner.setup()
    await web.TCPSite(runner, arguments.host, arguments.port, backlog=1024).start()
    host, port = runner.addresses[0][:2]
    url = f"http://{host}:{port}"
    await sandbox.mail_door.listen(arguments.host, arguments.smtp_port)
    if arguments.ready_file:
        _write_ready(arguments.ready_file, {"url": url, "smtp_port": sandbox.mail_door.port})
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    await stop.wait()
    sandbox.mail_door.close()
    await runner.cleanup()


def _write_ready(path: Path, places: Mapping[str, object]) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(json.dumps(places))
    temporary.replace(path)


if __name__ == "__main__":
    main()
