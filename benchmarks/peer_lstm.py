"""One process that trains neuralforecast's LSTM, run by the peer's interpreter.

``python -m benchmarks.peer_lstm LAYERS`` answers every question with the windows a second of its
next training steps. Everything that is no training step is off: logs, checkpoints, progress,
validation and scaling. The history is cut into series, so that an epoch has more than one step.
"""

import logging
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as lightning  # type: ignore[import-not-found]
import torch
from neuralforecast import NeuralForecast  # type: ignore[import-not-found]
from neuralforecast.losses.pytorch import MSE  # type: ignore[import-not-found]
from neuralforecast.models import LSTM  # type: ignore[import-not-found]

from benchmarks.crew import answer, asked

STEPS, WINDOWS, EXOGENOUS = 64, 32, 15
SERIES, BARS = 16, 180


class Clock(lightning.Callback):  # type: ignore[misc]
    """Times groups of training steps, and waits between them to be asked for the next."""

    def __init__(self) -> None:
        self.began: float | None = None

    def on_train_batch_start(self, trainer: Any, *_: Any) -> None:
        """Answer at the end of a group of steps; wait for the next question."""
        if trainer.global_step % STEPS:
            return
        if self.began is not None:
            answer(STEPS * WINDOWS / (time.perf_counter() - self.began))
        if not asked():
            sys.exit()
        self.began = time.perf_counter()


def _history() -> pd.DataFrame:
    draws = np.random.default_rng(0)
    names = ["y", *_exogenous()]
    times = pd.date_range("2015-01-01", periods=BARS)
    series = [
        pd.DataFrame(draws.standard_normal((BARS, len(names))), columns=names).assign(
            unique_id=f"{number:02}", ds=times
        )
        for number in range(SERIES)
    ]
    return pd.concat(series, ignore_index=True)


def _exogenous() -> list[str]:
    return [f"x{number}" for number in range(EXOGENOUS)]


def _model(layers: int) -> Any:
    return LSTM(
        h=1,
        input_size=30,
        encoder_hidden_size=128,
        encoder_n_layers=layers,
        hist_exog_list=_exogenous(),
        batch_size=1,
        windows_batch_size=WINDOWS,
        loss=MSE(),
        scaler_type="identity",
        max_steps=10**9,
        val_check_steps=10**9,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        accelerator="cpu",
        callbacks=[Clock()],
    )


def main() -> None:
    """Train until nobody asks any more."""
    torch.set_num_threads(1)
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    NeuralForecast([_model(int(sys.argv[1]))], freq="D").fit(_history())


if __name__ == "__main__":
    main()
