"""The decision inside the graph: the recipe's system, calibrated, as `bilstm_hmm.hmm.fusion`."""

from bilstm_hmm.export.graph import ModelWriter
from bilstm_hmm.inference.bundle import Bundle


def write_probabilities(
    graph: ModelWriter, clip_logits: str, hmm_scores: str, bundle: Bundle
) -> str:
    """Write the probabilities of the emotions, ``[C]``.

    Parameters
    ----------
    clip_logits, hmm_scores
        ``[C]``; the second are log-likelihoods a frame.
    """
    fusion, system = bundle.fusion, bundle.recipe.decision.system
    if system == "bilstm":
        logits = graph.add("Mul", clip_logits, graph.floats(fusion.network_inverse_temperature))
    elif system == "hmm":
        logits = graph.add("Mul", hmm_scores, graph.floats(fusion.hmm_inverse_temperature))
    else:
        of_logits, of_scores = fusion.weights
        weight = graph.floats(of_scores / fusion.hmm_score_std)
        # Centred, so that what all emotions share takes no digits from what they differ in.
        mean = graph.total("ReduceMean", hmm_scores, 0)
        scores = graph.add("Mul", graph.add("Sub", hmm_scores, mean), weight)
        logits = graph.add("Add", graph.add("Mul", clip_logits, graph.floats(of_logits)), scores)
    return graph.add("Softmax", logits, axis=-1)
