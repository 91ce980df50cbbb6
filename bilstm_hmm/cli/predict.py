"""The command ``predict``: a recording, a folder, standard input or the microphone."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bilstm_hmm.cli.labelling.options import Jobs, ModelName, Overwrite, Yes

if TYPE_CHECKING:
    from bilstm_hmm.cli.options import LiveOptions, ModelOptions, PredictOptions


def predict(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help="Recordings and folders of recordings to label; - is standard input.",
        ),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(help="A recording to label; - is standard input. May be repeated."),
    ] = None,
    folder: Annotated[
        list[Path] | None,
        typer.Option(help="A folder of recordings to label. May be repeated."),
    ] = None,
    model: ModelName = None,
    format: Annotated[
        str | None,
        typer.Option(
            help="text, json, jsonl, csv, tsv, rttm, audacity, textgrid, srt, png (default: by the "
            "suffix of --output, else text)."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="File (or folder) to write to (default: standard output).")
    ] = None,
    overwrite: Overwrite = False,
    emotions: Annotated[
        str | None,
        typer.Option(help="Choose from these alone, as in angry,happy,neutral (default: all)."),
    ] = None,
    top: Annotated[
        int, typer.Option(min=1, help="How many emotions text names, the likeliest first.")
    ] = 1,
    abstain: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=1.0, metavar="CONFIDENCE", help="Below this confidence say unsure."
        ),
    ] = None,
    at_least: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            metavar="SHARE",
            help="Say unsure as often as it takes for this share of right ones among the answers.",
        ),
    ] = None,
    timeline: Annotated[
        bool, typer.Option("--timeline", help="Print the segments as well.")
    ] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Say which moments and features moved the label, in json, jsonl and png.",
        ),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an output: skip files that it already has.")
    ] = False,
    yes: Yes = False,
    jobs: Jobs = None,
    precision: Annotated[
        str, typer.Option(help="float, or int8: a faster network, if the model has one.")
    ] = "float",
    live: Annotated[
        bool, typer.Option("--live", help="Label standard input while it comes.")
    ] = False,
    mic: Annotated[bool, typer.Option("--mic", help="Label the microphone, live.")] = False,
    device: Annotated[
        str | None, typer.Option(help="Number or name of the microphone (default: the system's).")
    ] = None,
    pcm: Annotated[
        int | None,
        typer.Option(
            metavar="RATE", help="Standard input is raw 16-bit samples at this rate in Hz."
        ),
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(
            metavar="mix|split|N",
            help="Label the channels as one (default), each, or number N. With --pcm: how many.",
        ),
    ] = None,
    speakers: Annotated[
        Path | None,
        typer.Option(
            metavar="RTTM", help="Label each speaker's turns: an RTTM file, or a folder of them."
        ),
    ] = None,
    voice: Annotated[
        Path | None,
        typer.Option(
            metavar="PROFILE", help="What is known of who speaks: a profile, of `voice learn`."
        ),
    ] = None,
    voices: Annotated[
        str | None,
        typer.Option(
            metavar="folders|one|auto|CSV",
            help="Which recordings are of one voice: those of a folder, all, those that sound "
            "alike, or as a CSV file says (columns file, voice).",
        ),
    ] = None,
    interval: Annotated[
        float | None, typer.Option(help="Seconds between live updates (default: 0.5).")
    ] = None,
    lookahead: Annotated[
        float | None,
        typer.Option(help="Seconds of sound after the moment of an update (default: 1)."),
    ] = None,
) -> None:
    """Label recordings, folders of recordings, or a stream."""
    from bilstm_hmm.cli.labelling.inputs import Inputs, find_inputs
    from bilstm_hmm.cli.labelling.output import claimed_output
    from bilstm_hmm.cli.labelling.voices import parse_channels, with_voices
    from bilstm_hmm.cli.options import (
        DASH,
        LiveOptions,
        ModelOptions,
        PredictOptions,
        names_of,
        unsure_settings,
        validate_options,
    )
    from bilstm_hmm.cli.voice.known import read_voice, voice_settings, with_grouping
    from bilstm_hmm.errors import ToolkitError
    from bilstm_hmm.extras import require_extra
    from bilstm_hmm.output.choice import choose_format
    from bilstm_hmm.output.formats import format_named

    named = (inputs or (), file or (), folder or ())
    if any(named) == mic:
        raise ToolkitError("Name recordings or folders to label, or give --mic.")
    output = None if output == Path(DASH) else output
    format = choose_format(format, output)
    if format_named(format).binary:
        require_extra("plot", f"--format {format}")
    found = Inputs((), many=False) if mic else find_inputs(*named)
    is_stream = found.piped or mic
    wanted = parse_channels(channels or "mix", is_stream)
    profile = read_voice(voice, wanted, speakers)
    n_raw = wanted if is_stream and isinstance(wanted, int) else None
    live_options = LiveOptions(
        found.piped, mic, live, pcm, n_raw, device, interval, lookahead, profile
    )
    options = PredictOptions(
        found.files,
        found.many,
        format,
        output,
        timeline,
        resume,
        jobs or os.cpu_count() or 1,
        overwrite,
        problems=found.problems,
        n_others=found.n_others,
        top=top,
        settings={
            **voice_settings(voice, profile),
            **unsure_settings(abstain, at_least),
            **({"--explain": "yes"} if explain else {}),
        },
        profile=profile,
        abstain=abstain,
        at_least=at_least,
        explain=explain,
    )
    validate_options(live_options, options)
    if not is_stream:
        options = with_grouping(with_voices(options, wanted, speakers), voices)
    elif voices is not None:
        raise ToolkitError("--voices tells which recordings are of one voice: name a folder.")
    elif speakers is not None:
        raise ToolkitError("--speakers tells of turns in a file: name a recording.")
    if found.piped:
        from bilstm_hmm.cli.labelling.stdin import open_standard_input

        # Refused before a model is loaded, where it is a terminal.
        open_standard_input()
    chosen = ModelOptions(model, precision, names_of(emotions), yes)
    with claimed_output(options):
        failed = _predict(chosen, options, live_options)
    raise typer.Exit(1 if failed else 0)


def _predict(chosen: "ModelOptions", options: "PredictOptions", live_options: "LiveOptions") -> int:
    """Return the number of recordings that could not be labelled."""
    from bilstm_hmm.cli.encoder_on_demand import with_encoder
    from bilstm_hmm.cli.labelling.label import write_predictions
    from bilstm_hmm.inference.model import load
    from bilstm_hmm.inference.shipped import model_path
    from bilstm_hmm.inference.voice.profile import check_knows_voices, known_voice

    # Results are UTF-8 whatever the terminal's language, so that other programs can read them.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    folder = model_path(chosen.name)
    model = with_encoder(lambda: load(folder, chosen.precision, chosen.emotions), chosen.yes)
    # Refused before an output is touched, where it does not go with the model.
    known_voice(model.bundle, options.profile)
    threshold = model.threshold(options.abstain, options.at_least)
    options = replace(options, abstain=threshold, at_least=None)
    if options.grouping is not None:
        check_knows_voices(model.bundle)
    if live_options.mic or live_options.live:
        from bilstm_hmm.cli.live.run import predict_live

        return predict_live(model, live_options, options.format, threshold)
    if live_options.piped:
        from bilstm_hmm.cli.labelling.stdin import label_standard_input

        return label_standard_input(model, options, live_options.raw)
    # On a terminal that shows the results a bar would only part and wrap them.
    is_shown = options.output is None and sys.stdout.isatty()
    with _folder_progress(
        len(options.files) if options.many and not is_shown else None
    ) as on_result:
        return write_predictions(model, options, on_result)


@contextmanager
def _folder_progress(n_files: int | None) -> Iterator[Callable[[int, int], None]]:
    """A bar for a folder; nothing, not even an import of rich, where none is wanted (None)."""
    if n_files is None or not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from bilstm_hmm.cli.progress import console_progress

    with console_progress() as progress:
        # Its pace counts from here: the first results come together.
        progress.update("Labelling", 0, n_files)
        yield lambda done, total: progress.update("Labelling", done, total)
