"""``seawall queue check``: reads a queue file before a server is started with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

import typer

from seawall.cli.common import ContentTypes, Policies, err, explained, fail, out

app = typer.Typer(no_args_is_help=True, help="Check a queue file.")

_ASKED: Final = re.compile(r"""review\((?:[^()"']|"[^"]*"|'[^']*')*?queue\s*=\s*["']([^"']+)["']""")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The queue file.")],
    policies: Policies = None,
    content_types: ContentTypes = None,
) -> None:
    """Read a queue file: every mistake with its line and remedy, also queues that no case can come to."""
    from seawall.publish import read_sources
    from seawall.review.queue_file import read_queues, unreachable_queues
    from seawall.screen.edits import EDITS_QUEUE
    from seawall.screen.fail_modes import UNANSWERABLE_QUEUE

    with explained():
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            fail(f"{file}: {error.strerror if isinstance(error, OSError) else 'is not UTF-8 text'}")
        queues = read_queues(text, str(file))
        sources = read_sources(policies, content_types)
    asked = {EDITS_QUEUE, UNANSWERABLE_QUEUE} | {
        name for policy in sources.policies for name in _ASKED.findall(policy.text)
    }
    unreachable = unreachable_queues(text, str(file), queues, asked)
    for problem in unreachable:
        err.print(problem.render(), markup=False, soft_wrap=True)
    if unreachable:
        raise typer.Exit(1)
    out.print(f"{len(queues.by_name)} queues, {len(queues.routes)} routes: no mistakes")
