"""Counts words. Over HTTP it answers `GET /?q=TEXT`; an event is a JSON object with a member `text`."""

import json
import os
from collections import Counter
from urllib.parse import parse_qs, urlsplit

from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    Method_Get,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        if isinstance(request.method(), Method_Get):
            query = parse_qs(urlsplit(request.path_with_query() or "/").query)
            text = " ".join(query.get("q", []))
        else:
            text = json.loads(read(request)).get("text", "")
        words = Counter(text.lower().split()).most_common()
        print(f"{len(words)} different words")
        respond(response_out, {"function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME"), "words": dict(words)})


def read(request: IncomingRequest) -> bytes:
    whole = bytearray()
    with request.consume() as body, body.stream() as stream:
        while True:
            try:
                whole += stream.blocking_read(64 * 1024)
            except Exception:  # the stream's end
                return bytes(whole)


def respond(response_out: ResponseOutparam, answer: dict) -> None:
    response = OutgoingResponse(Fields.from_list([("content-type", b"application/json")]))
    body = response.body()
    ResponseOutparam.set(response_out, Ok(response))
    content = json.dumps(answer).encode()
    with body.write() as stream:
        # A stream takes at most 4 KiB at once.
        for at in range(0, len(content), 4096):
            stream.blocking_write_and_flush(content[at : at + 4096])
    OutgoingBody.finish(body, None)
