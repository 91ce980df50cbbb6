import subprocess
import sys

HEAVY = ("librosa", "spafe", "sklearn", "tensorflow", "keras", "scipy", "numba", "soxr")


def test_the_extraction_with_stored_banks_loads_no_heavy_library(tmp_path):
    program = (
        "import sys, numpy as np\n"
        "import bilstm_hmm.features.audio.reading, bilstm_hmm.features.augmentation.draws\n"
        "import bilstm_hmm.features.extraction.cache\n"
        "from bilstm_hmm.features.extraction.extract import extract\n"
        "from bilstm_hmm.features.spectral.filterbanks import FilterBanks\n"
        "from bilstm_hmm.features.settings.extraction import FeatureSettings\n"
        "settings = FeatureSettings(streams=('mfcc', 'energy', 'pitch'))\n"
        "banks = FilterBanks(mel=np.ones((40, 257), np.float32),"
        " mel_dct=np.ones((30, 40), np.float32))\n"
        "extract(np.ones(800, np.float32), settings, banks)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
