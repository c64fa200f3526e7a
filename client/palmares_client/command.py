"""The command `palmares`.

Exit codes: 0 done; 1 the input was refused; 2 the command was called wrongly; 3 not signed in; 4 the server was not reached or
is at fault; 5 the submission was not scored; 130 interrupted.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from ml.catalog import PROTOCOLS
from palmares_client import __version__, tables
from palmares_client.account import Account, load_account, save_account
from palmares_client.client import Client, Submission
from palmares_client.errors import NetworkError, NotSignedInError, PalmaresError, RefusedError
from palmares_client.progress import UploadBar, WaitBar

INTERRUPTED = 130


def run() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))


def main(argv: list[str]) -> int:
    """Run one command; the exit code."""
    if argv[:1] == ["score"]:
        return _score(argv[1:])
    options = _parser().parse_args(argv)
    try:
        command: Callable[[argparse.Namespace], int] = options.run
        return command(options)
    except PalmaresError as error:
        print(f"palmares: {error}", file=sys.stderr)
        if isinstance(error, RefusedError):
            _tell([finding for finding in error.findings if str(finding.get("message", "")) not in str(error)])
        return error.exit_code
    except KeyboardInterrupt:
        print("\npalmares: interrupted; nothing is lost, the same command may be given again.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us, `head` say, has seen enough
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="palmares", description="Submit 3D hand predictions, and score them offline.")
    parser.add_argument("--version", action="version", version=f"palmares-client {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    server = argparse.ArgumentParser(add_help=False)
    server.add_argument("--server", metavar="URL", help="else PALMARES_SERVER, or the one you signed in to")

    def command(name: str, run: Callable[[argparse.Namespace], int], says: str, **facts: Any) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=says, description=says, **facts)
        made.set_defaults(run=run)
        return made

    login = command("login", _login, "Sign in with a token of your account's page, and keep it.", parents=[server])
    login.add_argument(
        "--token", help="else PALMARES_TOKEN, or it is asked for; arguments can be seen by others on this machine"
    )

    submit = command("submit", _submit, "Send a prediction to a benchmark.", parents=[server])
    submit.add_argument("file", type=Path, metavar="FILE", help="pred.zip, pred.json, .txt or .npz, as the protocol asks")
    submit.add_argument("--benchmark", "-b", required=True, metavar="B", help="its name in addresses; `palmares benchmarks`")
    submit.add_argument("--method", "-m", required=True, metavar="M", help="as boards will name it")
    submit.add_argument("--description", default="", help="a few words on it")
    submit.add_argument("--link", action="append", default=[], metavar="URL", help="to paper or code; may be repeated")
    submit.add_argument("--public", action="store_true", help="let other teams see it")
    submit.add_argument(
        "--shape", choices=["estimated", "true", "calibrated"], default="estimated", help="how the hand's shape was known"
    )
    submit.add_argument("--optimised", action="store_true", help="parameters were optimised at inference time")
    submit.add_argument("--team", help="whose it is, by name or id; the first you may submit for, if not given")
    submit.add_argument("--no-check", action="store_true", help="send it without looking at it first")
    submit.add_argument("--wait", action="store_true", help="until it is scored, and print the scores")
    submit.add_argument("--board", action="store_true", help="print the board when it is scored; waits")
    submit.add_argument("--json", action="store_true", help="print one JSON object: the submission")
    submit.add_argument("--quiet", "-q", action="store_true", help="no bars")

    wait = command("wait", _wait, "Follow a submission until it is scored.", parents=[server])
    wait.add_argument("submission", metavar="ID")
    wait.add_argument("--board", action="store_true", help="print the board, too")
    wait.add_argument("--json", action="store_true", help="print one JSON object: the submission")
    wait.add_argument("--quiet", "-q", action="store_true", help="no bar")

    scores = command("scores", _scores, "Your teams' submissions, and what they scored.", parents=[server])
    scores.add_argument("--benchmark", "-b", metavar="B", help="of one benchmark only")
    scores.add_argument("--metric", default="pa_mpjpe", help="shown in the table")
    scores.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many")
    scores.add_argument("--json", action="store_true", help="print a list of JSON objects, with all figures")

    benchmarks = command("benchmarks", _benchmarks, "What can be submitted to.", parents=[server])
    benchmarks.add_argument("--json", action="store_true", help="print a list of JSON objects")

    board = command("board", _board, "A board of a benchmark.", parents=[server])
    board.add_argument("benchmark", metavar="B")
    board.add_argument("--board", default="all", help="which of its boards")
    board.add_argument("--metric", default="", help="to rank by")
    board.add_argument("--json", action="store_true", help="print one JSON object")

    check = command(
        "check", _check, "Look at a file before it is sent: units, axes, joint order, side, root.", parents=[server]
    )
    check.add_argument("file", type=Path, metavar="FILE")
    asked = check.add_mutually_exclusive_group(required=True)
    asked.add_argument("--benchmark", "-b", metavar="B", help="whose protocol is asked of the server")
    asked.add_argument("--protocol", choices=list(PROTOCOLS), help="no server is needed")
    check.add_argument("--truth", type=Path, help="where you have it: errors against it are looked at too")
    check.add_argument("--json", action="store_true", help="print a list of JSON objects")
    commands.add_parser("score", help="Score a prediction against a truth, offline, as the server does.", add_help=False)
    return parser


def _login(options: argparse.Namespace) -> int:
    server = load_account(options.server).server
    token = options.token or os.environ.get("PALMARES_TOKEN") or _asked_token(server)
    with _client(Account(server, token)) as client:
        me = client.me()
    path = save_account(Account(server, token))
    teams = ", ".join(str(team["name"]) for team in me["teams"]) or "no team"
    print(f"Signed in to {server} as {me['email']} ({teams}). The token is in {path}.")
    return 0


def _asked_token(server: str) -> str:
    if not sys.stdin.isatty():
        token = sys.stdin.readline().strip()
    else:
        print(f"A token is made on your account's page, {server}/account/.", file=sys.stderr)
        token = getpass.getpass("Token: ").strip()
    if not token:
        raise NotSignedInError("No token was given.")
    return token


def _submit(options: argparse.Namespace) -> int:
    with _client(load_account(options.server)) as client:
        if not options.no_check:
            from palmares_client.preflight import refuse_errors  # noqa: PLC0415 - numpy is not needed for the rest

            _tell(refuse_errors(client.benchmark(options.benchmark)["protocol"], options.file))
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
                sent=bar.sent,
            )
        if not (options.wait or options.board):
            if options.json:
                _print_json(submission.facts)
            else:
                print(f"{submission.id} {submission.status}; `palmares wait {submission.id}` follows it.")
            return 0
        return _follow(client, submission, options)


def _wait(options: argparse.Namespace) -> int:
    with _client(load_account(options.server)) as client:
        return _follow(client, client.submission(options.submission), options)


def _follow(client: Client, submission: Submission, options: argparse.Namespace) -> int:
    try:
        with WaitBar(quiet=options.quiet) as bar:
            submission.wait(seen=bar.seen)
    except (KeyboardInterrupt, NetworkError) as error:
        print(f"palmares: {error or 'interrupted'}; `palmares wait {submission.id}` follows it again.", file=sys.stderr)
        return NetworkError.exit_code if isinstance(error, NetworkError) else INTERRUPTED
    if options.json:
        _print_json(submission.facts)
        return 0
    print(f"{submission.id} {submission.status}")
    if scores := submission.scores:
        print(tables.scores_text(scores))
    if options.board:
        print(f"\n{tables.board_table(client.leaderboard(submission.facts['benchmark']), own=submission.id)}")
    return 0


def _scores(options: argparse.Namespace) -> int:
    with _client(load_account(options.server)) as client:
        found = []
        for submission in islice(client.submissions(options.benchmark), max(0, options.limit)):
            found.append(submission.refresh().facts if submission.status == "succeeded" else submission.facts)
    if options.json:
        _print_json(found)
    else:
        print(tables.submissions_table(found, options.metric))
    return 0


def _benchmarks(options: argparse.Namespace) -> int:
    with _client(load_account(options.server)) as client:
        found = list(client.benchmarks())
    if options.json:
        _print_json(found)
    else:
        print(tables.benchmarks_table(found))
    return 0


def _board(options: argparse.Namespace) -> int:
    with _client(load_account(options.server)) as client:
        board = client.leaderboard(options.benchmark, options.board, options.metric)
    if options.json:
        _print_json(board)
    else:
        print(tables.board_table(board))
    return 0


def _check(options: argparse.Namespace) -> int:
    from palmares_client.preflight import check_file  # noqa: PLC0415 - numpy is not needed for the rest

    protocol = options.protocol
    if protocol is None:
        with _client(load_account(options.server)) as client:
            protocol = client.benchmark(options.benchmark)["protocol"]
    findings = check_file(protocol, options.file, options.truth)
    if options.json:
        _print_json(findings)
    else:
        _tell(findings)
        if not findings:
            print(f"{options.file.name}: nothing to complain of.")
    return 1 if any(finding["level"] == "error" for finding in findings) else 0


def _score(argv: list[str]) -> int:
    from ml.commands import score  # noqa: PLC0415 - numpy and scipy are not needed for the rest

    return 1 if score.main(argv, prog="palmares score") else 0


def _client(account: Account) -> Client:
    return Client(account.server, account.token, say=lambda line: print(f"palmares: {line}", file=sys.stderr, flush=True))


def _tell(findings: list[dict[str, Any]]) -> None:
    for finding in findings:
        print(f"{finding.get('level', 'note')}: {finding.get('place', '')}: {finding.get('message', '')}", file=sys.stderr)


def _print_json(content: Any) -> None:
    print(json.dumps(content, indent=2, ensure_ascii=False))
