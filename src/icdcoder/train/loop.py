"""The training loop: epochs of steps, validation, the best weights, checkpoints to go on from."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import torch
from torch import nn

from icdcoder.core.cache import write_atomic
from icdcoder.core.config import to_toml
from icdcoder.core.errors import ArtefactError, ConfigError, InputError, did_you_mean
from icdcoder.core.progress import SILENT, Progress, Step
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.train import processes, random_state
from icdcoder.train.checkpoint import Checkpoint, Checkpoints, save_weights
from icdcoder.train.config import TrainConfig
from icdcoder.train.fingerprint import Fingerprint
from icdcoder.train.journal import Journal
from icdcoder.train.meter import Meter, peak_memory_mb
from icdcoder.train.place import Place, TrainingResult
from icdcoder.train.readings import Readings, require_finite
from icdcoder.train.steps import Indices, Loss, Stepper, binary_cross_entropy, steps_of_epoch
from icdcoder.train.stopping import Best, Signals, TrainingInterruptedError

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["TrainConfig", "TrainingResult", "train"]

logger = logging.getLogger(__name__)

BEST = "best.safetensors"
CHECKPOINTS = "checkpoints"
JOURNAL = "metrics.jsonl"
SETTINGS = "training.toml"

Validate = Callable[[nn.Module, int], Mapping[str, float]]


def train(
    model: nn.Module,
    notes: TokenisedNotes,
    validate: Validate,
    config: TrainConfig,
    folder: Path,
    *,
    loss: Loss = binary_cross_entropy,
    ids: Sequence[str] | None = None,
    progress: Progress = SILENT,
    cpu: bool = False,
) -> TrainingResult:
    """Trains a model (a `CodingModel`), or goes on where a run in this folder was stopped.

    A run that goes on ends with the weights of one that was never stopped, bit for bit on a CPU with the same number
    of threads. Under `accelerate launch` or torchrun every process calls this, and the folder is one that all reach.

    validate: gives the measures of a model after an epoch (0: before the first); nothing it draws at random changes
        the training. loss: mean over the notes of a batch. ids: names of the notes for error messages.
    cpu: stay on the CPU although there is an accelerator.

    Writes to `folder`: best.safetensors (weights of the best epoch, or of the last: `keep`), metrics.jsonl (see
    `journal`), training.toml (the settings) and checkpoints/. The model itself is left with the weights of the last
    step.

    Raises InputError, ConfigError or ArtefactError for notes, settings or a folder that cannot be used, and
    TrainingInterruptedError when a signal came (a checkpoint is saved first), TrainingStoppedError when the loss is
    no number.
    """
    if notes.gold is None or not len(notes):
        raise InputError("Training needs notes with codes, and got none.")
    accelerator = processes.start(config.precision, cpu=cpu)
    random_state.seed_all(config.seed, accelerator.process_index)
    with Signals() as signals:
        try:
            run = _Run(
                accelerator=accelerator,
                stepper=Stepper(accelerator, model, notes, config, loss),
                notes=notes,
                validate=validate,
                config=config,
                folder=folder,
                checkpoints=Checkpoints(
                    folder / CHECKPOINTS, config.keep_checkpoints, Fingerprint.of(config, notes, model)
                ),
                journal=Journal(folder / JOURNAL),
                signals=signals,
                readings=Readings(accelerator, ids),
                progress=progress if accelerator.is_main_process else SILENT,
            )
            return run.to_the_end()
        finally:
            processes.release(model)


@dataclass(slots=True)
class _Run:
    """One call of `train`. clock: when the time that the meters have not counted yet began."""

    accelerator: Accelerator
    stepper: Stepper
    notes: TokenisedNotes
    validate: Validate
    config: TrainConfig
    folder: Path
    checkpoints: Checkpoints
    journal: Journal
    signals: Signals
    readings: Readings
    progress: Progress
    place: Place = field(init=False)
    clock: float = 0.0

    def to_the_end(self) -> TrainingResult:
        self._begin()
        lengths = self.notes.lengths
        while not self.place.ended:
            steps = steps_of_epoch(lengths, self.config, self.place.epoch)
            with self.progress.track(f"epoch {self.place.epoch}/{self.config.epochs}", total=len(self.notes)) as bar:
                self._epoch(steps, bar)
                self._end_of_epoch(bar)
        return self.place.result(self.config.monitor)

    # --- beginning and going on ---------------------------------------------------------------------------------

    def _begin(self) -> None:
        main = self.accelerator.is_main_process
        if main:
            try:
                self.checkpoints.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ArtefactError(f"{self.folder} cannot be written: {error.strerror}.") from None
            self.checkpoints.clean()
        self.accelerator.wait_for_everyone()
        checkpoint = self.checkpoints.latest()
        self.accelerator.wait_for_everyone()  # all have read before the main process writes
        if checkpoint is not None:
            self._go_on(checkpoint)
            return
        self.place = Place(Best("last" if self.config.keep == "last" else self.config.monitor_mode))
        if main:
            self.journal.cut(0)
            write_atomic(self.folder / SETTINGS, to_toml(self.config))
        self._log_start()
        # A measure that is misspelt or a note that does not fit into memory should not cost an epoch.
        self._log("untrained", validation=self._measure(0))

    def _go_on(self, checkpoint: Checkpoint) -> None:
        state = checkpoint.state
        self.place = Place.from_json(state["place"])
        best = self.place.best.epoch
        if best and not (self.folder / BEST).is_file():
            raise ArtefactError(f"{self.folder / BEST}, the weights of epoch {best}, is missing. Begin anew (--fresh).")
        self.stepper.load_state(checkpoint.tensors, state["stepper"])
        if len(state["random"]) == self.accelerator.num_processes:
            random_state.restore(state["random"][self.accelerator.process_index], self.accelerator.device)
        elif self.accelerator.is_main_process:
            logger.warning(
                "Training was stopped with %d processes and goes on with %d: it is not the same to the last bit.",
                len(state["random"]),
                self.accelerator.num_processes,
            )
        if self.accelerator.is_main_process:
            self.journal.cut(state["journal_bytes"])
        if not self.place.ended:
            self._log_start()

    def _save(self) -> None:
        require_finite(self.stepper.module, self.place.step)
        states = processes.gathered(self.accelerator, random_state.capture(self.accelerator.device))
        if self.accelerator.is_main_process:
            tensors, plain = self.stepper.state()
            state = {
                "place": self.place.to_json(),
                "stepper": plain,
                "random": states,
                "journal_bytes": self.journal.size(),
            }
            self.checkpoints.save(self.place.step, tensors, state)
        self.accelerator.wait_for_everyone()

    # --- an epoch -----------------------------------------------------------------------------------------------

    def _epoch(self, steps: list[list[Indices]], bar: Step) -> None:
        place, config = self.place, self.config
        bar(place.epoch_meter.notes)
        self.stepper.model.train()
        self.clock = time.perf_counter()
        for batches in steps[place.step_in_epoch :]:
            self.readings.add(place.step + 1, batches, self.stepper.step(batches))
            place.step += 1
            place.step_in_epoch += 1
            log = place.step % config.log_every_steps == 0
            save = place.step % config.checkpoint_every_steps == 0
            if log or save or self.readings.due or place.step_in_epoch == len(steps):
                stop = self._read(bar)
                if log:
                    self._log("interval", **place.interval_meter.numbers())
                    place.interval_meter = Meter()
                if stop or save:
                    self._save()
                    self.clock = time.perf_counter()
                if stop:
                    self._stop()

    def _read(self, bar: Step) -> bool:
        """Counts the steps made since the last reading. Returns whether training should stop."""
        losses, stop = self.readings.read(self.signals.received is not None)
        now = time.perf_counter()
        for meter in (self.place.epoch_meter, self.place.interval_meter):
            for loss, notes in losses:
                meter.add(loss, notes)
            meter.seconds += now - self.clock
        self.clock = now
        bar(sum(notes for _, notes in losses), f"loss {self.place.epoch_meter.mean_loss:.4f}")
        return stop

    def _end_of_epoch(self, bar: Step) -> None:
        place, config = self.place, self.config
        require_finite(self.stepper.module, place.step)
        measures = self._measure(place.epoch)
        score = measures[config.monitor]
        if place.best.update(place.epoch, score) and self.accelerator.is_main_process:
            save_weights(self.folder / BEST, self.stepper.module.state_dict())
        meter = place.epoch_meter
        bar(0, f"loss {meter.mean_loss:.4f}, {config.monitor} {score:.4f}")
        self._log("epoch", **meter.numbers(), seconds=round(meter.seconds, 3), validation=measures)
        place.end_epoch(config)
        self._save()

    def _measure(self, epoch: int) -> dict[str, float]:
        """The measures of the model now, the same in every process, and without a trace in the random states."""
        processes.share_buffers(self.stepper.module)
        before = random_state.capture(self.accelerator.device)
        measures: dict[str, float] | None = None
        # A lone process may drop validation half-way; in a distributed run the others would wait for it.
        with self.signals.leaving_at_once(self.accelerator.num_processes == 1):
            measures = {name: float(value) for name, value in self.validate(self.stepper.module, epoch).items()}
        random_state.restore(before, self.accelerator.device)
        if measures is None:
            if epoch:
                self._save()
            self._stop()
        shared = processes.from_main(self.accelerator, measures)
        monitor, known = self.config.monitor, sorted(shared)
        if monitor not in shared:
            raise ConfigError(
                f"'train.monitor' is {monitor!r}, which validation does not measure.{did_you_mean(monitor, known)} "
                f"Known: {', '.join(known)}."
            )
        return shared

    def _stop(self) -> NoReturn:
        received = self.signals.received
        name = "another process" if received is None else "Ctrl-C" if received.name == "SIGINT" else received.name
        where = f"in epoch {self.place.epoch} after step {self.place.step}; it is saved in {self.folder}"
        raise TrainingInterruptedError(
            f"Training was stopped by {name} {where if self.place.step else 'before its first step'}. "
            "Give the same command again to go on."
        )

    # --- the journal --------------------------------------------------------------------------------------------

    def _log(self, kind: str, **fields: object) -> None:
        if self.accelerator.is_main_process:
            self.journal.append(
                kind=kind,
                step=self.place.step,
                epoch=self.place.epoch if kind != "untrained" else 0,
                **fields,
                learning_rate=self.stepper.learning_rate,
                memory_mb=round(peak_memory_mb(self.accelerator.device.type), 1),
            )

    def _log_start(self) -> None:
        self._log(
            "start",
            torch=torch.__version__,
            device=self.accelerator.device.type,
            processes=self.accelerator.num_processes,
            threads=torch.get_num_threads(),
        )
