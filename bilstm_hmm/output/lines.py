"""The lines of text that a prediction is shown as."""

from bilstm_hmm.output.label_tracks import escape_unprintable
from bilstm_hmm.prediction import Prediction, Segment


def label_line(result: Prediction, many: bool, top: int = 1) -> str:
    """Return the `top` likeliest emotions with their confidences, in short where there are many."""
    if result.confidence is None:
        return "No speech"
    emotion, confidence = escape_unprintable(result.label), f"{result.confidence:.2f}"
    others = _runners_up(result, top - 1)
    if many:
        return f"{emotion} ({confidence}){others}"
    return f"Predicted Emotion: {emotion} (Confidence: {confidence}){others}"


def _runners_up(result: Prediction, count: int) -> str:
    others = {e: p for e, p in result.probabilities.items() if e != result.emotion}
    likeliest = sorted(others, key=lambda emotion: -others[emotion])[:count]
    words = ["likeliest" if result.unsure and rank == 0 else "then" for rank in range(count)]
    return "".join(
        f", {word} {escape_unprintable(emotion)} ({others[emotion]:.2f})"
        for word, emotion in zip(words, likeliest, strict=False)
    )


def shares_lines(result: Prediction, timeline: bool) -> list[str]:
    """Return how the speaking time is shared between several emotions, on a line if it is.

    Parameters
    ----------
    timeline
        Whether the segments follow.
    """
    shares = result.shares
    if len(shares) < 2:
        return []
    named = ", ".join(
        f"{escape_unprintable(emotion)} {100 * share:.0f} %" for emotion, share in shares.items()
    )
    hint = "" if timeline else "; --timeline shows when"
    return [f"Of the speaking time: {named}{hint}"]


def segment_line(segment: Segment) -> str:
    """Return a segment as the timeline in text has it."""
    s = segment
    return (
        f"  {s.start:8.2f} - {s.end:8.2f} s  {escape_unprintable(s.emotion)} ({s.confidence:.2f})"
    )
