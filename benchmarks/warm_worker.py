"""A process that labels one recording whenever it is asked to, and says how long that took.

``python -m benchmarks.warm_worker KIND WAV MODEL_OR_TABLE``: a line on standard input is a request,
a line on standard output has the seconds from the bytes of the file to its label, and those of
processor time since the request before: of that label, and of what its threads did behind it.
"""

import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

OURS, LIBROSA, OPENSMILE = "ours", "librosa", "opensmile"

Label = Callable[[bytes], object]


def main() -> None:
    """Load everything, say so, and answer requests until there are no more."""
    kind, wav, what = sys.argv[1:]
    label = {OURS: ours, LIBROSA: librosa, OPENSMILE: opensmile}[kind](Path(what))
    content = Path(wav).read_bytes()
    print("ready", flush=True)
    before = time.process_time()
    for _ in sys.stdin:
        now = time.process_time()
        used, before = now - before, now
        started = time.perf_counter()
        label(content)
        print(time.perf_counter() - started, used, flush=True)


def ours(model: Path) -> Label:
    """Return the toolkit's Python interface, fed with what soundfile reads."""
    import soundfile

    import bilstm_hmm

    loaded = bilstm_hmm.load(model)

    def label(content: bytes) -> str:
        samples, rate = soundfile.read(BytesIO(content), dtype="float32")
        return str(loaded.predict(samples, rate).emotion)

    return label


def librosa(model: Path) -> Label:
    """Return what the script with librosa, Keras and hmmlearn does."""
    from benchmarks.peers import straightforward

    script = straightforward.load(model)
    return lambda content: straightforward.label(script, BytesIO(content))


def opensmile(table: Path) -> Label:
    """Return what the script with openSMILE and scikit-learn does."""
    from benchmarks.peers import opensmile_svm

    smile, classifier = opensmile_svm.engine(), opensmile_svm.classifier(table)

    def label(content: bytes) -> object:
        row = opensmile_svm.functionals(smile, BytesIO(content))
        return classifier.predict(row[None])[0]

    return label


if __name__ == "__main__":
    main()
