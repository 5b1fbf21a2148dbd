"""An HTTP endpoint for notifications."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Listener:
    """Keeps what is posted to it, as (path, headers, body); `answers` are statuses for the next posts, 200 after that."""

    def __init__(self):
        self.posts, self.answers, self.hold = [], [], None
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                listener.posts.append((self.path, self.headers, body))
                if listener.hold and self.path.startswith("/slow"):
                    listener.hold.wait(20)
                self.send_response(listener.answers.pop(0) if listener.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, kind, path=None):
        """The posts of a kind, as (headers, body)."""
        found = list(self.posts)
        return [(headers, body) for at, headers, body in found if headers["x-amz-sns-message-type"] == kind and (path is None or at == path)]

    def documents(self, kind, path=None):
        return [json.loads(body) for _, body in self.of(kind, path)]

    def close(self):
        if self.hold:
            self.hold.set()
        self.server.shutdown()
        self.server.server_close()
