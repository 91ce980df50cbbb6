"""Tables of how sure the models that ship have to be, from what their bundles hold."""

import numpy as np

from .figures import ROOT
from .markdown import table

_SHARES = (0.7, 0.8, 0.9)


def answered(*names: str) -> str:
    """Return what each model answers for a share of right ones, and how sure it is then."""
    rows = [[f"`{name}`", *(_answered(name, share) for share in _SHARES)] for name in names]
    head = ("`--model`", *(f"`--at-least {share:g}`" for share in _SHARES))
    return table(head, rows, numbers=len(_SHARES))


def _answered(name: str, share: float) -> str:
    from bilstm_hmm.confidence.risk_coverage import RiskCoverage, confidence_for
    from bilstm_hmm.errors import ToolkitError

    with np.load(ROOT / "models" / name / "decision.npz", allow_pickle=False) as stored:
        known = RiskCoverage.from_arrays({key: stored[key] for key in stored.files})
    if known is None:
        return "not known"
    try:
        threshold = confidence_for(known, share, name)
    except ToolkitError:
        return "never"
    coverage = known.coverage[int(np.argmin(np.abs(known.thresholds - threshold)))]
    return f"{100 * coverage:.0f} %, from {threshold:.2f} on"
