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
from minicnn.errors import ArgumentError, TrainingError, WeightsError
from minicnn.network import Network
from minicnn.network.graph import as_network
from minicnn.train.birth import birthplace
from minicnn.train.data import data_set, enough, fits
from minicnn.train.evaluate import Tally, evaluate
from minicnn.train.progress import Bar
from minicnn.train.step import Loss, check_optimizer, loss_function, step


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
    optimizer: str  # the name of its class, whose state the next is
    state: dict
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
    parts += [f"lr {row['lr']:.3g}"] if "lr" in row else []
    return f"epoch {row['epoch']}: {', '.join(parts)}, {row['seconds']:.1f} s"


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
    check_optimizer(optimizer, "fit")
    _functions(augment=augment, on_epoch=on_epoch)
    sets = {"data": data_set(data, "data", "fit")} | ({} if held_out is None else {"held_out": data_set(held_out, "held_out", "fit")})
    enough(sets["data"][0], batch_size)
    for name, pair in sets.items():
        fits(net, pair, name, classes=loss == "cross_entropy")
    rng = _generator(rng)
    run = _first(net, optimizer, rng) if resume is None else _resumed(net, resume, optimizer, epochs, rng)
    work = _Work(*sets["data"], sets.get("held_out"), optimizer, batch_size, call, augment, rng)
    with Bar(progress, epochs - run.epoch, -(-len(work.images) // batch_size)) as tick:
        try:
            while run.epoch < epochs:
                run = _epoch(run, work, tick)
                if on_epoch is not None:
                    on_epoch(run)
        except KeyboardInterrupt:
            warnings.warn(f"fit: interrupted; the run holds {run.epoch} finished epochs of {epochs}.", TrainingNotice, stacklevel=2)
            return replace(run, interrupted=True)
    return run


@dataclass(frozen=True, eq=False, slots=True)
class _Work:
    """What every epoch is given."""

    images: np.ndarray
    targets: np.ndarray
    held_out: tuple | None
    optimizer: object
    batch_size: int
    loss: Loss
    augment: Callable | None
    rng: "np.random.Generator"


def _epoch(run: Run, work: _Work, tick) -> Run:
    began, net, state, rng = time.perf_counter(), run.net, run.state, work.rng
    order, losses, tally = rng.permutation(len(work.images)), [], Tally()
    lr = work.optimizer.lr_at(state["step"]) if hasattr(work.optimizer, "lr_at") and "step" in state else None
    for start in range(0, len(work.images), work.batch_size):
        rows = order[start : start + work.batch_size]
        x, target = work.images[rows] if work.augment is None else work.augment(work.images[rows], rng), work.targets[rows]
        drawn = rng.bit_generator.state  # for the same dropout, should the loss be no number
        done = step(net, state, x, target, optimizer=work.optimizer, loss=work.loss, rng=rng)
        if not np.isfinite(done.loss):
            told = f" (the loss was {losses[-1]:.3g} one step before)" if losses else ""
            raise _stop(run, f"at step {len(losses) + 1} of epoch {run.epoch + 1}{told}", done.loss, birthplace(net, x, _at(rng, drawn)))
        net, state = done.net, done.state
        losses.append(done.loss)
        tally.add(done.loss, done.outputs, target)
        del done  # the outputs may be large maps
        tick(run.epoch + 1, losses[-1])
    row = {"epoch": run.epoch + 1, **tally.result()}
    spoiled = [name for name, array in {**net.parameters(), **net.buffers()}.items() if not np.isfinite(array).all()]
    if spoiled:
        raise _stop(
            run, f"after the last step of epoch {run.epoch + 1}", np.nan, f"that step left numbers that are not finite in {spoiled[0]!r}"
        )
    if work.held_out is not None:
        found = evaluate(net, work.held_out, loss=work.loss, batch_size=work.batch_size)
        if not np.isfinite(found["loss"]):
            raise _stop(
                run, f"of the held out set after epoch {run.epoch + 1}", found["loss"], birthplace(net, work.held_out[0], training=False)
            )
        row |= {f"held_out_{name}": value for name, value in found.items()}
    row |= ({} if lr is None else {"lr": float(lr)}) | {"seconds": time.perf_counter() - began, "step_losses": losses}
    return Run(net, run.optimizer, state, rng.bit_generator.state, (*run.history, row))


def _stop(run: Run, when: str, value: float, where: str) -> TrainingError:
    error = TrainingError(
        f"fit: a loss must be a finite number, but it is {value} {when}: {where}. Usual remedies: a smaller lr, a smaller first "
        f"weight, inputs scaled to about ±1. This error's `run` holds the {run.epoch} finished epochs."
    )
    error.run = run
    return error


def _functions(**given) -> None:
    for name, function in given.items():
        signature = {"augment": "(batch, rng) → batch, such as train.Shift(2)", "on_epoch": "(run)"}[name]
        if isinstance(function, type):
            raise ArgumentError(
                f"fit: {name} is a function {signature}, but it is the class {function.__name__}; write it with its arguments."
            )
        if function is not None and not callable(function):
            raise ArgumentError(f"fit: {name} is a function {signature}, but it is {function!r}.")


def _generator(rng) -> "np.random.Generator":
    if rng is None:
        return np.random.default_rng(0)
    if not isinstance(rng, np.random.Generator):
        raise ArgumentError(f"fit: rng must be a NumPy generator, such as np.random.default_rng(0), but it is {rng!r}.")
    return rng


def _at(rng, state: dict) -> "np.random.Generator":
    """Return another generator of the same kind, in an earlier state."""
    again = np.random.Generator(type(rng.bit_generator)())
    again.bit_generator.state = state
    return again


def _first(net: Network, optimizer, rng) -> Run:
    return Run(net, type(optimizer).__name__, optimizer.init(net.parameters()), rng.bit_generator.state, ())


def _resumed(net: Network, run, optimizer, epochs: int, rng) -> Run:
    """Return the run to go on from, rng set to where it was."""
    if not isinstance(run, Run):
        raise ArgumentError(
            f"fit: resume is a Run, as fit and train.load_run return it, but it is a {type(run).__name__}; train.load_run(path, net) reads one."
        )
    net.with_parameters({**run.net.parameters(), **run.net.buffers()})  # raises where it is the run of another network
    if run.optimizer != type(optimizer).__name__:
        raise WeightsError(
            f"fit: a run goes on with the optimizer that it began with, {run.optimizer}, whose state it holds, but optimizer is {optimizer!r}; "
            f"pass a train.{run.optimizer}, or start anew from its network: fit(run.net, …) without resume."
        )
    if run.epoch > epochs:
        raise ArgumentError(
            f"fit: epochs counts those of the run, of which there are {run.epoch} already, but it is {epochs}; use a larger number."
        )
    try:
        rng.bit_generator.state = run.rng_state
    except (ValueError, TypeError, KeyError) as error:
        raise ArgumentError(f"fit: the run was drawn from another kind of generator than rng ({error}); pass one of that kind.") from None
    return replace(run, interrupted=False)
