"""``seawall …``: the command line."""

from seawall.cli.main import main

__all__ = ["main"]
