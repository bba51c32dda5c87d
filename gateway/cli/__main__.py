"""``python -m gateway.cli``; run.py says by what name it was called."""

import os

from gateway.cli import main

main(prog_name=os.environ.get("HUIYIN_COMMAND", "gateway"))
