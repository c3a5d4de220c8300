"""A server process that speaks the chat protocol by a script: python scripted_server.py SCRIPT LOG

SCRIPT is a JSON list of replies, taken in turn; the last one is repeated. A reply is {"text": …}, or one of the ways
in which real endpoints fail (see `Handler`). {"by": {"words in the prompt": "text"}, "text": …} answers by the prompt.
Each request's JSON is appended to LOG. The port is printed when the server listens.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    script: list[dict] = []
    log = Path()
    asked = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with Handler.log.open("ab") as file:
            file.write(body + b"\n")
        reply = Handler.script[min(Handler.asked, len(Handler.script) - 1)]
        Handler.asked += 1
        if "sleep" in reply:
            time.sleep(reply["sleep"])
        if "status" in reply:
            self.send_response(reply["status"])
            for name, value in reply.get("headers", {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif "html" in reply:
            self._send(b"<html><body>Bad gateway</body></html>", "text/html")
        elif "raw" in reply:
            self._send(reply["raw"].encode())
        elif "half" in reply:
            self._send(_completion(reply["half"], "stop"), says=10_000)
            self.close_connection = True
        elif "drip" in reply:
            self._drip(_completion(reply["drip"], "stop"), reply["pause"])
        else:
            prompt = json.loads(body)["messages"][-1]["content"]
            text = next((t for words, t in reply.get("by", {}).items() if words in prompt), reply.get("text", ""))
            self._send(_completion(text, reply.get("reason", "stop")))

    def _send(self, body: bytes, kind: str = "application/json", says: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(says or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self, body: bytes, pause: float) -> None:
        """A byte at a time, until the other side has had enough."""
        with contextlib.suppress(OSError):
            self._send(body[:1], says=len(body))
            for at in range(1, len(body)):
                time.sleep(pause)
                self.wfile.write(body[at : at + 1])

    def log_message(self, *arguments: object) -> None:
        return None


def _completion(text: str, reason: str) -> bytes:
    message = {"role": "assistant", "content": text}
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": reason}]}).encode()


if __name__ == "__main__":
    Handler.script = json.loads(sys.argv[1])
    Handler.log = Path(sys.argv[2])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
