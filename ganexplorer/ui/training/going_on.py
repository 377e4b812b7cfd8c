"""What a run that is gone on with takes along: what was edited in its form, and more steps where it has done all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QInputDialog, QWidget

from ganexplorer.core.errors import UserError
from ganexplorer.train.config import parameters


def changes_to_go_on(
    parent: QWidget, run: str, edits: Mapping[str, Any], step: int, total: int
) -> dict[str, Any] | None:
    """What changes where `run` goes on after `step`: plain JSON values by hyperparameter; None: the person let it be.

    Asks for more steps where all `total` of them are done; 0: it is not known how many there are. Raises `UserError`
    where something was edited that is fixed in a run.
    """
    fixed = [parameter.name for parameter in parameters() if not parameter.live and parameter.name in edits]
    if fixed:
        back = "it" if len(fixed) == 1 else "them"
        raise UserError(
            f"Not resumed: {' and '.join(fixed)} cannot change in a run that has begun. Put {back} back, or press "
            "Start for a new run."
        )
    if not 0 < total <= step or edits.keys() & {"steps", "epochs"}:
        return dict(edits)
    words = f"{run} has done all its {total:,} steps.\nTrain until step:"
    most = next(int(parameter.high) for parameter in parameters() if parameter.name == "steps" and parameter.high)
    steps, is_agreed = QInputDialog.getInt(
        parent, "Train for longer", words, min(2 * step, most), min(step + 1, most), most
    )
    return {**edits, "steps": steps} if is_agreed else None
