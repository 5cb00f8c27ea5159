"""``seawall serve | worker | demo``."""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from seawall.cli.common import (
    ContentTypes,
    DatabaseUrl,
    DataDir,
    Policies,
    TextModel,
    err,
    explained,
    fail,
    log_to_stderr,
    out,
    settings,
)
from seawall.cli.migrate import run_migrations

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from seawall.app import App
    from seawall.publish import StartPublication
    from seawall.settings import Settings

_DEMO_MARK = ".seawall-demo"
_AGAIN_S = 2.0  # between a worker's attempts to reach its database


command = typer.Typer()

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on; 0: any free one.")]


@command.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8470,
    with_worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Run the worker in this process.")] = True,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
    policies: Policies = None,
    content_types: ContentTypes = None,
    text_model: TextModel = None,
    migrate: Annotated[bool, typer.Option("--migrate", help="Run 'seawall migrate' first.")] = False,
) -> None:
    """Run API and console in one process; publishes its folders' policies unless a person published others."""
    from seawall.api.settings import proxies
    from seawall.app import open_app
    from seawall.worker import Worker

    log_to_stderr()
    _end_in_order()
    with explained(), ExitStack() as stack:
        listening = stack.enter_context(_listen(host, port))
        chosen = _reached_at(
            listening,
            settings(
                data_dir=data_dir,
                database_url=database,
                policies_dir=policies,
                content_types_dir=content_types,
                text_model_dir=text_model,
            ),
        )
        if migrate:
            run_migrations(chosen)
        trusted_proxies = proxies(chosen)
        app = stack.enter_context(open_app(chosen))
        _say(app.publish_at_start(by="serve"))
        _check_detectors(app)
        app.runner.warm_up()
        if with_worker:
            stack.enter_context(Worker(app, beside_requests=True))
        _server(asgi(app), listening, trusted_proxies).run()


def _say(start: StartPublication) -> None:
    if message := start.message():
        err.print(message, style="yellow", markup=False, soft_wrap=True)


def _check_detectors(app: App) -> None:
    """End the command when policies in force read a detector that is no longer there: no item could be screened."""
    from seawall.publish import NothingPublished

    try:
        bundle = app.bundle
    except NothingPublished:
        return
    needed = {name for content_type in bundle.content_types for name in bundle.program(content_type).detectors}
    if missing := sorted(needed - {spec.name for spec in app.runner.specs}):
        fail(
            f"the policies in force read signals of {', '.join(missing)}, which is not among the detectors: configure "
            "it again (SEAWALL_DETECTORS, SEAWALL_PLUGINS); or write them out with 'seawall policy export FOLDER', "
            "take its rules out, and run 'seawall policy publish --policies FOLDER'"
        )


def _end_in_order() -> None:
    """Let SIGTERM unwind what is open, as Ctrl-C does: the processes that decode media must not outlive the server."""

    def end(number: int, _frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)


def asgi(app: App) -> FastAPI:
    """API and console as one ASGI application."""
    from seawall import api, console
    from seawall.access import Keys

    built = api.build(app, Keys(app.database), kept_s=1.0)
    built.mount("/", console.build(app))
    return built


@command.command()
def worker(
    threads: Annotated[int, typer.Option(help="Jobs run concurrently.")] = 8,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
    text_model: TextModel = None,
) -> None:
    """Run deliveries, pending rescreens and submitted items in a separate process."""
    from seawall.app import open_app
    from seawall.worker import Worker

    log_to_stderr()
    chosen = settings(data_dir=data_dir, database_url=database, text_model_dir=text_model)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with explained(), ExitStack() as stack:
        app = open_when_reachable(lambda: stack.enter_context(open_app(chosen)), stop)
        if app is None:
            return
        app.runner.warm_up()
        with Worker(app, threads=threads):
            stop.wait()


def open_when_reachable(opening: Callable[[], App], stop: threading.Event) -> App | None:
    """What ``opening`` opens, tried again while the database's server does not answer; None: stopped meanwhile.

    A worker is often started together with its database, or while it restarts. Other errors are raised at once.
    """
    from seawall.storage import DatabaseUnreachable

    while True:
        try:
            return opening()
        except DatabaseUnreachable as error:
            err.print(f"{error} Trying again.", markup=False, soft_wrap=True)
            if stop.wait(_AGAIN_S):
                return None


@command.command()
def demo(
    host: Host = "127.0.0.1",
    port: Port = 8470,
    rate: Annotated[float, typer.Option(help="Items per second that the simulated platform posts.")] = 3.0,
    seed: Annotated[int, typer.Option(help="Same seed, same traffic.")] = 1,
    data: Annotated[Path | None, typer.Option(envvar="SEAWALL_DATA", help="Replay these data sets as traffic.")] = None,
    data_dir: Annotated[Path, typer.Option(help="Folder of the demo's data.")] = Path("var/demo"),
    database: Annotated[str | None, typer.Option("--database", help="PostgreSQL instead of SQLite.")] = None,
    keep: Annotated[bool, typer.Option(help="Keep the data of the last demo.")] = False,
) -> None:
    """Run everything on this machine: server, worker, console, a simulated platform that posts, and its receiver."""
    log_to_stderr(level=30)
    _end_in_order()
    _prepare(data_dir, keep)
    if data is not None:
        _check_data(data)
    with explained(), _listen(host, port) as listening:
        chosen = _reached_at(
            listening,
            settings(data_dir=data_dir, database_url=database, allow_private_endpoints="yes", report_form="yes"),
        )
        run_migrations(chosen)
        _demo(chosen, listening, rate, seed, data)


