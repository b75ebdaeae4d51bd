"""The command line: `mooring build`, `evaluation`, `store`, `alerts`, `versions`, `reference`, `data-drift`.

Exit codes: 0 done, 1 refused, 2 wrong use, 3 not reachable. An error is one sentence on stderr.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from mooring.drift import commands as drift
from mooring.environment import variables
from mooring.errors import (
    BrokerUnavailable,
    InvalidSetting,
    MooringError,
    NotDelivered,
    RequestRefused,
    ServiceUnavailable,
    TopicsMissing,
)
from mooring.flags import declarations, numbers, pairs, thresholds

if TYPE_CHECKING:
    from mooring.delivery import Receipt
    from mooring.events import Event
    from mooring.outputs import DriftAlert

REFUSED, WRONG_USE, UNREACHABLE = 1, 2, 3

_INTERRUPTED = 130
_UNBOUNDED_WIDTH = 1_000
_WRONG_REQUEST = (400, 422)

app = typer.Typer(
    help="Report what you build and how it does now, and hear at once when a model drifts.",
    epilog="Every option of a connection can be a variable instead: MOORING_BROKERS, MOORING_TOPIC_PREFIX, "
    "MOORING_NODE, MOORING_PROJECT, MOORING_URL, in the environment or a .env file.",
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Brokers = Annotated[str | None, typer.Option(help="Kafka brokers, host:port, comma-separated [MOORING_BROKERS].")]
Prefix = Annotated[str | None, typer.Option(help="What topic names begin with [MOORING_TOPIC_PREFIX].")]
Node = Annotated[str | None, typer.Option(help="The node that reports [MOORING_NODE].")]
Project = Annotated[str | None, typer.Option(help="The project on that node [MOORING_PROJECT].")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document a line.")]
File = Annotated[
    str | None, typer.Option("--file", "-f", help="JSON object, array, or one object a line; - is standard input.")
]
Model = Annotated[str | None, typer.Option(help="The model's id.")]
Version = Annotated[str | None, typer.Option(help="The version's id.")]
Metrics = Annotated[list[str] | None, typer.Option("--metric", "-m", help="CODE=VALUE; repeat for each metric.")]
Errors = Annotated[list[str] | None, typer.Option("--standard-error", help="CODE=VALUE; repeatable.")]
Custom = Annotated[list[str] | None, typer.Option(help="CODE[:HIGHER|LOWER|NONE[:LABEL]]; repeatable.")]
Labels = Annotated[list[str] | None, typer.Option("--label", help="NAME=VALUE; repeatable.")]
Count = Annotated[int | None, typer.Option()]
Text = Annotated[str | None, typer.Option()]
AnyOf = Annotated[list[str] | None, typer.Option(help="Repeat it for any of several.")]
At = Annotated[str | None, typer.Option(help="2026-01-31T09:30:00Z or epoch milliseconds; now unless given.")]


def main() -> NoReturn:
    """Run the command line and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command line; the exit code. Raises nothing."""
    try:
        # Outside of "standalone" mode errors come here instead of being printed with usage and a frame around.
        code = app(arguments, prog_name="mooring", standalone_mode=False)
    except MooringError as error:
        return _fail(str(error), _exit_code(error))
    except BrokenPipeError:
        # Whoever read the output has seen enough; what is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED
    except OSError as error:
        return _fail(f"{error.filename or 'input'}: {error.strerror or error}", WRONG_USE)
    except Exception as error:  # noqa: BLE001 - no traceback for people, whatever happens
        # Typer's own errors of usage: of another class in every version, but always with this method.
        if (message := getattr(error, "format_message", None)) is not None:
            told = str(message())
            return _fail(f"{told}{'' if told.endswith(('.', '?')) else '.'} See mooring --help.", WRONG_USE)
        return _fail(f"unexpected {type(error).__name__}: {error}", REFUSED)
    return code if isinstance(code, int) else 0


@app.command()
def build(
    *,
    model: Model = None,
    version: Version = None,
    file: File = None,
    prediction_type: Annotated[
        str | None, typer.Option(help="BINARY, MULTICLASS, REGRESSION, TIME_SERIES, CLUSTERING or OTHER.")
    ] = None,
    metric: Metrics = None,
    metric_std: Annotated[list[str] | None, typer.Option(help="CODE=VALUE over the folds; repeatable.")] = None,
    standard_error: Errors = None,
    custom_metric: Custom = None,
    activate: Annotated[bool, typer.Option("--activate", help="Make this the active version.")] = False,
    built_at: At = None,
    model_name: Text = None,
    version_name: Text = None,
    algorithm: Text = None,
    author: Text = None,
    source_url: Text = None,
    label: Labels = None,
    n_positive: Count = None,
    n_negative: Count = None,
    event_id: Text = None,
    recorded_at: At = None,
    node_kind: Annotated[str | None, typer.Option(help="DESIGN, AUTOMATION or OTHER.")] = None,
    node: Node = None,
    project: Project = None,
    brokers: Brokers = None,
    topic_prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Report that a version of a model was built.

    \b
    mooring build --model redemption --version v1 --prediction-type BINARY --metric roc_auc=0.87 --activate
    mooring build --file build.json
    """
    from mooring.events import ModelBuild

    flags = {
        "model_id": model,
        "version_id": version,
        "prediction_type": prediction_type,
        "metrics": numbers("--metric", metric),
        "metric_std": numbers("--metric-std", metric_std),
        "standard_errors": numbers("--standard-error", standard_error),
        "custom_metrics": declarations(custom_metric),
        "activate": activate or None,
        "built_at": built_at,
        "model_name": model_name,
        "version_name": version_name,
        "algorithm": algorithm,
        "author": author,
        "source_url": source_url,
        "labels": pairs("--label", label),
        "n_positive": n_positive,
        "n_negative": n_negative,
        "event_id": event_id,
        "recorded_at": recorded_at,
        "node_kind": node_kind,
    }
    _report(ModelBuild, file, flags, node, project, brokers, topic_prefix, as_json=as_json)


