"""When a ranking model's training stops before its last epoch."""

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState


class EarlyStopping(TrainerCallback):
    """Stops after `patience` epochs without a validation MRR above all those before, the untrained model's among them.

    transformers' own callback does not count the measurement before training, and so trains a second epoch where the
    first has already made the model worse. The measurements are read from the log, which a checkpoint has too.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience

    def on_evaluate(self, _: Any, state: TrainerState, control: TrainerControl, **__: Any) -> None:
        reached = [entry["eval_mrr"] for entry in state.log_history if "eval_mrr" in entry]
        if len(reached) - 1 - reached.index(max(reached)) >= self.patience:
            control.should_training_stop = True
