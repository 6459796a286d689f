"""Which question: how does a network learn from a data set?

Idea: an epoch is every image once, in an order drawn from `rng`, in batches; a batch is one step
(step.py).  What an epoch leaves is a Run: a frozen value that holds the network, the optimizer's state,
the state of rng and the history, so that going on from it gives the same bits as never having stopped.

    order = rng.permutation(images)
    for batch in order:   net, state = step(net, state, x[batch], target[batch])
    history.append(loss, accuracy, held out loss and accuracy, seconds)

Ctrl-C keeps the last finished epoch; a loss that is no finite number stops, and says where it was born.
Cost: images · (about three forward passes) an epoch.
Next room: checkpoint.py, where a run is written down.
"""

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from minicnn import check
from minicnn.errors import ArgumentError, DTypeError, ShapeError, TrainingError
from minicnn.network import Network
from minicnn.network.graph import as_network
from minicnn.train.birth import birthplace
from minicnn.train.step import Loss, loss_function, step


class TrainingNotice(UserWarning):
    """Training ended before its last epoch because it was asked to.

    >>> import warnings
    >>> warnings.simplefilter("ignore", TrainingNotice)          # not to be told of Ctrl-C
    """


@dataclass(frozen=True, eq=False)
class Run:
    """What training has come to after its last finished epoch: print it, or hand it to fit as `resume`.

    `history` is a list of one dict per epoch: "epoch", "loss" (the mean over the epoch), "accuracy",
    "held_out_loss", "held_out_accuracy", "lr", "seconds" and "step_losses" (one per step); accuracies for
    labels only, held out numbers where a held out set was given.

    >>> from minicnn import nn, train
    >>> run = fit(nn.Linear(1, 2), (np.ones((4, 1), np.float32), np.zeros(4, int)), optimizer=train.SGD(0.1), epochs=2, batch_size=2, progress=False)
    >>> run.epoch, sorted(run.history[0]), len(run.history[0]["step_losses"])
    (2, ['accuracy', 'epoch', 'loss', 'lr', 'seconds', 'step_losses'], 2)

    Raises nothing of its own.  Source: this file.
    """

    net: Network
    state: dict  # of the optimizer
    rng_state: dict  # of the generator, after the epoch
    history: tuple[dict, ...]
    interrupted: bool = False

    @property
    def epoch(self) -> int:
        """How many epochs are finished."""
        return len(self.history)

    def __repr__(self) -> str:
        lines = [f"Run: {self.epoch} epochs" + (", interrupted" if self.interrupted else "")]
        return "\n".join([*lines, *(f"  {told(row)}" for row in self.history)])


def told(row: Mapping) -> str:
    """Return one epoch's history as a line.

    >>> told({"epoch": 3, "loss": 0.25, "held_out_accuracy": 0.975, "lr": 0.01, "seconds": 1.25, "step_losses": [0.25]})
    'epoch 3: loss 0.2500, held out 97.5%, lr 0.01, 1.2 s'
    """
    parts = [f"loss {row['loss']:.4f}"]
    parts += [f"accuracy {row['accuracy']:.1%}"] if "accuracy" in row else []
    parts += [f"held out loss {row['held_out_loss']:.4f}"] if "held_out_loss" in row else []
    parts += [f"held out {row['held_out_accuracy']:.1%}"] if "held_out_accuracy" in row else []
    return f"epoch {row['epoch']}: {', '.join(parts)}, lr {row['lr']:.3g}, {row['seconds']:.1f} s"


