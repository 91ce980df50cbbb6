"""The commands of ``voice``: learning a voice from recordings of it, and what is known of one."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bilstm_hmm.cli.labelling.options import Jobs, ModelName, Overwrite, Yes

if TYPE_CHECKING:
    from bilstm_hmm.cli.labelling.inputs import Inputs
    from bilstm_hmm.features.extraction.voice_statistics import FrameMoments
    from bilstm_hmm.inference.model import Model
    from bilstm_hmm.inference.voice.profile import VoiceProfile


def learn(
    recordings: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH", help="Recordings of one voice, and folders of them; without labels."
        ),
    ],
    output: Annotated[Path, typer.Option(help="File to write the profile to, as in anna.voice.")],
    model: ModelName = None,
    add: Annotated[
        bool, typer.Option("--add", help="Add to the profile that the output already is.")
    ] = False,
    overwrite: Overwrite = False,
    yes: Yes = False,
    jobs: Jobs = None,
) -> None:
    """Learn a voice from recordings of it, for `predict --voice`; the profile holds no audio."""
    from bilstm_hmm.cli.encoder_on_demand import with_encoder
    from bilstm_hmm.cli.labelling.inputs import find_inputs
    from bilstm_hmm.errors import ToolkitError
    from bilstm_hmm.inference.model import load
    from bilstm_hmm.inference.voice.learning import learned_profile
    from bilstm_hmm.inference.voice.profile import (
        VoiceProfile,
        check_knows_voices,
        known_voice,
        refuse_existing,
    )
    from bilstm_hmm.output.label_tracks import escape_unprintable

    if add and overwrite:
        raise ToolkitError("--add goes on with what --overwrite replaces; give one of them.")
    found = find_inputs(recordings, (), ())
    if found.piped:
        raise ToolkitError("A voice is learned from files: name recordings or folders.")
    if add:
        before = [VoiceProfile.load(output)]
    else:
        before = []
        refuse_existing(output, overwrite)
    loaded = with_encoder(lambda: load(model), yes)
    check_knows_voices(loaded.bundle)
    for profile in before:
        known_voice(loaded.bundle, profile)
    parts, n_failed = _learn_files(loaded, found, jobs or os.cpu_count() or 1)
    profile = learned_profile(loaded.scorer, parts).merged(before)
    profile.save(output, overwrite=add or overwrite)
    size = output.stat().st_size / 1000
    print(
        f"{escape_unprintable(str(output))}: {_amount(profile)}, {size:.0f} kB; it holds no audio."
    )
    raise typer.Exit(1 if n_failed else 0)


def show(
    profile: Annotated[Path, typer.Argument(help="A voice profile, of `voice learn`.")],
) -> None:
    """Show what a voice profile holds, and which of the models here it goes with."""
    from bilstm_hmm.inference.voice.profile import VoiceProfile

    known = VoiceProfile.load(profile)
    views, features = known.moments.mean.shape
    warps = f", at {views} vocal-tract lengths" if views > 1 else ""
    print(f"{profile}: {_amount(known)}")
    print(f"    holds      mean and variance of {features} features{warps}")
    print("    holds no   audio, words or emotions")
    print(f"    features   {known.features}")
    print(f"    goes with  {', '.join(_models_of(known)) or 'no model that is here by name'}")


def _learn_files(
    model: "Model", found: "Inputs", jobs: int
) -> "tuple[list[FrameMoments | None], int]":
    """Return the moments of each file, None of one without speech, and how many failed."""
    from bilstm_hmm.blas_threads import one_blas_thread
    from bilstm_hmm.features.audio.inputs import file_input
    from bilstm_hmm.features.errors import AudioError
    from bilstm_hmm.inference.voice.learning import learn_recording
    from bilstm_hmm.ordered_map import ordered_map
    from bilstm_hmm.output.label_tracks import escape_unprintable

    rate = model.bundle.recipe.features.rate

    def learn_file(path: Path) -> "FrameMoments | AudioError | None":
        try:
            if path in found.problems:
                raise AudioError(found.problems[path])
            return learn_recording(model.scorer, file_input(path, rate), 1)[0]
        except AudioError as error:
            return error

    parts: list[FrameMoments | None] = []
    n_failed = 0
    with one_blas_thread():
        for path, learned in zip(
            found.files, ordered_map(learn_file, found.files, jobs), strict=True
        ):
            if isinstance(learned, AudioError):
                print(escape_unprintable(str(learned)), file=sys.stderr)
                n_failed += 1
                continue
            if learned is None:
                name = escape_unprintable(str(path))
                print(f"{name}: nobody speaks in it; left out.", file=sys.stderr)
            parts.append(learned)
    return parts, n_failed


def _amount(profile: "VoiceProfile") -> str:
    clips = "1 clip" if profile.n_clips == 1 else f"{profile.n_clips} clips"
    return f"{clips}, {profile.seconds:.1f} s of speech"


def _models_of(profile: "VoiceProfile") -> list[str]:
    """Return the models here that take the features of a profile and know voices."""
    from bilstm_hmm.errors import ToolkitError
    from bilstm_hmm.inference.bundle_files import read_bundle
    from bilstm_hmm.inference.shipped import named_model_path, shipped_models
    from bilstm_hmm.inference.voice.profile import known_voice

    fitting = []
    for name in shipped_models():
        try:
            known_voice(read_bundle(named_model_path(Path(name))), profile)
        except ToolkitError:
            continue
        fitting.append(name)
    return fitting
