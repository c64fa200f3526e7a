"""Server and token: which are used, which are refused, and that a token is never printed or sent unencrypted."""

from __future__ import annotations

import os

import httpx
import pytest

from palmares_client import Client, PalmaresError
from palmares_client.account import Account, checked_server, load_account, save_account
from palmares_client.command import main
from tests.client.conftest import TOKEN

SECRET = "0123456789abcdef"


@pytest.mark.parametrize(
    "server",
    ["http://palmares.example.org/", "http://192.168.1.7:8000", "http://0.0.0.0", "http://[2001:db8::1]", "http://localhost.example.org",
     "http://2130706433", "http://app.localhost"],
)  # fmt: skip
def test_a_token_is_not_sent_unencrypted_to_another_machine(server, monkeypatch, capfd):
    for setting in (None, "", "0", "no"):
        if setting is None:
            monkeypatch.delenv("PALMARES_ALLOW_HTTP", raising=False)
        else:
            monkeypatch.setenv("PALMARES_ALLOW_HTTP", setting)
        with pytest.raises(PalmaresError, match="is not encrypted"):
            Client(server, SECRET)
    monkeypatch.setenv("PALMARES_TOKEN", SECRET)
    assert main(["benchmarks", "--server", server]) == 1
    assert "use https://" in capfd.readouterr().err
    monkeypatch.setenv("PALMARES_ALLOW_HTTP", "1")
    assert httpx.URL(checked_server(server)).host == httpx.URL(server).host


@pytest.mark.parametrize("server", ["http://localhost:8000/", "http://127.0.0.1", "http://127.8.8.8:80", "http://[::1]:8000"])
def test_this_machine_needs_no_encryption(server):
    assert Client(server, SECRET).server == str(httpx.URL(server)).rstrip("/")


@pytest.mark.parametrize(
    ("server", "sentence"),
    [
        ("palmares.example.org", "is not the address of a server"),
        ("ftp://palmares.example.org", "is not the address of a server"),
        ("https://", "is not the address of a server"),
        ("https://palmares.example.org:port", "is not a valid address"),
        ("https://user:secret@palmares.example.org", "holds a user name or password"),
        ("https://user:se#secret@palmares.example.org", "is not a valid address"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(server, sentence, monkeypatch, capfd):
    monkeypatch.setenv("PALMARES_TOKEN", SECRET)
    assert main(["benchmarks", "--server", server]) == 1
    error = capfd.readouterr().err
    assert sentence in error
    assert "secret" not in error


@pytest.mark.parametrize(
    "token", [f"{SECRET}\nX-Other: 1", f"{SECRET} {SECRET}", f"{SECRET}\x00", f"{SECRET}é", f"{SECRET}\r\n\t{SECRET}"]
)
@pytest.mark.parametrize("way", ["environment", "argument", "file", "Python"])
def test_a_malformed_token_is_refused_and_not_printed(scripted_server, token, way, monkeypatch, capfd, config):
    if way == "Python":
        with pytest.raises(PalmaresError) as raised:
            Client(scripted_server.url, token)
        error = str(raised.value)
    else:
        arguments = ["benchmarks", "--server", scripted_server.url]
        if way == "argument":
            arguments = ["login", "--server", scripted_server.url, "--token", token]
        elif way == "environment":
            if "\x00" in token:
                pytest.skip("an environment variable cannot hold it")
            monkeypatch.setenv("PALMARES_TOKEN", token)
        else:
            save_account(Account(scripted_server.url, SECRET))
            path = config / "account.json"
            escaped = token.encode("unicode_escape").decode().replace("\\x", "\\u00")
            path.write_text(path.read_text().replace(SECRET, escaped))
        assert main(arguments) == 1
        error = "".join(capfd.readouterr())
    assert "The token holds a space, a line break" in error
    assert SECRET not in error
    assert scripted_server.requests == []


def test_white_space_around_a_token_is_dropped(scripted_server, monkeypatch):
    """As `PALMARES_TOKEN="$(cat token.txt)"` or a file with a line end may add it."""
    monkeypatch.setenv("PALMARES_TOKEN", f" {TOKEN}\r\n")
    assert main(["benchmarks", "--server", scripted_server.url]) == 0


def test_the_repr_of_an_account_does_not_contain_the_token():
    assert SECRET not in repr(Account("https://palmares.example.org", SECRET))


def test_a_saved_token_goes_to_its_own_server_alone():
    path = save_account(Account("https://a.example.org", "secret"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_account().token == "secret"
    assert load_account("https://b.example.org").token == ""


@pytest.mark.parametrize("content", ["{", "[]", '{"server": 5, "token": "x"}', '{"server": "https://a.example.org"}'])
def test_a_damaged_file_is_named_and_a_new_login_mends_it(scripted_server, config, content, capfd):
    config.mkdir()
    (config / "account.json").write_text(content)
    assert main(["benchmarks"]) == 1
    assert "account.json cannot be read" in capfd.readouterr().err
    assert main(["login", "--server", scripted_server.url, "--token", TOKEN]) == 0
    assert main(["benchmarks"]) == 0


def test_a_folder_for_settings_that_cannot_be_written_is_named(scripted_server, tmp_path, monkeypatch, capfd):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PALMARES_CONFIG", str(tmp_path / "file"))
    assert main(["login", "--server", scripted_server.url, "--token", TOKEN]) == 1
    error = capfd.readouterr().err
    assert f"{tmp_path / 'file'}{os.sep}account.json cannot be" in error
    assert "Traceback" not in error
