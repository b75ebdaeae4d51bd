"""`python -m web`: the web view as a program."""

from __future__ import annotations

import argparse
import gc
import json
import sys

from mooring.environment import KNOWN
from mooring.errors import InvalidSetting, MooringError
from mooring.schema_registry import HttpSchemaRegistry
from mooring.topics import Topics
from web import server
from web.changes import Changes
from web.logs import set_up_logs
from web.queries import Queries
from web.replica import Replica
from web.seen import Seen
from web.settings import Settings, read_settings
from web.writer import Writer

_FOLDER = "web"
_EXAMPLES = """
examples:
  python -m web
      the registry of the broker at localhost:9092, on http://127.0.0.1:8080
  MOORING_BROKERS=kafka-1:9092,kafka-2:9092 MOORING_HTTP_PORT=80 MOORING_HTTP_HOST=0.0.0.0 python -m web
      another broker; for all who can reach this machine
  curl 'http://127.0.0.1:8080/api/v1/versions?sort=-degradation&active=true'
      the active versions, worst drift first

settings, from the environment or a file .env:
"""


def main() -> int:
    """Run the web view until SIGTERM or SIGINT; the exit code: 0, 1 where it cannot start, 2 for a bad setting."""
    _parser().parse_args()
    try:
        settings = read_settings()
        set_up_logs(settings.log_format, settings.log_level)
        _run(settings)
    except MooringError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, InvalidSetting) else 1
    except KeyboardInterrupt:
        # Before the server took over the signals.
        return 0
    return 0


def _run(settings: Settings) -> None:
    registry = HttpSchemaRegistry(settings.schema_registry_url) if settings.schema_registry_url else None
    topics = Topics.named(settings.topic_prefix)
    changes = Changes()
    with server.bind(settings.http_host, settings.http_port) as bound:
        replica = Replica(
            settings.brokers, topics, settings.data_dir / _FOLDER, registry=registry, changed=changes.publish
        )
        queries = Queries.of(replica.database.path, topics, replica.as_of, registry)
        writer = Writer(settings.brokers, topics)
        seen = Seen(
            settings.brokers, topics, settings.topic_prefix, replica.database.topics, replica.has_reached, changes
        )
        try:
            replica.start()
            # Loading these takes longer than all before: first it is clear that the view can start.
            from web import pages
            from web.app import Parts, build_app

            parts = Parts(
                topics,
                queries,
                changes,
                writer,
                seen,
                state=lambda: replica.state,
                unreadable=lambda: replica.database.unreadable,
            )
            app = build_app(parts, settings.http_host, settings.http_names)
            example = pages.first_build(settings.brokers, settings.topic_prefix)
            pages.add(app, pages.Services(queries, changes, writer, seen, parts.state, example))
            server.serve(app, bound, changes, lambda: _say_ready(settings, server.url(bound)))
        finally:
            # The last connection to close is one that may fold the write-ahead log into the file.
            queries.close()
            seen.close()
            writer.close()
            replica.close()


def _say_ready(settings: Settings, url: str) -> None:
    line = json.dumps({"event": "ready", "url": url}) if settings.log_format == "json" else f"Mooring is at {url}"
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    names = [f"MOORING_{name.upper()}" for name in Settings.model_fields]
    listed = "\n".join(f"  {name:<29}{KNOWN[name]}" for name in names)
    return argparse.ArgumentParser(
        prog="python -m web",
        description="The web view of Mooring: a page and an API over a replica of the public topics.",
        epilog=_EXAMPLES + listed,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


if __name__ == "__main__":
    code = main()
    # The interpreter would otherwise spend a second on a last look for garbage among all that is loaded.
    gc.freeze()
    sys.exit(code)
