"""Subwords, cut and numbered by the tokenizer of a pretrained model (its `tokenizer.json`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from icdcoder.core.components import extra_named
from icdcoder.core.config import Settings
from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.text.checkpoints import checkpoint_folder
from icdcoder.text.reader import Encoded, Ids

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE = "tokenizer.json"


class Config(Settings):
    """checkpoint: the folder of the pretrained model, whose tokenizer this is; or a tokenizer.json. Only `prepare`
    needs it: prepared and coder folders hold a copy."""

    checkpoint: Path | None = None


class Subwords:
    """A reader. Special tokens are not among what it gives: the network sets them around what it reads, and they are
    no evidence. A text that spells one ("</s>") is read as the characters that it has.

    definition: the content of a tokenizer.json. Raises ConfigError where it is none, MissingExtraError without [llm].
    """

    def __init__(self, definition: str) -> None:
        with extra_named("Cutting notes into subwords"):
            from tokenizers import Tokenizer
        try:
            self._tokenizer: Tokenizer = Tokenizer.from_str(definition)
        except Exception as error:  # the library raises plain Exception
            raise ConfigError(f"This is no {FILE} that the library tokenizers can read: {error}.") from None
        self._definition = definition
        # Files in the wild cut at 128 tokens and fill up to it.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True

    @classmethod
    def load(cls, path: Path) -> Subwords:
        """Of a tokenizer.json, or of the folder that holds it. Raises ConfigError where there is none."""
        file = path / FILE if path.is_dir() else path
        try:
            return cls(file.read_bytes().decode("utf-8"))
        except FileNotFoundError:
            raise ConfigError(
                f"There is no {file}. Of an older checkpoint, transformers writes one: "
                "AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)"
            ) from None
        except (UnicodeDecodeError, OSError):
            raise ArtefactError(f"{file} cannot be read as text.") from None

    @property
    def size(self) -> int:
        """One more than the highest number, special tokens included."""
        return max(self._tokenizer.get_vocab(with_added_tokens=True).values()) + 1

    @property
    def files(self) -> tuple[str, ...]:
        return (FILE,)

    @property
    def special_tokens(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """(numbers set before a text, numbers set after it), as the tokenizer's own template has them."""
        bare = self._tokenizer.encode("x", add_special_tokens=False).ids
        whole = self._tokenizer.encode("x", add_special_tokens=True).ids
        start = next(i for i in range(len(whole) + 1) if whole[i : i + len(bare)] == bare)
        return tuple(whole[:start]), tuple(whole[start + len(bare) :])

    def read(self, text: str) -> Encoded:
        """Offsets leave out the white space that a subword may carry, unless it is all that the subword is."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return Encoded(np.array(encoding.ids, dtype=np.int32), _trimmed(text, encoding.offsets))

    def encode(self, text: str) -> Ids:
        return np.array(self._tokenizer.encode(text, add_special_tokens=False).ids, dtype=np.int32)

    def encode_all(self, texts: Sequence[str]) -> list[Ids]:
        found = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(encoding.ids, dtype=np.int32) for encoding in found]

    def decode(self, numbers: Sequence[int]) -> str:
        """The text that a language model wrote, without special tokens."""
        return self._tokenizer.decode(list(numbers), skip_special_tokens=True)

    def save(self, folder: Path) -> None:
        (folder / FILE).write_bytes(self._definition.encode())


@dataclass(frozen=True)
class SubwordLearner:
    """There is nothing to learn: draft numbers are final. Tokenizers run on all cores by themselves."""

    known: Subwords
    least: ClassVar[int] = 1
    reads_all: ClassVar[bool] = False
    divisible: ClassVar[bool] = False

    def numbers(self) -> SubwordLearner:
        return self

    def number(self, texts: Sequence[str]) -> list[Ids]:
        return self.known.encode_all(texts)

    def names(self) -> str:
        return "\n".join(map(str, range(self.known.size)))

    def reader(self, documents: Mapping[str, int]) -> Subwords:
        return self.known

    def final(self, reader: Subwords, names: Sequence[str]) -> None:
        return None


def learner(config: Config) -> SubwordLearner:
    """Raises ConfigError where the checkpoint is not named or has no tokenizer, MissingExtraError without [llm]."""
    if config.checkpoint is None:
        raise ConfigError(
            "Subwords need text.checkpoint: the folder of the pretrained model whose tokenizer cuts them."
        )
    if config.checkpoint.is_file():
        return SubwordLearner(Subwords.load(config.checkpoint))
    return SubwordLearner(Subwords.load(checkpoint_folder(config.checkpoint)))


def load(folder: Path, config: Config) -> Subwords:
    """Raises ArtefactError where the tokenizer is missing or damaged."""
    try:
        return Subwords.load(folder)
    except ConfigError as error:
        raise ArtefactError(f"The tokenizer in {folder} is missing or damaged: {error}") from None


def _trimmed(text: str, offsets: Sequence[tuple[int, int]]) -> npt.NDArray[np.int32]:
    found = np.array(offsets, dtype=np.int32).reshape(-1, 2)
    for row in found:
        piece = text[row[0] : row[1]]
        bare = piece.strip()
        if bare and len(bare) < len(piece):
            row[0] += len(piece) - len(piece.lstrip())
            row[1] = row[0] + len(bare)
    return found
