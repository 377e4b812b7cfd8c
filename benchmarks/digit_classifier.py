"""Trains the digit classifier that comes with the program, tells its accuracy, and writes it with its SHA-256.

    uv run python benchmarks/digit_classifier.py --data DIR -o assets/digit-classifier.safetensors

DIR is where torchvision finds MNIST. The hash belongs into `ganexplorer/train/assets.py`. Another machine, or another
number of threads, makes another file: sums are rounded in another order.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from ganexplorer.train.assets import save_classifier
from ganexplorer.train.classifier import Classifier, train_classifier
from ganexplorer.train.progress import finished
from ganexplorer.train.torchvision_sets import read_idx_set

EPOCHS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.safetensors")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    images, labels = finished(read_idx_set("mnist", arguments.data))
    write(finished(train_classifier(images, labels, EPOCHS)), arguments.data, arguments.out)


def write(model: Classifier, data: Path, out: Path) -> None:
    """Measure the classifier on MNIST's test part, write it as float16, and tell its hash."""
    images, labels = finished(read_idx_set("mnist", data, is_test=True))
    model.load_state_dict({name: v.half() if v.is_floating_point() else v for name, v in model.state_dict().items()})
    _, logits = model.judge(images)
    accuracy = 100 * (logits.argmax(1) == labels).double().mean().item()
    facts = {
        "name": "digit classifier",
        "accuracy_percent": round(accuracy, 2),
        "accuracy_of": "MNIST's test part, 10,000 digits",
        "trained_on": f"MNIST's training part, {EPOCHS} epochs, seed 0",
        "command": "python benchmarks/digit_classifier.py --data DIR -o assets/digit-classifier.safetensors",
        "torch": torch.__version__,
    }
    digest = save_classifier(out, model, facts)
    print(f"{accuracy:.2f} % of the test part right; {out.stat().st_size / 1e6:.2f} MB; SHA-256 {digest}")


if __name__ == "__main__":
    main()
