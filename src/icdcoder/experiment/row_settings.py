"""The settings of one row of a published table: on its own data set, or on a stand-in by the protocol for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from icdcoder.core import components
from icdcoder.core.config import override
from icdcoder.experiment import published
from icdcoder.experiment.published import PublishedTable, Row


@dataclass(frozen=True)
class RowSettings:
    """base: what `Experiment.resolve` takes. over, pool: further axes, as `icdcoder sweep` takes them.
    missing: what only the user can give and did not, as words; "" where nothing is."""

    base: dict[str, Any]
    over: tuple[str, ...] = ()
    pool: str | None = None
    missing: str = ""


def row_settings(row: Row, table: PublishedTable, corpus: str, settings: Sequence[str]) -> RowSettings:
    """settings: the user's overrides. One that some row of the table must be given (a checkpoint) goes to the rows
    that ask for it and to no other, so that one command serves a table of words and subwords.

    A model with a checkpoint reads its notes by the tokenizer beside the weights, unless `text.tokens` says otherwise.
    """
    asked = {key for other in table.rows for key in other.given} - set(row.given)
    own = [setting for setting in settings if setting.partition("=")[0].strip() not in asked]
    found = _on_stand_in(row, corpus) if corpus else _on_its_own_data(row)
    base = _with_tokenizer(override(found.base, own))
    return RowSettings(base, found.over, found.pool, _missing(row, corpus, base))


def _on_its_own_data(row: Row) -> RowSettings:
    """As its authors trained it, where that is known; what the row says itself has the last word."""
    recipe = published.recipe(row.model["kind"], row.set)
    said = {"corpus": published.data_set(row.set).corpus}
    said |= {table: getattr(row, table) for table in ("labels", "text", "words", "model", "train", "decide")}
    said["model"] = {**row.model, **row.own_model}
    return RowSettings({table: {**recipe.get(table, {}), **values} for table, values in said.items()})


def _on_stand_in(row: Row, corpus: str) -> RowSettings:
    """The stand-in's protocol, the same for every system, with its departures for this kind of model. What a row says
    of sampling and of deciding is its own: it is what the row is about."""
    protocol = published.stand_in(corpus)
    own = protocol.models.get(row.model["kind"], {})
    base = {
        "corpus": protocol.corpus,
        "labels": protocol.labels,
        "text": {**protocol.text, **own.get("text", {}), **{k: row.text[k] for k in ("sampler",) if k in row.text}},
        "model": {**row.model, **published.small_sizes(row.model["kind"]), **own.get("model", {})},
        "train": {**protocol.train, **own.get("train", {})},
        "decide": row.decide,
    }
    return RowSettings(base, protocol.over, protocol.pool)


def _with_tokenizer(base: dict[str, Any]) -> dict[str, Any]:
    checkpoint = base["model"].get("checkpoint")
    if checkpoint is None or "tokens" in base["text"]:
        return base
    # A vocabulary of words has settings that one of subwords does not know.
    text = {key: value for key, value in base["text"].items() if key != "min_documents"}
    return {**base, "text": {**text, "tokens": "subwords", "checkpoint": checkpoint}}


def _missing(row: Row, corpus: str, base: dict[str, Any]) -> str:
    """The corpus's folder, a checkpoint."""
    given = dict(row.given)
    root = components.load("corpora", base["corpus"]["kind"]).Config.model_fields.get("root")
    if root is not None and root.is_required():
        given["corpus.root"] = (published.stand_in(corpus) if corpus else published.data_set(row.set)).needs
    for key, what in given.items():
        if not _is_set(base, key):
            return f"needs {what}: --set {key}=…"
    return ""


def _is_set(base: dict[str, Any], key: str) -> bool:
    found: Any = base
    for part in key.split("."):
        if not isinstance(found, dict) or part not in found:
            return False
        found = found[part]
    return True
