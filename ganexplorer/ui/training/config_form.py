"""The form of hyperparameters, made from the fields of `TrainConfig`."""

from __future__ import annotations

from typing import Any

from pyqtgraph.parametertree import Parameter as TreeItem
from pyqtgraph.parametertree import ParameterTree
from PySide6.QtWidgets import QHeaderView, QVBoxLayout, QWidget

from ganexplorer.train.config import Parameter, TrainConfig, parameters


class ConfigForm(QWidget):
    """An editable `TrainConfig`; its limits, units and help are those of the fields."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        groups: dict[str, list[dict[str, Any]]] = {}
        for parameter in parameters():
            groups.setdefault(parameter.group, []).append(_tree_item(parameter))
        children = [{"name": group, "type": "group", "children": items} for group, items in groups.items()]
        self._root = TreeItem.create(name="root", type="group", children=children)
        self.tree = ParameterTree(showHeader=False)
        self.tree.setParameters(self._root, showTop=False)
        for parameter in parameters():
            for row in self._item(parameter).items:  # pyqtgraph puts the tip on the editor alone
                for column in (0, 1):
                    row.setToolTip(column, _tip(parameter))
        self.tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.tree.setMinimumHeight(260)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tree)

    def set_config(self, config: TrainConfig) -> None:
        for parameter in parameters():
            self._item(parameter).setValue(_shown(parameter, getattr(config, parameter.name)))

    def config(self) -> TrainConfig:
        """What the form says; raises `ConfigError`."""
        values: dict[str, Any] = {}
        for parameter in parameters():
            value = self._item(parameter).value()
            values[parameter.name] = parameter.parse(value) if parameter.type is tuple else parameter.type(value)
        return TrainConfig(**values)

    def item(self, name: str) -> Any:
        """The tree's item of a field, for tests and scripts."""
        return self._item(next(p for p in parameters() if p.name == name))

    def _item(self, parameter: Parameter) -> Any:
        return self._root.child(parameter.group).child(parameter.name)


def _tip(parameter: Parameter) -> str:
    """Help, unit and limits."""
    limits = f", {parameter.low} to {parameter.high}" if parameter.low is not None else ""
    return f"{parameter.help}{f' ({parameter.unit}{limits})' if parameter.unit else limits}"


def _shown(parameter: Parameter, value: Any) -> Any:
    return ",".join(map(str, value)) if parameter.type is tuple else value


def _tree_item(parameter: Parameter) -> dict[str, Any]:
    item: dict[str, Any] = {
        "name": parameter.name,
        "value": _shown(parameter, parameter.default),
        "default": None,  # no arrow in each row: choosing the recipe again resets them all
        "tip": _tip(parameter),
    }
    if parameter.choices:
        return item | {"type": "list", "limits": list(parameter.choices)}
    if parameter.type is tuple:
        return item | {"type": "str"}
    if parameter.type is bool:
        return item | {"type": "bool"}
    limits = {"limits": (parameter.low, parameter.high)}
    if parameter.type is int:
        return item | limits | {"type": "int"}
    # steps relative to the value suit learning rates as well as shares
    return item | limits | {"type": "float", "decimals": 6, "dec": True, "step": 0.1, "minStep": 1e-6}
