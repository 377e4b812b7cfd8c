"""The form of hyperparameters, made from the fields of `TrainConfig`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QLocale, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFormLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from ganexplorer.train.config import ConfigError, Parameter, TrainConfig, parameters
from ganexplorer.ui.parts.figures import tabular
from ganexplorer.ui.theme import GAP
from ganexplorer.ui.training.config_fields import (
    BACK_WIDTH,
    EDITOR_WIDTH,
    ConfigField,
    in_words,
    is_text,
    name_width,
    row_height,
    shown,
)

LINE_GAP = 4  # pixels between rows, and below a heading
GROUP_GAP = 12  # pixels above a heading


class ConfigForm(QWidget):
    """An editable `TrainConfig`; its limits, units and help are those of the fields.

    The editors are made when the form first has a height to be seen in: most windows never show them, and the form
    answers without them. Between `set_running` and `set_idle` only fields that may change in a run are editable, and
    `change_wanted` carries what the person wants changed: a dict of plain JSON values, once a field is done with.
    """

    change_wanted = Signal(object)
    edited = Signal()  # while no run goes on: the person is done with a field, and it is right

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._recipe = self._asked = TrainConfig()  # _asked: what the run has, or will have if it agrees
        self._run: TrainConfig | None = None  # what the run has
        self._is_held = False
        self._ended: TrainConfig | None = None  # what the run had that ended, until another configuration is shown
        self._entered: dict[str, Any] = {}  # by name, as `shown` has it: a text may be wrong
        self._fields: dict[str, ConfigField] = {}
        self._body: QWidget | None = None
        self._next_group = QTimer(self, singleShot=True, interval=0)
        self._next_group.timeout.connect(self._make_next_group)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.set_config(self._recipe)

    # -- values --------------------------------------------------------------------------------------------

    def set_config(self, config: TrainConfig) -> None:
        """Show a recipe's configuration; what differs from it from now on is marked."""
        self._recipe, self._ended = config, None
        self._enter(config)

    def config(self) -> TrainConfig:
        """What the form says; raises `ConfigError`, which is also told at the field."""
        values: dict[str, Any] = {}
        for parameter in parameters():
            try:
                values[parameter.name] = self._value(parameter)
            except ConfigError as error:
                self._tell(parameter.name, str(error))
                raise
        return TrainConfig(**values)

    def set_value(self, name: str, value: Any) -> None:
        """Put one value into the form, widths also as text, as if it had been typed but for the signal.

        Raises `ConfigError` for a name that does not exist, and for a number or choice that is not allowed.
        """
        parameter = _known(name)
        value = shown(parameter, value)
        if not is_text(parameter):
            parameter.check(value)
        self._put(parameter, value)

    def editor(self, name: str) -> QWidget:
        """The editor of a field; makes the editors where they are not made yet. Raises `ConfigError`."""
        return self.field(name).editor

    def field(self, name: str) -> ConfigField:
        """The row of a field; see `editor`."""
        _known(name)
        self._make_all()
        return self._fields[name]

    # -- while a run goes on -------------------------------------------------------------------------------

    def set_running(self, config: TrainConfig) -> None:
        """Show what a run has; only its live fields can be edited."""
        self._run = self._asked = config
        self._ended, self._is_held = None, False
        self._enter(config)
        self._fix()

    def hold(self) -> None:
        """A run is on its way: nothing can be edited until `set_running`, or `set_idle` where it does not begin."""
        self._is_held = True
        self._fix()

    def set_idle(self) -> None:
        """The run ended: its values stay, and all fields can be edited."""
        self._is_held = False
        if self._run is not None:
            self._run, self._ended = None, self._run
        self._fix()

    def edits(self) -> dict[str, Any]:
        """What the person has edited since the run ended, as plain JSON values; raises `ConfigError`."""
        if self._ended is None:
            return {}
        now, then = self.config().to_dict(), self._ended.to_dict()
        return {name: value for name, value in now.items() if value != then[name]}

    def show_changed(self, settings: Mapping[str, Any]) -> None:
        """Show values that the run has from now on; raises `ConfigError`.

        What is being typed, and what the run was asked for since then, is left alone.
        """
        new, left_alone = _with(self._run or self._recipe, settings), {self._in_hand()}
        if self._run is not None:
            now, then, asked = self._run.to_dict(), new.to_dict(), self._asked.to_dict()
            later = {name for name in settings if asked[name] not in (now[name], then[name])}  # still on its way
            self._run, self._asked = new, _with(self._asked, {name: then[name] for name in settings.keys() - later})
            left_alone |= later
        for name in settings.keys() - left_alone:
            self._put(_known(name), shown(_known(name), getattr(new, name)))

    def refuse(self, settings: Mapping[str, Any]) -> None:
        """Put back what the run has in place of what it refused; what was asked since then is left alone."""
        if self._run is None:
            return
        in_hand = self._in_hand()
        now, asked = self._run.to_dict(), self._asked.to_dict()
        old = {name: now[name] for name, value in settings.items() if asked.get(name) == value}
        self._asked = _with(self._asked, old)
        for name in old:
            if name != in_hand:
                self._put(_known(name), shown(_known(name), getattr(self._run, name)))

    def _commit(self, name: str) -> None:
        """The person is done with a field."""
        try:
            self._value(_known(name))
            self._tell(name, "")
            if self._run is not None:
                self._ask(self.config())
            else:
                self.edited.emit()
        except ConfigError as error:
            self._tell(name, str(error))

    def _ask(self, config: TrainConfig) -> None:
        """Want what differs from what the run was asked for so far."""
        for name in self._fields:
            self._tell(name, "")  # such as that steps and epochs were both 0
        wanted, asked = config.to_dict(), self._asked.to_dict()
        changes = {name: value for name, value in wanted.items() if value != asked[name]}
        self._asked = config
        if changes:
            self.change_wanted.emit(changes)

    def _in_hand(self) -> str:
        """The field in which something is typed that the run was not asked for yet; empty: none."""
        if self._run is None:
            return ""
        for name, field in self._fields.items():
            if field.editor.hasFocus() and self._entered[name] != shown(_known(name), getattr(self._asked, name)):
                return name
        return ""

    # -- the fields ----------------------------------------------------------------------------------------

    def _enter(self, config: TrainConfig) -> None:
        for parameter in parameters():
            self._put(parameter, shown(parameter, getattr(config, parameter.name)))

    def _put(self, parameter: Parameter, value: Any) -> None:
        name = parameter.name
        self._entered[name] = value
        if name in self._fields:
            self._fields[name].show_value(value)
            self._tell(name, "")
            self._mark(parameter)

    def _value(self, parameter: Parameter) -> Any:
        """What is entered, as the configuration has it; raises `ConfigError`."""
        value = self._entered[parameter.name]
        if is_text(parameter):
            value = parameter.parse(value)
            dataclasses.replace(self._recipe, **{parameter.name: value})  # limits, and at least one width
        return value

    def _on_edited(self, name: str, value: Any) -> None:
        self._entered[name] = value
        self._mark(_known(name))

    def _on_back(self, name: str) -> None:
        self._put(_known(name), shown(_known(name), getattr(self._recipe, name)))
        self._commit(name)

    def _mark(self, parameter: Parameter) -> None:
        """Mark a field that has not the recipe's value; words about a text that is right again go."""
        of_recipe = getattr(self._recipe, parameter.name)
        try:
            is_same = self._value(parameter) == of_recipe
            self._tell(parameter.name, "")
        except ConfigError:
            is_same = False
        if parameter.name in self._fields:
            self._fields[parameter.name].mark("" if is_same else in_words(parameter, of_recipe))

    def _tell(self, name: str, words: str) -> None:
        """Words at a field; the form grows for them."""
        if name not in self._fields or self._fields[name].wrong == (words := words.removeprefix(f"{name}: ")):
            return
        self._fields[name].tell(words)
        self.updateGeometry()
        if self.height() > 0:
            self._place()
            self.resize(self.width(), self.sizeHint().height())  # a collapsible follows the size of what it holds

    def _fix(self) -> None:
        for name, field in self._fields.items():
            field.set_fixed(self._is_fixed(_known(name)))

    def _is_fixed(self, parameter: Parameter) -> bool:
        return self._is_held or (self._run is not None and not parameter.live)

    # -- making it -----------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(self._names_width() + GAP + EDITOR_WIDTH + BACK_WIDTH, self._hint_height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _hint_height(self) -> int:
        """The sum of the rows, known before they are made: what holds the form asks before it shows it."""
        row, count = row_height(self), len(parameters())
        rows = len(_groups()) * self._heading_height() + count * (row + LINE_GAP) + LINE_GAP
        return rows + sum(field.minimumHeight() - row for field in self._fields.values())

    def _names_width(self) -> int:
        return max(name_width(self, parameter.name) for parameter in parameters())

    def _heading_height(self) -> int:
        return GROUP_GAP + self.fontMetrics().height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_body()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_body()

    def _show_body(self) -> None:
        """Begin to make the editors once there is a height to see them in; in none, the keys must not reach them."""
        if self.isVisible() and self.height() > 0 and self._body is None:
            self._make_next_group()
        if self._body is not None:
            self._body.setVisible(self.height() > 0)
            self._place()

    def _place(self) -> None:
        if self._body is not None:  # at its full height, uncovered as the form grows: one layout, not one a frame
            self._body.setGeometry(0, 0, self.width(), self._hint_height())

    def _make_all(self) -> None:
        while len(self._fields) < len(parameters()):
            self._make_next_group()

    @Slot()
    def _make_next_group(self) -> None:
        """Make the fields of one group; the others follow, one a turn of the event loop, so that nothing stutters."""
        if self._body is None:
            self._body = QWidget(self)
            self._body.setFont(tabular(self.font()))
            self._body.setLocale(QLocale.c())  # the point is a point
            self._column = QVBoxLayout(self._body)
            self._column.setContentsMargins(0, 0, 0, LINE_GAP)
            self._column.setSpacing(0)
            self._column.addStretch(1)  # the room of what is not made yet
            self._place()
        group, members = next((g, m) for g, m in _groups().items() if m[0].name not in self._fields)
        heading = QLabel(group, self._body, objectName="heading", alignment=Qt.AlignmentFlag.AlignBottom)
        heading.setFixedHeight(self._heading_height())
        form = QFormLayout()
        form.setContentsMargins(0, LINE_GAP, 0, 0)
        form.setHorizontalSpacing(GAP)
        form.setVerticalSpacing(LINE_GAP)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        before = next(reversed(self._fields.values())).last_stop if self._fields else self._stop_before()
        for parameter in members:
            field = ConfigField(parameter, row_height(self), self._body)
            field.label.setFixedWidth(self._names_width())
            form.addRow(field.label, field)
            self._connect(field, parameter.name)
            self._fields[parameter.name] = field
            if before is not None:
                QWidget.setTabOrder(before, field.editor)
            self._put(parameter, self._entered[parameter.name])
            field.set_fixed(self._is_fixed(parameter))
            before = field.last_stop
        self._column.insertWidget(self._column.count() - 1, heading)
        self._column.insertLayout(self._column.count() - 1, form)
        for part in (heading, *(self._fields[p.name].label for p in members), *(self._fields[p.name] for p in members)):
            part.show()  # now, not when the layout comes to it: they can be asked for and given the keys at once
        if len(self._fields) < len(parameters()):
            self._next_group.start()
        else:
            self._next_group.stop()

    def _connect(self, field: ConfigField, name: str) -> None:
        field.edited.connect(lambda value: self._on_edited(name, value))
        field.committed.connect(lambda: self._commit(name))
        field.back_wanted.connect(lambda: self._on_back(name))

    def _stop_before(self) -> QWidget | None:
        """Where the keys are before they come to the form; without it they would come to new editors last of all."""
        before = self.previousInFocusChain()
        while before is not None and before is not self and before.focusPolicy() == Qt.FocusPolicy.NoFocus:
            before = before.previousInFocusChain()
        return None if before is self else before


def _known(name: str) -> Parameter:
    for parameter in parameters():
        if parameter.name == name:
            return parameter
    raise ConfigError(f"unknown hyperparameter {name!r}; known: {', '.join(p.name for p in parameters())}.")


def _groups() -> dict[str, list[Parameter]]:
    groups: dict[str, list[Parameter]] = {}
    for parameter in parameters():
        groups.setdefault(parameter.group, []).append(parameter)
    return groups


def _with(config: TrainConfig, settings: Mapping[str, Any]) -> TrainConfig:
    """A copy with plain JSON values in it; raises `ConfigError`."""
    return TrainConfig.from_dict(config.to_dict() | dict(settings))
