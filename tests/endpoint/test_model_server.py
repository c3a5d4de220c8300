"""The whole way to a language model and back: a server process that speaks the protocol, with small LLaMAs behind it.

The server is tests/model_server.py, and where its libraries are installed also `transformers serve`.
Their weights are set so that each token of an answer brings forth the next one; one has random weights.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from icdcoder.coder import Coder
from icdcoder.core.code import Code
from icdcoder.core.prediction import Prediction
from icdcoder.endpoint.chat import Endpoint, EndpointConfig, EndpointError
from icdcoder.knowledge import builder, expressions

pytest.importorskip("transformers", reason="needs the extra [llm]")

pytestmark = pytest.mark.slow
PROGRAM = Path(__file__).parents[1] / "model_server.py"
HTN = Code("icd9cm", "401.9")
ANSWERS = {
    "terms": "Medical terms:\n- Hypertension\n- Arterial tension\nAbbreviations:\n- HTN\n"
    "Synonyms:\n- high blood pressure",
    "codes": json.dumps(
        {"codes": [{"code": "I10", "evidence": "hypertension"}, {"code": "J18.9", "evidence": "not there"}]}
    ),
    "prose": "The patient seems to be well and should see a doctor soon",
}
NOTE = "Known hypertension, on lisinopril 10 mg."


def write_checkpoint(folder: Path, answer: str | None) -> Path:
    """A LLaMA that gives this answer after any prompt; None: one of random weights."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM

    alphabet = ["</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    cut = Tokenizer(models.BPE({letter: i for i, letter in enumerate(alphabet)}, []))
    cut.pre_tokenizer, cut.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    # Pieces of nine letters, which none of the answers has twice.
    pieces = [answer[i : i + 9] for i in range(0, len(answer), 9)] if answer else []
    assert len(set(pieces)) == len(pieces)
    cut.add_tokens([AddedToken(piece, normalized=False) for piece in pieces])
    size = cut.get_vocab_size() + cut.get_vocab_size() % 2
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=size,
            hidden_size=size,
            intermediate_size=8,
            num_hidden_layers=1,
            num_attention_heads=1,
            max_position_embeddings=4096,
            bos_token_id=0,
            eos_token_id=0,
        )
    )
    if answer:
        said = [cut.token_to_id(":"), *map(cut.token_to_id, pieces), 0]
        with torch.no_grad():
            model.model.layers[0].self_attn.o_proj.weight.zero_()
            model.model.layers[0].mlp.down_proj.weight.zero_()
            model.model.embed_tokens.weight.copy_(torch.eye(size))
            model.lm_head.weight.zero_()
            model.lm_head.weight[said[1:], said[:-1]] = 1.0
    folder.mkdir()
    cut.save(str(folder / "tokenizer.json"))
    template = "{% for m in messages %}{{ m['content'] }}{% endfor %}{% if add_generation_prompt %} Answer:{% endif %}"
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>", "chat_template": template}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    model.save_pretrained(folder)
    return folder


class Server(NamedTuple):
    """models: the name there of each of ANSWERS, and of "random"."""

    url: str
    models: dict[str, str]


@pytest.fixture(scope="module", params=["ours", "transformers serve"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    place = tmp_path_factory.mktemp("models")
    folders = {name: place / name for name in (*ANSWERS, "random")}
    if request.param == "ours":
        command = [sys.executable, str(PROGRAM), *map(str, folders.values())]
        models = {name: name for name in folders}
    else:
        for needed in ("fastapi", "uvicorn", "openai"):
            pytest.importorskip(needed, reason=f"transformers serve needs {needed}: transformers[serving]")
        command = [sys.executable, "-m", "transformers.cli.transformers", "serve", "--port", str(port := _free_port())]
        models = {name: str(folder) for name, folder in folders.items()}
    for name, folder in folders.items():
        write_checkpoint(folder, ANSWERS.get(name))
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=offline)
    assert process.stdout is not None
    try:
        if request.param == "ours":
            port = int(process.stdout.readline())
        else:
            _wait_for(port)
        yield Server(f"http://127.0.0.1:{port}/v1", models)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait_for(port: int) -> None:
    end = time.monotonic() + 180
    while time.monotonic() < end:
        with socket.socket() as there:
            if there.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    pytest.fail("transformers serve did not start")


def endpoint(server: Server, model: str, **settings) -> Endpoint:
    name = server.models.get(model, model)
    return Endpoint(EndpointConfig(url=server.url, model=name, attempts=1, timeout=60, **settings))


def coded(server: Server, model: str, folder: Path, more: str = "") -> Prediction:
    path = folder / "mine.toml"
    path.write_text(
        f'predictor = "prompted"\n[endpoint]\nurl = "{server.url}"\nmodel = "{server.models[model]}"\n{more}'
    )
    return Coder.load(path).code(NOTE)


def test_expressions_are_built_from_what_a_model_writes(server: Server, tmp_path: Path) -> None:
    chat = endpoint(server, "terms")
    built = builder.build([HTN], chat, tmp_path / "k")
    (found,) = expressions.read(built.path)
    assert found.codes == (HTN,)
    assert found.by_kind == {
        "term": ("Hypertension", "Arterial tension"),
        "abbreviation": ("HTN",),
        "synonym": ("high blood pressure",),
    }
    again = builder.build([HTN, Code("icd9cm", "995.92")], chat, tmp_path / "k")
    assert (built.asked, again.asked) == (1, 1)


def test_an_answer_that_the_server_cuts_keeps_its_whole_lines(server: Server, tmp_path: Path) -> None:
    built = builder.build([HTN], endpoint(server, "terms", max_tokens=5), tmp_path / "k")
    assert "cut=yes" in built.path.read_text()
    (found,) = expressions.read(built.path)
    assert found.by_kind == {"term": ("Hypertension",)}


def test_codes_with_evidence_from_what_a_model_writes(server: Server, tmp_path: Path) -> None:
    found = coded(server, "codes", tmp_path)
    assert [(code.code.value, code.accepted) for code in found.codes] == [("I10", True), ("J18.9", False)]
    (evidence,) = found.codes[0].evidence
    assert NOTE[evidence.start : evidence.end] == "hypertension"
    assert any("J18.9" in warning for warning in found.warnings)


def test_prose_of_a_model_is_no_code_and_is_shown(server: Server, tmp_path: Path) -> None:
    found = coded(server, "prose", tmp_path)
    assert found.codes == ()
    assert any("prose" in warning for warning in found.warnings)
    built = builder.build([HTN], endpoint(server, "prose"), tmp_path / "k")
    assert built.without == (HTN,)
    assert built.texts == 0


def test_several_questions_at_once_get_their_own_answers(server: Server) -> None:
    def ask(name: str) -> str:
        return endpoint(server, name).ask([{"role": "user", "content": "What?"}]).text

    names = [*ANSWERS] * 3
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, names)) == [ANSWERS[name] for name in names]


def test_a_model_that_says_nothing_sensible_breaks_nothing(server: Server, tmp_path: Path) -> None:
    built = builder.build([HTN], endpoint(server, "random", max_tokens=40), tmp_path / "k")
    assert built.codes + len(built.without) == 1
    found = coded(server, "random", tmp_path, "max_tokens = 40\n")
    assert not any(code.accepted for code in found.codes)


def test_a_model_that_the_server_does_not_hold(server: Server) -> None:
    said = "404.*model's name" if server.models["terms"] == "terms" else "the endpoint|The endpoint"
    with pytest.raises(EndpointError, match=said):
        endpoint(server, "another").ask([{"role": "user", "content": "What?"}])
