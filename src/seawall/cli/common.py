"""Helpers shared by commands: settings, output, errors that end a command."""

from __future__ import annotations

import getpass
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import structlog
import typer
from rich.console import Console

from seawall.settings import Settings, SettingsError

if TYPE_CHECKING:
    from seawall.model import DetectorSpec

out = Console(highlight=False, width=None if sys.stdout.isatty() else 120)  # a fixed width for files
err = Console(stderr=True, highlight=False)

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", envvar="SEAWALL_DATA_DIR", help="Folder of database, blobs, master key.")
]
DatabaseUrl = Annotated[
    str | None, typer.Option("--database", envvar="SEAWALL_DATABASE_URL", help="sqlite:////file.db or postgresql://…")
]
Policies = Annotated[
    Path | None,
    typer.Option("--policies", envvar="SEAWALL_POLICIES_DIR", help="Folder of policies (default: shipped)."),
]
ContentTypes = Annotated[
    Path | None,
    typer.Option(
        "--content-types", envvar="SEAWALL_CONTENT_TYPES_DIR", help="Folder of content types (default: shipped)."
    ),
]
Banks = Annotated[list[str] | None, typer.Option("--bank", help="A bank of your own used by policies; repeat.")]
TextModel = Annotated[
    Path | None, typer.Option("--text-model", envvar="SEAWALL_TEXT_MODEL_DIR", help="Folder of a trained text model.")
]


def settings(**overrides: object) -> Settings:
    """Settings from the environment and options; an invalid one ends the command."""
    try:
        return Settings.from_env(None, **overrides)
    except SettingsError as error:
        fail(str(error))


def fail(message: str, status: int = 1) -> NoReturn:
    """End the command with a message and no traceback."""
    err.print(f"seawall: {message}", style="red", markup=False, soft_wrap=True)
    raise typer.Exit(status)


def command_author() -> str:
    """Who runs the command, for the record: the name of the system's user, or its number where it has no name."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # such as in a container that runs under any number
        return f"cli:uid-{os.getuid()}"


@contextmanager
def explained() -> Iterator[None]:
    """Turn the errors a user can mend into messages."""
    from seawall.configfile import ConfigError
    from seawall.detectors.text.model import ArtefactError
    from seawall.enforce import EndpointRefused
    from seawall.match.entries import EntryError
    from seawall.media.tesseract import TesseractError
    from seawall.policy import BundleUnreadable, PolicyErrors
    from seawall.publish import BankError, NothingPublished, PublishedMeanwhile, PublishRefused, SourceError
    from seawall.storage import StorageError

    try:
        yield
    except PolicyErrors as error:
        err.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    except (
        ArtefactError,
        BankError,
        BundleUnreadable,
        EndpointRefused,
        EntryError,
        ConfigError,
        NothingPublished,
        PublishRefused,
        PublishedMeanwhile,
        SettingsError,
        SourceError,
        StorageError,
        TesseractError,
    ) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or 'the system'}: {error.strerror or error}")


def log_to_stderr(level: int = logging.INFO) -> None:
    """Log structured lines on a terminal, JSON lines elsewhere."""
    # Plain tracebacks: the pretty ones print local variables, which may be user content.
    ending: tuple[structlog.typing.Processor, ...] = (
        (structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),)
        if sys.stderr.isatty()
        else (structlog.processors.format_exc_info, structlog.processors.JSONRenderer())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *ending,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def what_rules_read(text_model: Path | None, banks: list[str] | None) -> tuple[list[DetectorSpec], list[str]]:
    """What rules can read: the detectors of this configuration, and the names of banks."""
    from seawall.app import BANKS, configured_detectors
    from seawall.detect.extraction import as_detectors
    from seawall.detectors import default_detectors, default_extractors
    from seawall.detectors.banks import BankDetector

    names = [*BANKS, *(banks or ())]
    own = configured_detectors(settings(), secrets=False)
    detectors = default_detectors(BankDetector(names), text_model, hashers=own.hashers, configured=own.detectors)
    specs = [detector.spec for detector in (*detectors, *own.detectors)]
    specs += as_detectors(
        {extractor.spec.name: extractor.spec for extractor in (*default_extractors(), *own.extractors)}
    )
    return specs, names
