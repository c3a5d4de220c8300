"""Published tables as data: each row with its source, data set, protocol and figures; one TOML file a table."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from icdcoder.core.config import Settings, build
from icdcoder.experiment import packaged
from icdcoder.experiment.packaged import known

PACKAGE = "icdcoder.experiment"


class Row(Settings):
    """One system on one data set. given: settings that only the user can give, each with what it is.

    own_model, words: settings that belong to the row's own data set and checkpoint (a longer context, the type of the
    weights, vectors of words); on a stand-in they are left out. published: figures under the full names of our
    measures, so that two definitions of macro-F1 never meet. source: where they are from, where that is not the
    table's own source.
    """

    system: str
    set: str
    source: str = ""
    model: dict[str, Any]
    own_model: dict[str, Any] = {}
    train: dict[str, Any] = {}
    text: dict[str, Any] = {}
    words: dict[str, Any] = {}
    labels: dict[str, Any] = {}
    decide: dict[str, Any] = {}
    given: dict[str, str] = {}
    published: dict[str, float]


class PublishedTable(Settings):
    title: str
    source: str
    notes: tuple[str, ...] = ()
    rows: tuple[Row, ...] = Field(min_length=1)


class DataSet(Settings):
    """A data set of the literature. needs: what the user must have. corpus: the settings that make it. given: as of a
    `Row`, of this data set alone, beside the corpus's folder."""

    title: str
    needs: str
    corpus: dict[str, Any]
    given: dict[str, str] = {}


class StandIn(Settings):
    """A corpus on which the systems can be compared without MIMIC, and the one protocol for all of them.

    over, pool: further axes of each run, as `icdcoder sweep` takes them. models: departures of one kind of model.
    """

    title: str
    needs: str = ""
    corpus: dict[str, Any]
    labels: dict[str, Any] = {}
    text: dict[str, Any] = {}
    train: dict[str, Any] = {}
    over: tuple[str, ...] = ()
    pool: str | None = None
    models: dict[str, dict[str, dict[str, Any]]] = {}


class Recipe(Settings):
    """How the authors of some kinds of model trained on some data sets; see tables/_recipes.toml."""

    kinds: tuple[str, ...]
    sets: tuple[str, ...]
    corpus: dict[str, Any] = {}
    text: dict[str, Any] = {}
    words: dict[str, Any] = {}
    model: dict[str, Any] = {}
    train: dict[str, Any] = {}
    decide: dict[str, Any] = {}


def names() -> list[str]:
    """Names of the published tables, sorted."""
    return packaged.names(PACKAGE)


def load(name: str) -> PublishedTable:
    """Raises ConfigError (did you mean …) for an unknown name."""
    return build(PublishedTable, _read(known(name, names(), "table")), name)


def data_set(name: str) -> DataSet:
    sets = _read("_sets")
    return build(DataSet, sets[known(name, list(sets), "data set")], name)


def recipe(kind: str, data: str) -> dict[str, dict[str, Any]]:
    """Tables of settings for one kind of model on one data set; none where nothing is known of its training."""
    found: dict[str, dict[str, Any]] = {}
    for number, entry in enumerate(_read("_recipes")["recipes"]):
        one = build(Recipe, entry, f"recipes.{number}")
        if kind in one.kinds and data in one.sets:
            for table, values in one.model_dump(exclude={"kinds", "sets"}).items():
                found[table] = {**found.get(table, {}), **values}
    return found


def stand_in(name: str) -> StandIn:
    """Raises ConfigError (did you mean …) for an unknown name."""
    corpora = _read("_corpora")
    return build(StandIn, corpora[known(name, list(corpora), "corpus for reproductions")], name)


def small_sizes(kind: str) -> dict[str, Any]:
    """Sizes of one kind of model on any stand-in; none: the paper's."""
    return _read("_small").get(kind, {})


def _read(name: str) -> dict[str, Any]:
    return packaged.read(PACKAGE, name)
