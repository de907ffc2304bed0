"""Stands between one who speaks TLS and one who does not, and passes bytes on.

As nobody can end one half of a TLS connection here, the end of either side ends
both, once all that came before it has been passed on.
"""

import asyncio
import contextlib
import ssl
import urllib.parse

PIECE = 64 * 1024


def to_tls(url, authority):
    """A ws:// URL that leads to the wss:// one."""
    context = ssl.create_default_context(cafile=authority)
    place = urllib.parse.urlsplit(url)
    return _relay(place, "ws", None, context)


def from_tls(url, certificate, key):
    """A wss:// URL that leads to the ws:// one."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    place = urllib.parse.urlsplit(url)
    return _relay(place, "wss", context, None)


@contextlib.asynccontextmanager
async def _relay(place, scheme, inner_tls, outer_tls):
    async def meet(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(place.hostname, place.port, ssl=outer_tls)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))

    server = await asyncio.start_server(meet, "127.0.0.1", 0, ssl=inner_tls)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"{scheme}://127.0.0.1:{port}"


async def _pass_on(reader, writer):
    # Either end may vanish, which the other then learns.
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
    writer.close()
