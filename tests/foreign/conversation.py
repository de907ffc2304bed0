"""The conversation of the article, held by Python's websockets.

    conversation.py ws://127.0.0.1:9001/
    conversation.py wss://127.0.0.1:9001/ CA

Asserts each line that each of the three hears, in order; what somebody should
not have heard would stand in the place of the next line, or before the end.
"""

import asyncio
import contextlib
import sys
import threading
import urllib.parse

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tls_relay import to_tls

PATIENCE = 20
URL = sys.argv[1]


def url(**query):
    return f"{URL}?{urllib.parse.urlencode(query)}"


@contextlib.contextmanager
def relayed(url, authority):
    """The wss:// server at a ws:// URL.

    This client reads in one thread and writes in another, which Python's SSLSocket
    does not bear: records get lost at times. asyncio's TLS has one thread.
    """
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    relay = to_tls(url, authority)
    yield asyncio.run_coroutine_threadsafe(relay.__aenter__(), loop).result(PATIENCE) + "/"
    loop.call_soon_threadsafe(loop.stop)


class Person:
    def __init__(self, name):
        self.name = name
        self.socket = connect(url(name=name), open_timeout=PATIENCE, close_timeout=PATIENCE)
        # This client offers compression without being asked to.
        assert "permessage-deflate" in self.socket.request.headers["Sec-WebSocket-Extensions"]
        assert "Sec-WebSocket-Extensions" not in self.socket.response.headers
        assert "Sec-WebSocket-Protocol" not in self.socket.response.headers

    def hears(self, *lines):
        for line in lines:
            heard = self.socket.recv(timeout=PATIENCE)
            assert heard == line, f"{self.name} heard {heard!r} instead of {line!r}"

    def says(self, text):
        self.socket.send(text)

    def leaves(self):
        """Closes, and hears nothing more."""
        self.socket.close(1000)
        try:
            heard = self.socket.recv(timeout=PATIENCE)
            raise AssertionError(f"{self.name} heard {heard!r} while leaving")
        except ConnectionClosed as closed:
            assert closed.rcvd is not None, f"{self.name}'s close was not answered"
            assert closed.rcvd.code == 1000, closed.rcvd
            assert not closed.rcvd_then_sent


def all_hear(people, *lines):
    for person in people:
        person.hears(*lines)


def is_refused(status, **query):
    try:
        connect(url(**query), open_timeout=PATIENCE)
    except InvalidStatus as refusal:
        response = refusal.response
        assert response.status_code == status, response
        assert response.headers["Content-Type"].startswith("text/plain"), response.headers
        reason = response.body.decode()
        assert reason.strip() and len(reason.splitlines()) == 1, reason
        return reason
    raise AssertionError(f"{query} was let in")


def main():
    assert "name" in is_refused(400)
    assert "name" in is_refused(400, name="   ")
    is_refused(400, name="John", room="no such room")

    ronald = Person("Ronald")
    ronald.hears("Ronald joined.", "Welcome Ronald.")
    john = Person("John")
    john.hears("John joined.", "Welcome John.")
    ronald.hears("John joined.")
    adam = Person("Adam")
    adam.hears("Adam joined.", "Welcome Adam.")
    everyone = [ronald, john, adam]
    all_hear([ronald, john], "Adam joined.")

    # The holder of the name is asked whether it still lives, and does.
    assert "John" in is_refused(409, name="John")
    is_refused(409, name=" jOHN ")
    is_refused(409, name="J\u043ehn")

    ronald.says("Hi all!")
    all_hear(everyone, "Ronald says: Hi all!")
    john.says("Grüß Gott, 你好 👋")
    all_hear(everyone, "John says: Grüß Gott, 你好 👋")
    adam.says("")
    all_hear(everyone, "Adam says: ")
    adam.says(["in ", "three ", "fragments"])
    all_hear(everyone, "Adam says: in three fragments")
    long = "long enough that compression would pay. " * 100
    ronald.says(long)
    all_hear(everyone, f"Ronald says: {long}")

    # A command's answer is for the asker alone; the next line shows that.
    john.says("/who")
    john.hears("3 here: Adam, John, Ronald")
    john.says("//who is a command")
    all_hear(everyone, "John says: /who is a command")

    assert adam.socket.ping(b"are you there?").wait(PATIENCE), "no pong"

    ronald.leaves()
    all_hear([john, adam], "Ronald left.")
    john.says("Bye, Adam.")
    all_hear([john, adam], "John says: Bye, Adam.")
    john.leaves()
    adam.hears("John left.")

    # A name is free again when its holder has left.
    ronald = Person("Ronald")
    ronald.hears("Ronald joined.", "Welcome Ronald.")
    adam.hears("Ronald joined.")
    ronald.leaves()
    adam.hears("Ronald left.")
    adam.leaves()
    print("conversation held with websockets")


if len(sys.argv) > 2:
    with relayed(URL, sys.argv[2]) as URL:
        main()
else:
    main()
