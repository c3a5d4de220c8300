"""The settings of a row: what the user gives goes where it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from icdcoder.core.errors import ConfigError
from icdcoder.experiment import published
from icdcoder.experiment.cautions import READ_BEFOREHAND
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.row_settings import RowSettings, check_checkpoints, row_settings

CONFIGS = Path(__file__).parents[2] / "configs"
PAPER1 = published.load("paper1-table1")
TABLE = published.load("systems")


def settings_of(kind: str, corpus: str = "", settings: Sequence[str] = ()) -> RowSettings:
    row = next(row for row in TABLE.rows if row.model["kind"] == kind)
    return row_settings(row, TABLE, corpus, settings)


def test_a_checkpoint_goes_to_the_rows_that_ask_for_it() -> None:
    given = ["model.checkpoint=/models/encoder"]
    assert settings_of("plm_icd", "synthetic", given).base["model"]["checkpoint"] == "/models/encoder"
    assert "checkpoint" not in settings_of("caml", "synthetic", given).base["model"]


def test_each_model_of_a_table_has_its_own_checkpoint() -> None:
    figure = published.load("paper2-figure2")
    given = ["checkpoint.t5-base=/models/base", "checkpoint.t5-large=/models/large"]
    for row in figure.rows:
        folder = f"/models/{'base' if 'base' in row.system else 'large'}"
        base = row_settings(row, figure, "synthetic", given).base
        assert (base["model"]["checkpoint"], base["text"]["checkpoint"]) == (folder, folder)
    assert row_settings(figure.rows[1], figure, "synthetic", given[:1]).missing.endswith("--set checkpoint.t5-large=…")
    check_checkpoints(figure.rows, figure, given)


def test_one_checkpoint_for_rows_of_different_models_is_refused() -> None:
    figure = published.load("paper2-figure2")
    one = ["model.checkpoint=/models/base"]
    with pytest.raises(ConfigError, match=r"different models: t5-base, t5-large.*checkpoint\.t5-base=FOLDER"):
        check_checkpoints(figure.rows, figure, one)
    check_checkpoints(figure.rows[1:], figure, one)
    check_checkpoints(figure.rows, figure, [*one, "checkpoint.t5-large=/models/large"])
    with pytest.raises(ConfigError, match="Did you mean 't5-large'"):
        check_checkpoints(figure.rows, figure, ["checkpoint.t5-larg=/models/large"])


def test_other_settings_go_to_every_row() -> None:
    for kind in ("caml", "plm_icd"):
        assert settings_of(kind, "synthetic", ["train.epochs=2"]).base["train"]["epochs"] == 2


def test_a_model_with_a_checkpoint_reads_by_its_tokenizer() -> None:
    given = ["model.checkpoint=/models/encoder"]
    text = settings_of("hilat", "codiesp", given).base["text"]
    assert (text["tokens"], text["checkpoint"]) == ("subwords", "/models/encoder")
    assert "min_documents" not in text
    kept = settings_of("hilat", "codiesp", [*given, "text.tokens=words"]).base["text"]
    assert kept["tokens"] == "words"


def test_what_is_missing_is_named_with_its_setting() -> None:
    assert "--set model.checkpoint=" in settings_of("plm_ca", "synthetic").missing
    assert "--set corpus.root=" in settings_of("caml", "codiesp").missing
    assert "--set corpus.root=" in settings_of("caml").missing
    both = settings_of("plm_ca", "codiesp").missing
    assert "--set model.checkpoint=" in both
    assert "--set corpus.root=" in both
    assert settings_of("caml", "synthetic").missing == ""


def test_a_stand_in_has_small_sizes_and_the_own_data_set_the_papers() -> None:
    assert settings_of("laat", "synthetic").base["model"]["hidden"] < settings_of("laat").base["model"]["hidden"]
    assert settings_of("caml", "synthetic").base["model"] == {"kind": "caml"}


def test_all_systems_of_a_stand_in_have_one_protocol_but_the_linear_floor_and_pretrained_encoders() -> None:
    own = {row.model["kind"]: settings_of(row.model["kind"], "cmc2007").base["train"] for row in TABLE.rows}
    own.pop("linear")
    encoders = [own.pop(kind) for kind in ("plm_icd", "plm_ca", "hilat")]
    caml = own["caml"]
    assert all(train == caml for train in own.values())
    assert all(train == encoders[0] for train in encoders)
    assert {key: encoders[0][key] for key in ("epochs", "patience", "batch_size")} == {
        key: caml[key] for key in ("epochs", "patience", "batch_size")
    }
    assert encoders[0]["learning_rate"] < caml["learning_rate"]


@pytest.mark.parametrize("corpus", ["synthetic", "codiesp", "cmc2007"])
@pytest.mark.parametrize("row", TABLE.rows, ids=lambda row: row.model["kind"])
def test_every_row_is_an_experiment(corpus: str, row: published.Row) -> None:
    given = ["corpus.root=/data"] if corpus != "synthetic" else []
    base = row_settings(row, TABLE, corpus, [*given, "model.checkpoint=/models/encoder"]).base
    assert Experiment.resolve({**base, "name": "x", "runs": "runs"}).model_kind == row.model["kind"]


def test_every_kind_of_model_stands_in_the_table() -> None:
    from icdcoder.core import components

    elsewhere = {"llm_classifier", "llm_multirescnn", "generative_coder"}  # paper1-table1, paper2-table1
    missing = set(components.names("models")) - {row.model["kind"] for row in TABLE.rows} - elsewhere
    assert not missing


def shipped(row: published.Row) -> Path:
    """The configuration of the same system on the same codes."""
    codes = row.set.removeprefix("mimic3-").removesuffix("-correct")
    own = {"llm_classifier": f"llama2_c_mimic3_{codes}", "llm_multirescnn": f"llama2_r_mrcnn_mimic3_{codes}"}
    return CONFIGS / f"{own.get(row.model['kind'], f'mimic3_{codes}_' + row.model['kind'])}.toml"


@pytest.mark.parametrize("row", PAPER1.rows, ids=lambda row: f"{row.system} {row.set}")
def test_a_row_of_the_first_paper_is_trained_as_its_configuration(row: published.Row) -> None:
    folder = "/models/one"
    given = ["corpus.root=/data", f"model.checkpoint={folder}"]
    asked = Experiment.resolve({**row_settings(row, PAPER1, "", given).base, "name": "x"})
    settings = [f"{table}.checkpoint={folder}" for table in ("text", "model")] if row.given else []
    about = [f"model.{key}={value}" for key, value in row.model.items() if key in ("reduction", "hyperbolic")]
    # The published figures rest on the words of test notes, the configurations do not.
    read = [(table, key) for table, key, _ in READ_BEFOREHAND if asked.tables(table)[table].get(key) == "all"]
    about += [f"{table}.{key}=all" for table, key in read]
    config = Experiment.load(shipped(row), tuple(settings + about))
    tables = ("text", "words", "model", "train")
    assert asked.tables(*tables) == config.tables(*tables)


def test_a_stand_in_has_another_checkpoint_and_not_the_size_of_the_papers() -> None:
    row = next(row for row in PAPER1.rows if row.model["kind"] == "llm_classifier")
    given = ["model.checkpoint=/models/one"]
    own, stand_in = (row_settings(row, PAPER1, corpus, given).base for corpus in ("", "synthetic"))
    assert (own["model"]["context"], own["train"]["batch_size"]) == (8192, 2)
    assert not {"context", "weights", "gradient_checkpointing"} & set(stand_in["model"])
    assert stand_in["train"] == published.stand_in("synthetic").train


def test_what_the_user_sets_is_no_axis() -> None:
    table = published.load("systems")
    row = next(row for row in table.rows if row.system == "CNN")
    folds = row_settings(row, table, "cmc2007", ["corpus.root=/data"])
    assert (folds.over, folds.pool) == (("corpus.fold=0..4",), "corpus.fold")
    one = row_settings(row, table, "cmc2007", ["corpus.root=/data", "corpus.fold=2"])
    assert (one.over, one.pool, one.base["corpus"]["fold"]) == ((), None, 2)