def fit(
    net: Network,
    data,
    *,
    optimizer,
    epochs: int,
    batch_size: int = 64,
    loss: str | Loss = "cross_entropy",
    held_out=None,
    augment: "Callable[[np.ndarray, np.random.Generator], np.ndarray] | None" = None,
    rng: "np.random.Generator | None" = None,
    on_epoch: Callable[[Run], object] | None = None,
    resume: Run | None = None,
    progress: bool | Callable[[int, float], object] = True,
) -> Run:
    """Train a network and return the run: the trained network, the history, and all that going on needs.

    Parameters
    ----------
    data : (images, targets), arrays of as many rows; labels for cross_entropy
    optimizer : train.SGD(…), train.Adam(…) or train.AdamW(…), or anything with their `init` and `step`
    epochs : how many in all, those of `resume` counted
    batch_size : images a step; the last batch of an epoch may be smaller
    loss : 'cross_entropy', 'mse', or a function (output, target) → (value, gradient by the output)
    held_out : (images, targets) that are never learned from, measured after every epoch
    augment : a function (batch, rng) → batch that every batch goes through before it is learned, such as train.Shift(2)
    rng : draws the order of the images and dropout's masks; np.random.default_rng(0) where None
    on_epoch : called with the Run after every epoch, for instance to record maps: trace(run.net, photo)
    resume : a Run to go on from, as an earlier fit or train.load_run returned it: the same bits as without a stop
    progress : show a bar; or a function (epoch, loss) that is called after every step

    The network that was given stays as it is.  Ctrl-C ends training with the last finished epoch.

    >>> from minicnn import nn, train
    >>> x = np.array([[-1.0], [1.0], [-2.0], [2.0]])
    >>> run = train.fit(nn.Linear(1, 2, rng=np.random.default_rng(1), dtype=np.float64), (x, np.array([0, 1, 0, 1])),
    ...                 optimizer=train.SGD(lr=1.0), epochs=3, batch_size=2, progress=False)
    >>> run.epoch, run.history[-1]["accuracy"]
    (3, 1.0)

    Raises ShapeError, DTypeError, ArgumentError; TrainingError where the loss is no finite number, with the step, the
    node in which it was born, and the last finished epoch as its `run`.
    Source: Goodfellow, Bengio, Courville (2016), section 8.1.3, for minibatches.
    """
    net, call = as_network(net, "fit"), loss_function(loss, "fit")
    epochs, batch_size = check.integer(epochs, "epochs", "fit", 0), check.integer(batch_size, "batch_size", "fit", 1)
    images, targets = _data_set(data, "data")
    _enough(images, batch_size)
    held_out = None if held_out is None else _data_set(held_out, "held_out")
    if augment is not None and not callable(augment):
        raise ArgumentError(f"fit: augment is a function (batch, rng) → batch, such as train.Shift(2), but it is {augment!r}.")
    if not hasattr(optimizer, "init") or not hasattr(optimizer, "step"):
        raise ArgumentError(f"fit: optimizer has `init` and `step`, such as train.SGD(lr=0.1), but it is {optimizer!r}.")
    rng = _generator(rng)
    run = Run(net, optimizer.init(net.parameters()), rng.bit_generator.state, ()) if resume is None else _resumed(net, resume, rng)
    with _bar(progress, epochs - run.epoch, -(-len(images) // batch_size)) as tick:
        while run.epoch < epochs:
            try:
                run = _epoch(run, images, targets, optimizer, batch_size, call, held_out, augment, rng, tick)
            except KeyboardInterrupt:
                warnings.warn(
                    f"fit: interrupted in epoch {run.epoch + 1}; the run holds {run.epoch} finished epochs.", TrainingNotice, stacklevel=2
                )
                return replace(run, interrupted=True)
            if on_epoch is not None:
                on_epoch(run)
    return run


def evaluate(net: Network, data, *, loss: str | Loss = "cross_entropy", batch_size: int = 256) -> dict[str, float]:
    """Return the mean loss over a data set and, for labels, the share that the largest output names.

    >>> from minicnn import nn
    >>> evaluate(nn.Linear.of(np.array([[1.0], [-1.0]])), (np.array([[5.0], [-5.0]]), np.array([0, 1])))["accuracy"]
    1.0

    Raises ShapeError, DTypeError, ArgumentError.  Source: Goodfellow, Bengio, Courville (2016), section 5.1.2.
    """
    net, call = as_network(net, "evaluate"), loss_function(loss, "evaluate")
    images, targets = _data_set(data, "data")
    total, right = 0.0, 0
    for start in range(0, len(images), batch_size):
        batch = targets[start : start + batch_size]
        output = net(images[start : start + batch_size])
        total += float(call(output, batch)[0]) * len(batch)
        right += _right(output, batch) or 0
    found = {"loss": total / max(len(images), 1)}
    return {**found, "accuracy": right / max(len(images), 1)} if _are_labels(targets) else found


def _epoch(run: Run, images, targets, optimizer, batch_size: int, call: Loss, held_out, augment, rng, tick) -> Run:
    began, net, state = time.perf_counter(), run.net, run.state
    order, losses, total, right = rng.permutation(len(images)), [], 0.0, 0
    lr = optimizer.lr_at(state["step"]) if hasattr(optimizer, "lr_at") else float("nan")
    for number, start in enumerate(range(0, len(images), batch_size), 1):
        rows = order[start : start + batch_size]
        x, target = images[rows] if augment is None else augment(images[rows], rng), targets[rows]
        drawn_before = rng.bit_generator.state
        done = step(net, state, x, target, optimizer=optimizer, loss=call, rng=rng)
        if not np.isfinite(done.loss):
            raise _not_finite(run, net, x, done.loss, number, len(losses), drawn_before, losses)
        net, state = done.net, done.state
        losses.append(done.loss)
        total += done.loss * len(rows)
        right += _right(done.outputs[0], target) or 0
        tick(run.epoch + 1, done.loss)
    row = {"epoch": run.epoch + 1, "loss": total / len(images)}
    row |= {"accuracy": right / len(images)} if _are_labels(targets) else {}
    if held_out is not None:
        row |= {f"held_out_{name}": value for name, value in evaluate(net, held_out, loss=call).items()}
    row |= {"lr": float(lr), "seconds": time.perf_counter() - began, "step_losses": losses}
    return Run(net, state, rng.bit_generator.state, (*run.history, row))


def _not_finite(run: Run, net: Network, x, value: float, number: int, earlier: int, rng_state: dict, losses: list) -> TrainingError:
    rng = np.random.default_rng()
    rng.bit_generator.state = rng_state  # the same dropout
    before = f" (the loss was {losses[-1]:.3g} one step before)" if losses else ""
    error = TrainingError(
        f"fit: a loss must be a finite number, but it is {value} at step {number} of epoch {run.epoch + 1}{before}: "
        f"{birthplace(net, x, rng)}. Usual remedies: a smaller lr, a smaller first weight, inputs scaled to about ±1. "
        f"This error's `run` holds the {run.epoch} finished epochs."
    )
    error.run = run
    return error


def _right(output, target) -> int | None:
    """Return how many labels the largest outputs name, where targets are labels."""
    if not _are_labels(target) or not isinstance(output, np.ndarray) or output.ndim != 2 or target.ndim != 1:
        return None
    return int((output.argmax(axis=1) == target).sum())


def _are_labels(targets) -> bool:
    return targets.dtype.kind in "iu"


def _data_set(data, name: str) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise ArgumentError(f"fit: {name} is a pair (images, targets), but it is a {type(data).__name__}; write {name}=(x, labels).")
    images, targets = data
    images = check.float_array(images, f"{name}[0]", "fit")
    if not isinstance(targets, np.ndarray):
        raise DTypeError(
            f"fit: {name}[1], the targets, must be a NumPy array, but it is a {type(targets).__name__}; pass np.asarray(labels)."
        )
    if images.ndim < 2 or targets.ndim < 1 or len(images) != len(targets):
        raise ShapeError(
            f"fit: {name} holds one target per image, along their first axes, but images.shape={images.shape} and targets.shape={targets.shape}."
        )
    return images, targets


def _enough(images, batch_size: int) -> None:
    if len(images) < batch_size:
        raise ArgumentError(
            f"fit: a data set fills at least one batch, but it holds {len(images)} images and batch_size is {batch_size}; "
            + (f"use batch_size={len(images)} or less." if len(images) else "check how it was selected, it is empty.")
        )


def _generator(rng) -> "np.random.Generator":
    if rng is None:
        return np.random.default_rng(0)
    if not isinstance(rng, np.random.Generator):
        raise ArgumentError(f"fit: rng must be a NumPy generator, such as np.random.default_rng(0), but it is {rng!r}.")
    return rng


def _resumed(net: Network, run, rng) -> Run:
    """Return the run to go on from, rng set to where it was."""
    if not isinstance(run, Run):
        raise ArgumentError(
            f"fit: resume is a Run, as fit and train.load_run return it, but it is a {type(run).__name__}; train.load_run(path, net) reads one."
        )
    net.with_parameters({**run.net.parameters(), **run.net.buffers()})  # raises where it is the run of another network
    try:
        rng.bit_generator.state = run.rng_state
    except (ValueError, TypeError, KeyError) as error:
        raise ArgumentError(f"fit: the run was drawn from another kind of generator than rng ({error}); pass one of that kind.") from None
    return replace(run, interrupted=False)


class _bar:
    """A progress bar with the epoch and the loss, or nothing."""

    def __init__(self, shown, epochs: int, steps: int):
        self.told = shown if callable(shown) else None
        self.shown, self.total = self.told is None and check.flag(shown, "progress", "fit") and epochs > 0, epochs * steps

    def __enter__(self) -> Callable[[int, float], object]:
        if not self.shown:
            return self.told or (lambda epoch, value: None)
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f}%"), TimeRemainingColumn())
        self.progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self.progress.start()
        task = self.progress.add_task("compiling", total=self.total)
        return lambda epoch, value: self.progress.update(task, advance=1, description=f"epoch {epoch}, loss {value:.4f}")

    def __exit__(self, *_) -> None:
        if self.shown:
            self.progress.stop()
