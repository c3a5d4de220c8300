"""Building knowledge against a server process: kept, gone on with, and traced to its answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from icdcoder.cli.commands.knowledge import group
from icdcoder.core.code import Code
from icdcoder.core.errors import ArtefactError, ConfigError, InputError
from icdcoder.endpoint.chat import Answer, Endpoint, EndpointConfig, EndpointError
from icdcoder.knowledge import builder, code_texts, concept_files, expressions
from icdcoder.knowledge.building.answers import Answers
from icdcoder.knowledge.building.comparison import compare
from icdcoder.knowledge.concepts import GENERAL, SPECIFIC

HTN, SEPSIS = Code("icd9cm", "401.9"), Code("icd9cm", "995.92")
GOOD = "Medical terms:\nHypertension\nArterial tension\nBP\nAbbreviations:\nHTN\nSynonyms:\nhigh blood pressure\n"
OTHER = "Medical terms:\nSevere sepsis\nAbbreviations:\nBP\n"
BOTH = {"by": {"401.9": GOOD, "995.92": OTHER}}


def endpoint(url: str) -> Endpoint:
    return Endpoint(EndpointConfig(url=url, model="tiny", attempts=2, pause=0, timeout=5))


def test_built_expressions_are_read_and_say_where_they_come_from(serve, tmp_path: Path) -> None:
    server = serve(BOTH)
    built = builder.build([HTN, SEPSIS], endpoint(server.url), tmp_path / "k", per_kind=7)
    assert (built.codes, built.texts, built.asked, built.ambiguous) == (2, 7, 2, ("BP",))
    first, second = expressions.read(built.path)
    assert first.codes == (HTN,)
    assert first.by_kind["abbreviation"] == ("HTN",)
    assert second.by_kind["term"] == ("Severe sepsis",)
    lines = built.path.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("icd9cm:401.9"))
    kept = Answers(tmp_path / "k" / "answers.jsonl")
    given = next(g for g in kept._given.values() if g.code == "icd9cm:401.9")
    assert f"model=tiny at={given.at} answer={given.digest[:16]}" in lines[at - 1]
    prompt = server.requests[0]["messages"][0]["content"]
    assert "401.9 Unspecified essential hypertension" in prompt
    assert "at most 7" in prompt


def test_descriptions_are_read_as_texts_of_codes(serve, tmp_path: Path) -> None:
    text = "Raised arterial pressure of unknown cause, told as HTN in the history."
    built = builder.build([HTN], endpoint(serve({"text": text}).url), tmp_path, kind="descriptions")
    assert code_texts.read(built.path) == {HTN: (text,)}


def test_concepts_of_categories_and_codes_are_read_by_coders_over_concepts(serve, tmp_path: Path) -> None:
    general = (
        "Concepts:\n1. lisinopril (a drug)\n2. headache\n3. Headache\n- amlodipine\n- retinopathy\n- LVH\n- one more\n"
    )
    server = serve({"by": {"List 5": general, "List 2": "- blood pressure 180\n- lisinopril\n- a third"}})
    other = Code("icd9cm", "401.1")
    built = builder.build([HTN, other], endpoint(server.url), tmp_path, kind="concepts")
    assert (built.codes, built.asked, built.dropped) == (2, 3, {"given twice": 1})
    found = concept_files.read(built.path)
    layers = {concept.name: (concept.layer, set(concept.codes)) for concept in found}
    assert layers["headache"] == (GENERAL, {HTN, other})
    assert layers["lisinopril"] == (SPECIFIC, {HTN, other}), "of both layers, and a concept once"
    assert "one more" not in layers
    assert "a third" not in layers
    assert "401 Essential hypertension" in server.requests[0]["messages"][0]["content"]
    again = builder.build([HTN, other], endpoint(server.url), tmp_path, kind="concepts")
    assert (again.asked, len(server.requests)) == (0, 3)
    assert built.path.read_text().count("# from: icd9cm:401") == 3


def test_what_is_known_is_not_asked_again(serve, tmp_path: Path) -> None:
    server = serve(BOTH)
    builder.build([HTN], endpoint(server.url), tmp_path)
    built = builder.build([HTN, SEPSIS], endpoint(server.url), tmp_path)
    assert (built.asked, built.codes, len(server.requests)) == (1, 2, 2)
    again = builder.build([HTN, SEPSIS], endpoint(server.url), tmp_path)
    assert again.asked == 0
    assert again.texts == built.texts
    other = builder.build([HTN], endpoint(server.url), tmp_path, per_kind=5)
    assert other.asked == 1


def test_an_endpoint_that_dies_leaves_what_was_built(serve, tmp_path: Path) -> None:
    server = serve({"text": GOOD}, {"html": True}, {"half": GOOD}, BOTH)
    with pytest.raises(EndpointError, match=r"1 of 2 codes are in .*asked next time"):
        builder.build([HTN, SEPSIS], endpoint(server.url), tmp_path)
    assert [group.codes for group in expressions.read(tmp_path / "medical_expressions.tsv")] == [(HTN,)]
    assert builder.build([HTN, SEPSIS], endpoint(server.url), tmp_path).codes == 2


def test_prose_and_a_cut_answer(serve, tmp_path: Path) -> None:
    server = serve(
        {"text": "I would rather talk about it."}, {"text": "Medical terms:\nSepsis\nSevere sep", "reason": "length"}
    )
    built = builder.build([HTN, SEPSIS], endpoint(server.url), tmp_path)
    assert built.without == (HTN,)
    assert built.cut == 1
    (group,) = expressions.read(built.path)
    assert group.by_kind == {"term": ("Sepsis",)}
    assert "cut=yes" in built.path.read_text()


def test_rows_without_a_new_answer_stay(serve, tmp_path: Path) -> None:
    server = serve(BOTH)
    path = builder.build([HTN, SEPSIS], endpoint(server.url), tmp_path).path
    whole = expressions.read(path)
    body = path.read_text()
    assert builder.build([HTN], endpoint(server.url), tmp_path).kept == 1
    assert expressions.read(path) == whole
    other = Endpoint(EndpointConfig(url="http://127.0.0.1:9/v1", model="other", attempts=1, pause=0))
    with pytest.raises(EndpointError, match="0 of 2 codes .* and 2 with their earlier lines; the rest"):
        builder.build([HTN, SEPSIS], other, tmp_path)
    assert path.read_text() == body
    refusing = Endpoint(EndpointConfig(url=serve({"text": "I cannot help."}).url, model="other"))
    assert builder.build([HTN], refusing, tmp_path).without == (HTN,)
    assert sorted(path.read_text().splitlines()) == sorted(body.splitlines())


def test_every_row_says_where_it_comes_from(serve, tmp_path: Path) -> None:
    body = builder.build([HTN, SEPSIS], endpoint(serve(BOTH).url), tmp_path).path.read_text().splitlines()[1:]
    assert len(body) == 10
    assert all(line.startswith("# from: model=tiny") for line in body[::2])
    assert all(line.startswith("icd9cm:") for line in body[1::2])


def test_a_refusal_is_asked_again_on_demand(serve, tmp_path: Path) -> None:
    server = serve({"text": "I cannot help."}, {"text": OTHER}, {"text": GOOD})
    assert builder.build([HTN, SEPSIS], endpoint(server.url), tmp_path).without == (HTN,)
    assert builder.build([HTN, SEPSIS], endpoint(server.url), tmp_path).asked == 0
    built = builder.build([HTN, SEPSIS], endpoint(server.url), tmp_path, again=True)
    assert (built.asked, built.without) == (1, ())
    assert builder.build([HTN, SEPSIS], endpoint(server.url), tmp_path, again=True).asked == 0


def test_a_cut_answer_is_asked_again_on_demand(serve, tmp_path: Path) -> None:
    server = serve({"text": "Medical terms:\nSepsis\nSevere sep", "reason": "length"}, {"text": GOOD})
    assert builder.build([SEPSIS], endpoint(server.url), tmp_path).cut == 1
    assert builder.build([SEPSIS], endpoint(server.url), tmp_path).asked == 0
    built = builder.build([SEPSIS], endpoint(server.url), tmp_path, again=True)
    assert (built.asked, built.cut) == (1, 0)
    assert builder.build([SEPSIS], endpoint(server.url), tmp_path, again=True).asked == 0


def test_the_question_of_the_paper(serve, tmp_path: Path) -> None:
    server = serve(BOTH)
    built = builder.build([HTN], endpoint(server.url), tmp_path, question=builder.question_named("appendix_b"))
    assert built.codes == 1
    assert server.requests[0]["messages"][0]["content"] == (
        "Could you list up the given ICD-9 code for which you would like me to provide all the related medical terms, "
        "including abbreviations and synonyms? ICD-9 code : 401.9 Unspecified essential hypertension"
    )
    (tmp_path / "mine.txt").write_text("What is {code}?")
    assert builder.question_named(str(tmp_path / "mine.txt")) == "What is {code}?"
    with pytest.raises(InputError, match="appendix_b"):
        builder.question_named(str(tmp_path / "none.txt"))


def test_a_half_written_answer_is_asked_again(serve, tmp_path: Path) -> None:
    server = serve(BOTH)
    builder.build([HTN, SEPSIS], endpoint(server.url), tmp_path)
    kept = tmp_path / "answers.jsonl"
    kept.write_bytes(kept.read_bytes()[:-20])
    assert builder.build([HTN, SEPSIS], endpoint(server.url), tmp_path).asked == 1
    kept.write_text("not JSON\n")
    with pytest.raises(ArtefactError, match="line 1"):
        builder.build([HTN], endpoint(server.url), tmp_path)


def test_a_killed_command_goes_on(serve, tmp_path: Path) -> None:
    (tmp_path / "codes.txt").write_text("icd9cm:401.9\nicd9cm:995.92  # severe sepsis\n")
    server = serve({"text": GOOD}, {"text": OTHER, "sleep": 30}, {"text": OTHER})
    command = [sys.executable, "-m", "icdcoder.cli", "knowledge", "build", "--codes", "codes.txt", "--model", "tiny"]
    command += ["--endpoint", server.url, "-o", "k"]
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while len(server.requests) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "k/medical_expressions.tsv"
    assert "2 of 2 codes; 1 questions were asked" in done.stderr
    assert len(server.requests) == 3


def test_the_command_refuses_an_address_outside_private_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "codes.txt").write_text("icd9cm:401.9\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Endpoint, "ask", lambda *_: Answer(GOOD))
    command = ["build", "--codes", "codes.txt", "--model", "tiny", "--endpoint", "http://8.8.8.8/v1"]
    refused = CliRunner().invoke(group, command)
    assert isinstance(refused.exception, ConfigError)
    assert "PhysioNet" in str(refused.exception)
    assert not (tmp_path / "knowledge").exists()
    assert CliRunner().invoke(group, [*command, "--allow-public"]).exit_code == 0
    assert "icd9cm:401.9\tterm\tHypertension" in (tmp_path / "knowledge" / "medical_expressions.tsv").read_text()


def test_comparison_with_our_own(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("icd9cm:401.9\tterm\tHYPERTENSION | tension of the arteries | severe sepsis\n")
    (found,) = compare(path)
    assert (found.code, found.shared) == (HTN, 1)
    assert found.new == ("tension of the arteries", "severe sepsis")
    assert found.elsewhere == {"severe sepsis": SEPSIS}
    assert "HTN" in found.missing


def test_mistakes_are_sentences(tmp_path: Path) -> None:
    chat = endpoint("http://127.0.0.1:9/v1")
    with pytest.raises(ConfigError, match="Did you mean 'descriptions'"):
        builder.build([HTN], chat, tmp_path, kind="description")
    with pytest.raises(ConfigError, match="no {code}"):
        builder.build([HTN], chat, tmp_path, question="What is it?")
