"""Words for emotions in other languages, and the codes of corpora: what a label may have meant."""

import difflib
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from ..clip import EMOTIONS
from ..corpora.emotion_names import canonical_emotion, emotion_words
from ..corpora.registry import CORPORA

# German; French; Spanish and Portuguese; Italian; Dutch; Polish; Russian; Turkish; English words
# that are near enough. Without accents, as `_plain` has them.
_WORDS = {
    "neutral": "neutre neutro neutra neutrale neutraal neutralny neytralnyy notr sachlich",
    "calm": "ruhig gelassen calme tranquilo tranquila calma kalm spokojny sakin peaceful serene",
    "happy": "freude freudig frohlich glucklich gluck joie joyeux heureux content alegria alegre "
    "feliz felicidad felicidade gioia felice felicita blij vreugde radosc wesoly szczescie "
    "radost mutlu mutluluk glad cheerful delighted amused excited laughing",
    "sad": "traurig trauer traurigkeit triste tristesse tristeza tristezza verdrietig droevig "
    "smutek smutny grust uzgun uzuntu unhappy grief depressed crying",
    "angry": "wut wutend arger argerlich zorn zornig colere fache enfado enojo ira rabia raiva "
    "zangado rabbia arrabbiato collera boos boosheid woede zlosc gniew zly gnev zlost "
    "kizgin ofke mad rage furious irritated annoyed",
    "fearful": "angst angstlich furcht peur effraye miedo temor medo paura bang strach lek "
    "przestraszony strah korku frightened terrified panic worried",
    "disgust": "ekel abscheu degout asco repugnancia nojo disgusto schifo walging afkeer wstret "
    "obrzydzenie otvrashchenie igrenme tiksinti revulsion disgusting",
    "surprised": "uberraschung uberrascht erstaunt surprise etonne sorpresa sorprendido surpresa "
    "surpreso sorpreso verrassing verrast zaskoczenie zdziwienie udivlenie saskin saskinlik "
    "astonished amazed shocked",
    "bored": "langeweile gelangweilt ennui aburrimiento aburrido tedio noia annoiato verveling "
    "nuda znudzony skuka sikilma tired",
}
_FOREIGN = {word: emotion for emotion, words in _WORDS.items() for word in words.split()}
#: How near a misspelt word must be to the right one: a letter too few, too many or wrong in four.
_NEARNESS = 0.75
_MIN_LETTERS = 3
_MAX_CODE = 3


def meant_emotions(labels: Collection[str]) -> Mapping[str, str]:
    """Return the emotion that each label seems to mean of those that are no word for one.

    Returns
    -------
    By label, a phrase that names the emotion and says why: ``"angry, in German or another
    language"``. Labels of which nothing is known are not in it.
    """
    unknown = [label for label in labels if canonical_emotion(label) is None]
    meant: dict[str, str] = {}
    codes = _codes(unknown)
    for label in unknown:
        word = _plain(label)
        if label in codes:
            meant[label] = codes[label]
        elif word in _FOREIGN:
            meant[label] = f"{_FOREIGN[word]}, in another word or language"
        else:
            near = _misspelt(word)
            if near is not None:
                meant[label] = f"{near}, misspelt"
    return meant


def _codes(labels: Iterable[str]) -> dict[str, str]:
    """Return what labels mean in the corpus whose codes most of them are."""
    short = {label: label.strip().casefold() for label in labels}
    best: dict[str, str] = {}
    for corpus in CORPORA.values():
        emotions = {
            code.casefold(): emotion
            for code, emotion in corpus.labels.items()
            if code.casefold() != emotion
        }
        emotions |= {code.lstrip("0"): emotion for code, emotion in emotions.items()}
        found = {
            label: f"{emotions[code]}, the code {label} of {corpus.title}"
            for label, code in short.items()
            if code in emotions and len(code) <= _MAX_CODE
        }
        if len(found) > len(best):
            best = found
    return best


def _misspelt(word: str) -> str | None:
    """Return the emotion whose name, or a word for it, `word` nearly is."""
    if len(word) < _MIN_LETTERS:
        return None
    words = emotion_words()
    known = {_plain(w): words[w] for w in words if len(w) > _MIN_LETTERS or w in EMOTIONS}
    known |= _FOREIGN
    parts = [part for part in word.split("_") if part in known or part in EMOTIONS]
    if len(parts) == 1:  # an emotion and something beside it: angry_2, very_sad
        return known.get(parts[0], parts[0])
    near = difflib.get_close_matches(word, known, n=1, cutoff=_NEARNESS)
    if not near or (near[0][0] != word[0] and len(word) < 5):
        return None
    return known[near[0]]


def _plain(word: str) -> str:
    """Return a word in lower case, without accents, its blanks and dashes as underscores."""
    decomposed = unicodedata.normalize("NFKD", word.strip().casefold().replace("ł", "l"))
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return "_".join(letters.replace("-", " ").replace("_", " ").split())
