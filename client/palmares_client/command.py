"""The command `palmares`.

Exit codes: 0 success; 1 the input was refused; 2 wrong arguments; 3 not signed in; 4 the server was not reached or failed;
5 the submission was not scored; 130 interrupted.
"""

from __future__ import annotations

import argparse
import getpass
import io
import json
import os
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from ml.catalog import PROTOCOLS
from ml.commands.arguments import positive_int
from palmares_client import terminal_tables
from palmares_client.account import Account, find_server, load_account, save_account
from palmares_client.api_errors import NetworkError, NotSignedInError, PalmaresError, RejectedError
from palmares_client.client import Client, SubmissionHandle
from palmares_client.progress_bars import UploadBar, WaitBar
from palmares_client.version import __version__

INTERRUPTED = 130


def run() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))


def main(argv: list[str]) -> int:
    """Run one command; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a Windows console or pipe may lack some of the characters
    if argv[:1] == ["score"]:
        return _score(argv[1:])
    options = build_parser().parse_args(argv)
    try:
        command: Callable[[argparse.Namespace], int] = options.run
        return command(options)
    except PalmaresError as error:
        print(f"palmares: {error}", file=sys.stderr)
        if isinstance(error, RejectedError):
            _print_findings([finding for finding in error.findings if str(finding.get("message", "")) not in str(error)])
        return error.exit_code
    except KeyboardInterrupt:
        print("\npalmares: interrupted; nothing is lost, the same command continues it.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader, such as `head`, has closed the pipe
        return 0
    except OSError as error:
        print(f"palmares: {error}", file=sys.stderr)
        return PalmaresError.exit_code


def build_parser() -> argparse.ArgumentParser:
    """The arguments of all commands."""
    parser = argparse.ArgumentParser(prog="palmares", description="Submit 3D hand predictions, and score them offline.")
    parser.add_argument("--version", action="version", version=f"palmares-client {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    server = argparse.ArgumentParser(add_help=False)
    server.add_argument("--server", metavar="URL", help="default: PALMARES_SERVER, or the one you signed in to")

    def command(name: str, run: Callable[[argparse.Namespace], int], description: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=description, description=description, parents=[server])
        made.set_defaults(run=run)
        return made

    login = command("login", _login, "Sign in with a token from your account's page, and save it.")
    login.add_argument(
        "--token", help="default: PALMARES_TOKEN, or a prompt; other users of this machine can see command-line arguments"
    )
    _add_submit_arguments(command("submit", _submit, "Send a prediction to a benchmark."))

    wait = command("wait", _wait, "Follow a submission until it is scored.")
    wait.add_argument("submission", metavar="ID")
    wait.add_argument("--board", action="store_true", help="also print the leaderboard")
    wait.add_argument("--json", action="store_true", help="print one JSON object: the submission")
    wait.add_argument("--quiet", "-q", action="store_true", help="show no progress")

    scores = command("scores", _scores, "List your teams' submissions and their scores.")
    scores.add_argument("--benchmark", "-b", metavar="B", help="only those to this benchmark")
    scores.add_argument("--metric", default="pa_mpjpe", help="the metric in the table (default pa_mpjpe)")
    scores.add_argument("--limit", type=positive_int, default=20, metavar="N", help="at most N submissions (default 20)")
    scores.add_argument("--json", action="store_true", help="print a list of JSON objects, with all metrics")

    benchmarks = command("benchmarks", _benchmarks, "List the benchmarks that you can submit to.")
    benchmarks.add_argument("--json", action="store_true", help="print a list of JSON objects")

    board = command("board", _board, "Show a leaderboard of a benchmark.")
    board.add_argument("benchmark", metavar="B")
    board.add_argument("--board", default="all", help="the name of the leaderboard (default all)")
    board.add_argument("--metric", default="", help="the metric that ranks (default: the benchmark's own)")
    board.add_argument("--json", action="store_true", help="print one JSON object")

    check = command("check", _check, "Check a file before it is sent: units, axes, joint order, side, root.")
    check.add_argument("file", type=Path, metavar="FILE")
    protocol = check.add_mutually_exclusive_group(required=True)
    protocol.add_argument("--benchmark", "-b", metavar="B", help="a benchmark, whose protocol is requested from the server")
    protocol.add_argument("--protocol", choices=list(PROTOCOLS), help="the protocol; then no server is needed")
    check.add_argument("--truth", type=Path, help="the ground truth, if you have it: also check the errors against it")
    check.add_argument("--json", action="store_true", help="print a list of JSON objects")
    commands.add_parser("score", help="Score a prediction against a ground truth, offline, as the server does.", add_help=False)
    return parser


def _add_submit_arguments(submit: argparse.ArgumentParser) -> None:
    submit.add_argument("file", type=Path, metavar="FILE", help="pred.zip, pred.json, .txt or .npz, as the protocol requires")
    submit.add_argument("--benchmark", "-b", required=True, metavar="B", help="its slug, as listed by `palmares benchmarks`")
    submit.add_argument("--method", "-m", required=True, metavar="M", help="its name on leaderboards")
    submit.add_argument("--description", default="", help="a short description of the method")
    submit.add_argument("--link", action="append", default=[], metavar="URL", help="to a paper or code; may be repeated")
    submit.add_argument("--public", action="store_true", help="let other teams see the submission")
    submit.add_argument(
        "--shape",
        choices=["estimated", "true", "calibrated"],
        default="estimated",
        help="where the subject's hand shape comes from (default estimated)",
    )
    submit.add_argument("--optimised", action="store_true", help="parameters were optimised at inference time")
    submit.add_argument("--team", help="the team that submits, by name or id (default: the first that you may submit for)")
    submit.add_argument("--no-check", action="store_true", help="send the file without checking it first")
    submit.add_argument("--wait", action="store_true", help="wait until it is scored, and print the scores")
    submit.add_argument("--board", action="store_true", help="wait, and also print the leaderboard")
    submit.add_argument("--json", action="store_true", help="print one JSON object: the submission")
    submit.add_argument("--quiet", "-q", action="store_true", help="show no progress")


def _login(options: argparse.Namespace) -> int:
    server = find_server(options.server)
    account = Account(server, options.token or os.environ.get("PALMARES_TOKEN") or _read_token(server))
    with _client(account) as client:
        me = client.me()
    path = save_account(account)
    teams = ", ".join(str(team["name"]) for team in me["teams"]) or "no team"
    print(f"Signed in to {server} as {me['email']} ({teams}). The token is saved in {path}.")
    return 0


def _read_token(server: str) -> str:
    if not sys.stdin.isatty():
        token = sys.stdin.readline().strip()
    else:
        print(f"Create a token on your account's page, {server}/account/.", file=sys.stderr)
        token = getpass.getpass("Token: ").strip()
    if not token:
        raise NotSignedInError("No token was given.")
    return token


def _submit(options: argparse.Namespace) -> int:
    with _client(load_account(options.server)) as client:
        if not options.no_check:
            from palmares_client.local_check import refuse_errors  # noqa: PLC0415 - numpy is not needed for the rest

            _print_findings(refuse_errors(client.benchmark(options.benchmark)["protocol"], options.file))
        with UploadBar(options.file.name, quiet=options.quiet) as bar:
            submission = client.submit(
                options.benchmark,
                options.method,
                options.file,
                description=options.description,
                links=options.link,
                is_public=options.public,
                shape=options.shape,
                is_optimised=options.optimised,
                team=options.team,
                check=False,
                on_upload=bar.on_upload,
            )
        if not (options.wait or options.board):
            if options.json:
                _print_json(submission.data)
            else:
                print(f"{submission.id} {submission.status}; `palmares wait {submission.id}` follows it.")
            return 0
        return _follow(client, submission, options)


def _wait(options: argparse.Namespace) -> int:
    with _client(load_account(options.server)) as client:
        return _follow(client, client.submission(options.submission), options)


def _follow(client: Client, submission: SubmissionHandle, options: argparse.Namespace) -> int:
    try:
        with WaitBar(quiet=options.quiet) as bar:
            submission.wait(on_status=bar.on_status)
    except (KeyboardInterrupt, NetworkError) as error:
        print(f"palmares: {error or 'interrupted'}; `palmares wait {submission.id}` continues to follow it.", file=sys.stderr)
        return NetworkError.exit_code if isinstance(error, NetworkError) else INTERRUPTED
    if options.json:
        _print_json(submission.data)
        return 0
    print(f"{submission.id} {submission.status}")
    if scores := submission.scores:
        print(terminal_tables.scores_text(scores))
    if options.board:
        print(f"\n{terminal_tables.board_table(client.leaderboard(submission.data['benchmark']), own=submission.id)}")
    return 0


def _scores(options: argparse.Namespace) -> int:
    with _client(load_account(options.server)) as client:
        found = []
        for submission in islice(client.submissions(options.benchmark), options.limit):
            found.append(submission.refresh().data if submission.status == "succeeded" else submission.data)
    if options.json:
        _print_json(found)
    else:
        print(terminal_tables.submissions_table(found, options.metric))
    return 0


def _benchmarks(options: argparse.Namespace) -> int:
    with _client(load_account(options.server)) as client:
        found = list(client.benchmarks())
    if options.json:
        _print_json(found)
    else:
        print(terminal_tables.benchmarks_table(found))
    return 0


def _board(options: argparse.Namespace) -> int:
    with _client(load_account(options.server)) as client:
        board = client.leaderboard(options.benchmark, options.board, options.metric)
    if options.json:
        _print_json(board)
    else:
        print(terminal_tables.board_table(board))
    return 0


def _check(options: argparse.Namespace) -> int:
    from palmares_client.local_check import check_file  # noqa: PLC0415 - numpy is not needed for the rest

    protocol = options.protocol
    if protocol is None:
        with _client(load_account(options.server)) as client:
            protocol = client.benchmark(options.benchmark)["protocol"]
    findings = check_file(protocol, options.file, options.truth)
    if options.json:
        _print_json(findings)
    else:
        _print_findings(findings)
        if not findings:
            print(f"{options.file.name}: no problems found.")
    return 1 if any(finding["level"] == "error" for finding in findings) else 0


def _score(argv: list[str]) -> int:
    from ml.commands import score  # noqa: PLC0415 - numpy and scipy are not needed for the rest

    return 1 if score.main(argv, prog="palmares score") else 0


def _client(account: Account) -> Client:
    def on_message(sentence: str) -> None:
        print(f"palmares: {sentence}", file=sys.stderr, flush=True)

    return Client(account.server, account.token, on_message=on_message)


def _print_findings(findings: list[dict[str, Any]]) -> None:
    for finding in findings:
        print(f"{finding.get('level', 'note')}: {finding.get('place', '')}: {finding.get('message', '')}", file=sys.stderr)


def _print_json(content: Any) -> None:
    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(content, indent=2, ensure_ascii=not is_unicode))
