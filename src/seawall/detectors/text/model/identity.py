"""Words that only name an identity.

Data sets of hate are full of the attacked groups, so a classifier that reads "Muslim" or "lesbian" as a word learns
that the word itself is suspicious, and penalises the people it should protect. Here every plain name of a group is
replaced by a *class* ("a religion", "a sexual orientation"): "Muslims are …" and "Christians are …" are the same text
to the model, which can then only learn from what is said about them. Slurs are not in this list, because they should
count.

Gender has two classes, women and men, because sexism depends on which; words of family and courtship (wife, girl, lady)
stay words, because their contexts differ. So does "old", which applies to anything.
"""

from __future__ import annotations

_CLASSES: dict[str, str] = {
    "religion": """
        muslim muslims islamic islam moslem moslems jew jews jewish judaism christian christians christianity catholic
        catholics protestant protestants evangelical evangelicals mormon mormons hindu hindus hinduism buddhist
        buddhists buddhism sikh sikhs atheist atheists agnostic agnostics taoist bahai quaker quakers
    """,
    "origin": """
        black blacks white whites asian asians african africans caucasian caucasians latino latinos latina latinas
        latinx hispanic hispanics arab arabs arabic arabian mexican mexicans american americans chinese japanese korean
        koreans indian indians pakistani pakistanis european europeans canadian canadians nigerian nigerians
        vietnamese filipino filipinos filipina thai iranian iranians persian persians iraqi iraqis syrian syrians
        turk turks turkish kurd kurds afghan afghans somali somalis moroccan moroccans algerian palestinian
        palestinians israeli israelis russian russians ukrainian ukrainians polish pole poles romanian romanians roma
        romani german germans french frenchman italian italians spanish spaniard spaniards portuguese greek greeks
        irish english british britons scottish welsh dutch swedish brazilian brazilians puerto rican ricans cuban cubans
        haitian haitians jamaican jamaicans immigrant immigrants migrant migrants refugee refugees foreigner
        foreigners indigenous aboriginal aboriginals biracial multiracial
    """,
    "orientation": """
        gay gays lesbian lesbians homosexual homosexuals homosexuality bisexual bisexuals asexual asexuals straight
        heterosexual heterosexuals heterosexuality lgbt lgbtq lgbtqia queer queers pansexual transgender
        transgendered transsexual transsexuals trans transwoman transwomen transman transmen nonbinary genderqueer
        cisgender cis intersex
    """,
    "ability": """
        disabled disability disabilities handicapped deaf blind paralyzed paralysed autistic autism wheelchair
        amputee amputees epileptic dyslexic schizophrenic bipolar
    """,
    "age": """
        older elderly younger youngster youngsters teenage teenager teenagers teen teens millennial millennials senior
        seniors pensioner pensioners middle-aged
    """,
    "women": "woman women womens womxn female females",
    "men": "man men mens male males",
}

# A class is one private-use character and a plural mark, so that no text can contain it
# (the canonical form drops private-use characters).
_FIRST = 0xE000
CLASS_TOKENS: frozenset[str] = frozenset(chr(_FIRST + number) for number in range(len(_CLASSES)))

IDENTITY: dict[str, str] = {
    word: chr(_FIRST + number) for number, words in enumerate(_CLASSES.values()) for word in words.split()
}
"""From a lower-case word to the token of its class."""
