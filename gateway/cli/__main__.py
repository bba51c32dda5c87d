"""``python -m gateway.cli``."""

from gateway.cli import main

main(prog_name="gateway")
