"""A stand-in for a language model: it answers with the programs in a folder, one after the other.

It speaks the part of the chat-completions protocol that writers of programs use.
Usage: python stand_in.py programs 8011
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path

folder, port = Path(sys.argv[1]), int(sys.argv[2])
programs = cycle(sorted(folder.glob("*.py")))


class Chat(BaseHTTPRequestHandler):
    """Answers every question with the next program."""

    def do_POST(self) -> None:
        """Send the next program in a fenced block."""
        self.rfile.read(int(self.headers["Content-Length"]))
        text = f"```python\n{next(programs).read_text()}```\n"
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        reply = {
            "id": "1", "object": "chat.completion", "created": int(time.time()), "model": "stand-in",
            "choices": [choice],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }  # fmt: skip
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing of each question."""


ThreadingHTTPServer(("127.0.0.1", port), Chat).serve_forever()
