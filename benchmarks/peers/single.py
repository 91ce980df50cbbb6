"""The toolkit itself, a recording at a time: ``python -m benchmarks.peers.single MODEL PATH``."""

import json
import sys
import time
from pathlib import Path

import bilstm_hmm
from benchmarks.setting import WARM_UP_CLIPS


def main() -> None:
    """Label the files and print their labels, and the seconds of those after the first few."""
    model, path = bilstm_hmm.load(sys.argv[1]), Path(sys.argv[2])
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    labels = [model.predict(file).emotion for file in files[:WARM_UP_CLIPS]]
    started = time.perf_counter()
    labels += [model.predict(file).emotion for file in files[WARM_UP_CLIPS:]]
    print(json.dumps({"labels": labels, "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
