"""Keys that a search leaves as they are: trials could not be compared, or would be alike."""

from bilstm_hmm.errors import ToolkitError

_OTHER_TASK = "it decides what is compared, so that trials could not be; set it in the recipe"
_UNMEASURED = "it does not change what is measured; set it in the recipe"
#: Why, by the key or by the section, which ends in a dot.
_FIXED = {
    "name": _UNMEASURED,
    "jobs": _UNMEASURED,
    "cache": _UNMEASURED,
    "tracking": _UNMEASURED,
    "tracking_uri": _UNMEASURED,
    "bundle.": _UNMEASURED,
    "timeline.": _UNMEASURED,
    "training.refit": _UNMEASURED,
    "training.validation_fraction": _UNMEASURED,
    "decision.temperature": _UNMEASURED,
    "decision.system": "--metric says which system is measured; set it in the recipe",
    "data.": _OTHER_TASK,
    "seed": _OTHER_TASK,
    "hmm.inner_folds": _OTHER_TASK,
    "hmm.inner_split": _OTHER_TASK,
    "training.keep": _OTHER_TASK,
    "features.encoder.model": "the recipe names one file by its checksum; search each apart",
}


def refuse_fixed(key: str, source: str, metric: str) -> None:
    """Refuse a key that a search leaves as it is.

    Parameters
    ----------
    source
        What opens the sentence: the file.
    metric
        What is measured: the HMMs do not change what the network alone says.

    Raises
    ------
    ToolkitError
        It is one.
    """
    for fixed, reason in _FIXED.items():
        section = fixed.removesuffix(".")
        # A whole section is one of its keys as well, and so is what lies in one.
        if key == section or key.startswith(f"{section}.") or fixed.startswith(f"{key}."):
            raise ToolkitError(f"{source}: {key} cannot be searched: {reason}.")
    if metric == "bilstm" and (key == "hmm" or key.startswith("hmm.")):
        raise ToolkitError(
            f"{source}: {key} cannot be searched: the HMMs do not change what --metric bilstm "
            "measures; measure hybrid or hmm."
        )
