"""fit: it learns, it goes on to the same bits, it keeps what was finished, and it says where a NaN was born."""

import warnings

import numpy as np
import pytest

from minicnn import describe, nn, trace, train
from minicnn.errors import ArgumentError, DTypeError, FileFormatError, ShapeError, TrainingError, WeightsError


def task(count=48, seed=0):
    """Images whose class is the row that is bright."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    x = 0.3 * rng.standard_normal((count, 1, 3, 5), np.float32)
    x[np.arange(count), 0, labels] += 1
    return x, labels


def network(seed=0, dropout=0.2):
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, rng=rng), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(dropout), nn.Flatten(), nn.Linear(60, 3, rng=rng)
    )


def run_of(epochs, *, net=None, optimizer=None, **options):
    options = {"rng": np.random.default_rng(5), "batch_size": 10, "progress": False, "data": task(), **options}
    return train.fit(net or network(), options.pop("data"), optimizer=optimizer or train.SGD(0.05, momentum=0.9), epochs=epochs, **options)


def assert_same_bits(a, b):
    for one, other in ((a.net.parameters(), b.net.parameters()), (a.net.buffers(), b.net.buffers())):
        assert list(one) == list(other)
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])
    for ours, theirs in zip(a.history, b.history, strict=True):
        assert {k: v for k, v in ours.items() if k != "seconds"} == {k: v for k, v in theirs.items() if k != "seconds"}
    assert a.rng_state == b.rng_state


# It learns.


def test_it_learns_and_measures():
    held_out = task(30, seed=1)
    run = run_of(12, held_out=held_out)
    assert run.epoch == 12
    assert run.history[-1]["held_out_accuracy"] > 0.9
    assert run.history[-1]["loss"] < 0.5 * run.history[0]["loss"]
    row = run.history[-1]
    assert set(row) == {"epoch", "loss", "accuracy", "held_out_loss", "held_out_accuracy", "lr", "seconds", "step_losses"}
    assert len(row["step_losses"]) == 5  # 48 images in tens: the last batch holds eight
    weights = [10, 10, 10, 10, 8]
    np.testing.assert_allclose(row["loss"], np.average(row["step_losses"], weights=weights), rtol=1e-12)
    found = train.evaluate(run.net, held_out, batch_size=10)
    assert found == {"loss": row["held_out_loss"], "accuracy": row["held_out_accuracy"]}
    assert "epoch 12: loss" in repr(run)


def test_the_batch_norms_running_statistics_are_merged():
    run = run_of(1)
    assert not np.array_equal(run.net["bn1"].running_mean, np.zeros(4))


def test_what_was_given_stays_as_it_was():
    net, (x, labels) = network(), task()
    before = {name: array.copy() for name, array in {**net.parameters(), **net.buffers()}.items()}
    kept = x.copy(), labels.copy()
    run_of(2, net=net, data=(x, labels))
    for name, array in {**net.parameters(), **net.buffers()}.items():
        np.testing.assert_array_equal(array, before[name])
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(labels, kept[1])


def test_same_seed_same_bits_and_another_seed_others():
    assert_same_bits(run_of(2), run_of(2))
    assert run_of(1).history[0]["loss"] != run_of(1, rng=np.random.default_rng(6)).history[0]["loss"]


def test_one_step_by_hand():
    """y = w·x, squared error, no rest: w ← w - lr·2·(w·x - t)·x."""
    net = nn.Sequential(nn.Linear.of(np.array([[3.0]])))
    run = train.fit(
        net, (np.array([[2.0]]), np.array([[10.0]])), optimizer=train.SGD(0.125), epochs=1, batch_size=1, loss="mse", progress=False
    )
    np.testing.assert_array_equal(run.net["linear1"].weight, [[3 - 0.125 * 2 * (6 - 10) * 2]])
    assert run.history[0]["loss"] == 16
    assert "accuracy" not in run.history[0]


def test_a_loss_of_ones_own_and_several_outputs():
    g = nn.Graph()
    x = g.input("x")
    net = g.network(x.then("a", nn.Linear(2, 1, rng=np.random.default_rng(0))), x.then("b", nn.Linear(2, 1, rng=np.random.default_rng(1))))

    def both(outputs, target):
        first, second = (y - target for y in outputs)
        return float((first**2).sum() + (second**2).sum()), (2 * first, 2 * second)

    data = (np.eye(2, dtype=np.float32), np.array([[1.0], [-1.0]], np.float32))
    run = train.fit(net, data, optimizer=train.SGD(0.1), epochs=60, batch_size=2, loss=both, progress=False)
    assert run.history[-1]["loss"] < 1e-3
    with pytest.raises(ArgumentError, match=r"a loss returns \(value, gradient by the output\), but it returned a float"):
        train.fit(net, data, optimizer=train.SGD(0.1), epochs=1, batch_size=2, loss=lambda outputs, target: 1.0, progress=False)


def test_a_callback_may_record_maps():
    photo, seen = task(1, seed=9)[0], []
    run_of(3, on_epoch=lambda run: seen.append((run.epoch, trace(run.net, photo)["relu1"].mean())))
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    assert len({value for _, value in seen}) == 3


def test_an_augmentation_is_drawn_from_rng():
    run = run_of(2, augment=train.Shift(1))
    assert_same_bits(run, run_of(2, augment=train.Shift(1)))
    assert run.history[0]["loss"] != run_of(1).history[0]["loss"]


def test_shift_moves_and_fills_with_zeros():
    x = np.arange(1.0, 13.0, dtype=np.float32).reshape(1, 1, 3, 4)
    batch = np.repeat(x, 200, axis=0)
    moved = train.Shift(1)(batch, np.random.default_rng(0))
    wide = np.pad(x[0, 0], 1)
    allowed = {wide[a : a + 3, b : b + 4].tobytes() for a in range(3) for b in range(3)}
    assert {image[0].tobytes() for image in moved} == allowed  # each of the nine places, and no other
    np.testing.assert_array_equal(batch, np.repeat(x, 200, axis=0))
    np.testing.assert_array_equal(train.Shift(0)(batch, np.random.default_rng(0)), batch)


# It goes on.


@pytest.mark.parametrize("optimizer", [train.SGD(0.05), train.SGD(0.05, momentum=0.9), train.Adam(train.StepLR(1e-3, 7, 0.5))])
@pytest.mark.parametrize("suffix", [".safetensors", ".npz", None])
def test_an_interrupted_run_goes_on_to_the_same_bits(optimizer, suffix, tmp_path):
    whole = run_of(4, optimizer=optimizer)
    half = run_of(2, optimizer=optimizer)
    if suffix is not None:
        path = tmp_path / f"run{suffix}"
        train.save_run(half, path)
        half = train.load_run(path, network(seed=77))  # the numbers of the network that is given do not matter
    rest = run_of(4, optimizer=optimizer, net=network(seed=77), resume=half, rng=np.random.default_rng(123))
    assert_same_bits(rest, whole)


def test_a_finished_run_is_not_trained_further():
    done = run_of(2)
    assert run_of(2, resume=done).history == done.history


def test_saving_again_replaces_a_run_and_nothing_else(tmp_path):
    run, path = run_of(1), tmp_path / "run.npz"
    train.save_run(run, path)
    with pytest.raises(ArgumentError, match="overwrite=True"):
        train.save_run(run, path)
    train.save_run(run_of(2), path, overwrite=True)
    assert train.load_run(path, network()).epoch == 2
    other = tmp_path / "mine.npz"
    np.savez(other, x=np.ones(3))
    before = other.read_bytes()
    with pytest.raises(FileFormatError, match="save_run: only a run that was saved before is replaced"):
        train.save_run(run, other, overwrite=True)
    assert other.read_bytes() == before


def test_the_run_of_another_network_or_optimizer_is_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    train.save_run(run_of(1), path)
    other = nn.Sequential(nn.Conv2d(1, 5, 3), nn.Flatten(), nn.Linear(15, 3))
    with pytest.raises(WeightsError, match=r"(?s)load_run: .*run.safetensors is a run of another network.*another shape: conv1.weight"):
        train.load_run(path, other)
    for epochs in (1, 2):
        with pytest.raises(WeightsError, match=r"fit: a run goes on with the optimizer that it began with, SGD, .* but optimizer is Adam"):
            run_of(epochs, optimizer=train.Adam(), resume=train.load_run(path, network()))
    with pytest.raises(WeightsError, match=r"began with, Adam, .* but optimizer is AdamW"):
        run_of(2, optimizer=train.AdamW(), resume=run_of(1, optimizer=train.Adam()))
    with pytest.raises(ArgumentError, match=r"fit: epochs counts those of the run, of which there are 2 already, but it is 1"):
        run_of(1, resume=run_of(2))
    with pytest.raises(WeightsError, match=r"another shape: conv1\.weight"):
        train.fit(other, task(), optimizer=train.SGD(0.1), epochs=2, batch_size=8, resume=run_of(1), progress=False)
    with pytest.raises(ArgumentError, match=r"fit: resume is a Run.*but it is a PosixPath|WindowsPath"):
        run_of(2, resume=path)


# It is interrupted.


def test_ctrl_c_keeps_the_last_finished_epoch():
    calls = []

    def interrupting(output, target):
        calls.append(1)
        if len(calls) == 12:  # two steps into the third epoch
            raise KeyboardInterrupt
        return train.LOSSES["cross_entropy"](output, target)

    with pytest.warns(train.TrainingNotice, match="fit: interrupted; the run holds 2 finished epochs of 5"):
        run = run_of(5, loss=interrupting)
    assert run.interrupted
    assert_same_bits(run, run_of(2))
    again = run_of(5, resume=run)
    assert not again.interrupted
    assert_same_bits(again, run_of(5))


def test_ctrl_c_in_the_callback_keeps_the_epoch_too():
    def save(run):
        if run.epoch == 2:
            raise KeyboardInterrupt

    with pytest.warns(train.TrainingNotice, match="the run holds 2 finished epochs of 5"):
        run = run_of(5, on_epoch=save)
    assert_same_bits(run, run_of(2))


@pytest.mark.parametrize("kind", ["PCG64", "MT19937", "Philox", "SFC64"])
def test_any_of_numpys_generators(kind, tmp_path):
    def rng():
        return np.random.Generator(getattr(np.random, kind)(3))

    whole, half = run_of(2, rng=rng()), run_of(1, rng=rng())
    train.save_run(half, tmp_path / "run.npz")
    rest = run_of(2, rng=rng(), resume=train.load_run(tmp_path / "run.npz", network()))
    for name, array in whole.net.parameters().items():
        np.testing.assert_array_equal(rest.net.parameters()[name], array)
    with pytest.raises(TrainingError, match="born in the loss itself"):
        run_of(1, rng=rng(), loss=lambda output, target: (float("nan"), output))


# What is right.


def test_accuracy_of_a_dense_task_and_of_ignored_labels():
    net = nn.Sequential(nn.Conv2d.of(np.array([1.0, -1.0], np.float32).reshape(2, 1, 1, 1)))  # class 0 where x > 0
    x = np.random.default_rng(0).standard_normal((6, 1, 4, 5), np.float32)
    labels = (x[:, 0] < 0).astype(np.int64)
    assert train.evaluate(net, (x, labels))["accuracy"] == 1
    labels[:, 0] = 1 - labels[:, 0]  # one row of four is wrong
    assert train.evaluate(net, (x, labels))["accuracy"] == 0.75
    labels[:, 0] = -100  # and then ignored
    assert train.evaluate(net, (x, labels))["accuracy"] == 1
    run = train.fit(net, (x, labels), optimizer=train.SGD(0.0), epochs=1, batch_size=4, progress=False)
    assert run.history[0]["accuracy"] == 1
    np.testing.assert_allclose(run.history[0]["loss"], train.evaluate(net, (x, labels))["loss"], rtol=1e-6)


def test_where_a_share_has_no_meaning_there_is_none():
    x, labels = np.ones((8, 2), np.float32), np.array([0, 1] * 4)
    one = lambda output, target: (float((output**2).mean()), 2 * output / output.size)  # noqa: E731
    run = train.fit(
        nn.Linear(2, 1), (x, labels), optimizer=train.SGD(0.1), epochs=1, batch_size=4, loss=one, held_out=(x, labels), progress=False
    )
    assert "accuracy" not in run.history[0]
    assert "held_out_accuracy" not in run.history[0]
    assert "held_out_loss" in run.history[0]


# A loss that is no number.


def test_numbers_that_are_spoiled_after_the_last_loss():
    """A finite loss with a gradient that is not; and a held out set that overflows."""
    nan = lambda output, target: (1.0, np.full_like(output, np.nan))  # noqa: E731
    with pytest.raises(
        TrainingError, match=r"after the last step of epoch 1: that step left numbers that are not finite in 'conv1.weight'"
    ):
        run_of(1, loss=nan, batch_size=48)
    x, labels = task()
    huge = np.where(x > 0, np.float32(3e38), np.float32(-3e38))
    with pytest.raises(
        TrainingError,
        match=r"inf of the held out set after epoch 1: it was born in node|nan of the held out set after epoch 1: it was born in node",
    ):
        run_of(1, held_out=(huge, labels))


def test_a_nan_that_came_with_the_data():
    x, labels = task()
    x = x.copy()
    x[7, 0, 1, 2] = np.nan
    with pytest.raises(TrainingError, match=r"at step \d+ of epoch 1.*it came with the data: the batch holds 1 number that is not finite"):
        run_of(3, data=(x, labels))


def test_a_nan_that_a_node_bore():
    net = nn.Sequential(("wide", nn.Linear.of(np.full((3, 15), 3e38, np.float32))))
    x, labels = task()
    with pytest.raises(TrainingError, match=r"at step 1 of epoch 1: it was born in node 'wide', whose output \(10×3\) holds"):
        run_of(1, net=net, data=(5 * np.abs(x.reshape(48, 15)) + 1, labels))


def test_a_step_that_was_too_long_and_what_it_left():
    """A learning rate of 1e38 overflows a parameter; what was finished before is on the error."""
    with pytest.raises(TrainingError, match=r"born in .*smaller lr.*`run` holds the 0 finished epochs") as caught:
        run_of(3, optimizer=train.SGD(1e38))
    assert caught.value.run.epoch == 0
    schedule = lambda step: 0.05 if step < 5 else 1e38  # noqa: E731
    with pytest.raises(TrainingError, match=r"of epoch 2 \(the loss was .* one step before\)|at step 1 of epoch 2") as caught:
        run_of(3, optimizer=train.SGD(schedule))
    assert_same_bits(caught.value.run, run_of(1, optimizer=train.SGD(0.05)))


def test_the_loss_itself():
    with pytest.raises(TrainingError, match="it was born in the loss itself: every map of the network is finite"):
        run_of(1, loss=lambda output, target: (float("nan"), output))


# Mistakes.


def test_mistakes_are_taught():
    x, labels = task()
    with pytest.raises(
        ArgumentError, match=r"fit: a data set fills at least one batch, but it holds 48 images and batch_size is 64; use batch_size=48"
    ):
        run_of(1, batch_size=64)
    with pytest.raises(
        ArgumentError, match=r"labels of data are from 0 to 2, .* but data\[1\]\[\d+\] is 3 .* They seem to start at 1: subtract 1"
    ):
        run_of(1, data=(x, labels + 1))
    wrong = labels.copy()
    wrong[17] = 9
    with pytest.raises(
        ArgumentError, match=r"fit: labels of held_out are from 0 to 2, .* but held_out\[1\]\[17\] is 9 \(1 of 48 are outside\)"
    ):
        run_of(1, held_out=(x, wrong))
    with pytest.raises(
        ShapeError, match=r"fit: images of data are \(N, C, H, W\), but images.shape=\(48, 3, 5\) has 3 axes; grey .* images\[:, None\]"
    ):
        run_of(1, data=(x[:, 0], labels))
    with pytest.raises(ShapeError, match=r"fit: held_out: node 'linear1'"):
        run_of(1, held_out=(x[:, :, :, :4], labels))
    with pytest.raises(ArgumentError, match=r"fit: held_out must hold at least one image, but it is empty"):
        run_of(1, held_out=(x[:0], labels[:0]))
    with pytest.raises(ArgumentError, match=r"fit: optimizer is a value, but it is the class SGD; write train.SGD\(lr=…\)"):
        run_of(1, optimizer=train.SGD)
    with pytest.raises(ArgumentError, match=r"fit: augment is a function .*, but it is the class Shift; write it with its arguments"):
        run_of(1, augment=train.Shift)
    with pytest.raises(ArgumentError, match=r"fit: on_epoch is a function \(run\), but it is 3"):
        run_of(1, on_epoch=3)
    with pytest.raises(
        ArgumentError, match=r"SGD: an optimizer here holds no parameters, so lr is a number, but it is a mapping of 6 names"
    ):
        train.SGD(network().parameters())
    with pytest.raises(ArgumentError, match=r"the value of a loss is one real number, but it is an array of shape \(10,\)"):
        run_of(1, loss=lambda output, target: (output[:, 0], output))
    with pytest.raises(ArgumentError, match=r"Shift: rng must be a NumPy generator"):
        train.Shift(1)(x, None)
    with pytest.raises(ArgumentError, match=r"evaluate: batch_size must be at least 1, but it is 0"):
        train.evaluate(network(), (x, labels), batch_size=0)
    with pytest.raises(ArgumentError, match=r"evaluate: data is a pair"):
        train.evaluate(network(), x)
    with pytest.raises(ArgumentError, match=r"save_run: the first argument is a Run"):
        train.save_run(network(), "x.npz")
    with pytest.raises(ArgumentError, match=r"load_run: the path comes first, then the network"):
        train.load_run(network(), "x.npz")
    two = nn.Graph()
    net = two.network(two.join("add", nn.Add(), two.input("a"), two.input("b")))
    with pytest.raises(ArgumentError, match=r"fit: it feeds one array of images, but this network has 2 inputs \(a, b\)"):
        train.fit(net, (x, labels), optimizer=train.SGD(0.1), epochs=1, batch_size=8, progress=False)
    with pytest.raises(ShapeError, match=r"fit: data holds one target per image, .*images.shape=\(48, 1, 3, 5\) and targets.shape=\(47,\)"):
        run_of(1, data=(x, labels[1:]))
    with pytest.raises(ArgumentError, match=r"fit: data is a pair \(images, targets\), but it is a ndarray; write data=\(x, labels\)"):
        run_of(1, data=x)
    with pytest.raises(DTypeError, match=r"fit: data\[1\], the targets, must be a NumPy array, but it is a list"):
        run_of(1, data=(x, labels.tolist()))
    with pytest.raises(DTypeError, match=r"fit: data\[0\] must be float32 or float64, but its dtype is uint8"):
        run_of(1, data=(x.astype(np.uint8), labels))
    with pytest.raises(ArgumentError, match=r"fit: loss is one of 'cross_entropy', 'mse', or a function .*but it is 'hinge'"):
        run_of(1, loss="hinge")
    with pytest.raises(ArgumentError, match=r"fit: optimizer has `init` and `step`, such as train.SGD\(lr=0.1\), but it is 0.1"):
        run_of(1, optimizer=0.1)
    with pytest.raises(ArgumentError, match=r"fit: rng must be a NumPy generator, such as np.random.default_rng\(0\), but it is 3"):
        run_of(1, rng=3)
    with pytest.raises(ArgumentError, match=r"fit: epochs must be at least 0, but it is -1"):
        run_of(-1)
    with pytest.raises(ArgumentError, match=r"fit: progress is True or False, but it is 'no'"):
        run_of(1, progress="no")
    with pytest.raises(ArgumentError, match=r"fit: augment is a function \(batch, rng\) → batch"):
        run_of(1, augment=2)
    with pytest.raises(ArgumentError, match=r"Shift: pixels must be at least 0"):
        train.Shift(-1)


# Memory.


@pytest.mark.parametrize(("optimizer", "arrays"), [(train.SGD(0.01), 0), (train.SGD(0.01, momentum=0.9), 1), (train.Adam(), 2)])
def test_describe_predicts_the_memory_of_fit(optimizer, arrays):
    """The peak of what NumPy allocates, within 1.2 of what is said before anything is computed."""
    import tracemalloc

    rng = np.random.default_rng(0)
    net = nn.Sequential(
        *(nn.Conv2d(1, 8, 5, padding=2, rng=rng), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 24, 3, 2, 1, rng=rng), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(24 * 49, 40, rng=rng)),
    )
    x, labels = rng.random((96, 1, 28, 28), np.float32), rng.integers(0, 40, 96)
    options = {"optimizer": optimizer, "batch_size": 48, "progress": False}
    train.fit(net, (x, labels), epochs=1, held_out=(x, labels), **options)  # kernels are compiled, modules imported
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    train.fit(net, (x, labels), epochs=2, held_out=(x, labels), **options)
    peak = tracemalloc.get_traced_memory()[1] - before + sum(array.nbytes for array in net.parameters().values())
    tracemalloc.stop()
    predicted = describe(net, (48, 1, 28, 28)).training_bytes(arrays)
    assert predicted / 1.2 <= peak <= 1.2 * predicted


def test_no_progress_bar_where_nobody_looks(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_of(1)
        run_of(1, progress=lambda epoch, loss: None)
    assert capsys.readouterr() == ("", "")
    run_of(1, progress=True)
    assert capsys.readouterr().out == ""
