"""Labelling one file, or handing several on."""

from collections.abc import Callable

from bilstm_hmm.cli.labelling.writing import render_one, write
from bilstm_hmm.cli.options import PredictOptions, ProgressCallback
from bilstm_hmm.confidence.abstention import abstain
from bilstm_hmm.features.audio.voices import EVERYTHING
from bilstm_hmm.inference.model import Model
from bilstm_hmm.output.formats import format_named
from bilstm_hmm.prediction import Result


def write_predictions(
    model: Model,
    options: PredictOptions,
    on_result: ProgressCallback,
    postprocess: Callable[[Result], Result] = lambda result: result,
) -> int:
    """Label the files, write the results, and return how many failed.

    Parameters
    ----------
    postprocess
        What becomes of the result of a single file before it is written.

    Raises
    ------
    ToolkitError
        The output cannot be written, or a resumption is not possible.
    """
    if options.many:
        # Processes and tables are nothing that one file should wait for.
        from bilstm_hmm.cli.labelling.several import label_several

        return label_several(model, options, on_result)
    (file,) = options.files
    voices = options.voices.get(file)
    curves = format_named(options.format).needs_curves
    (result,) = model.predict_many([file], options.jobs, curves, voices, options.profile)
    if options.explain:
        from bilstm_hmm.inference.explanation.results import explained

        (voice,) = voices or (EVERYTHING,)
        result = explained(model.scorer, result, voice, options.profile)
    content = render_one([postprocess(abstain(result, options.abstain))], options)
    # One recording that failed must not empty the output of an earlier call.
    if content is None:
        return 1
    write(options.output, content)
    return 0
