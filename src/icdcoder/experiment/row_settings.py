"""The settings of one row of a published table: on its own data set, or on a stand-in by the protocol for all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from icdcoder.core import components
from icdcoder.core.config import override
from icdcoder.core.errors import ConfigError, did_you_mean
from icdcoder.experiment import published
from icdcoder.experiment.published import PublishedTable, Row

CHECKPOINT = "checkpoint."


@dataclass(frozen=True)
class RowSettings:
    """base: what `Experiment.resolve` takes. over, pool: further axes, as `icdcoder sweep` takes them.
    missing: what only the user can give and did not, as words; "" where nothing is."""

    base: dict[str, Any]
    over: tuple[str, ...] = ()
    pool: str | None = None
    missing: str = ""


def row_settings(row: Row, table: PublishedTable, corpus: str, settings: Sequence[str]) -> RowSettings:
    """settings: the user's overrides. One that some row of the table must be given (a checkpoint, or what its data set
    needs) goes to the rows that ask for it and to no other, so that one command serves a table of words and subwords,
    and of several data sets. "checkpoint.NAME=FOLDER"
    goes to the rows that ask for the checkpoint of that name (see `family`), as one table may compare several.

    A model with a checkpoint reads its notes by the tokenizer beside the weights, unless `text.tokens` says otherwise.
    What the user sets is no axis any more: "corpus.fold=0" takes one fold where the protocol has five.
    """
    asked = {key for other in table.rows for key in _given(other, corpus)} - set(_given(row, corpus))
    plain, named = _divided(settings)
    own = [setting for setting in plain if setting.partition("=")[0].strip() not in asked]
    own += [f"{key}={named[family(what)]}" for key, what in row.given.items() if family(what) in named]
    found = _on_stand_in(row, corpus) if corpus else _on_its_own_data(row)
    base = _with_tokenizer(override(found.base, own))
    fixed = {setting.partition("=")[0].strip() for setting in own}
    over = tuple(axis for axis in found.over if axis.partition("=")[0] not in fixed)
    pool = None if found.pool in fixed else found.pool
    return RowSettings(base, over, pool, _missing(row, corpus, base, len(families(table.rows)) > 1))


def family(what: str) -> str:
    """The name of a checkpoint that a row asks for: "the folder of T5-base" → "t5-base"."""
    return re.sub(r"[^a-z0-9]+", "-", what.removeprefix("the folder of ").lower()).strip("-")


def families(rows: Sequence[Row]) -> dict[str, str]:
    """Those that the rows ask for: {name: what it is}."""
    return {family(what): what for row in rows for what in row.given.values()}


def check_checkpoints(rows: Sequence[Row], table: PublishedTable, settings: Sequence[str]) -> None:
    """rows: of the table, those wanted. Raises ConfigError for a name of a checkpoint that no row of the table asks
    for, and where rows that ask for different ones would all start from one."""
    plain, named = _divided(settings)
    known = families(table.rows)
    for name in named:
        if name not in known:
            near = did_you_mean(name, list(known))
            raise ConfigError(f"No row asks for {CHECKPOINT}{name}.{near} Known: {', '.join(known) or 'none'}.")
    given = {setting.partition("=")[0].strip() for setting in plain}
    for key in sorted(given):
        others = families([row for row in rows if key in row.given]).keys() - named.keys()
        if len(others) > 1:
            raise ConfigError(
                f"{key} is one folder, and these rows are of different models: {', '.join(sorted(others))}. Give each "
                f"its own, --set {CHECKPOINT}{min(others)}=FOLDER, or choose rows with --system."
            )


def _divided(settings: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """(settings that go to all rows, folders by the name of the checkpoint)."""
    plain, named = [], {}
    for setting in settings:
        key, _, value = setting.partition("=")
        if key.strip().startswith(CHECKPOINT):
            named[key.strip().removeprefix(CHECKPOINT)] = value.strip()
        else:
            plain.append(setting)
    return plain, named


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


def _missing(row: Row, corpus: str, base: dict[str, Any], several: bool) -> str:
    """The corpus's folder, a checkpoint. several: the table asks for checkpoints of more than one name."""
    given = _given(row, corpus)
    root = components.load("corpora", base["corpus"]["kind"]).Config.model_fields.get("root")
    if root is not None and root.is_required():
        given["corpus.root"] = (published.stand_in(corpus) if corpus else published.data_set(row.set)).needs
    lacking = [
        f"needs {what}: --set {CHECKPOINT + family(what) if several and key in row.given else key}=…"
        for key, what in given.items()
        if not _is_set(base, key)
    ]
    return ", and ".join(lacking)


def _given(row: Row, corpus: str) -> dict[str, str]:
    """What only the user can give for this row, beside the corpus's folder."""
    return dict(row.given) if corpus else {**published.data_set(row.set).given, **row.given}


def _is_set(base: dict[str, Any], key: str) -> bool:
    found: Any = base
    for part in key.split("."):
        if not isinstance(found, dict) or part not in found:
            return False
        found = found[part]
    return True
