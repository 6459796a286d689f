"""Make the weights of LeNet-5 that ship in the package, from the same seed to the same bits.

    python benchmarks/lenet5_weights.py [--check]

Trains on the 4,000 images of load.digits() (extra `data`), each moved by up to two pixels at every epoch, and
writes minicnn/models/data/lenet5_digits.safetensors in this checkout, under 300 kB. With --check nothing is
written: the file that is there must say at least 98% of the 1,000 held out digits rightly.
The bits are those of one machine and one set of versions; elsewhere the last digits may differ.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from machine import print_facts

from minicnn import load, models, train

TARGET = Path(__file__).parents[1] / "minicnn" / "models" / "data" / "lenet5_digits.safetensors"
EPOCHS, BATCH, LR, SEED = 60, 64, 0.004, 3


def trained(digits: load.Digits) -> train.Run:
    """Return the run of the recipe above."""
    net = models.lenet5(rng=np.random.default_rng(SEED), padding=2)
    steps = EPOCHS * -(-len(digits.images) // BATCH)
    return train.fit(
        net,
        (digits.images, digits.labels),
        optimizer=train.AdamW(train.CosineAnnealingLR(LR, steps), weight_decay=0.01),
        epochs=EPOCHS,
        batch_size=BATCH,
        held_out=(digits.held_out_images, digits.held_out_labels),
        augment=train.Shift(2),
        rng=np.random.default_rng(SEED + 1),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="measure the file that is there")
    options = parser.parse_args()
    print_facts()
    digits = load.digits()
    if not options.check:
        run = trained(digits)
        about = {"minicnn": f"lenet5, {EPOCHS} epochs of 4,000 MNIST digits (CC BY-SA 3.0), seed {SEED}"}
        load.save_weights(run.net, TARGET, metadata=about, overwrite=True)
    net = models.lenet5(weights="pretrained", padding=2)
    found = train.evaluate(net, (digits.held_out_images, digits.held_out_labels))
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes, held out {found['accuracy']:.1%}, loss {found['loss']:.4f}")
    if found["accuracy"] < 0.98 or TARGET.stat().st_size >= 300_000:
        sys.exit("the shipped weights must reach 98% in under 300,000 bytes")


if __name__ == "__main__":
    main()
