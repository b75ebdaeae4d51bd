"""The commands of the stream: `python -m streams worker` and `python -m streams topics`."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from mooring.errors import InvalidSetting, MooringError
from mooring.topics import Topics
from streams.logs import set_up_logs
from streams.provision import provide_topics
from streams.settings import Settings, read_settings
from streams.worker import run_worker

app = typer.Typer(
    name="python -m streams",
    help="Mooring's stream processing. Settings come from MOORING_* variables or a .env file; see docs/operating.md.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def worker() -> None:
    """Handle builds, evaluations, store configurations and life-cycle changes until stopped.

    Run one per core: Kafka shares the partitions out among them.

    Example: MOORING_BROKERS=kafka:9092 python -m streams worker
    """
    _guarded(run_worker)


@app.command()
def topics() -> None:
    """Create the topics that are missing and verify those that exist. Safe to repeat.

    Example: MOORING_PARTITIONS=12 MOORING_REPLICATION=3 python -m streams topics
    """
    _guarded(_provide)


def _provide(settings: Settings) -> None:
    done = provide_topics(
        settings.brokers, Topics.named(settings.topic_prefix), settings.partitions, settings.replication
    )
    for one in done:
        print(f"{'created ' if one.created else 'verified'}  {one.name}  {one.partitions} partitions")


def _guarded(command: Callable[[Settings], None]) -> None:
    """Run a command with the settings; what Mooring raises on purpose is a sentence and an exit code, not a trace."""
    try:
        settings = read_settings()
        set_up_logs(settings.log_format, settings.log_level)
        command(settings)
    except MooringError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2 if isinstance(error, InvalidSetting) else 1) from None


if __name__ == "__main__":
    app()
