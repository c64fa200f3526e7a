"""Proxies of the environment: used where they should be, never with a token for this machine, and refused in clear words."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from palmares_client import Client, PalmaresError
from palmares_client.command import main
from palmares_client.outgoing_proxy import proxy_for
from tests.client.conftest import TOKEN

REMOTE = "https://palmares.example.org"


class RecordingProxy:
    """A listening socket that keeps what it is sent, answers 502 and hangs up."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.received: list[bytes] = []

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.received.append(connection.recv(1 << 16))
                connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@pytest.fixture
def proxy() -> Iterator[RecordingProxy]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = RecordingProxy(listener)
        thread = threading.Thread(target=made.serve)
        thread.start()
        yield made
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(autouse=True)
def _no_proxy_of_the_machine(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_token_for_this_machine_never_goes_to_a_proxy(scripted_server, proxy, monkeypatch, variable, host):
    monkeypatch.setenv(variable, proxy.url)
    with Client(scripted_server.url.replace("127.0.0.1", host), TOKEN) as client:
        client.me()
    assert proxy.received == []
    assert [path for _, path, _, _ in scripted_server.requests] == ["/api/v1/me/"]


@pytest.mark.parametrize(
    "server", ["http://[::1]:8000", "http://127.1.2.3", "http://localhost", "http://LOCALHOST:1", "https://palmares.localhost"]
)
def test_no_address_of_this_machine_has_a_proxy(proxy, monkeypatch, server):
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    assert proxy_for(server) is None


def test_another_server_is_reached_through_a_tunnel_that_hides_the_token(proxy, monkeypatch, capfd):
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("PALMARES_TOKEN", TOKEN * 10)
    assert main(["benchmarks", "--server", REMOTE]) == 4
    assert proxy.received
    assert all(request.startswith(b"CONNECT palmares.example.org:443") for request in proxy.received)
    assert not any(TOKEN.encode() in request for request in proxy.received)


@pytest.mark.parametrize(
    ("no_proxy", "server"),
    [
        ("[::1]", "http://[::1]:8000"),
        ("[2001:db8::7]", "https://[2001:db8::7]"),
        ("2001:db8::7", "https://[2001:db8::7]:8443"),
        ("a.example.org, palmares.example.org", REMOTE),
        (".example.org", REMOTE),
        ("palmares.example.org:443", REMOTE),
        ("*", REMOTE),
    ],
)
def test_servers_of_no_proxy_are_reached_directly(monkeypatch, no_proxy, server):
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert proxy_for(server) is None


@pytest.mark.parametrize(
    "no_proxy", ["[::1]", "[", "::::", "http://[", "host:port", ",,", "[2001:db8::8]", "xpalmares.example.org"]
)
def test_no_value_of_no_proxy_breaks_the_client(monkeypatch, no_proxy):
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    found = proxy_for(REMOTE)
    assert found is not None
    assert str(found.url) == "http://proxy.example.org:3128"


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("socks5://user:secret@proxy.example.org:1080", "ALL_PROXY is a SOCKS proxy, for which a package is missing"),
        ("socks4://user:secret@proxy.example.org:1080", "ALL_PROXY is a proxy of the kind socks4, expected one of http, https"),
        ("http://user:se#cret@proxy.example.org:3128", "ALL_PROXY is not a valid address"),
        ("http://proxy.example.org:secret", "ALL_PROXY is not a valid address"),
        ("http://", "ALL_PROXY is a proxy of the kind http, expected one of http, https"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_without_its_password(monkeypatch, capfd, address, sentence):
    monkeypatch.setenv("ALL_PROXY", address)
    monkeypatch.setenv("PALMARES_TOKEN", TOKEN)
    assert main(["benchmarks", "--server", REMOTE]) == 1
    error = capfd.readouterr().err
    assert sentence in error
    assert "se#" not in error
    assert "secret" not in error
    with pytest.raises(PalmaresError):
        Client(REMOTE, TOKEN)


def test_certificates_that_cannot_be_read_are_named(monkeypatch, capfd, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("PALMARES_TOKEN", TOKEN)
    assert main(["benchmarks", "--server", REMOTE]) == 1
    assert "SSL_CERT_FILE" in capfd.readouterr().err
