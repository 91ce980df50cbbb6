"""The picture of a prediction as a figure, from Python."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bilstm_hmm.atomic_files import atomic_path, atomic_write
from bilstm_hmm.errors import ToolkitError
from bilstm_hmm.extras import require_extra
from bilstm_hmm.features.audio.envelope import envelope
from bilstm_hmm.features.audio.inputs import Recording, recording_input
from bilstm_hmm.output.formats import segments_or_label
from bilstm_hmm.output.plot_style import DPI, png
from bilstm_hmm.output.timeline_plot import COLUMNS, draw
from bilstm_hmm.prediction import Prediction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: In Hz: as fine as any picture needs.
_RATE = 16000


def plot(
    result: Prediction,
    path: str | os.PathLike[str] | None,
    recording: Recording | None,
    rate: float | None,
) -> "Figure":
    """Return the picture of a prediction, and write it where a path is given.

    See `bilstm_hmm.prediction.Prediction.plot`.
    """
    require_extra("plot", "A picture")
    if recording is None:
        recording = result.path or result.file
        if not Path(recording).is_file():
            raise ToolkitError(
                f"{recording}: no file, but a picture shows the recording; give plot what was "
                "given to predict, as in plot(recording=samples, rate=16000)."
            )
    with recording_input(recording, rate, _RATE) as given:
        waveform = envelope(given.open(), COLUMNS)
    figure = draw(replace(result, segments=tuple(segments_or_label(result))), waveform)
    if path is not None:
        _write(figure, Path(path))
    return figure


def _write(figure: "Figure", path: Path) -> None:
    kind = path.suffix[1:].lower()
    if kind == "png":
        atomic_write(path, png(figure))
        return
    kinds = figure.canvas.get_supported_filetypes()
    if kind not in kinds:
        raise ToolkitError(
            f"{path}: not the name of a picture; let it end in one of .{', .'.join(sorted(kinds))}."
        )
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=DPI, bbox_inches="tight", pad_inches=0.1)
