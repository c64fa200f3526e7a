"""`manage.py score`: a prediction against a ground truth by a data set's own protocol. Needs no server."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from ml.catalog import METRICS
from ml.commands.arguments import check_writable, positive_int
from ml.formats.faults import FormatError
from ml.metrics.pairing import Pair, open_pair
from ml.metrics.preflight import Finding, check_pair
from ml.metrics.process_pool import ProcessPool
from ml.metrics.protocol import PROTOCOLS, Protocol
from ml.metrics.report import Report, build_report
from ml.metrics.scoring import Scores, score_pair
from ml.progress import ProgressCallback

_PARALLEL_FROM_BYTES = 32 << 20
"""Size of a prediction from which on several processes are faster than one."""


def main(argv: list[str], *, prog: str = "manage.py score") -> int:
    """Run the command; exit code 0 when scored, 2 when an input or argument cannot be used."""
    options = build_parser(prog).parse_args(argv)
    protocol = PROTOCOLS[options.protocol]
    try:
        if options.per_frame:
            check_writable(options.per_frame, options.truth, options.prediction)
        with (
            _pool(options.prediction) as pool,
            open_pair(
                protocol, options.truth, options.prediction, limit=options.limit, official=options.official, pool=pool
            ) as pair,
        ):
            findings = check_pair(protocol, pair)
            _stop_at_errors(findings, options)
            with _progress() as progress:
                scores = score_pair(protocol, pair, pool=pool, progress=progress)
            report = build_report(protocol, pair, scores)
            if options.per_frame:
                _write_rows(options.per_frame, pair, scores)
    except (FormatError, OSError) as error:
        print(f"score: {error}", file=sys.stderr)
        return 2
    _print_findings(findings)
    if options.json:
        content = {**report.as_json(), "preflight": [finding.as_json() for finding in findings]}
        sys.stdout.buffer.write(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY) + b"\n")
        sys.stdout.flush()
    else:
        _print(protocol, report)
    return 0


def _pool(prediction: Path) -> ProcessPool:
    """All cores for a large file."""
    large = prediction.is_file() and prediction.stat().st_size >= _PARALLEL_FROM_BYTES
    return ProcessPool() if large else ProcessPool(1)


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The arguments of the command, which messages call `prog`."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument(
        "truth", type=Path, metavar="TRUTH", help="the ground truth: a folder in the data set's own layout, or a file"
    )
    parser.add_argument("prediction", type=Path, metavar="PREDICTION", help="pred.json, pred.zip, .txt or .npz")
    parser.add_argument("--protocol", required=True, choices=list(PROTOCOLS), help="the rules of a data set")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--per-frame", type=Path, metavar="OUT.csv", help="also write the metrics of each frame")
    parser.add_argument("--limit", type=positive_int, metavar="N", help="score only the first N frames of both files")
    parser.add_argument("--official", action="store_true", help="require as many frames as the data set has")
    parser.add_argument(
        "--despite-errors", action="store_true", help="score the file even if the check finds an error, such as wrong units"
    )
    return parser


def _stop_at_errors(findings: list[Finding], options: argparse.Namespace) -> None:
    errors = [finding for finding in findings if finding.level == "error"]
    if errors and not options.despite_errors:
        raise FormatError(f"{errors[0].place}: {errors[0].message}")


def _print_findings(findings: list[Finding]) -> None:
    for finding in findings:
        print(f"{finding.level}: {finding.place}: {finding.message}", file=sys.stderr)


@contextmanager
def _progress() -> Iterator[ProgressCallback | None]:
    """On a terminal, one line that is overwritten."""
    if not sys.stderr.isatty():
        yield None
        return
    yield lambda stage, _: print(f"\r{stage}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _print(protocol: Protocol, report: Report) -> None:
    content = report.content
    counts = content["counts"]
    print(f"{protocol.title}, {counts['rows']} rows, coverage {100 * content['coverage']:.2f}%")
    if content["fps"]:
        print(f"{content['fps']:g} frames/s: 1 mm/frame² = {content['fps'] ** 2 / 1000:.3g} m/s²")
    if content["flags"]["reflected"]:
        print(f"{content['flags']['reflected']} rows align better when mirrored: compare pa_mpjpe with pr_mpjpe")
    for name, value in report.official.items():
        unit = content["official_units"][name]
        print(f"  {name:<28}{_number(value):>12} {'' if unit == '1' else unit}")
    print()
    for name, value in report.metrics.items():
        unit = METRICS[name.partition("@")[0]].unit
        print(f"  {name:<28}{_number(value):>12} {'' if unit == '1' else unit}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _write_rows(path: Path, pair: Pair, scores: Scores) -> None:
    """One line for each row of the ground truth; missing values stay empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([*pair.truth.columns, "found", "reflected", *scores.per_frame])
        named = zip(*(islice(column, pair.count) for column in pair.truth.columns.values()), strict=True)
        table = np.stack(list(scores.per_frame.values()), 1).tolist()
        for names, found, reflects, row in zip(named, scores.found.tolist(), scores.reflects.tolist(), table, strict=True):
            values = ["" if value != value else f"{value:.9g}" for value in row]  # noqa: PLR0124 - NaN is not itself
            writer.writerow([*map(_cell, names), int(found), int(reflects), *values])


def _cell(value: Any) -> Any:
    """A cell that no spreadsheet reads as a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" else value
