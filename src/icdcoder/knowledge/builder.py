"""Knowledge of codes from a language model: what clinicians write for each code, or what each code means.

As in "How to leverage large language models for automatic ICD coding", whose authors had terms, abbreviations and
synonyms (or descriptions) of 50 codes listed by GPT-3.5. The questions are ours, with a form for the answer; that of
the paper's figure 5 (appendix B) is `appendix_b`. Only codes and their titles are sent.

A folder holds `answers.jsonl` (every answer as it came) and what is kept of them: `medical_expressions.tsv`, to be
read by `expressions.read`, `descriptions.tsv`, by `code_texts.read`, or `concepts.tsv`, by `concept_files.read`, for
which categories are asked about too. Above each line stands where it comes from. Asked again with the same folder, only
what has no answer yet is asked, and lines of codes without a new answer stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from icdcoder import systems
from icdcoder.core.cache import write_atomic
from icdcoder.core.code import Code
from icdcoder.core.errors import ArtefactError, ConfigError, InputError, did_you_mean
from icdcoder.core.progress import SILENT, Progress
from icdcoder.endpoint.chat import Chat, EndpointError
from icdcoder.endpoint.transcript import prompt_key
from icdcoder.knowledge.building import concept_lists, parsing
from icdcoder.knowledge.building.answers import Answers, Given
from icdcoder.knowledge.building.concept_lists import Topic

QUESTIONS = Path(__file__).parent / "building" / "questions"
KINDS = ("medical_expressions", "descriptions", "concepts")
PER_KIND = 30
SOURCE = "# from:"


@dataclass(frozen=True, slots=True)
class Built:
    """path: the file that was written. texts: how many expressions or descriptions it holds, of how many `codes`.
    asked: questions put in this run. without: codes whose answer held nothing. dropped: reason → count. ambiguous:
    expressions that were given for several of the codes. kept: codes whose lines are those of an earlier run. cut:
    answers that the limit of tokens stopped."""

    path: Path
    codes: int
    texts: int
    asked: int
    without: tuple[Code, ...]
    dropped: dict[str, int]
    ambiguous: tuple[str, ...]
    kept: int = 0
    cut: int = 0


def build(
    codes: Sequence[Code],
    chat: Chat,
    folder: Path,
    *,
    kind: str = KINDS[0],
    per_kind: int = PER_KIND,
    question: str | None = None,
    again: bool = False,
    progress: Progress = SILENT,
) -> Built:
    """Asks for each code that has no answer yet, and writes what all answers hold. again: also for each code whose
    answer held nothing, as a refusal does, or was cut.

    kind: one of KINDS. per_kind: how many of each are asked for; of concepts, five a category and two a code.
    question: a text of the user's, with {code}, {title}, {system}, {version} and {count} where these go, or of
    `question_named`.

    Raises EndpointError where the endpoint fails; what was built until then is written first.
    Raises ConfigError for an unknown kind or a question without {code}.
    """
    if kind not in KINDS:
        raise ConfigError(f"There is no kind {kind!r}.{did_you_mean(kind, list(KINDS))} Known: {', '.join(KINDS)}.")
    text = (QUESTIONS / f"{kind}.txt").read_text(encoding="utf-8") if question is None else question
    if "{code}" not in text:
        raise ConfigError("The question has no {code}, so it would be the same for every code.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtefactError(f"{folder} cannot be made: {error.strerror}.") from None
    answers = Answers(folder / "answers.jsonl")
    topics = concept_lists.topics(codes) if kind == "concepts" else [(code, per_kind) for code in codes]
    prompts = {(code, count): _prompt(text, code, count) for code, count in topics}
    asked = 0
    try:
        with progress.track(f"Asking {chat.model}", len(prompts)) as step:
            for (code, _), prompt in prompts.items():
                key = prompt_key(chat.model, prompt)
                known = answers.get(key)
                if known is None or (again and _is_lacking(code, known)):
                    answer = chat.ask(prompt)
                    now = datetime.now(UTC).isoformat(timespec="seconds")
                    answers.append(Given(key, str(code), kind, chat.model, now, answer.finished, answer.text))
                    asked += 1
                step()
    except EndpointError as error:
        built = _written(folder, kind, codes, _given(prompts, chat.model, answers), asked)
        kept = f", and {built.kept} with their earlier lines" if built.kept else ""
        raise EndpointError(
            f"{error} {built.codes} of {len(codes)} codes are in {built.path}{kept}; the rest is asked next time."
        ) from None
    return _written(folder, kind, codes, _given(prompts, chat.model, answers), asked)


def _written(folder: Path, kind: str, codes: Sequence[Code], given: dict[Topic, Given], asked: int) -> Built:
    built = _file_of(folder, kind, codes, given, asked)
    return replace(built, cut=sum(not answer.finished for answer in given.values()))


def _file_of(folder: Path, kind: str, codes: Sequence[Code], given: dict[Topic, Given], asked: int) -> Built:
    if kind != "concepts":
        return _write(folder, kind, {code: answer for (code, _), answer in given.items()}, asked)
    path = folder / concept_lists.FILE
    if not given and path.exists():  # nothing is known of what an earlier run wrote, so it stays
        return Built(path, 0, 0, asked, (), {}, ())
    known, without, dropped = concept_lists.write(folder, codes, given)
    having = {code for concept in known for code in concept.codes}
    return Built(path, len(having), len(known), asked, without, dropped, ())


def question_named(name: str) -> str:
    """The text of one of our QUESTIONS, or of a file. Raises InputError where it cannot be read."""
    own = {path.stem: path for path in QUESTIONS.glob("*.txt")}
    try:
        return own.get(name, Path(name)).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        known = ", ".join(sorted(own))
        raise InputError(f"{name} cannot be read as a text file, and is no question of ours ({known}).") from None


def _prompt(text: str, code: Code, count: int) -> list[dict[str, str]]:
    system = systems.load(code.system)
    words = {"{code}": code.value, "{title}": system.description(code), "{system}": system.title, "{count}": str(count)}
    words["{version}"] = "ICD-10" if code.system.startswith("icd10") else "ICD-9"
    for mark, value in words.items():
        text = text.replace(mark, value)
    return [{"role": "user", "content": text.strip()}]


def _given(prompts: dict[Topic, list[dict[str, str]]], model: str, answers: Answers) -> dict[Topic, Given]:
    found = ((topic, answers.get(prompt_key(model, prompt))) for topic, prompt in prompts.items())
    return {topic: given for topic, given in found if given is not None}


def _write(folder: Path, kind: str, given: dict[Code, Given], asked: int) -> Built:
    path = folder / f"{kind}.tsv"
    old = _lines_of_codes(path)
    lines = [f"# {kind} by a language model; the whole answers are in answers.jsonl. Look them through before use."]
    dropped: Counter[str] = Counter()
    owners: dict[str, list[str]] = {}
    without = []
    for code, answer in given.items():
        rows, texts, left_out = _rows(code, answer)
        dropped.update(left_out)
        if not rows:
            without.append(code)
            continue
        cut = "" if answer.finished else " cut=yes"
        source = f"{SOURCE} model={answer.model} at={answer.at} answer={answer.digest[:16]}{cut}"
        lines += [line for row in rows for line in (source, row)]
        old.pop(str(code), None)
        for text in texts:
            owners.setdefault(text, []).append(text)
    for kept in old.values():
        lines += kept
    write_atomic(path, "\n".join(lines) + "\n")
    ambiguous = tuple(text for text, all_of_it in owners.items() if len(all_of_it) > 1)
    count = sum(map(len, owners.values()))
    return Built(path, len(given) - len(without), count, asked, tuple(without), dict(dropped), ambiguous, len(old))


def _lines_of_codes(path: Path) -> dict[str, list[str]]:
    """{code as written: its lines, each after the one that says where it comes from} of a file built before."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    except (OSError, UnicodeDecodeError):
        raise ArtefactError(f"{path} cannot be read as text; move it away to write it anew.") from None
    found: dict[str, list[str]] = {}
    source: list[str] = []
    for line in lines:
        if line.startswith(SOURCE):
            source = [line]
        elif line.strip() and not line.startswith("#"):
            found.setdefault(line.partition("\t")[0].strip(), []).extend([*source, line])
    return found


def _is_lacking(code: Code, given: Given) -> bool:
    """Whether it was cut, or holds nothing."""
    return not given.finished or not (
        parsing.concepts(given.answer)[0] if given.kind == "concepts" else _rows(code, given)[0]
    )


def _rows(code: Code, given: Given) -> tuple[list[str], Iterable[str], dict[str, int]]:
    """(lines of the file, what they say, what was dropped) of one answer."""
    # The last line of an answer that was cut short may be half a word.
    answer = given.answer if given.finished else given.answer.rpartition("\n")[0]
    if given.kind == "descriptions":
        described = parsing.description(answer)
        return ([f"{code}\t{described}"], [described], {}) if described else ([], [], {"no description": 1})
    parsed = parsing.expressions(answer)
    rows = [f"{code}\t{kind}\t{' | '.join(texts)}" for kind, texts in parsed.expressions.items()]
    return rows, [text for texts in parsed.expressions.values() for text in texts], parsed.dropped
