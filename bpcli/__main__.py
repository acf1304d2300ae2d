"""`python -m bpcli`."""

from bpcli.cli.main import run

run()
