"""A token shown by Python's websockets, in each way that there is.

    tokens.py ws://127.0.0.1:9001/ NAME TOKEN
"""

import json
import sys

from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

URL, NAME, TOKEN = sys.argv[1:]
PATIENCE = 20


def talks(query="", **options):
    """Joins as text, hears the welcome, and leaves."""
    with connect(f"{URL}?name={NAME}{query}", open_timeout=PATIENCE, **options) as person:
        assert person.recv(PATIENCE) == f"{NAME} joined."
        assert person.recv(PATIENCE) == f"Welcome {NAME}."
        assert person.subprotocol is None, person.subprotocol


def is_refused(status, query="", **options):
    """The reason is one that helps, and does not repeat the token."""
    try:
        with connect(f"{URL}?name={NAME}{query}", open_timeout=PATIENCE, **options):
            raise AssertionError("was let in")
    except InvalidStatus as error:
        response = error.response
        assert response.status_code == status, response
        assert TOKEN.encode() not in response.body, response.body
        if status == 401:
            assert response.headers["WWW-Authenticate"].startswith("Bearer"), response.headers


def main():
    talks(additional_headers={"Authorization": f"Bearer {TOKEN}"})
    talks(f"&token={TOKEN}")
    talks(subprotocols=[f"chinwag.token.{TOKEN}"])

    offers = [f"chinwag.token.{TOKEN}", "chinwag.v1"]
    with connect(f"{URL}ws?name={NAME}", subprotocols=offers, open_timeout=PATIENCE) as person:
        assert person.subprotocol == "chinwag.v1", person.subprotocol
        assert json.loads(person.recv(PATIENCE))["type"] == "welcome"

    is_refused(401)
    is_refused(401, subprotocols=[f"chinwag.token.{TOKEN}x"])
    is_refused(401, additional_headers={"Authorization": "Bearer wrong"})
    is_refused(400, "&token=another", additional_headers={"Authorization": f"Bearer {TOKEN}"})


main()
