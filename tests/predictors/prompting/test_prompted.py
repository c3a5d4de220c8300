"""Prompted coders against a server process: codes with quotes that stand in the note, everything else counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from icdcoder.coder import Coder
from icdcoder.core.code import Code
from icdcoder.core.config import build as build_settings
from icdcoder.core.errors import ConfigError, MissingExtraError
from icdcoder.core.note import Note
from icdcoder.core.prediction import Predictor
from icdcoder.endpoint.chat import EndpointError
from icdcoder.knowledge import expressions
from icdcoder.predictors import prompted
from icdcoder.predictors.prompting.codebook import Codebook

TEXT = "Known  Hypertension.\nAdmitted with community acquired pneumonia. {examples} Mother had asthma."
ANSWER = json.dumps(
    {
        "codes": [
            {"code": "J18.9", "evidence": "Community acquired pneumonia"},
            {"code": "I10", "evidence": "hypertension."},
            {"code": "J45.909", "evidence": "wheezing at night"},
            {"code": "Z99.999", "evidence": "pneumonia"},
            {"code": "I1", "evidence": "pneumonia"},
        ]
    }
)


def predictor(url: str, **settings) -> prompted.PromptedPredictor:
    endpoint = {"url": url, "model": "tiny", "attempts": 1, "pause": 0}
    return prompted.build(build_settings(prompted.Config, {"endpoint": endpoint, **settings}, ""))


def only(coder: Predictor, text: str = TEXT):
    return next(iter(coder.predict([Note("n1", text)])))


@pytest.mark.parametrize("strategy", ["zero_shot", "few_shot", "rerank"])
def test_codes_with_quotes_from_the_note(serve, strategy: str) -> None:
    server = serve({"text": ANSWER})
    coder = predictor(server.url, strategy=strategy)
    assert isinstance(coder, Predictor)
    found = only(coder)
    assert [(c.code.value, c.accepted) for c in found.codes][:2] == [("J18.9", True), ("I10", True)]
    assert [e.text for c in found.codes for e in c.evidence] == ["community acquired pneumonia", "Hypertension"]
    assert all(TEXT[e.start : e.end] == e.text for c in found.codes for e in c.evidence)
    assert any(warning.endswith("may be given: 2.") for warning in found.warnings)
    assert coder.faults["answers_outside_system"] == 2
    (request,) = server.requests
    prompt = request["messages"][0]["content"]
    assert TEXT in prompt  # a place named in a note is not filled
    assert "{note}" not in prompt
    assert "{answer}" not in prompt


def test_a_quote_that_is_not_there_is_marked(serve) -> None:
    found = only(predictor(serve({"text": ANSWER}).url))
    asthma = found.codes[2]
    assert (asthma.code.value, asthma.accepted, asthma.evidence, asthma.score) == ("J45.909", False, (), 0.5)
    assert any(warning.startswith("Unsupported") and "J45.909" in warning for warning in found.warnings)
    kept = only(predictor(serve({"text": ANSWER}).url, accept_unsupported=True))
    assert kept.codes[2].accepted


def test_rerank_cannot_give_what_was_not_proposed(serve) -> None:
    found = only(predictor(serve({"text": '[{"code": "S72.001A", "evidence": "pneumonia"}]'}).url, strategy="rerank"))
    assert found.codes == ()
    assert found.warnings[0].endswith("proposed to the model: 1.")
    server = serve({"text": "[]"})
    assert "not asked" in only(predictor(server.url, strategy="rerank"), "Lorem ipsum.").warnings[0]
    assert server.requests == []


def test_the_tree_goes_from_chapters_to_codes(serve) -> None:
    book = Codebook("icd10cm")
    chapters = book.below(None)
    assert len(chapters) == 22
    ninth = next(i for i, c in enumerate(chapters, 1) if "circulatory" in c.title)
    blocks = book.below(chapters[ninth - 1])
    hypertensive = next(i for i, b in enumerate(blocks, 1) if b.title.startswith("I10"))
    server = serve(
        {"text": f"[{ninth}]"},
        {"text": f"I choose [{hypertensive}]."},
        {"text": "1. I10 Essential hypertension"},
        {"text": '{"codes": [{"code": "I10", "evidence": "Hypertension"}]}'},
    )
    found = only(predictor(server.url, strategy="tree"))
    assert [(c.code.value, c.accepted) for c in found.codes] == [("I10", True)]
    prompts = [request["messages"][0]["content"] for request in server.requests]
    assert len(prompts) == 4
    assert "circulatory" in prompts[0]
    assert "I20-I25" in prompts[1]
    assert "I16" in prompts[2]
    assert "I10 Essential" in prompts[3]


def test_the_tree_follows_no_more_options_than_its_breadth(serve) -> None:
    server = serve({"text": "[1, 2, 3, 4]"}, {"text": "[]"})
    only(predictor(server.url, strategy="tree", breadth=2))
    prompts = [request["messages"][0]["content"] for request in server.requests]
    assert len(prompts) == 3, "the chapters, and the blocks of two of them"
    assert "A00-A09" in prompts[1]
    assert "C00-C14" in prompts[2]


def test_the_tree_says_when_it_stops_early_and_counts_prose(serve) -> None:
    found = only(predictor(serve({"text": "[1,2,3,4,5,6,7]"}).url, strategy="tree", most_questions=3))
    assert any("most_questions" in warning for warning in found.warnings)
    coder = predictor(serve({"text": "That is a good question."}).url, strategy="tree")
    assert only(coder).warnings[0].startswith("Answers in prose")
    assert coder.faults["answers_prose"] == 1


def test_prose_is_no_code_and_is_shown(serve) -> None:
    coder = predictor(serve({"text": "The patient is quite ill."}).url)
    found = only(coder)
    assert found.codes == ()
    assert found.warnings[0].endswith("could be read: 1.")
    assert coder.faults["answers_prose"] == 1


def test_a_cut_answer_is_a_warning(serve) -> None:
    coder = predictor(serve({"text": ANSWER[:60], "reason": "length"}).url)
    found = only(coder)
    assert [code.code.value for code in found.codes] == ["J18.9"]
    assert "Answers cut by max_tokens of [endpoint], so that codes may be missing: 1." in found.warnings
    assert coder.faults["answers_cut"] == 1
    server = serve({"text": "[1, 2", "reason": "length"}, {"text": "[]"})
    assert any("max_tokens" in warning for warning in only(predictor(server.url, strategy="tree")).warnings)


def test_the_candidates_of_rerank_are_those_that_may_be_answered(serve, tmp_path: Path) -> None:
    codes = tmp_path / "codes.txt"
    codes.write_text("icd10cm:J45.909\n")
    server = serve({"text": ANSWER})
    found = only(predictor(server.url, strategy="rerank", candidates=1, codes=codes))
    assert [code.code.value for code in found.codes] == ["J45.909"]
    assert "J18.9" not in server.requests[0]["messages"][0]["content"]


def test_only_the_codes_of_a_label_space(serve, tmp_path: Path) -> None:
    codes = tmp_path / "codes.txt"
    codes.write_text("icd10cm:I10\nicd10cm:J18.9\n")
    server = serve({"text": ANSWER})
    found = only(predictor(server.url, codes=codes))
    assert {c.code.value for c in found.codes} == {"I10", "J18.9"}
    assert "I10 Essential (primary) hypertension" in server.requests[0]["messages"][0]["content"]


def test_a_label_space_of_another_system_is_refused(tmp_path: Path) -> None:
    codes = tmp_path / "codes.txt"
    codes.write_text("icd9cm:401.9\n")
    with pytest.raises(ConfigError, match="holds icd9cm:401.9.*set system = 'icd9cm'"):
        predictor("http://127.0.0.1:1/v1", codes=codes)


def test_icd9_has_diagnoses_and_procedures(serve) -> None:
    answer = '{"401.9": "Hypertension", "38.93": "pneumonia", "38.9": "pneumonia"}'
    found = only(predictor(serve({"text": answer}).url, system="icd9cm"))
    assert {str(c.code) for c in found.codes} == {"icd9cm:401.9", "icd9pcs:38.93"}


def test_what_is_too_long_is_not_sent_and_named(serve) -> None:
    server = serve({"text": "[]"})
    found = only(predictor(server.url, max_words=2))
    assert TEXT[found.left_unread[0].start :].startswith("Admitted")
    assert "pneumonia" not in server.requests[0]["messages"][0]["content"]


def test_knowledge_chooses_what_is_sent(serve) -> None:
    text = "Social History:\nLives with a cat.\n\nPlan:\nTreat hypertension.\n\nAllergies:\nNone at all."
    server = serve({"text": '[{"code": "I10", "evidence": "Treat hypertension"}]'})
    found = only(predictor(server.url, max_words=3, sampler="knowledge"), text)
    prompt = server.requests[0]["messages"][0]["content"]
    assert "Plan:\nTreat hypertension" in prompt
    assert "cat" not in prompt
    assert "None at all" not in prompt
    assert [text[span.start : span.end].split("\n")[0] for span in found.left_unread] == [
        "Social History:",
        "Allergies:",
    ]
    (evidence,) = found.codes[0].evidence
    assert text[evidence.start : evidence.end] == evidence.text == "Treat hypertension"


def test_sections_alone_and_expressions_of_a_file_choose_what_is_sent(serve, tmp_path: Path) -> None:
    text = "Social History:\nLives with a cat.\n\nKettle pressure.\n\nPlan:\nNone at all now."
    built = tmp_path / "medical_expressions.tsv"
    built.write_text("icd10cm:I10\tterm\tkettle pressure\n", encoding="utf-8")
    sent = {}
    for sampler in ("knowledge", "knowledge_sections"):
        server = serve({"text": "[]"})
        only(predictor(server.url, max_words=4, sampler=sampler, sampler_knowledge=str(built)), text)
        sent[sampler] = server.requests[0]["messages"][0]["content"]
    assert "Kettle pressure" in sent["knowledge"]
    assert "Social History:\nLives with" in sent["knowledge_sections"]
    assert "Kettle" not in sent["knowledge_sections"]


def test_what_chooses_is_the_wording_of_all_codes_that_may_be_answered(tmp_path: Path) -> None:
    codes = tmp_path / "codes.txt"
    codes.write_text("icd9cm:401.9\nicd9pcs:38.93\n")
    known = {code: texts for part in ("icd9cm", "icd9pcs") for code, texts in expressions.load(part).items()}
    asked = [Code("icd9cm", "401.9"), Code("icd9pcs", "38.93")]
    for given, wanted in (({"codes": codes}, asked), ({}, known)):
        sampler = predictor("http://127.0.0.1:9/v1", system="icd9cm", sampler="knowledge", **given).sampler
        assert sampler is not None
        assert set(sampler.terms) == {one.text for code in wanted for one in known[code]}


def test_an_empty_note_is_not_sent(serve) -> None:
    server = serve({"text": "[]"})
    assert only(predictor(server.url), " \n").warnings == ("The note is empty.",)
    assert server.requests == []


def test_an_endpoint_that_dies_costs_only_the_notes_after(serve) -> None:
    server = serve({"text": ANSWER}, {"status": 500})
    notes = [Note(str(i), TEXT) for i in range(5)]
    found = list(predictor(server.url).predict(notes))
    assert len(found[0].accepted) == 2
    assert [len(p.codes) for p in found[1:]] == [0, 0, 0, 0]
    assert "status 500" in found[1].warnings[0]
    assert "before this one" in found[4].warnings[0]
    assert len(server.requests) == 3
    with pytest.raises(EndpointError):
        list(predictor(serve({"status": 500}).url).predict(notes))


def test_a_note_that_the_endpoint_does_not_take_stops_no_other(serve) -> None:
    server = serve({"text": ANSWER}, {"status": 400}, {"status": 413}, {"status": 400}, {"text": ANSWER})
    coder = predictor(server.url)
    found = list(coder.predict([Note(str(i), TEXT) for i in range(5)]))
    assert [len(p.accepted) for p in found] == [2, 0, 0, 0, 2]
    assert [p.not_coded is None for p in found] == [True, False, False, False, True]
    assert "status 413" in str(found[2].not_coded)
    assert coder.counts["notes_unanswered"] == 3


def test_a_note_that_was_not_coded_is_named_and_told_by_the_exit_status(
    serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from icdcoder.cli.coding import Request, code_sources

    url = serve({"text": ANSWER}, {"status": 413}).url
    toml = tmp_path / "mine.toml"
    toml.write_text(f'predictor = "prompted"\n[endpoint]\nurl = "{url}"\nmodel = "tiny"\n', encoding="utf-8")
    for name in ("first", "second"):
        (tmp_path / f"{name}.txt").write_text(TEXT, encoding="utf-8")
    sources = [str(tmp_path / f"{name}.txt") for name in ("first", "second")]
    assert code_sources(Request(sources, coder=str(toml), output=str(tmp_path / "out.jsonl"))) == 1
    said = capsys.readouterr().err
    assert "note 'second': The endpoint" in said
    assert "1 note could not be coded; 1 was." in said
    assert len((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_an_answer_that_was_cut_before_it_began_is_no_prose(serve) -> None:
    thoughts = '{"choices": [{"message": {"content": null}, "finish_reason": "length"}]}'
    coder = predictor(serve({"raw": thoughts}).url)
    (warning,) = only(coder).warnings
    assert "max_tokens" in warning
    assert (coder.faults["answers_cut"], coder.faults["answers_prose"]) == (1, 0)


def test_recorded_on_demand_and_replayed_without_an_endpoint(serve, tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    server = serve({"text": ANSWER})
    first = only(predictor(server.url, record=path))
    server.stop()
    again = only(predictor(server.url, replay=path))
    assert again.to_json() == first.to_json()
    with pytest.raises(ConfigError, match="together"):
        predictor(server.url, replay=path, record=path)


def test_nothing_is_written_unless_a_file_is_named(serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompted, "Recorder", lambda *_: pytest.fail("prompts were recorded"))
    (here := tmp_path / "here").mkdir()
    monkeypatch.chdir(here)
    assert only(predictor(serve({"text": ANSWER}).url)).codes
    assert list(here.iterdir()) == []


def test_prompts_can_be_changed(serve, tmp_path: Path) -> None:
    server = serve({"text": "[]"})
    (tmp_path / "zero_shot.txt").write_text("Codes, please: {note}")
    only(predictor(server.url, prompts=tmp_path))
    assert server.requests[0]["messages"][0]["content"] == f"Codes, please: {TEXT}"
    (tmp_path / "zero_shot.txt").write_text("Codes, please.")
    with pytest.raises(ConfigError, match="no {note}"):
        only(predictor(server.url, prompts=tmp_path))
    with pytest.raises(ConfigError, match="no folder of prompts"):
        predictor(server.url, prompts=tmp_path / "none")


def test_examples_of_the_users(serve, tmp_path: Path) -> None:
    path = tmp_path / "examples.jsonl"
    path.write_text('{"note": "Cough for days.", "codes": [{"code": "R05.9", "evidence": "Cough"}]}\n')
    server = serve({"text": "[]"})
    only(predictor(server.url, strategy="few_shot", examples=path))
    assert "Cough for days." in server.requests[0]["messages"][0]["content"]
    path.write_text('{"note": "Cough\u2028for days.", "codes": []}\n', encoding="utf-8")
    only(predictor(server.url, strategy="few_shot", examples=path))
    path.write_text('{"note": "canary"}\n')
    with pytest.raises(ConfigError, match="line 1") as error:
        only(predictor(server.url, strategy="few_shot", examples=path))
    assert "canary" not in str(error.value)


def test_a_settings_file_is_a_coder(serve, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'predictor = "prompted"\n[endpoint]\nurl = "{serve({"text": ANSWER}).url}"\nmodel = "tiny"\n')
    assert len(Coder.load(path).code(TEXT).accepted) == 2
    command = [sys.executable, "-m", "icdcoder.cli", "code", "--coder", str(path), "-", "--format", "jsonl"]
    done = subprocess.run(command, input=TEXT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["coder"]["name"] == "prompted-zero_shot tiny"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "which predictor"),
        ('predictor = "promted"', "Did you mean 'prompted'"),
        ('predictor = "neural"', "is trained"),
        ('predictor = "prompted"', "'endpoint' is missing"),
        ('predictor = "prompted"\n[endpoint]\nurl = "https://8.8.8.8/v1"\nmodel = "x"', "PhysioNet"),
        ('predictor = "prompted"\nstrategy = "treee"\n[endpoint]\nurl = "http://127.0.0.1/v1"\nmodel = "x"', "'tree'"),
    ],
)
def test_wrong_settings_are_sentences(tmp_path: Path, body: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(body)
    with pytest.raises(ConfigError, match=said):
        Coder.load(path)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(MissingExtraError, match=r"icdcoder\[endpoint\]"):
        predictor("http://127.0.0.1:9/v1")


@pytest.mark.parametrize(("system", "shown", "other"), [("icd10cm", "I10", "401.9"), ("icd9cm", "401.9", "I10")])
def test_the_examples_are_of_the_system_that_is_asked_about(serve, system: str, shown: str, other: str) -> None:
    server = serve({"text": "[]"})
    only(predictor(server.url, strategy="few_shot", system=system), "Fever.")
    prompt = server.requests[0]["messages"][0]["content"]
    assert f'"code": "{shown}"' in prompt
    assert f'"code": "{other}"' not in prompt


def test_the_examples_we_bring_are_right() -> None:
    from icdcoder.predictors.prompting.quotes import Searchable
    from icdcoder.predictors.prompting.strategies.few_shot import OWN

    for row in map(json.loads, OWN.read_text().splitlines()):
        for given in row["codes"]:
            assert Codebook(row["system"]).code(given["code"]) is not None, given
            assert Searchable.of(row["note"]).find(given["evidence"])
