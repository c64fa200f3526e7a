"""`python -m tests.bench.crowd PORT COUNT`: so many clients that ask again and again without signing in, until killed."""

from __future__ import annotations

import asyncio
import contextlib
import sys

PATHS = ("/accounts/login/", "/api/v1/benchmarks/")


async def ask(port: int, number: int) -> None:
    """One client."""
    request = f"GET {PATHS[number % 2]} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            await reader.read()
            writer.close()


async def main(port: int, count: int) -> None:
    """All of them."""
    await asyncio.gather(*(ask(port, number) for number in range(count)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
