"""``seawall detectors``: list detectors, check a configuration, and run one detector."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
import typer
from rich.table import Column, Table

from seawall.cli.common import DatabaseUrl, DataDir, TextModel, explained, fail, out, settings

if TYPE_CHECKING:
    from seawall.app import ConfiguredDetectors
    from seawall.model import Detector, DetectorSpec, Extractor, Hasher, Part
    from seawall.settings import Settings

T = TypeVar("T", bound="Detector | Extractor | Hasher")

command = typer.Typer()
app = typer.Typer(no_args_is_help=True, help="Services, judges and plug-ins in addition to the built-in detectors.")
command.add_typer(app, name="detectors")

File = Annotated[
    Path | None,
    typer.Option("--detectors", envvar="SEAWALL_DETECTORS", help="YAML file of services, judges and plug-ins."),
]
Plugins = Annotated[
    str | None, typer.Option("--plugins", envvar="SEAWALL_PLUGINS", help="Names of plug-ins to load, comma-separated.")
]


@app.command("list")
def list_(file: File = None, plugins: Plugins = None, text_model: TextModel = None) -> None:
    """List the detectors in use, and the services and plug-ins that can be enabled."""
    from seawall.detect.cascade import score_ranges_of
    from seawall.detect.plugins import installed
    from seawall.detectors import default_extractors
    from seawall.media import Media, MediaLimits
    from seawall.shipped import providers

    with explained():
        chosen = settings(detectors=file, plugins=plugins)
        own = _own(chosen, secrets=False)
        builtin = _builtin(text_model, own)
        extractors = default_extractors(media=Media(MediaLimits(ocr_languages=chosen.ocr_languages)))
    asked_when = Column("asked when", no_wrap=True)
    table = Table("detector", "version", "cost", "reads", "signals", asked_when, title="Asked", title_justify="left")
    for detector in (*builtin, *own.detectors):
        spec = detector.spec
        ranges = [f"{each.low:g} ≤ {each.signal} ≤ {each.high:g}" for each in score_ranges_of(detector)]
        reads, when = ", ".join(sorted(spec.modalities)), " or ".join(ranges) or "always"
        table.add_row(spec.name, spec.version, spec.cost.value, reads, _signals(spec), when)
    for extractor in own.extractors:
        makes = f"makes {extractor.spec.makes}"
        reads = ", ".join(sorted(extractor.spec.modalities))
        table.add_row(extractor.spec.name, extractor.spec.version, extractor.spec.cost.value, reads, makes, "")
    out.print(table)
    for detector in builtin:
        if fault := getattr(detector, "fault", None):
            out.print(f"{detector.spec.name}: {fault}", soft_wrap=True, markup=False)
    for extractor in extractors:
        if scripts := extractor.spec.scripts:
            out.print(f"{extractor.spec.name} reads the scripts {', '.join(scripts)}; others are unanswerable")
    out.print(f"Shipped services: {', '.join(providers.names())}", soft_wrap=True)
    offers = [f"{offer.name} ({offer.distribution})" for offer in installed()]
    out.print(f"Plug-ins installed: {', '.join(offers) or 'none'}", soft_wrap=True)


@app.command()
def check(file: File = None, plugins: Plugins = None, text_model: TextModel = None) -> None:
    """Read the configuration with its secrets, and run the conformance kit on every plug-in. Calls no service."""
    from seawall.detect import Runner
    from seawall.detect.cascade import CascadeError
    from seawall.detect.testing import check_detector, check_extractor, check_hasher

    with explained():
        own = _own(settings(detectors=file, plugins=plugins))
        if not own.detectors and not own.extractors and not own.hashers:
            fail("nothing to check: give a file with --detectors, or plug-ins with --plugins")
        try:
            runner = Runner((*_builtin(text_model, own), *own.detectors), own.extractors)
        except (CascadeError, ValueError) as error:
            fail(str(error))
    failed = 0
    with runner:
        for detector in own.detectors:
            if _is_remote(detector):
                lacking = _lacking(detector)
                failed += bool(lacking)
                reported = (
                    f"configured; signals {_signals(detector.spec)}" if not lacking else f"missing policies: {lacking}"
                )
                out.print(f"{detector.spec.name}: {reported}", markup=False)
                continue
            failed += not _conforms(check_detector, detector)
        failed += sum(not _conforms(check_extractor, extractor) for extractor in own.extractors)
        failed += sum(not _conforms(check_hasher, hasher) for hasher in own.hashers)
    if failed:
        raise typer.Exit(1)


def _conforms(check: Callable[[T], None], one: T) -> bool:
    from seawall.detect.testing import NonConforming

    try:
        check(one)
    except NonConforming as error:
        out.print(str(error), markup=False)
        return False
    out.print(f"{one.spec.name}: conforms", markup=False)
    return True


@app.command("not-permitted")
def not_permitted(
    detector: Annotated[str | None, typer.Option("--detector", help="Only this detector or extractor.")] = None,
    since: Annotated[datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help="First day, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Last day, UTC.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """From how many items the law kept detectors, and whether any of them ran there all the same; then status 1."""
    from seawall.app import open_storage
    from seawall.screen import report_not_permitted

    day = timedelta(days=1)
    first = 0 if since is None else int(since.replace(tzinfo=UTC).timestamp() * 1000)
    last = (datetime.now(UTC) if until is None else until.replace(tzinfo=UTC)) + day
    with explained(), open_storage(settings(data_dir=data_dir, database_url=database), build=False) as store:
        report = report_not_permitted(store.ledger, first, int(last.timestamp() * 1000), detector)
    if as_json:
        found = {**msgspec.to_builtins(report), "never_ran": report.never_ran}
        typer.echo(json.dumps(found, indent=2))
    else:
        table = Table("detector", "surface", "jurisdiction", "prohibition", "from", "to", "items", "decisions", "ran")
        for one in report.counts:
            days = [datetime.fromtimestamp(at / 1000, UTC).date().isoformat() for at in (one.first_at, one.last_at)]
            numbers = [f"{number:,}" for number in (one.items, one.decisions, one.ran)]
            table.add_row(one.detector, one.surface, one.jurisdiction, one.prohibition, *days, *numbers)
        if report.counts:
            out.print(table)
        said = "no detector was withheld" if not report.counts else "no detector ran where it was withheld"
        ran = sum(one.ran for one in report.counts)
        out.print(
            f"{report.decisions:,} decisions of the ledger were read: "
            + (said if report.never_ran else f"{ran:,} times a detector RAN where it was withheld"),
            soft_wrap=True,
        )
    if not report.never_ran:
        raise typer.Exit(1)


@app.command("try")
def try_(
    name: Annotated[str, typer.Argument(help="A detector's name; 'seawall detectors list' shows them.")],
    text: Annotated[str | None, typer.Argument(help="The text to run it on.")] = None,
    media: Annotated[Path | None, typer.Option(help="An image, audio file or video to run it on.")] = None,
    language: Annotated[str | None, typer.Option(help="The text's language, such as en.")] = None,
    file: File = None,
    plugins: Plugins = None,
    text_model: TextModel = None,
) -> None:
    """Run one detector, without its score ranges, and print the result. Services and judges are really called."""
    with explained():
        own = _own(settings(detectors=file, plugins=plugins))
        detectors = {detector.spec.name: detector for detector in (*_builtin(text_model, own), *own.detectors)}
        detector = detectors.get(name)
        if detector is None:
            fail(f"unknown detector {name!r}; known: {', '.join(detectors)}")
        part = _part(detector.spec, text, media, language)
        try:
            _show_answer(detector, part)
        finally:
            for each in detectors.values():
                getattr(each, "close", lambda: None)()


def _show_answer(detector: Detector, part: Part) -> None:
    from seawall.detect.call import ask
    from seawall.detectors.hashes import HashDetector
    from seawall.model import PartHash, Signal, Unknown

    [answer] = ask(detector, (part,), detector.spec.name)
    if isinstance(answer, Unknown):
        out.print(f"unknown ({answer.reason}): {answer.detail}", markup=False)
        raise typer.Exit(1)
    signals = [signal for signal in answer if isinstance(signal, Signal)]
    for signal in signals:
        evidence = f"  ({signal.evidence})" if signal.evidence else ""
        out.print(f"{signal.name} {signal.value:g}{evidence}", markup=False)
    if isinstance(detector, HashDetector):  # its result is the hash
        for each in (one for one in answer if isinstance(one, PartHash)):
            out.print(f"{each.kind} {each.value.hex()}", markup=False)
        return
    silent = [spec.name for spec in detector.spec.signals if spec.name not in {signal.name for signal in signals}]
    if silent:
        out.print(f"0: {', '.join(silent)}", markup=False, soft_wrap=True)


def _part(spec: DetectorSpec, text: str | None, media: Path | None, language: str | None) -> Part:
    from seawall.model import MEDIA_MODALITIES, Modality, Part

    if (text is None) == (media is None):
        fail("give a text, or a file with --media")
    if text is not None:
        modality = Modality.TEXT if Modality.TEXT in spec.modalities else Modality.LINK
        if modality not in spec.modalities:
            fail(f"{spec.name} reads no text, but {', '.join(sorted(spec.modalities))}: give a file with --media")
        return Part(path="body", modality=modality, field="body", text=text, language=language)
    assert media is not None
    readable = sorted(MEDIA_MODALITIES & spec.modalities)
    if not readable:
        fail(f"{spec.name} reads {', '.join(sorted(spec.modalities))}: give a text")
    return Part(path="media", modality=readable[0], field="media", data=media.read_bytes(), language=language)


def _own(chosen: Settings, *, secrets: bool = True) -> ConfiguredDetectors:
    from seawall.app import configured_detectors
    from seawall.policy import Policy, load_policy
    from seawall.publish import read_sources

    def policies() -> list[Policy]:
        """The settings' policies, for judges that quote them."""
        sources = read_sources(chosen.policies_dir, chosen.content_types_dir).policies
        return [load_policy(source.text, source.path) for source in sources]

    return configured_detectors(chosen, policies, secrets=secrets)


def _builtin(text_model: Path | None, own: ConfiguredDetectors) -> Sequence[Detector]:
    from seawall.app import BANKS
    from seawall.detectors import default_detectors
    from seawall.detectors.banks import BankDetector

    return default_detectors(BankDetector(BANKS), text_model, hashers=own.hashers, configured=own.detectors)


def _lacking(detector: Detector) -> str:
    """Policies that a judge needs and the settings' folder does not contain."""
    from seawall.providers.judges import Judge

    return ", ".join(detector.missing()) if isinstance(detector, Judge) else ""


def _is_remote(detector: Detector) -> bool:
    from seawall.providers import HttpDetector
    from seawall.providers.judges import Judge

    return isinstance(detector, HttpDetector | Judge)


def _signals(spec: DetectorSpec) -> str:
    """Names of signals; bank signals are only counted."""
    names = [signal.name for signal in spec.signals if ":" not in signal.name]
    banks = len({signal.name.partition(":")[2] for signal in spec.signals if ":" in signal.name})
    return ", ".join([*names, *[f"bank:… of {banks} banks"] * bool(banks)])
