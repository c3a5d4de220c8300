"""KG-MultiResCNN: MultiResCNN that reads, beside the words, the entities which they name, as vectors of a graph.

Boukhers, Goswami and Jürjens, "Knowledge Guided Multi-filter Residual Convolutional Neural Network for ICD Coding from
Clinical Text", Neural Computing and Applications 35, 2023. For the words x_t of a note and the vectors g_e of the
entities that it names, each once:

    X'_t = (1 + tfidf_t) x_t        E = G W + b        H = MultiFilterResidual([X' ; E])        then as MultiResCNN

where tfidf_t is 0 for words that are not among the note's 300 greatest; dropout behind the sequence and each filter.

What we do otherwise, and why:
- The paper finds entities by a neural tagger, takes those whose words are the title of a page of Wikidata, and has
  their vectors from PyTorch-BigGraph (TransE on all of Wikidata). Here, knowledge/entities.py knows entities and how
  they are written, and TransE is trained on its graph; `vectors` names a file of other vectors for the same nodes
  (knowledge/graph_embeddings.py), and `vector_names` one that tells which vector is which code's, as Wikidata's go by
  numbers of its own. Entities are found in the numbers of the words, so that a saved model needs nothing
  beside it. The vectors are trained on, as in the authors' notebook.
- The authors fill every note up to 3,000 words and put the entities behind, so that zeros lie between both unless the
  note is that long. Here, zeros lie between them always.
- Their notebook weighs the words of every note by the TF-IDF that the first note of its file, the shortest one, gives
  them, of the 300 commonest words. Here, each note is weighed by its own; `weighing_note` names a file with the text of
  a note that weighs all, training notes and others, as the notebook has it for each part of the corpus.
- A note without entities is left out by the authors. Here, it is read without them.
Attention to an entity is given to the words of its first mention.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from pydantic import Field, field_validator
from torch import Tensor, nn
from torch.nn.functional import pad

from icdcoder.core import text_file
from icdcoder.core.config import Settings
from icdcoder.core.errors import InputError
from icdcoder.knowledge import entities, graph_embeddings
from icdcoder.nn.contract import PAD, UNKNOWN, Batch, ModelContext, Scores
from icdcoder.nn.dropout import Dropout
from icdcoder.nn.knowledge_tables import sized_by_state
from icdcoder.nn.label_attention import LabelAttention
from icdcoder.nn.phrase_table import Found, PhraseTable, known_phrases
from icdcoder.nn.residual_filter import ResidualFilter, side_by_side
from icdcoder.nn.term_weights import inverse_document_frequency, tf_idf
from icdcoder.nn.word_embedding import WordEmbedding, embed_words


class Config(Settings):
    """The authors' sizes. kernels: widths of the filters, odd. blocks: widths of the residual blocks.

    entities: at most so many of a note are read. graph_width, graph_epochs: of the vectors trained on our graph.
    phrases: a file of further names of entities (knowledge/entities.py).
    weighted_terms: how many words of a note are weighed by TF-IDF; 0: none. weighing_note: a file with the text that
    weighs all notes; of it, so many of the words that most training notes hold.
    """

    embedding: int = Field(100, gt=0)
    freeze_words: bool = False
    kernels: tuple[int, ...] = Field((3, 5, 7, 9, 13, 15, 17, 23, 29), min_length=1)
    blocks: tuple[int, ...] = Field((100, 50), min_length=1)
    dropout: float = Field(0.2, ge=0, lt=1)
    entities: int = Field(30, gt=0)
    graph_width: int = Field(200, gt=0)
    graph_epochs: int = Field(30, ge=0)
    vectors: Path | None = None
    vector_names: Path | None = None
    phrases: Path | None = None
    weighted_terms: int = Field(300, ge=0)
    weighing_note: Path | None = None

    @field_validator("kernels")
    @classmethod
    def _odd(cls, kernels: tuple[int, ...]) -> tuple[int, ...]:
        if any(kernel < 1 or kernel % 2 == 0 for kernel in kernels):
            raise ValueError("the widths of the filters must be odd, so that a state stands at each token.")
        return kernels


def build(config: Config, context: ModelContext) -> KGMultiResCNN:
    """Raises ConfigError where given word vectors do not fit the configuration, InputError for a bad file."""
    phrases, vectors, names = _graph(config, context)
    idf = torch.zeros(context.vocabulary_size)
    shared = None if config.weighing_note is None else idf.clone()
    if context.word_notes is not None and config.weighted_terms:
        counts = context.word_notes()
        idf = inverse_document_frequency(counts.tolist(), int(counts[PAD]))
        if config.weighing_note is not None and context.encode is not None:
            shared = _weights(context.encode(text_file.read(config.weighing_note)), counts, idf, config.weighted_terms)
    return KGMultiResCNN(
        embed_words(context, config.embedding, 0.0, config.freeze_words),
        config.embedding,
        len(context.space),
        PhraseTable(phrases),
        vectors,
        idf,
        kernels=config.kernels,
        blocks=config.blocks,
        dropout=config.dropout,
        slots=config.entities,
        weighted_terms=config.weighted_terms,
        shared=shared,
        names=names,
    )


def _weights(
    note: npt.NDArray[np.int32], word_notes: npt.NDArray[np.int64], idf: Float[Tensor, "word"], terms: int
) -> Float[Tensor, "word"]:
    """TF-IDF of each word in this note, of the `terms` known words that most notes hold; 0 of others."""
    commonest = np.argsort(-word_notes[UNKNOWN + 1 :], kind="stable")[:terms] + UNKNOWN + 1
    found = torch.zeros_like(idf)
    counts = np.bincount(note, minlength=len(idf))[commonest]
    found[commonest] = torch.from_numpy(counts).to(idf.dtype) * idf[commonest]
    return found / found.norm().clamp(min=1e-12)


def _graph(
    config: Config, context: ModelContext
) -> tuple[Mapping[tuple[int, ...], int], Float[Tensor, "entity graph"], tuple[str, ...]]:
    """(phrases in numbers: row of the vectors, the vectors of the entities that can be found, the codes that these
    are)."""
    if context.encode is None:
        return {}, torch.zeros(0, config.graph_width), ()
    known = entities.load(context.space.codes, config.phrases)
    phrases = known_phrases(known.phrases, context.encode)
    if config.vectors is None:
        trained = graph_embeddings.train(
            known.triples, len(known.nodes), config.graph_width, epochs=config.graph_epochs
        )
        rows = {number: trained[number] for number in set(phrases.values())}
    else:
        rows = _given(config.vectors, config.vector_names, known.nodes, set(phrases.values()))
    place = {number: row for row, number in enumerate(sorted(rows))}
    found = {phrase: place[number] for phrase, number in phrases.items() if number in place}
    if not place:
        return {}, torch.zeros(0, config.graph_width), ()
    vectors = torch.tensor([rows[number].tolist() for number in place])
    return found, vectors, tuple(known.nodes[number] for number in place)


def _given(path: Path, names: Path | None, nodes: Sequence[str], wanted: set[int]) -> Mapping[int, Any]:
    """{node: its vector in the file}. Raises InputError where the file has none of the nodes that notes can name."""
    given = graph_embeddings.read(path) if names is None else graph_embeddings.by_code(path, names)
    rows = {number: given[nodes[number]] for number in wanted if nodes[number] in given}
    if wanted and not rows:
        like, theirs = nodes[min(wanted)], next(iter(given), "none")
        raise InputError(
            f"{path if names is None else names} has a vector for none of the {len(wanted)} codes that notes can name, "
            f"such as {like}; its first name is {theirs}. model.vector_names takes a file that tells names and codes."
        )
    return rows


class KGMultiResCNN(nn.Module):
    """phrases: finds entities, whose vectors are the rows of `vectors`. idf: of each word; all 0 weighs none. shared:
    what each word is weighed by in every note instead. names: the code of each row, for those who import vectors."""

    def __init__(
        self,
        words: WordEmbedding,
        embedding: int,
        codes: int,
        phrases: PhraseTable,
        vectors: Float[Tensor, "entity graph"],
        idf: Float[Tensor, "word"],
        *,
        kernels: Sequence[int],
        blocks: Sequence[int],
        dropout: float,
        slots: int,
        weighted_terms: int,
        shared: Float[Tensor, "word"] | None = None,
        names: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.words = words
        self.phrases = phrases
        self.vectors = nn.Parameter(vectors.clone())
        self.reduction = nn.Linear(vectors.shape[1], embedding)
        self.dropout = Dropout(dropout)
        self.filters = nn.ModuleList(ResidualFilter(embedding, embedding, k, blocks, dropout) for k in kernels)
        hidden = len(kernels) * blocks[-1]
        self.label_attention = LabelAttention(codes, hidden, hidden)
        self.slots, self.weighted_terms = slots, weighted_terms
        self.gap = max(kernels) // 2  # no filter reaches across
        self.names = tuple(names)
        self.idf: Tensor
        self.shared: Tensor | None
        self.register_buffer("idf", idf)
        self.register_buffer("shared", shared)
        sized_by_state(self, "vectors")
        sized_by_state(self.reduction, "weight")

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        words = self.words(batch.tokens, batch.mask)
        if self.shared is not None:
            words = words * (1 + self.shared[batch.tokens.masked_fill(~batch.mask, PAD)])[..., None]
        elif self.weighted_terms:
            words = words * (1 + tf_idf(batch.tokens, batch.mask, self.idf, self.weighted_terms))[..., None]
        found = self.phrases(batch.tokens, batch.mask, self.slots)
        sequence = torch.cat([pad(words, (0, 0, 0, self.gap)), self._entities(found).to(words.dtype)], 1)
        mask = torch.cat([pad(batch.mask, (0, self.gap)), found.entity >= 0], 1)
        sequence = self.dropout(sequence)
        states = side_by_side(self.filters, sequence, mask)
        scores = self.label_attention(states, states, mask, attention_codes, batch.targets)
        if scores.attention is None:
            return scores
        return Scores(scores.logits, self._over_words(scores.attention, found, batch.tokens.shape[1]))

    def _entities(self, found: Found) -> Float[Tensor, "note slot embedding"]:
        if not len(self.vectors):
            return self.reduction(self.vectors.new_zeros(*found.entity.shape, self.vectors.shape[1]))
        return self.reduction(self.vectors[found.entity.clamp(min=0)])

    def _over_words(
        self, attention: Float[Tensor, "note asked place"], found: Found, tokens: int
    ) -> Float[Tensor, "note asked token"]:
        at = torch.arange(tokens, device=attention.device)
        last = found.start + found.length
        mention = (at >= found.start[..., None]) & (at < last[..., None])
        shares = mention / found.length.clamp(min=1)[..., None]
        return attention[..., :tokens] + attention[..., -self.slots :] @ shares.to(attention.dtype)
