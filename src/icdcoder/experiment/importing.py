"""Weights trained by the authors' own code → a run of ours, from which `decide` and `evaluate` go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from icdcoder.core import components
from icdcoder.core.errors import ArtefactError, ConfigError, InputError
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepare import require_prepared
from icdcoder.experiment.prepared import Prepared
from icdcoder.models.reference import renamed

if TYPE_CHECKING:
    from torch import Tensor, nn

REFERENCES = "models.reference"


class Layout(NamedTuple):
    """Rows of an embedding: of the first word, of padding, of unknown, and how many there are in all."""

    first: int
    padding: int
    unknown: int
    rows: int


def _layout(kind: str | None, words: int) -> Layout:
    if kind == "behind":  # the words, then unknown, padding and a mask
        return Layout(0, words + 1, words, words + 3)
    return Layout(2, 0, 1, words + 2) if kind == "first" else Layout(1, 0, words + 1, words + 2)


def import_weights(
    experiment: Experiment, kind: str, file: Path, *, codes: Path, words: Path | None = None, names: Path | None = None
) -> dict[str, int]:
    """Writes the weights in `file` as the best ones of the experiment's run.

    codes: one code a line, in the order of the output layer. words: one word a line, in the order of the rows of the
    embedding, without padding and unknown; models that read subwords need none. A word of ours that the file does not
    know gets its unknown word's vector. names: one a line what the model's third list has, for models with one.
    Returns counts by name, for a message. Raises ConfigError where the experiment is of another kind; InputError where
    the file cannot be read without running code, or does not fit; ArtefactError where the run has weights already.
    """
    from safetensors.torch import save_file

    from icdcoder.experiment.training import BEST, build_model, claim

    if kind != experiment.model_kind:
        raise ConfigError(f"The configuration trains {experiment.model_kind!r}, the weights are to be of {kind!r}.")
    reference = components.load(REFERENCES, kind)
    theirs = read_weights(file)
    prepared = require_prepared(experiment)
    model = build_model(experiment, prepared)
    getattr(reference, "require", lambda _: None)(model)
    put_together = getattr(reference, "put_together", dict)
    theirs = put_together(theirs)
    named = {ours: theirs[name] for name, ours in renamed(reference, theirs).items() if ours is not None}
    found = _in_our_order(named, reference, prepared, _lines(codes), None if words is None else _lines(words))
    if hasattr(reference, "NAMED"):
        found = _by_names(found, model, reference, prepared, None if names is None else _lines(names))
    _require_fitting(found, model, getattr(reference, "KEPT", ()))
    weights = {**model.state_dict(), **found}
    if (experiment.run / BEST).exists():
        raise ArtefactError(f"{experiment.run} has weights already; choose another name (--set name=…).")
    claim(experiment.run, experiment)
    save_file(weights, experiment.run / BEST)
    (experiment.run / BEST).chmod(0o644)  # safetensors writes for the owner alone
    return {"weights taken": len(found), "weights left out": len(theirs) - len(named)}


def read_weights(file: Path) -> dict[str, Tensor]:
    """A state dict from safetensors, or from a file of torch.save that holds nothing but tensors and plain values.

    Nothing in the file is executed. Raises InputError where it is missing or is neither.
    """
    import pickle

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not file.is_file():
        raise InputError(f"There is no file {file}.")
    try:
        return load_file(file)
    except SafetensorError:
        pass
    try:
        found = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError):
        raise InputError(
            f"{file} is neither safetensors nor a state dict of tensors saved by torch. A file that holds a whole "
            "model would run its code on loading, and is refused: save its state_dict() where it was trained."
        ) from None
    for key in ("state_dict", "model"):  # beside what training goes on from
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise InputError(f"{file} holds something else than named tensors.")
    return {str(name).removeprefix("module."): value for name, value in found.items()}


def _in_our_order(
    named: Mapping[str, Tensor],
    reference: ModuleType,
    prepared: Prepared,
    codes: Sequence[str],
    words: Sequence[str] | None,
) -> dict[str, Tensor]:
    import torch

    of_code = {code: row for row, code in enumerate(codes)}
    missing = [code.value for code in prepared.space if code.value not in of_code]
    if missing:
        raise InputError(f"{len(missing)} codes of the label space are not in the list of codes, {missing[0]} first.")
    code_rows = torch.tensor([of_code[code.value] for code in prepared.space])
    word_rows = None if reference.UNKNOWN is None else torch.tensor(_word_rows(reference, prepared, words))
    by_code = getattr(reference, "BY_CODE", ("label_attention.",))
    found = {}
    for name, value in named.items():
        if name.startswith(by_code):
            _require_rows(value, len(codes), "codes")
            value = value[code_rows]
        elif name.endswith("words.embedding.weight") and word_rows is not None:
            _require_rows(value, _layout(reference.UNKNOWN, len(words or ())).rows, "words, padding and unknown")
            value = value[word_rows]
        found[name] = value.contiguous()
    return found


def _by_names(
    found: Mapping[str, Tensor],
    model: nn.Module,
    reference: ModuleType,
    prepared: Prepared,
    names: Sequence[str] | None,
) -> dict[str, Tensor]:
    """The same with the rows and columns of the third list in our order."""
    import torch

    if names is None:
        raise ConfigError(f"A model of this kind needs --names: {reference.NAMES}.")
    rows = torch.tensor(reference.rows(model, prepared.space, names), dtype=torch.long)
    ordered = dict(found)
    for name, value in found.items():
        for beginning, axis in reference.NAMED.items():
            if name.startswith(beginning):
                expected = len(names) + getattr(reference, "MORE_ROWS", 0)
                _require_rows(value.movedim(axis, 0), expected, f"names ({reference.NAMES})")
                ordered[name] = value.index_select(axis, rows).contiguous()
    return ordered


def _word_rows(reference: ModuleType, prepared: Prepared, words: Sequence[str] | None) -> list[int]:
    """For each row of our embedding the row of theirs; padding, unknown, then the words of our vocabulary."""
    from icdcoder.text.readers.words import WordReader

    if words is None:
        raise ConfigError("A model that reads words needs --words: the vocabulary in the order of its embedding.")
    if not isinstance(prepared.reader, WordReader):
        raise ConfigError("A model that reads words needs a corpus that was prepared with text.tokens = 'words'.")
    layout = _layout(reference.UNKNOWN, len(words))
    rows = {word: row for row, word in enumerate(words, start=layout.first)}
    return [
        layout.padding,
        layout.unknown,
        *(rows.get(word, layout.unknown) for word in prepared.reader.vocabulary.words[2:]),
    ]


def _require_rows(value: Tensor, expected: int, what: str) -> None:
    if len(value) != expected:
        raise InputError(f"The file has {len(value)} rows where the lists name {expected} {what}.")


def _require_fitting(found: Mapping[str, Tensor], model: nn.Module, kept: Sequence[str] = ()) -> None:
    ours = model.state_dict()
    trained = {name for name, _ in model.named_parameters() if not name.startswith(tuple(kept))}
    if missing := sorted(trained - set(found)):
        raise InputError(f"The file lacks {len(missing)} weights of the configured model, {missing[0]} first.")
    if more := sorted(set(found) - set(ours)):
        raise InputError(f"The configured model lacks {len(more)} weights of the file, {more[0]} first.")
    for name, value in found.items():
        if value.shape != ours[name].shape:
            raise InputError(
                f"{name} is {list(value.shape)} in the file and {list(ours[name].shape)} in the configured model; "
                "set the sizes of the model as the file has them."
            )


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path} cannot be read as a list, one entry a line.") from None
