"""Which question: what does a network learn from real digits, and how long does it take?

Idea: the public API in one row: load.digits, models.lenet5, train.fit, two pictures.  After every epoch
the run is written down with its settings, so that nothing is lost when it is interrupted, and --resume goes
on to the same bits as a run that was never stopped.
Cost: some seconds an epoch.  What it does not do: other data; train.fit takes any.
Source: LeCun et al. (1998) for the network.  Next room: minicnn/train.
"""

from json import dumps, loads
from pathlib import Path
from typing import Annotated

import typer

from minicnn.cli.terminal import Terminal

NETWORKS = {"lenet5": {"padding": 2}}  # what each is built with for 28×28 digits
OTHER_NAMES = {"lenet": "lenet5", "lenet-5": "lenet5"}
RUN, WEIGHTS = "run.safetensors", "weights.safetensors"


def train(
    ctx: typer.Context,
    model: Annotated[str, typer.Argument(help="Name of a model that takes digits: lenet5.")] = "lenet5",
    data: Annotated[str, typer.Option(metavar="NAME", help="What to learn from: digits.")] = "digits",
    epochs: Annotated[int, typer.Option(min=1, help="How often every image is seen.")] = 30,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a step.")] = 64,
    lr: Annotated[float, typer.Option(help="Learning rate of the first step; it falls along a cosine.")] = 0.003,
    seed: Annotated[int, typer.Option(min=0, help="Seed of first weights, order and shifts: the same seed gives the same bits.")] = 0,
    out: Annotated[str, typer.Option(metavar="FOLDER", help="Where weights, run and pictures go.")] = "minicnn-train",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that --out holds, as it was begun.")] = False,
    pictures: Annotated[bool, typer.Option("--pictures/--no-pictures", help="Draw the pictures, or leave them out.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Train LeNet-5 on real handwritten digits: the learning curve, the filters before and after, the weights."""
    import numpy as np

    from minicnn import train as learning

    terminal = Terminal()
    model = OTHER_NAMES.get(model.lower(), model)
    net, digits = _network(model, seed), _data(data)
    folder = _folder(out, resume)
    asked = {"epochs": epochs, "batch_size": batch_size, "lr": lr, "seed": seed}
    run, settings = _earlier(folder, net, ctx, asked) if resume else (None, asked)
    epochs, batch_size, lr, seed = settings.values()
    net = _network(model, seed)  # a resumed run began with its own seed, and its filters "before" are those
    if run is not None and run.epoch >= epochs:
        _finished(terminal, run, net, model, digits, folder, json)
        return
    steps = -(-len(digits.images) // batch_size)
    optimizer = learning.AdamW(learning.CosineAnnealingLR(lr, epochs * steps), weight_decay=0.01)
    about = {"minicnn train": dumps(settings)}
    with terminal.progress("training", (epochs - (run.epoch if run else 0)) * steps) as tick, terminal.compiling():

        def keep(run) -> None:
            learning.save_run(run, folder / RUN, about=about, overwrite=True)
            if not json and not terminal.err.is_terminal:  # a terminal has the bar
                terminal.note(_line(run.history[-1], epochs))

        run = learning.fit(
            net,
            (digits.images, digits.labels),
            optimizer=optimizer,
            epochs=epochs,
            batch_size=batch_size,
            held_out=(digits.held_out_images, digits.held_out_labels),
            augment=learning.Shift(2),
            rng=np.random.default_rng(seed + 1),
            on_epoch=keep,
            resume=run,
            progress=lambda epoch, loss: tick(f"epoch {epoch}, loss {loss:.3f}"),
        )
    if not run.epoch:
        raise KeyboardInterrupt
    learning.save_run(run, folder / RUN, about=about, overwrite=True)
    written = _write(run, net, model, folder, pictures)
    mistakes = _mistakes(run.net, digits)
    (_print_json if json else _print)(terminal, run, net, model, digits, mistakes, written)
    if run.interrupted:
        terminal.note(f"To go on: minicnn train {model} --resume --out {out}")
        raise KeyboardInterrupt


def _finished(terminal: Terminal, run, net, model: str, digits, folder: Path, json: bool) -> None:
    """Say that there is nothing left to do, and write nothing."""
    if json:
        _print_json(terminal, run, net, model, digits, _mistakes(run.net, digits), [])
    else:
        terminal.say(f"{folder} holds a finished run: {run.epoch} of {run.epoch} epochs. Its weights are in {WEIGHTS}.")


def _network(model: str, seed: int):
    import numpy as np

    from minicnn import models
    from minicnn.errors import ArgumentError

    if model not in NETWORKS:
        models.input_shape(model)  # refuses a name that does not exist
        raise ArgumentError(
            f"train: {model} does not take digits of 1×28×28; of the models {', '.join(NETWORKS)} does. In Python, train.fit takes any."
        )
    return getattr(models, model)(rng=np.random.default_rng(seed), **NETWORKS[model])


def _data(name: str):
    from minicnn import load
    from minicnn.errors import UnknownNameError

    if name != "digits":
        raise UnknownNameError(
            f"train: --data names a data set, and there is one, 'digits', but it is {name!r}. In Python, train.fit takes any arrays."
        )
    return load.digits()


def _folder(out: str, resume: bool) -> Path:
    """Return the folder to write to: a new or empty one, or that of an earlier run to go on with."""
    from minicnn.errors import ArgumentError

    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise ArgumentError(f"train: what is learned goes into a folder, but {out!r} is a file; name another one with --out.")
    if resume and not (folder / RUN).is_file():
        raise ArgumentError(
            f"train: --resume goes on with the run that a folder holds, but there is no {RUN} in {out!r}; leave --resume out, or name its --out."
        )
    if not resume and folder.is_dir() and any(folder.iterdir()):
        held = "an earlier run" if (folder / RUN).is_file() else "files"
        remedy = "go on with it by --resume, or name" if (folder / RUN).is_file() else "name"
        raise ArgumentError(f"train: nothing is overwritten, and {out!r} holds {held}; {remedy} another folder with --out.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _earlier(folder: Path, net, ctx: typer.Context, asked: dict):
    """Return the run that a folder holds and the settings that it was begun with; another one that was typed is refused."""
    from minicnn import load
    from minicnn import train as learning
    from minicnn.errors import ArgumentError, FileFormatError

    run = learning.load_run(folder / RUN, net)
    try:
        settings = {name: loads(load.metadata(folder / RUN)["minicnn train"])[name] for name in asked}
    except (KeyError, ValueError, TypeError):
        raise FileFormatError(
            f"train: {folder / RUN} was not written by `minicnn train`; go on with it in Python: train.fit(…, resume=train.load_run(…))."
        ) from None
    for name, value in asked.items():
        if ctx.get_parameter_source(name).name == "COMMANDLINE" and value != settings[name]:
            option = f"--{name.replace('_', '-')}"
            raise ArgumentError(
                f"train: a resumed run goes on as it was begun, to the same bits, with {option} {settings[name]}, but {option} is {value}; "
                f"leave {option} out, or begin another run with another --out."
            )
    return run, settings


def _line(row: dict, epochs: int) -> str:
    """Return what is told of an epoch while it runs."""
    return f"epoch {row['epoch']:>2} of {epochs}: loss {row['loss']:.4f}, held out {row['held_out_accuracy']:.1%}, {row['seconds']:.1f} s"


def _write(run, before, model: str, folder: Path, pictures: bool) -> list[tuple[str, str]]:
    """Write weights and pictures; return names and what they are."""
    from minicnn import load, show

    about = {"minicnn": f"{model}, {run.epoch} epochs of digits, held out {run.history[-1]['held_out_accuracy']:.1%}"}
    load.save_weights(run.net, folder / WEIGHTS, metadata=about, overwrite=True)
    written = [(WEIGHTS, "the trained weights: load.weights reads them"), (RUN, "all that --resume needs")]
    if pictures:
        first, after = (next(iter(net.parameters().values())) for net in (before, run.net))
        show.save(show.learning_curve(list(run.history)), folder / "learning-curve.png")
        show.save(show.filters(after, before=first), folder / "filters.png")
        written += [("learning-curve.png", "loss and accuracy, learned and held out"), ("filters.png", "the first layer, before and after")]
    return written


def _mistakes(net, digits) -> list[tuple[int, int, int]]:
    """Return (digit, taken for, how often) of the held out images, the most frequent first."""
    from collections import Counter

    answers = net(digits.held_out_images).argmax(axis=1)
    wrong = answers != digits.held_out_labels
    pairs = Counter(zip(digits.held_out_labels[wrong].tolist(), answers[wrong].tolist(), strict=True))
    return [(digit, taken, times) for (digit, taken), times in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))]


def _print(terminal: Terminal, run, net, model: str, digits, mistakes, written) -> None:
    from minicnn.text import table

    parameters = sum(array.size for array in net.parameters().values())
    terminal.line(f"{model} on digits: {parameters:,} parameters, {len(digits.images):,} images to learn from", "bold")
    terminal.line()
    head = ("epoch", "loss", "accuracy", "held out loss", "held out", "lr", "seconds")
    rows = [
        (str(r["epoch"]), f"{r['loss']:.4f}", f"{r['accuracy']:.1%}", f"{r['held_out_loss']:.4f}", f"{r['held_out_accuracy']:.1%}", f"{r['lr']:.2g}", f"{r['seconds']:.1f}")
        for r in run.history
    ]  # fmt: skip
    for line in table(head, _about_ten(rows), align="rrrrrrr").split("\n"):
        terminal.line(line)
    terminal.line()
    wrong = sum(times for *_, times in mistakes)
    count = len(digits.held_out_labels)
    terminal.fact("held out", f"{1 - wrong / count:.1%}: {count - wrong} of {count:,} digits that it never learned from")
    if mistakes:
        terminal.fact(
            "mistakes",
            ", ".join(f"{digit} taken for {taken}" + (f" ({times} times)" if times > 1 else "") for digit, taken, times in mistakes[:5]),
        )
    terminal.fact("time", f"{sum(r['seconds'] for r in run.history):.1f} s")
    for place, (name, what) in enumerate(written):
        terminal.fact("files" if not place else "", f"{name}: {what}")


def _about_ten(rows: list) -> list:
    """Return every row of a short run, of a long one about ten and the last."""
    every = -(-len(rows) // 10)
    return [row for place, row in enumerate(rows, 1) if place % every == 0 or place in (1, len(rows))]


def _print_json(terminal: Terminal, run, net, model: str, digits, mistakes, written) -> None:
    confused = [{"digit": digit, "taken_for": taken, "times": times} for digit, taken, times in mistakes]
    accuracy = 1 - sum(times for *_, times in mistakes) / len(digits.held_out_labels)
    terminal.json(
        {"model": model, "images": len(digits.images), "held_out": len(digits.held_out_labels), "held_out_accuracy": accuracy,
         "history": list(run.history), "mistakes": confused, "files": [name for name, _ in written], "interrupted": run.interrupted}
    )  # fmt: skip
