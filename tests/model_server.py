"""A server process that speaks the chat protocol with real models behind it: python model_server.py FOLDER...

Each folder holds a causal checkpoint; its name is the model's name. What a chat template would do is one line here:
the prompt, then " Answer:". The port is printed when the server listens.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

# Before what the model is to say, as in its training.
MARK = " Answer:"


class Handler(BaseHTTPRequestHandler):
    models: dict[str, tuple[Any, Tokenizer]] = {}
    lock = Lock()

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked["model"] not in Handler.models:
            self._send(404, {"error": {"message": "no such model"}})
            return
        model, tokenizer = Handler.models[asked["model"]]
        end = model.config.eos_token_id
        ids = torch.tensor([tokenizer.encode(asked["messages"][-1]["content"] + MARK, add_special_tokens=False).ids])
        with Handler.lock, torch.inference_mode():
            written = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=asked["max_tokens"],
                do_sample=False,
                pad_token_id=end,
            )[0, ids.shape[1] :].tolist()
        text = tokenizer.decode([token for token in written if token != end])
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop" if written[-1] == end else "length",
        }
        self._send(200, {"object": "chat.completion", "model": asked["model"], "choices": [choice]})

    def _send(self, status: int, said: dict) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        return None


if __name__ == "__main__":
    for folder in map(Path, sys.argv[1:]):
        model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
        Handler.models[folder.name] = model, Tokenizer.from_file(str(folder / "tokenizer.json"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