@app.command()
def evaluation(
    *,
    model: Model = None,
    version: Version = None,
    store: Annotated[str | None, typer.Option(help="The evaluation store.")] = None,
    file: File = None,
    metric: Metrics = None,
    standard_error: Errors = None,
    custom_metric: Custom = None,
    evaluation_id: Text = None,
    evaluated_at: At = None,
    synced: Annotated[
        bool | None, typer.Option("--synced/--not-synced", help="Overrules the store for this evaluation.")
    ] = None,
    n_rows: Count = None,
    n_positive: Count = None,
    n_negative: Count = None,
    source_url: Text = None,
    label: Labels = None,
    event_id: Text = None,
    recorded_at: At = None,
    node: Node = None,
    project: Project = None,
    brokers: Brokers = None,
    topic_prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Report one run of an evaluation of a version.

    \b
    mooring evaluation --model redemption --version v1 --store weekly --metric roc_auc=0.81
    my-evaluation-job | mooring evaluation --file -
    """
    from mooring.events import EvaluationRun

    flags = {
        "model_id": model,
        "version_id": version,
        "store_id": store,
        "metrics": numbers("--metric", metric),
        "standard_errors": numbers("--standard-error", standard_error),
        "custom_metrics": declarations(custom_metric),
        "evaluation_id": evaluation_id,
        "evaluated_at": evaluated_at,
        "synced": synced,
        "n_rows": n_rows,
        "n_positive": n_positive,
        "n_negative": n_negative,
        "source_url": source_url,
        "labels": pairs("--label", label),
        "event_id": event_id,
        "recorded_at": recorded_at,
    }
    _report(EvaluationRun, file, flags, node, project, brokers, topic_prefix, as_json=as_json)


@app.command()
def store(
    *,
    store: Annotated[str | None, typer.Option(help="The evaluation store.")] = None,
    file: File = None,
    synced: Annotated[
        bool | None, typer.Option("--synced/--not-synced", help="Whether its evaluations reach the registry.")
    ] = None,
    name: Text = None,
    actor: Text = None,
    threshold: Annotated[
        list[str] | None, typer.Option(help="CODE:min=…,soft_min=…,soft_max=…,max=…; repeatable.")
    ] = None,
    effective_at: At = None,
    event_id: Text = None,
    recorded_at: At = None,
    node: Node = None,
    project: Project = None,
    brokers: Brokers = None,
    topic_prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Configure an evaluation store: whether it is synced, and the bounds of its metrics.

    \b
    mooring store --store experiments --not-synced
    mooring store --store weekly --threshold roc_auc:min=0.7,soft_min=0.8
    """
    from mooring.events import EvaluationStore

    flags = {
        "store_id": store,
        "synced": synced,
        "name": name,
        "actor": actor,
        "thresholds": thresholds(threshold),
        "effective_at": effective_at,
        "event_id": event_id,
        "recorded_at": recorded_at,
    }
    _report(EvaluationStore, file, flags, node, project, brokers, topic_prefix, as_json=as_json)


@app.command()
def alerts(
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for alerts as they come, until Ctrl-C.")] = False,
    since: Annotated[
        str | None, typer.Option(help="now, beginning, or a time. Default: now with --follow, else beginning.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Share the alerts in a consumer group, which remembers its position.")
    ] = None,
    timeout_s: Annotated[float | None, typer.Option(help="End after so many seconds without an alert.")] = None,
    brokers: Brokers = None,
    topic_prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Show drift alerts: those there are, or with --follow each as it comes.

    \b
    mooring alerts
    mooring alerts --follow --json | jq .degradation
    """
    from mooring.alerts import Alerts, Since
    from mooring.connection import connection_settings
    from mooring.documents import time
    from mooring.topics import Topics

    settings = _settings(brokers=brokers, topic_prefix=topic_prefix)
    start: Since | None = None
    if since == "now":
        start = "now"
    elif since == "beginning":
        start = "beginning"
    elif since is not None:
        start = time("since", since)
    elif group is None and not follow:
        start = "beginning"
    with Alerts(
        Topics.named(settings["topic_prefix"]).drift_alerts,
        connection_settings(settings["brokers"]),
        settings["brokers"],
        group=group,
        since=start,
        follow=follow,
        timeout_s=timeout_s,
    ) as found:
        try:
            _print_alerts(found, as_json=as_json)
        except KeyboardInterrupt:
            # The way to end what follows; it is no failure.
            if not follow:
                raise


@app.command()
def versions(
    *,
    focus: Annotated[str | None, typer.Option(help="The metric to focus; ROC AUC unless given.")] = None,
    sort: Annotated[
        str | None, typer.Option(help="What the service sorts by: drift, or -degradation for worst drift first.")
    ] = None,
    q: Annotated[str | None, typer.Option("--search", "-q", help="Words in names and ids; all must occur.")] = None,
    node: AnyOf = None,
    project: AnyOf = None,
    model: AnyOf = None,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Only active versions, or others.")] = None,
    archived: Annotated[
        bool | None, typer.Option("--archived/--not-archived", help="Only archived versions, or others.")
    ] = None,
    severity: Annotated[list[str] | None, typer.Option(help="NONE, INFO, WARNING or CRITICAL; repeatable.")] = None,
    state: Annotated[list[str] | None, typer.Option(help="AWAITING_BUILD, INITIAL or EVALUATED; repeatable.")] = None,
    algorithm: AnyOf = None,
    prediction_type: AnyOf = None,
    label: Annotated[list[str] | None, typer.Option(help="NAME or NAME=VALUE; any of several.")] = None,
    value: Annotated[
        list[str] | None, typer.Option(help="CODE:LOW..HIGH, such as roc_auc:0.7.. - the value within; all of several.")
    ] = None,
    drift: Annotated[list[str] | None, typer.Option(help="CODE:LOW..HIGH - the drift within; all of several.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Evaluated then or later: a time as below.")] = None,
    to: Annotated[
        str | None, typer.Option(help="Evaluated before 2026-01-31T09:30:00Z, or epoch milliseconds.")
    ] = None,
    trend: Annotated[int | None, typer.Option(help="Show so many of the newest values of the metric.")] = None,
    at_least: Annotated[
        str | None, typer.Option(help="The position of a report: wait until what it changed is there.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="The web view's address [MOORING_URL].")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the model versions with a metric's value now, at the build, and its drift.

    \b
    mooring versions --project COUPONS --sort drift
    mooring versions --focus data_drift --active --json
    mooring versions --drift roc_auc:..-0.05 --label team=pricing --trend 12
    """
    from mooring.documents import time
    from mooring.registry import Registry

    settings = _settings(url=url)
    with Registry(settings["url"]) as registry:
        found = registry.versions(
            focus=focus,
            sort=sort,
            trend=trend,
            at_least=at_least,
            q=q,
            node=node,
            project=project,
            model=model,
            active=active,
            archived=archived,
            severity=severity,
            state=state,
            algorithm=algorithm,
            prediction_type=prediction_type,
            label=label,
            value=value,
            drift=drift,
            from_=None if from_ is None else time("from", from_),
            to=None if to is None else time("to", to),
        )
        if as_json:
            for item in found:
                _print_json(item)
        else:
            _print_versions(found, focus or "roc_auc", with_trend=bool(trend))


app.command()(drift.reference)
app.command()(drift.data_drift)


def _settings(**flags: str | None) -> dict[str, str]:
    """Flags first, then variables, then what Mooring takes where neither is given."""
    from mooring.topics import DEFAULT_PREFIX

    defaults = {"brokers": "localhost:9092", "topic_prefix": DEFAULT_PREFIX, "url": "http://127.0.0.1:8080"}
    known = variables()
    found = {name: value or known.get(f"MOORING_{name.upper()}") for name, value in flags.items()}
    return {name: chosen for name, value in found.items() if (chosen := value or defaults.get(name))}


def _report(
    kind: type[Event],
    file: str | None,
    flags: Mapping[str, object],
    node: str | None,
    project: str | None,
    brokers: str | None,
    topic_prefix: str | None,
    *,
    as_json: bool,
) -> None:
    from mooring.client import Mooring
    from mooring.described import described, with_what_is_set
    from mooring.documents import event

    settings = _settings(node=node, project=project, brokers=brokers, topic_prefix=topic_prefix)
    # All are checked before the first is sent.
    events = [event(kind, with_what_is_set(kind, document, settings)) for document in list(described(file, flags))]
    if not events:
        return
    with Mooring(
        settings["brokers"],
        node=events[0].node_id,
        project=events[0].project_key,
        topic_prefix=settings["topic_prefix"],
    ) as mooring:
        receipts = [mooring.report(each) for each in events]
    for receipt in receipts:
        _print_receipt(receipt, as_json=as_json)


def _print_receipt(receipt: Receipt, *, as_json: bool) -> None:
    position = receipt.wait()
    if not as_json:
        where = f"{position.topic}, partition {position.partition}, offset {position.offset}"
        print(f"{type(receipt.event).__name__} {receipt.event_id} is in {where}.")
        return
    ids = {name: getattr(receipt.event, name) for name in receipt.event.IDS}
    _print_json(
        {
            **ids,
            "topic": position.topic,
            "partition": position.partition,
            "offset": position.offset,
            "position": str(position),
        },
    )


def _print_alerts(found: Iterable[DriftAlert], *, as_json: bool) -> None:
    from mooring.tables import alert_line

    for alert in found:
        if as_json:
            _print_json(alert.to_record())
        else:
            print(alert_line(alert), flush=True)


def _print_versions(found: Iterable[Mapping[str, Any]], focus: str, *, with_trend: bool) -> None:
    from rich.console import Console

    from mooring.tables import versions_table

    # Where no terminal sets a width, a row is a line.
    console = Console() if sys.stdout.isatty() else Console(width=_UNBOUNDED_WIDTH)
    console.print(versions_table(found, focus, console.width, with_trend=with_trend))


def _print_json(document: Mapping[str, Any]) -> None:
    # Flushed: whoever reads along wants each line as it comes.
    print(json.dumps(document, ensure_ascii=False), flush=True)


def _exit_code(error: MooringError) -> int:
    if isinstance(error, InvalidSetting):
        return WRONG_USE
    if isinstance(error, BrokerUnavailable | TopicsMissing | ServiceUnavailable | NotDelivered):
        return UNREACHABLE
    if isinstance(error, RequestRefused) and error.status in _WRONG_REQUEST:
        return WRONG_USE
    return REFUSED


def _fail(message: str, code: int) -> int:
    print(f"mooring: {' '.join(message.split())}", file=sys.stderr)
    return code