def _demo(chosen: Settings, listening: socket.socket, rate: float, seed: int, data: Path | None) -> None:
    from seawall import access, demo, enforce
    from seawall.app import open_app
    from seawall.publish import add_entries, configure_bank
    from seawall.worker import Worker

    switch = demo.HangSwitch()
    url = f"http://{listening.getsockname()[0]}:{listening.getsockname()[1]}"
    with open_app(chosen, extra_detectors=[demo.HangingDetector(switch)]) as app, ExitStack() as stack:
        _say(app.publish_at_start(demo.sources(), by="demo"))
        app.runner.warm_up()
        for bank, settings_ in demo.seed_settings().items():
            configure_bank(app.ledger, bank, settings_, "demo")
        for bank, entries in demo.seed_banks().items():
            add_entries(app.ledger, bank, entries, "demo")
        app.banks.refresh()
        email, password = "demo@seawall.example", secrets.token_urlsafe(9)
        name = f"demo+{secrets.token_hex(3)}@seawall.example" if access.list_people(app.database) else email
        access.create_person(app.ledger, name, "Demo", password, ["reviewer", "policy", "admin"])
        key = access.create_key(app.ledger, "demo platform", ["screen", "report", "read"])
        yours = access.create_key(app.ledger, "demo visitor", ["screen", "report", "read"])
        receiver = stack.enter_context(demo.start_receiver(switch=switch))
        made = enforce.add_endpoint(app.ledger, app.vault, url=receiver.webhooks_url, allow_private=True)
        receiver.use_secret(made.secret)
        receiver.let_visitors_write(partial(demo.write_comment, url, key, receiver.platform_state), url)
        stack.enter_context(Worker(app, beside_requests=True))
        server = _server(asgi(app), listening)
        out.print(_welcome(url, name, password, yours, receiver.url), highlight=False, soft_wrap=True)
        post = partial(
            demo.run_platform,
            url,
            key,
            seed=seed,
            rate=rate,
            data_dir=data,
            platform_state=receiver.platform_state,
            switch=switch,
            with_showcase=True,
        )
        try:
            with _platform(post, server):
                server.run()
        finally:
            out.print("Stopped. The data stays in", str(chosen.data_dir), soft_wrap=True)


@contextmanager
def _platform(post: Callable[..., None], server: uvicorn.Server) -> Iterator[None]:
    stop = threading.Event()

    def run() -> None:
        while not server.started and not stop.wait(0.05):
            pass
        post(stop=stop)

    thread = threading.Thread(target=run, name="demo-platform", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)


def _welcome(url: str, email: str, password: str, key: str, receiver: str) -> str:
    return f"""
  [bold]Seawall[/bold] is running; a small simulated platform is posting to it.

    Console            {url}
    Sign in            {email}
    Password           {password}
    Platform's view    {receiver}
    API                {url}/v1/openapi.json
    API key            {key}

  Stop with Ctrl-C.
"""


def _check_data(folder: Path) -> None:
    from seawall import demo

    try:
        demo.find_data(folder)
    except demo.NoData as error:
        fail(str(error))


def _prepare(data_dir: Path, keep: bool) -> None:
    mark = data_dir / _DEMO_MARK
    if data_dir.exists() and not keep:
        if any(data_dir.iterdir()) and not mark.exists():
            fail(f"{data_dir} contains something else than a demo; choose another folder with --data-dir")
        shutil.rmtree(data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    mark.touch()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        fail(f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port (0: any free one)")
    return listening


def _reached_at(listening: socket.socket, chosen: Settings) -> Settings:
    """The settings with the address at which a browser on this machine finds the server, unless one was named."""
    if chosen.has_public_url:
        return chosen
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 (compared, not listened on)
        host = "127.0.0.1"
    return replace(chosen, public_url=f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")


def _server(application: FastAPI, listening: socket.socket, trusted_proxies: tuple[str, ...] = ()) -> uvicorn.Server:
    import uvicorn

    from seawall.api.connections import BoundedHttpProtocol, ConnectionServer

    class Server(ConnectionServer):
        def run(self, sockets: list[socket.socket] | None = None) -> None:
            super().run(sockets=[listening])

    config = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        loop="uvloop",
        http=BoundedHttpProtocol,
        ws="none",
        # Uvicorn's default believes X-Forwarded-For from this machine: whoever reaches the port could be anybody.
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
    )
    try:
        listening.listen(config.backlog)  # before printing the URL: early clients wait for the server
    except OSError as error:  # another process has listened meanwhile
        fail(f"cannot listen on {listening.getsockname()[0]}:{listening.getsockname()[1]}: {error.strerror}")
    err.print(f"listening on http://{listening.getsockname()[0]}:{listening.getsockname()[1]}", style="dim")
    return Server(config)
