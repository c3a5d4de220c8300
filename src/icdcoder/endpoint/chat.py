"""Asking a model: one POST to /chat/completions, tried again with growing pauses where the endpoint is at fault.

Nothing is read from the environment but the key, under the name that the user gives: neither a proxy nor a netrc file
can lead a note elsewhere, and redirects are not followed.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import Field

from icdcoder.core.config import Settings
from icdcoder.core.errors import ConfigError, IcdcoderError, MissingExtraError
from icdcoder.endpoint.address import require_private

if TYPE_CHECKING:
    import httpx2

Message = Mapping[str, str]
# What a server may ask for with Retry-After, and what an answer may have, at most.
LONGEST_PAUSE = 60.0
LARGEST_ANSWER = 8_000_000
PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
OF_PROMPT = frozenset({400, 413, 422})


class EndpointError(IcdcoderError):
    """The endpoint gave no answer that can be used, after all attempts. Holds nothing of what was sent or came.

    of_prompt: it works, and does not take this one prompt, which may be too long; another can be answered."""

    def __init__(self, said: str, *, of_prompt: bool = False) -> None:
        super().__init__(said)
        self.of_prompt = of_prompt


@dataclass(frozen=True, slots=True)
class Answer:
    """finished: False where the model was stopped by its limit of tokens, so that the text ends anywhere."""

    text: str = field(repr=False)
    finished: bool = True


class Chat(Protocol):
    """Whoever answers messages: an endpoint, or a file of recorded answers."""

    @property
    def model(self) -> str: ...

    def ask(self, messages: Sequence[Message]) -> Answer:
        """Raises EndpointError."""
        ...


class EndpointConfig(Settings):
    """url: up to and with /v1. key_variable: the environment variable that holds the key, where one is needed.
    timeout: seconds for a whole answer. attempts: how often a question is asked at most. allow_public: see
    `address.require_private`."""

    url: str
    model: str
    key_variable: str | None = None
    timeout: float = Field(default=120.0, gt=0)
    attempts: int = Field(default=5, ge=1)
    pause: float = Field(default=1.0, ge=0)
    temperature: float = Field(default=0.0, ge=0)
    max_tokens: int = Field(default=2048, ge=1)
    seed: int | None = 0
    allow_public: bool = False


class Endpoint:
    """A `Chat` over HTTP. Raises ConfigError where the address is refused or the key is missing, and
    MissingExtraError where the HTTP library is."""

    def __init__(self, config: EndpointConfig, sleep: Callable[[float], None] = time.sleep) -> None:
        require_private(config.url, allow_public=config.allow_public)
        self._http = _library()
        self._config = config
        self._sleep = sleep
        self._address = config.url.rstrip("/") + "/chat/completions"
        self._client = self._http.Client(
            timeout=config.timeout, trust_env=False, follow_redirects=False, headers=_key(config.key_variable)
        )

    @property
    def model(self) -> str:
        return self._config.model

    def ask(self, messages: Sequence[Message]) -> Answer:
        """Raises EndpointError when all attempts have failed, or at once where asking again cannot help."""
        body = {
            "model": self._config.model,
            "messages": [dict(message) for message in messages],
            "temperature": self._config.temperature,
            "max_tokens": self._config.max_tokens,
        }
        if self._config.seed is not None:
            body["seed"] = self._config.seed
        problem = _PassingError("it was not asked")
        for attempt in range(self._config.attempts):
            if attempt:
                self._sleep(self._pause(attempt, problem.wait))
            try:
                return _answer(self._post(body))
            except _PassingError as passing:
                problem = passing
        raise EndpointError(
            f"The endpoint {self._config.url} failed {self._config.attempts} times; the last time {problem}. "
            "See whether it runs and holds the model, then give the same command again."
        )

    def _pause(self, attempt: int, wanted: float | None) -> float:
        pause = self._config.pause * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)
        return min(LONGEST_PAUSE, max(pause, wanted or 0.0))

    def _post(self, body: Mapping[str, Any]) -> bytes:
        """The body of a good answer. Raises _PassingError for what may pass, EndpointError for the rest."""
        end = time.monotonic() + self._config.timeout
        try:
            with self._client.stream("POST", self._address, json=body) as response:
                if response.status_code != 200:
                    raise self._refusal(response)
                read = bytearray()
                for part in response.iter_bytes():
                    read += part
                    if len(read) > LARGEST_ANSWER:
                        raise _PassingError(f"its answer had more than {LARGEST_ANSWER:,} bytes")
                    if time.monotonic() > end:
                        raise _PassingError(f"it took more than {self._config.timeout:g} s")
                return bytes(read)
        except self._http.TimeoutException:
            raise _PassingError(f"it took more than {self._config.timeout:g} s") from None
        except self._http.ConnectError:
            raise _PassingError("nothing listened there") from None
        except self._http.HTTPError as error:  # half a reply, a broken connection
            raise _PassingError(f"the connection broke ({type(error).__name__})") from None

    def _refusal(self, response: httpx2.Response) -> Exception:
        status = response.status_code
        if status in PASSING:
            return _PassingError(f"it answered with status {status}", _seconds(response.headers.get("retry-after")))
        hint = {
            401: "; it wants a key: name the variable that holds one",
            403: "; it wants another key",
            404: "; the address should end in /v1, and the model's name be one that it holds",
            400: "; it may not hold the model, or the prompt is longer than the model can read",
            413: "; the prompt is longer than it takes",
        }.get(status, "")
        if 300 <= status < 400:
            hint = "; it sends elsewhere, which is not followed"
        said = f"The endpoint {self._config.url} answered with status {status}{hint}."
        return EndpointError(said, of_prompt=status in OF_PROMPT)


class _PassingError(Exception):
    """A failure that may not last. wait: seconds the server asks for."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


def _answer(body: bytes) -> Answer:
    try:
        choice = json.loads(body)["choices"][0]
        text = choice["message"]["content"]
        reason = choice.get("finish_reason")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        what = "a web page" if body.lstrip()[:1] == b"<" else "something else than an answer in JSON"
        raise _PassingError(f"{what} came") from None
    finished = reason != "length"
    if text is None and not finished:  # all tokens went into thoughts, and would do so again
        text = ""
    if not isinstance(text, str) or (finished and not text.strip()):
        raise _PassingError("the answer was empty")
    return Answer(text, finished)


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:  # a date
        return None


def _key(variable: str | None) -> dict[str, str]:
    if variable is None:
        return {}
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ConfigError(f"The environment variable {variable}, which should hold the endpoint's key, is not set.")
    return {"Authorization": f"Bearer {key}"}


def _library() -> ModuleType:
    try:
        import httpx2
    except ModuleNotFoundError:
        raise MissingExtraError("endpoint", "Asking a language model") from None
    return httpx2
