"""An endpoint that fails is asked again where that can help; what is said of it holds nothing of the prompt."""

from __future__ import annotations

import pytest

from icdcoder.core.errors import ConfigError
from icdcoder.endpoint import chat
from icdcoder.endpoint.chat import Answer, Endpoint, EndpointConfig, EndpointError

PROMPT = [{"role": "user", "content": "canary-patient has fever"}]


def endpoint(url: str, pauses: list[float] | None = None, **settings) -> Endpoint:
    config = EndpointConfig(url=url, model="tiny", **{"attempts": 3, "pause": 0.5, **settings})
    return Endpoint(config, sleep=(pauses if pauses is not None else []).append)


def test_an_answer(serve) -> None:
    server = serve({"text": "I10"})
    assert endpoint(server.url + "/").ask(PROMPT) == Answer("I10", True)
    (request,) = server.requests
    assert request["messages"] == PROMPT
    assert (request["model"], request["temperature"], request["seed"]) == ("tiny", 0.0, 0)


def test_an_answer_cut_by_its_limit_says_so(serve) -> None:
    assert not endpoint(serve({"text": "I1", "reason": "length"}).url).ask(PROMPT).finished


@pytest.mark.parametrize("content", ["null", '""'])
def test_a_model_that_spends_all_its_tokens_on_thoughts_is_not_asked_again(serve, content: str) -> None:
    message = f'{{"message": {{"content": {content}, "reasoning_content": "hm"}}, "finish_reason": "length"}}'
    server = serve({"raw": f'{{"choices": [{message}]}}'})
    assert endpoint(server.url).ask(PROMPT) == Answer("", finished=False)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "failure",
    [
        {"status": 500},
        {"status": 503},
        {"html": True},
        {"raw": '{"choices": [{"mess'},
        {"raw": '{"error": "loading"}'},
        {"raw": "[]"},
        {"raw": '{"choices": [{"message": {"content": null}}]}'},
        {"half": "I10 and more"},
        {"text": "  "},
    ],
)
def test_what_may_pass_is_tried_again(serve, failure: dict) -> None:
    server = serve(failure, {"text": "I10"})
    pauses: list[float] = []
    assert endpoint(server.url, pauses).ask(PROMPT).text == "I10"
    assert len(pauses) == 1


def test_pauses_grow_and_the_server_may_ask_for_more(serve) -> None:
    server = serve({"status": 500}, {"status": 500}, {"status": 429, "headers": {"Retry-After": "7"}}, {"text": "I10"})
    pauses: list[float] = []
    endpoint(server.url, pauses, attempts=4).ask(PROMPT)
    assert pauses[0] == pytest.approx(0.5, rel=0.25)
    assert pauses[1] == pytest.approx(1.0, rel=0.25)
    assert pauses[2] == 7.0


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ({"status": 500}, "status 500"),
        ({"html": True}, "a web page came"),
        ({"half": "x"}, "connection broke"),
        ({"text": "late", "sleep": 3}, "took more than 0.3 s"),
    ],
)
def test_after_all_attempts_a_sentence(serve, failure: dict, said: str) -> None:
    server = serve(failure)
    with pytest.raises(EndpointError, match=f"failed 3 times; the last time .*{said}") as error:
        endpoint(server.url, timeout=0.3).ask(PROMPT)
    assert "canary" not in str(error.value)
    assert len(server.requests) == 3


def test_the_time_is_that_of_the_whole_answer(serve) -> None:
    """No pause is as long as the limit; some 100 of them are."""
    server = serve({"drip": "I10", "pause": 0.05})
    with pytest.raises(EndpointError, match=r"took more than 0\.4 s"):
        endpoint(server.url, timeout=0.4, attempts=1).ask(PROMPT)


def test_an_endless_answer_is_not_read_to_its_end(serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "LARGEST_ANSWER", 1000)
    server = serve({"text": "x" * 2000}, {"text": "I10"})
    assert endpoint(server.url).ask(PROMPT).text == "I10"
    assert len(server.requests) == 2


def test_no_pause_is_longer_than_a_minute(serve) -> None:
    server = serve({"status": 429, "headers": {"Retry-After": "86400"}}, {"text": "I10"})
    pauses: list[float] = []
    endpoint(server.url, pauses).ask(PROMPT)
    assert pauses == [60.0]


def test_the_key_of_the_named_variable_is_sent(serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", " secret ")
    asked = endpoint(serve({"text": "I10"}).url, key_variable="MY_KEY")
    assert asked.ask(PROMPT).text == "I10"
    assert asked._client.headers["Authorization"] == "Bearer secret"


def test_nothing_listens(serve) -> None:
    server = serve({"text": "x"})
    server.stop()
    with pytest.raises(EndpointError, match="nothing listened there"):
        endpoint(server.url).ask(PROMPT)


@pytest.mark.parametrize(
    ("status", "said"), [(401, "wants a key"), (404, "end in /v1"), (400, "longer"), (302, "elsewhere")]
)
def test_what_will_not_pass_is_not_tried_again(serve, status: int, said: str) -> None:
    server = serve({"status": status, "headers": {"Location": "http://192.0.2.1/"}})
    with pytest.raises(EndpointError, match=said):
        endpoint(server.url).ask(PROMPT)
    assert len(server.requests) == 1


def test_the_environment_leads_nowhere_else(serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert endpoint(serve({"text": "I10"}).url).ask(PROMPT).text == "I10"


def test_a_missing_key_is_told_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(ConfigError, match="MY_KEY"):
        endpoint("http://127.0.0.1:9/v1", key_variable="MY_KEY")
