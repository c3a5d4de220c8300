"""Whether a note is in English, as far as its small words, the commonest words of its clinic and its letters tell."""

from __future__ import annotations

import re
import unicodedata

from icdcoder.text.memo import Memo
from icdcoder.text.tokens import found_by

_ENGLISH = frozenset(
    "the and of with was were is are no not has had have for from which this that he she his her".split()
)
# Small words, and what stands in most short notes, of languages that a hospital may meet; none is English, and none an
# abbreviation or a Latin word that English notes have ("dolor", "per").
_OTHERS = frozenset(
    """
    de la el los las una con por que se del para sin desde hace está años días dias paciente fiebre tos presenta refiere
    antecedentes hipertensión hipertension náuseas varón mujer izquierdo izquierda derecho derecha
    der die das und mit von dem den ein eine nicht wurde im bei seit nach zur zum wegen links rechts patientin zustand
    verdacht fieber husten schmerzen tagen arterielle hypertonie niereninsuffizienz herzinsuffizienz vorhofflimmern
    diagnosen atemnot
    le les des et une dans avec est pour du sur qui il depuis jours patiente douleur douleurs fièvre toux antécédents
    artérielle insuffisance gauche droite chez
    di che nel della sono da com uma dos ao não paziente febbre tosse dolore giorni ipertensione insufficienza
    destra sinistra dei delle dor febre tosse hipertensão há pela pelo
    het een van voor bij op niet koorts pijn sinds dagen hoesten benauwd
    och att som på är för av till ett inte hos sedan feber hosta smärta dagar patienten högt
    og af ikke har har siden smerter dage
    na się nie jest ze oraz przez pacjent pacjentka gorączka kaszel ból dni cukrzyca nadciśnienie
    ve ile bir için olan hasta hastada ateş öksürük ağrı gün hipertansiyon nefes
    je při pacientka horečka kašel bolest dny și cu pentru febră tuse și zile láz köhögés és egy
    """.split()
)
_words = found_by(re.compile(r"[^\W\d_]+"))
_LOOKED_AT = 4000
# Of fewer words than this a larger share must be foreign.
_FEW = 12
# Letters of another script that are enough, as not all scripts have blanks between words.
_FEWEST_LETTERS = 4


def _kind(word: str) -> str | None:
    """What a word speaks for; "" one in capitals that is too short to speak ("NA 134", "LA enlarged")."""
    if len(word) <= 2 and word.isupper():
        return ""
    word = word.lower()
    return "english" if word in _ENGLISH else "other" if word in _OTHERS else None


_KIND = Memo(_kind, most=200_000)


def not_english(text: str) -> bool:
    """True where the note is, on the evidence of some words or of its letters, in another language.

    A telegraphic English note has few small words of any language and is not taken for another.
    """
    text = text[:_LOOKED_AT]
    written = _words(text)
    if not written:
        return False
    letters = text if text.isascii() else "".join(written)
    accented = 0
    if not letters.isascii():
        foreign = sum(not c.isascii() and not unicodedata.name(c, "").startswith("LATIN") for c in letters)
        if foreign >= _FEWEST_LETTERS and foreign > 0.3 * len(letters):
            return True
        # Words that begin with a capital may be names: Sjögren, Ménière.
        accented = sum(len(w) > 2 and w[0].islower() and not w.isascii() and w not in _OTHERS for w in written)
    kinds = list(map(_KIND.__getitem__, map(str.lower, written) if letters.isupper() else written))
    words = len(written) - kinds.count("")
    others, english = accented + kinds.count("other"), kinds.count("english")
    if words < _FEW:
        return others > 1 and others > 0.25 * words and others > 2 * english
    return others > 0.08 * words and others > 2 * english
