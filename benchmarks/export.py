"""An exported model beside the toolkit: how far their probabilities differ, and what each takes.

``python -m benchmarks.export --corpora DIR --clips 1000``. With ``--degraded 100`` there are
so many more clips, each spoilt in one of the ways of `bilstm_hmm.features.degradation`.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bilstm_hmm.data.audio_files import audio_files
from bilstm_hmm.features.audio.reading import read_audio
from bilstm_hmm.features.degradation.conditions import CONDITIONS, N_TALKERS, Surrounded

from bilstm_hmm.arrays import FloatArray
from bilstm_hmm.blas_threads import one_blas_thread
from bilstm_hmm.export.model import INPUT, export_model
from bilstm_hmm.inference.model import Model, load
from bilstm_hmm.inference.session import open_session

#: Differences up to which two probabilities are the same, and times are of every so many clips.
_SAME, _TIMED = 1e-4, 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=Path, required=True, help="folder of corpora")
    parser.add_argument("--model", help="a bundle or a model that ships (default: default)")
    parser.add_argument("--clips", type=int, default=1000, help="how many, spread over the corpora")
    parser.add_argument("--degraded", type=int, default=0, help="clips that are spoilt as well")
    options = parser.parse_args(arguments)
    model = load(options.model)
    content = export_model(model.bundle, {})
    session = open_session(content, model.bundle.model_id)
    rate = model.bundle.recipe.features.rate
    clips = [read_audio(path, rate).samples for path in _spread(options.corpora, options.clips)]
    clips += _spoilt(options.corpora, options.degraded, rate)
    differences, ratios, n_silent = [], [], 0
    with one_blas_thread():
        for number, samples in enumerate(clips):
            (found,) = session.run(["probabilities"], {INPUT: samples})
            answer = model.predict(samples, rate).probabilities
            # The graph says by zeros alone that nobody speaks.
            expected = np.array(list(answer.values()) or [0.0] * len(found))
            differences.append(float(np.abs(found - expected).max()))
            n_silent += not answer
            if number % _TIMED == 0:
                ratios.append(_ratio(session, model, samples))
    share = 100 * np.mean(np.array(differences) <= _SAME)
    spoilt = f", {options.degraded} of them spoilt" if options.degraded else ""
    print(f"{model.bundle.model_id}: {len(clips)} clips{spoilt}, {len(content) / 1e6:.2f} MB")
    print(f"without speech: {n_silent}")
    print(f"as predict has it: {share:.1f} % within {_SAME:g}")
    print(f"largest difference: {max(differences):.1e}")
    graph, toolkit, ratio = np.median(np.array(ratios), axis=0)
    print(f"warm: {graph:.1f} ms, predict {toolkit:.1f} ms, median ratio {ratio:.2f}")


def _spoilt(corpora: Path, count: int, rate: int) -> list[FloatArray]:
    """`count` clips, each in one of the conditions but the clean one."""
    clips = [read_audio(path, rate).samples for path in _spread(corpora, count)[:count]]
    conditions = [one.apply for one in CONDITIONS.values() if one.apply is not None]
    found = []
    for number, samples in enumerate(clips):
        talkers = [clips[(number + step) % count] for step in range(1, N_TALKERS + 1)]
        rng = np.random.default_rng(number)
        clip = Surrounded(samples, rate, talkers, rng)
        spoilt = conditions[number % len(conditions)](clip)
        found.append(np.asarray(spoilt, np.float32))
    return found


def _spread(corpora: Path, count: int) -> list[Path]:
    """About `count` clips, as many of each corpus."""
    folders = sorted(folder for folder in corpora.iterdir() if folder.is_dir())
    each = max(1, count // len(folders))
    found = []
    for folder in folders:
        files = [file.path for file in audio_files(folder)]
        found += files[:: max(1, len(files) // each)][:each]
    return found


def _ratio(session: Any, model: Model, samples: FloatArray) -> tuple[float, float, float]:
    """Milliseconds of the graph and of `predict`, each the least of three, and their ratio."""
    rate = model.bundle.recipe.features.rate
    graph = _least(lambda: session.run(["probabilities"], {INPUT: samples}))
    toolkit = _least(lambda: model.predict(samples, rate))
    return graph, toolkit, graph / toolkit


def _least(action: Callable[[], Any]) -> float:
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        action()
        times.append(1e3 * (time.perf_counter() - begin))
    return min(times)


if __name__ == "__main__":
    main()
