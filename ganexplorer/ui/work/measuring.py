"""Which latent dimensions of the model on show matter most, found out in a thread of its own."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot
from torch import Tensor

from ganexplorer.core.directions import CHUNK, dimension_effects
from ganexplorer.core.networks import batch_size
from ganexplorer.core.render import Renderer
from ganexplorer.ui.editing.latent_space import LatentSpace
from ganexplorer.ui.work.workers import JobResult, JobThread


class EffectMeter(QObject):
    """Measures one generator at a time: seconds for a large one, and nothing else may wait for that."""

    measured = Signal(object)  # effects, (z_dim,), of the generator that was asked for last
    failed = Signal(object)  # Exception

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._renderer: Renderer | None = None  # whose effects are wanted
        self._thread = JobThread(self)
        self._thread.job_done.connect(self._on_job_done)
        self._thread.start()

    def measure(self, renderer: Renderer, space: LatentSpace) -> None:
        self._renderer = renderer

        def images(z: Tensor) -> Tensor:
            if self._renderer is not renderer:
                raise _Outdated
            return renderer.images(z)

        at_once = batch_size(renderer.spec, CHUNK)
        self._thread.submit(
            "effects", lambda: (renderer, dimension_effects(images, space.prior, space.z_dim, chunk_size=at_once))
        )

    def stop(self) -> None:
        """End the thread, which gives up what it measures."""
        self._renderer = None
        self._thread.finish()

    @Slot(object)
    def _on_job_done(self, result: JobResult) -> None:
        if isinstance(result.error, _Outdated):
            return
        if result.error is not None:
            self.failed.emit(result.error)
            return
        renderer, effects = result.value
        if renderer is self._renderer:
            self.measured.emit(effects)


class _Outdated(Exception):
    """Another generator is to be measured, or none."""
