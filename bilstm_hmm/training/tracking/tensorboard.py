"""TensorBoard's event files in a run's folder, and one sentence where they cannot be written."""

import errno
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bilstm_hmm.atomic_files import write_error
from bilstm_hmm.config.loading import dump_recipe
from bilstm_hmm.config.schema import Recipe
from bilstm_hmm.training.tracking.figures import figures


class EventLog:
    """Keras's TensorBoard callback, as far as the training loop calls it.

    TensorFlow's own errors about a full disk are pages long; here they are a `ToolkitError`.

    Parameters
    ----------
    folder
        Of the event files.
    """

    def __init__(self, folder: Path) -> None:
        import keras

        self._folder = folder
        self._callback = keras.callbacks.TensorBoard(str(folder), write_graph=False)

    def set_model(self, model: Any) -> None:
        """Take note of the model."""
        with _write_errors(self._folder):
            self._callback.set_model(model)

    def on_train_begin(self) -> None:
        """Open the event files."""
        with _write_errors(self._folder):
            self._callback.on_train_begin()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Write the scores of an epoch, the first of which is 0."""
        with _write_errors(self._folder):
            self._callback.on_epoch_end(epoch, logs)

    def on_train_end(self) -> None:
        """Close the event files."""
        with _write_errors(self._folder):
            self._callback.on_train_end()


class TensorBoardTracker:
    """Writes event files: epochs in a folder a network, recipe, report and pictures beside them.

    Parameters
    ----------
    folder
        Of the event files of a run, or of a fold.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def callbacks(self, network: str) -> Sequence[EventLog]:
        """Return what writes the epochs of a network."""
        return (EventLog(self._folder / network),)

    @contextmanager
    def fold(self, number: int) -> Iterator["TensorBoardTracker"]:
        """Yield a tracker that writes into a folder of the fold's own."""
        yield TensorBoardTracker(self._folder / f"fold{number}")

    def recipe(self, recipe: Recipe) -> None:
        """Write the recipe as text."""
        lines = dump_recipe(recipe).splitlines(keepends=True)
        # Four blanks make it verbatim in Markdown, which the page of texts reads.
        self._write(lambda tf: tf.summary.text("recipe", "".join(f"    {x}" for x in lines), 0))

    def figures(self, metrics: Mapping[str, Any]) -> None:
        """Write the scores of a run or a fold, those of each fold at its number."""

        def write(tf: Any) -> None:
            for figure in figures(metrics):
                tf.summary.scalar(figure.name, figure.value, figure.step)

        self._write(write)

    def files(self, files: Sequence[Path]) -> None:
        """Write pictures and the report's text; tables lie in the run's folder."""

        def write(tf: Any) -> None:
            for path in files:
                if path.suffix == ".md":
                    tf.summary.text(path.stem, path.read_text("utf-8"), 0)
                elif path.suffix == ".png":
                    _write_picture(tf, path)

        self._write(write)

    def bundle(self, folder: Path) -> None:
        """Pass over the model: event files hold none."""

    def _write(self, write: Callable[[Any], None]) -> None:
        import tensorflow as tf

        with _write_errors(self._folder):
            writer = tf.summary.create_file_writer(str(self._folder))
            try:
                with writer.as_default():
                    write(tf)
            finally:
                writer.close()


def _write_picture(tf: Any, path: Path) -> None:
    """Write a PNG as it is: it need not be decoded to be shown."""
    from tensorboard.plugins.image.metadata import create_summary_metadata

    data = path.read_bytes()
    if len(data) < 24:
        return
    width, height = struct.unpack(">II", data[16:24])
    metadata = create_summary_metadata(None, "")
    tensor = tf.constant([str(width).encode(), str(height).encode(), data])
    tf.summary.write(path.stem, tensor, step=0, metadata=metadata)


@contextmanager
def _write_errors(folder: Path) -> Iterator[None]:
    """Turn TensorFlow's errors about files into the sentence for the user."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.ResourceExhaustedError:
        raise write_error(folder, OSError(errno.ENOSPC, "")) from None
    except tf.errors.OpError as error:
        raise write_error(folder, OSError(errno.EIO, error.message.splitlines()[-1])) from None
