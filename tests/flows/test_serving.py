"""The port the strangers of other tests ask at."""

from collections.abc import Iterator
from http.client import HTTPConnection

from flask import Flask, Response

from tests.serving import serving


class Answer:
    """An answer's text, and whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield b"here"

    def close(self) -> None:
        """As an open file would be."""
        self.closed = True


def test_an_answer_is_closed_before_its_reader_can_leave() -> None:
    app, answer = Flask(__name__), Answer()
    app.add_url_rule("/", view_func=lambda: Response(answer))
    with serving(app) as url:
        reader = HTTPConnection(url.removeprefix("http://"))
        reader.request("GET", "/")
        assert (reader.getresponse().read(), answer.closed) == (b"here", True)
        reader.close()
