"""What a run was started with, so that it goes on only with the same configuration, notes and model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from icdcoder.core.errors import ArtefactError
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.train.config import TrainConfig


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """config: the settings, in full. notes: a digest of tokens and gold codes. model: each tensor's shape and type."""

    config: dict[str, Any]
    notes: str
    model: dict[str, str]

    @classmethod
    def of(cls, config: TrainConfig, notes: TokenisedNotes, model: nn.Module) -> Fingerprint:
        trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
        shapes = {}
        for name, tensor in model.state_dict().items():
            kind = str(tensor.dtype).removeprefix("torch.")
            shapes[name] = f"{list(tensor.shape)} {kind}{'' if name in trained else ' fixed'}"
        return cls(config.model_dump(mode="json"), _digest_of(notes), shapes)

    def to_json(self) -> dict[str, Any]:
        return {
            "config": self.config,
            "config_digest": digest(self.config),
            "notes_digest": self.notes,
            "model": self.model,
            "model_digest": digest(self.model),
        }

    def require(self, made_with: Mapping[str, Any], where: str) -> None:
        """Raises ArtefactError, naming both sides, where the checkpoints at `where` were made with something else."""
        problem = (
            _difference("other settings", made_with["config"], self.config)
            or _difference("another model", made_with["model"], self.model)
            or _other("other training notes", made_with["notes_digest"], self.notes)
        )
        if problem:
            raise ArtefactError(
                f"The training in {where} cannot go on: it was begun with {problem}. "
                "Use what it was begun with, train in another folder, or begin anew (--fresh)."
            )


def digest(data: Mapping[str, Any]) -> str:
    """sha256 of plain data, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _digest_of(notes: TokenisedNotes) -> str:
    sha = hashlib.sha256(f"{len(notes)} notes, {notes.codes} codes".encode())
    channels = (notes.channels[name] for name in sorted(notes.channels))
    for rows in (notes.tokens, notes.gold or (), *channels):
        sha.update(np.fromiter((len(row) for row in rows), dtype=np.int64, count=len(rows)).tobytes())
        for row in rows:
            sha.update(np.ascontiguousarray(row, dtype=np.int32).tobytes())
    return sha.hexdigest()


def _difference(what: str, there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    keys = [key for key in sorted({*there, *here}) if there.get(key) != here.get(key)]
    if not keys:
        return ""
    shown = [f"{key} is {there.get(key, 'absent')} there and {here.get(key, 'absent')} here" for key in keys[:5]]
    more = f", and {len(keys) - 5} more differ" if len(keys) > 5 else ""
    return f"{_other(what, digest(there), digest(here))}: {', '.join(shown)}{more}"


def _other(what: str, there: str, here: str) -> str:
    return "" if there == here else f"{what} (digest {there[:12]} there, {here[:12]} here)"
