"""The simulator at the terminal: one typhoon day, or kept payloads, served until stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette

from cop.errors import SetupTrouble
from cop.settings import Settings, get_settings
from cop_ingest.feeds.declared import feeds
from cop_ingest.feeds.worker import mode_of
from cop_ingest.simulator.app import Simulator, moment
from cop_ingest.simulator.clock import Clock
from cop_ingest.simulator.endpoints import endpoints
from cop_ingest.simulator.replay import Series, series_in, span
from cop_ingest.simulator.returns import keep_returning
from cop_ingest.simulator.sending import Api, Broker, Ways, read_keys
from cop_ingest.simulator.stored import connecting, series_of
from cop_ingest.simulator.world.world import ENDS, SCENARIOS, STARTS, World
from cop_ingest.times import HKT
from cop_server.cluster_existing import find_store
from cop_server.console import say, step

PORT = 8060
STORE = "store"
"""The word of --replay for the payloads that this installation's store keeps; a folder called so is `./store`."""


def add_to(app: typer.Typer) -> None:
    """Give the command `cop simulate` to an application."""
    app.command(name="simulate")(simulate)


def simulate(
    scenario: Annotated[str, typer.Option(help="The typhoon day: ragasa.")] = "ragasa",
    speed: Annotated[float, typer.Option(help="Scenario seconds in one of ours, 0 to 600.", min=0, max=600)] = 60.0,
    times: Annotated[int, typer.Option(help="How many times 2,000 incidents.", min=1, max=20)] = 1,
    seed: Annotated[int | None, typer.Option(help="Seed of the day; none: COP_EXERCISE_SEED.", min=0)] = None,
    start: Annotated[str | None, typer.Option(help="Time to begin at, 2025-09-24T03:00 (Hong Kong time).")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0: a free one.", min=0, max=65535)] = PORT,
    returns: Annotated[Path | None, typer.Option(help="Folder to write departments' returns to.")] = None,
    returns_to: Annotated[str | None, typer.Option(help="COP server to which departments with a key report.")] = None,
    returns_keys: Annotated[
        Path | None, typer.Option(help='With --returns-to: JSON file of the departments\' keys, {"FSD": "key"}.')
    ] = None,
    returns_mqtt: Annotated[
        str,
        typer.Option(
            help="Broker to which works departments and power companies publish their forms.",
            envvar="COP_RETURNS_MQTT",
        ),
    ] = "",
    returns_every: Annotated[int, typer.Option(help="Scenario minutes between returns.", min=1, max=1440)] = 15,
    echoes: Annotated[
        bool, typer.Option("--echoes", help="Traffic news also of roads that other departments' incidents close.")
    ] = False,
    replay: Annotated[
        Path | None,
        typer.Option(
            help="Folder of kept payloads to serve instead of a scenario; the word store: those of this store."
        ),
    ] = None,
    address: Annotated[str | None, typer.Option(help="With --replay of one series: its address, host/path.")] = None,
    begin: Annotated[str | None, typer.Option("--from", help="With --replay store: 2025-09-24T03:00.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="With --replay store: the same.")] = None,
    feed: Annotated[list[str] | None, typer.Option(help="With --replay store: this feed (again for more).")] = None,
) -> None:
    """Serve every feed of a typhoon day in its published format, as fast as wanted, with faults on request."""
    if scenario not in SCENARIOS:
        raise SetupTrouble(f"--scenario: there is no {scenario}; there is {', '.join(SCENARIOS)}")
    ways = _ways(returns, returns_to, returns_keys, returns_mqtt) if replay is None else None
    settings = get_settings()
    world = World(
        settings.exercise_seed if seed is None else seed,
        times,
        settings.exercise_scale,
        settings.data,
        terrain_of(settings),
        echoes,
    )
    if replay is not None:
        series = _stored(settings, begin, end, feed or []) if str(replay) == STORE else _filed(replay, address)
        simulator = _replayed(world, series, speed, start)
    else:
        simulator = Simulator(world, _clock(STARTS, ENDS, speed, start), endpoints())
        with step(f"making the {scenario} day"):
            world.warm()
    serve(simulator, host, port, ways, timedelta(minutes=returns_every))


def _ways(folder: Path | None, url: str | None, keys: Path | None, mqtt: str) -> Ways | None:
    """How returns are sent; None where nobody asked for any."""
    if (url is None) != (keys is None):
        raise SetupTrouble("--returns-to and --returns-keys go together")
    if folder is None and url is None and not mqtt:
        return None
    api = Api(url, read_keys(keys)) if url is not None and keys is not None else None
    return Ways(folder, api, Broker(mqtt) if mqtt else None)


def terrain_of(settings: Settings) -> Path | None:
    """The installation's terrain, if it has one: the territory lies on it."""
    terrain = settings.blob_folder / "terrain.tif"
    return terrain if terrain.is_file() else None


def _filed(folder: Path, address: str | None) -> list[Series]:
    if not folder.is_dir():
        raise SetupTrouble(f"--replay: {folder} is no folder")
    return series_in(folder, address)


def _stored(settings: Settings, begin: str | None, end: str | None, names: list[str]) -> list[Series]:
    if begin is None or end is None:
        raise SetupTrouble("--replay store wants --from and --to, times like 2025-09-24T03:00 (Hong Kong time)")
    if unknown := set(names) - set(feeds()):
        raise SetupTrouble(f"--feed: there is no {', '.join(sorted(unknown))}; `cop ingest feeds` lists them")
    chosen = [feeds()[name] for name in names or feeds()]
    try:
        span_of = moment(begin), moment(end)
    except ValueError as exc:
        raise SetupTrouble(f"--from, --to: {exc}") from exc
    connect = connecting(find_store(settings).owner_dsn)
    return series_of(connect, chosen, mode_of(settings.feeds), *span_of)


def _replayed(world: World, series: list[Series], speed: float, start: str | None) -> Simulator:
    say(f"{sum(len(one.kept) for one in series)} payloads of {len(series)} addresses")
    return Simulator(world, _clock(*span(series), speed, start), [one.endpoint() for one in series])


def _clock(begins: datetime, ends: datetime, speed: float, start: str | None) -> Clock:
    clock = Clock(begins, ends, begins, speed)
    if start is None:
        return clock
    try:
        at = moment(start)
    except ValueError as exc:
        raise SetupTrouble(f"--start: {exc}") from exc
    if not begins <= at <= ends:
        raise SetupTrouble(f"--start: {start} lies outside the scenario, {clock.span()}")
    clock.jump(at)
    return clock


def serve(
    simulator: Simulator, host: str, port: int, ways: Ways | None, every: timedelta, since: datetime | None = None
) -> None:
    """Serve until a signal comes. The clock runs from the moment that the first request can come.

    Returns go out by `ways`, `every` so often; the first ones hold what became known after `since`.
    """

    @asynccontextmanager
    async def beside(_: Starlette) -> AsyncIterator[None]:
        simulator.clock.jump(simulator.clock.starts)
        work = None
        if ways is not None:
            work = asyncio.create_task(keep_returning(simulator.world, simulator.clock, ways.send, every, since))
        yield
        if work is not None and ways is not None:
            ways.close()
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work

    config = uvicorn.Config(
        simulator.application(beside), host=host, port=port, log_level="warning", access_log=False,
        server_header=False, date_header=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    listening = config.bind_socket()
    listening.listen()  # who reads the address below may ask at once
    began = simulator.clock.starts.astimezone(HKT)
    say(
        f"the simulator on http://{host}:{listening.getsockname()[1]} from {began:%Y-%m-%d %H:%M} Hong Kong time, "
        f"x{simulator.clock.speed:g}; all of it is an exercise; stop with Ctrl-C"
    )
    uvicorn.Server(config).run(sockets=[listening])
