from __future__ import annotations

import math
import signal
import threading
from typing import Literal

import pytest

from icdcoder.train import stopping
from icdcoder.train.config import TrainConfig
from icdcoder.train.place import Place
from icdcoder.train.stopping import Best, Signals


@pytest.mark.parametrize(
    ("mode", "scores", "best"),
    [
        ("max", [0.1, 0.3, 0.3, 0.2], 2),
        ("min", [0.9, 0.3, 0.3, 0.4], 2),
        ("max", [math.nan, math.nan, 0.0], 3),
        ("min", [math.nan, 5.0, math.nan], 2),
        ("max", [0.0, math.nan], 1),
    ],
)
def test_the_best_epoch(mode: Literal["max", "min"], scores: list[float], best: int) -> None:
    state = Best(mode)
    improved = [state.update(epoch, score) for epoch, score in enumerate(scores, start=1)]
    assert state.epoch == best
    assert [epoch for epoch, better in enumerate(improved, start=1) if better][-1] == best
    assert state.waited == len(scores) - best


def test_a_run_ends_when_patience_does_or_the_epochs_do() -> None:
    place, config = Place(Best("max")), TrainConfig(epochs=9, patience=2, monitor="map")
    for score in (0.5, 0.4, 0.3):
        assert not place.ended
        place.best.update(place.epoch, score)
        place.end_epoch(config)
    assert place.ended == "map has not risen for 2 epochs"
    assert place.result("map").epochs_run == 3
    endless = Place(Best("min"))
    for _ in range(9):
        assert not endless.ended
        endless.best.update(endless.epoch, 1.0)
        endless.end_epoch(TrainConfig(epochs=9, patience=0, monitor_mode="min"))
    assert endless.ended == "All 9 epochs are done"


@pytest.mark.parametrize("score", [None, 0.25, math.nan])
def test_a_place_goes_through_json(score: float | None) -> None:
    place = Place(Best("min", epoch=2, score=score, waited=1), epoch=3, step=17, step_in_epoch=4, ended="Done")
    place.epoch_meter.add(0.1, 7)
    assert repr(Place.from_json(place.to_json())) == repr(place)


def test_signals_are_remembered_and_handlers_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with Signals() as signals:
        signal.raise_signal(signal.SIGTERM)
        assert signals.received == signal.SIGTERM
        signal.raise_signal(signal.SIGTERM)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_a_second_ctrl_c_stops_at_once_but_an_echo_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with Signals() as signals:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)  # as a launcher sends it, right after the terminal's
        assert signals.received == signal.SIGINT
        monkeypatch.setattr(stopping, "SAME_SIGNAL_SECONDS", -1.0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(("wanted", "reached"), [(True, False), (False, True)])
def test_work_that_may_be_dropped_is_left_at_once(wanted: bool, reached: bool) -> None:
    got_to_the_end = False
    with Signals() as signals:
        with signals.leaving_at_once(wanted):
            try:
                signal.raise_signal(signal.SIGTERM)
            except Exception:
                pytest.fail("a handler of errors swallowed the signal")
            got_to_the_end = True
        assert signals.received == signal.SIGTERM
    assert got_to_the_end is reached


def test_in_another_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work() -> None:
        with Signals():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
