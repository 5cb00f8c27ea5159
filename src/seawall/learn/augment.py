"""Training sentences written for this project, to correct biases of scraped data.

Scraped sets contain much hate that names a group, and little harmless text that does, praise of groups, hate that is
denied or quoted to condemn it, and contempt for things that are not an identity. These sentences were written for this
purpose, under this project's licence. They come in opposites, so that a group's name, a harsh word or a quotation alone
decides nothing. No sentence is taken from a test suite, and sentences too close to a test text are removed like any
other training text (``dedupe``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from seawall.learn.datasets import LabelledText

NAME = "seawall_sentences"

_PEOPLE = (
    "muslims", "christians", "jewish people", "hindus", "catholics", "sikhs", "buddhists", "atheists", "black people",
    "white people", "asians", "africans", "mexicans", "latinos", "arabs", "indians", "russians", "germans",
    "immigrants", "refugees", "migrants", "foreigners", "gay people", "gays", "lesbians", "trans people",
    "trans women", "bisexuals", "straight people", "queer people", "disabled people", "deaf people", "blind people",
    "autistic people", "old people", "women", "girls", "men", "native people", "the roma",
)  # fmt: skip
_KIND = (
    "muslim", "christian", "jewish", "hindu", "catholic", "sikh", "buddhist", "black", "white", "asian", "african",
    "mexican", "latino", "arab", "indian", "russian", "german", "immigrant", "foreign", "gay", "lesbian", "trans",
    "transgender", "bisexual", "straight", "queer", "disabled", "deaf", "blind", "autistic", "elderly", "native",
)  # fmt: skip
_THINGS = (
    "mosquitoes", "mondays", "my old laptop", "these hiking boots", "tax forms", "pop-up ads", "potholes", "weeds",
    "cover bands", "printers", "parking meters", "this update", "soggy chips", "leaf blowers", "airport queues",
    "cockroaches in the kitchen", "the new timetable", "mushrooms", "bad sequels", "phone menus",
)  # fmt: skip
_TRADES = (
    "landlords", "bankers", "accountants", "politicians", "estate agents", "referees", "goalkeepers", "smokers",
    "vegans", "journalists", "tories", "liberals", "capitalists", "cyclists", "influencers", "dentists", "gamers",
)  # fmt: skip
_FRIENDS = ("neighbour", "teacher", "colleague", "cousin", "doctor", "coach", "flatmate", "classmate", "boss", "friend")

_CONTEMPT = (
    "ruin every place they move to", "are filth", "are vermin", "are parasites", "are subhuman", "are rats",
    "are a plague on this country", "are not real humans", "breed like insects", "have no place among decent folk",
    "are worthless", "are scum", "are all criminals", "are born thieves", "are mentally ill",
    "are too stupid to vote", "are lazy by nature", "make me sick", "make me want to throw up", "disgust me",
    "are an insult to nature", "are trash", "are inferior and always will be", "should know their place", "are pigs",
    "are beneath us", "deserve nothing", "deserve whatever pain they get",
    "are the reason everything is going downhill", "are ugly inside and out", "are dirty liars",
    "are all the same dumb animals", "are a waste of space",
)  # fmt: skip
_VIOLENCE = (
    "ought to be rounded up and shot", "should be thrown off a roof", "need to be wiped out", "should all be hanged",
    "must be driven out with fire", "deserve a bullet", "should be beaten in the street", "should be gassed",
    "will be slaughtered one by one", "should be put down like dogs", "have to die", "should be locked in cages",
)  # fmt: skip
_ORDERS = (
    "we have to get rid of {people} for good", "let us burn down the homes of {people}",
    "somebody should poison the water of {people}", "i can't wait to beat up some {people}",
    "i would gladly kill a few {people} tonight", "deport {people}, every last one", "i despise {people}",
    "i can't stand {people}", "i loathe {people} with all my heart", "how i detest {people}", "to hell with {people}",
    "fuck {people}", "fuck all {people}", "nobody wants {people} here", "keep {people} away from our kids",
    "never hire {people}", "never trust {people}", "why do {people} even exist",
    "the world is better without {people}", "who would ever love one of those {people}",
    "give me one reason not to hit {people}", "{people}? more like garbage", "it should be legal to hunt {people}",
    "stop letting {people} vote", "ban {people} from our schools", "we don't want {people} in our town",
    "you are as filthy as all {people}", "my daughter will never marry one of those {people}",
    "another day, another disgusting bunch of {people}",
)  # fmt: skip
_FEELINGS = (
    "i {loathe} {people}", "i really {loathe} all {people}", "{people} fill me with {rage}",
    "{people} give me {rage}", "nothing causes me as much {rage} as {people}", "my whole family {loathe}s {people}",
    "we all {loathe} {people} here", "i feel only {rage} when i see {people}", "the sight of {people} brings {rage}",
    "so much {rage} for {people}", "i {loathe} working next to {people}", "am i the only one to {loathe} {people}?",
    "who else {loathe}s {people}?",
)  # fmt: skip
_THREATS = (
    "i will {harm} every one of the {people}", "we are going to {harm} {people} tonight", "time to {harm} {people}",
    "let's {harm} {people}", "someone has to {harm} {people}", "{people} need to be {harm}ed",
    "let them {harm} {people}", "the army should {harm} {people}", "if i meet {people} i {harm} them",
    "it is our duty to {harm} {people}",
)  # fmt: skip
_REFUSED = (
    "{people} will never be {decent}", "{people} are not {decent}", "not one of those {people} is {decent}",
    "{people} were never {decent} and never will be", "nobody calls {people} {decent}", "{people} can't be {decent}",
    "{people} have no right to be here", "{people} should not be allowed to vote", "don't let {people} near children",
    "{people} don't belong among us", "{people} don't deserve help", "we never needed {people}",
    "there is nothing {decent} about {people}", "{people} aren't even people",
    "no child should grow up with {people}",
)  # fmt: skip
_QUESTIONS = (
    "why should {people} share our streets when they {contempt}?", "isn't it plain that {people} {contempt}?",
    "do you agree that {people} {contempt}?", "how long must we put up with {people}?", "what use are {people}?",
    "can anybody explain why {people} get to live here?", "when will someone finally {harm} {people}?",
    "why are {people} so disgusting?", "could {people} be any more stupid?", "why do {people} smell so bad?",
    "in my view {people} {contempt}", "trust me, {people} {contempt}", "just saying, {people} {contempt}",
    "everyone knows that {people} {contempt}", "the truth is that {people} {contempt}",
    "call me rude but {people} {contempt}",
)  # fmt: skip
_KIND_HATE = (
    "shut up you dirty {kind} pig", "go back where you came from you {kind} trash", "typical {kind} scum",
    "you stupid {kind} animal", "another {kind} parasite living off us", "i hope that {kind} bastard dies",
    "that {kind} freak should be locked away", "no {kind} person can be as smart as us",
    "i will punch the next {kind} person i see", "die, you {kind} rat",
    "{kind} people are an embarrassment to mankind",
)  # fmt: skip
_PRAISE = (
    "are wonderful", "are part of who we are", "have the same rights as everybody", "make this town a better place",
    "deserve respect", "are welcome in our house", "work hard for their families", "taught me so much", "are great",
    "enrich our lives", "are my favourite people to cook with", "run the bakery on our street", "are human like us",
    "should be able to live without fear", "are amazing", "founded this club a century ago", "celebrate next weekend",
    "are studying here in large numbers", "have been part of this city for generations", "came to the concert too",
)  # fmt: skip
_KINDNESS = (
    "i {adore} {people}", "i really {adore} {people}", "we {adore} having {people} around",
    "who else {adore}s {people}?", "{people} can be {decent} parents", "{people} are {decent}",
    "most {people} i know are {decent}", "be kind to {people}", "every child should meet {people}",
    "{people} belong here", "{people} fill me with joy", "hooray for {people}", "i will help {people} tonight",
    "we are going to support {people}", "the law should protect {people}", "i love {people}",
    "i am proud to stand with {people}", "we celebrate {people} this month", "i grew up among {people} and miss them",
    "let us protect {people} from violence", "thank you, {people}", "more {people} in parliament please",
    "the video is about {people} in the fifties", "what do {people} eat at new year?",
    "the museum opened a show on the history of {people}", "a survey among {people} came out today",
    "some of my best memories are with {people}", "we need more doctors among {people}",
    "so happy for all {people} today",
)  # fmt: skip
_KIND_NEUTRAL = (
    "my {kind} {friend} brought us soup when we moved in", "i am a {kind} {friend} and i like chess",
    "her {kind} {friend} plays the cello", "as a {kind} person i enjoyed this book", "my {friend} is {kind}",
    "he came out of the station with a {kind} {friend}", "this {kind} restaurant has the best dumplings",
    "being {kind} is fine", "there is a {kind} choir rehearsing next door", "we hired a {kind} {friend} last spring",
    "i am {kind} and proud", "what a lovely {kind} wedding", "our {kind} {friend} won the race",
    "a {kind} {friend} asked for directions", "you are such a good {kind} {friend}",
    "the {kind} community met yesterday",
)  # fmt: skip
_DENIAL = (
    "it is not true that {people} {contempt}", "nobody here believes that {people} {contempt}",
    "i don't think {people} {contempt}, not at all", "i would never say that {people} {contempt}",
    "who says {people} {contempt}? they do not", "{people} do not deserve any of this abuse",
    "i don't despise {people}", "no one should ever hurt {people}", "we must not let anyone attack {people}",
    "you can't say that {people} {contempt}", "it is wrong to claim {people} {contempt}", "never hurt {people}",
    "i am not afraid of {people}, why would i be", "i have nothing against {people}",
)  # fmt: skip
_QUOTING = (
    'whoever writes "{people} {contempt}" has no place in this forum',
    '"{people} {violence}" is the kind of comment that gets you banned here',
    'he shouted "{hate}" at us, it was awful', 'saying "{people} {contempt}" is racist and cruel',
    'stop posting things like "{people} {contempt}"', 'i reported the man who yelled "{hate}" on the bus',
    'the graffiti read "{people} {contempt}". the city removed it',
    'a candidate who says "{people} {violence}" is unfit for office',
    'if you think "{people} {contempt}" you need help',
    'my grandson was told that {people} {contempt}. he cried all night', 'calling people "{kind} trash" is bullying',
    'being called a "{kind} parasite" every day wears you down', '"{hate}" is what the troll wrote to me, shameful',
)  # fmt: skip
_ABUSE = (
    "you are a useless idiot", "shut your mouth, moron", "what a pathetic loser you are", "you disgust me",
    "you are the dumbest person alive", "i will break your legs", "you lying piece of garbage", "eat dirt, clown",
    "everyone at work thinks you are scum", "crawl back into your hole, rat", "you deserve to be slapped",
    "nobody likes you, you worthless fool", "i hope you choke", "he is a disgusting pig and a liar",
    "you make me sick, you little worm", "my landlord is an absolute bastard", "drop dead you cretin",
    "that singer is a talentless hack and should be ashamed", "i hate you so much", "go to hell, you coward",
    "your brother is a filthy thief", "you ugly troll", "i despise you", "piss off, you creep",
)  # fmt: skip
_SWEARING = (
    "holy shit this view is gorgeous", "fuck yes, we won", "damn, that soup is good", "i am so fucking tired today",
    "what the hell is wrong with this printer", "bloody brilliant set last night", "this shit slaps",
    "oh fuck, the train", "no fucking way, congratulations", "crap, i forgot the keys", "badass solo",
    "my feet hurt like hell", "that was a damn good video", "shit happens, try again tomorrow", "fuck this weather",
    "fuck cancer", "fucking love it",
)  # fmt: skip
_ORDINARY = (
    "added three songs for the road", "does anyone have the chords for this one?",
    "the second verse gets me every time", "happy birthday, see you at eight", "rainy day playlist, mostly piano",
    "the podcast is back after the summer", "thanks for the recommendation", "i will pick up the kids after practice",
    "what time does the show start?", "my sourdough finally worked", "the drummer killed it last night",
    "this bass line is sick", "that chorus slays", "we got destroyed in the quiz", "the remix is fire",
    "shoot me a message later", "i bombed the exam but whatever", "killing time at the airport",
    "this game is murder on my thumbs", "i'd kill for a coffee right now",
)  # fmt: skip

_EVERYDAY = (
    "have a {nice} {time}", "what a {nice} {thing}", "thanks for the {thing}, it was {nice}", "see you {when}",
    "happy {feast}, enjoy the {thing}", "good luck with the {thing} {when}", "the {thing} was {nice}",
    "{nice} {thing}!", "my {friend} made a {nice} {thing}", "i listened to this {thing} on the way home",
    "looking forward to {when}", "can you send me the {thing} {when}?", "we had a {nice} {time} with my {friend}",
    "who sings on this {thing}?", "{thing} for a {nice} {time}", "songs for a {nice} {time}", "my {nice} {thing}",
    "new {thing} out {when}", "let us meet {when} and talk about the {thing}", "is the {thing} still open {when}?",
    "i forgot the {thing} again", "how was your {time}?", "this {thing} reminds me of my {friend}",
    "you did a {nice} job on the {thing}", "call me {when}", "you are so {nice}, thank you",
    "i need a {nice} {thing} right now", "great {thing}, well done", "my {friend} and i walked the dog {when}",
    "the weather is {nice} today", "the kids loved the {thing}", "sorry, i am late for the {thing}",
    "where did you buy that {thing}?", "listening to the {thing} while cooking",
    "in this episode we talk about the {thing} with a {friend}", "relaxing {thing} for sleep", "best of {feast}",
)  # fmt: skip
_SLOTS: dict[str, tuple[str, ...]] = {
    "nice": ("nice", "lovely", "great", "quiet", "sunny", "good", "wonderful", "long", "calm", "funny", "beautiful",
             "kind"),
    "time": ("day", "evening", "weekend", "morning", "week", "trip", "holiday", "night", "afternoon", "summer"),
    "thing": ("song", "book", "dinner", "concert", "playlist", "film", "cake", "photo", "garden", "album", "recipe",
              "podcast", "meeting", "guitar solo", "match", "party", "soup", "jacket", "game", "story", "track"),
    "when": ("tomorrow", "tonight", "next week", "on friday", "at six", "after work", "soon", "on sunday", "later"),
    "loathe": ("loathe", "detest", "despise", "resent", "hate", "dislike", "abhor"),
    "rage": ("rage", "disgust", "hatred", "anger", "nausea", "contempt", "revulsion"),
    "harm": ("kill", "hurt", "shoot", "beat up", "burn", "hang", "attack", "punch", "stab", "poison", "rape"),
    "decent": ("decent", "honest", "clever", "human", "civilised", "welcome", "clean", "normal", "trustworthy", "good",
               "intelligent", "equal", "beautiful", "kind"),
    "adore": ("adore", "love", "admire", "respect", "like", "cherish", "appreciate", "trust", "support"),
    "feast": ("birthday", "new year", "christmas", "eid", "diwali", "hanukkah", "easter", "anniversary", "2010s"),
}  # fmt: skip

_HARMLESS = {"hate": 0.0, "harassment": 0.0, "sexism": 0.0, "toxic": 0.0}


TYPING_ERRORS = 0.25  # share of sentences with one


def mistyped(text: str, chance: random.Random) -> str:
    """The text with one typing error in a longer word, or with two words joined."""
    words = text.split(" ")
    long = [number for number, word in enumerate(words) if len(word) > 3]
    if not long or (len(words) > 1 and chance.random() < 0.3):
        at = chance.randrange(max(1, len(words) - 1))
        return " ".join((*words[:at], "".join(words[at : at + 2]), *words[at + 2 :]))
    at = chance.choice(long)
    word, place = words[at], chance.randrange(1, len(words[at]) - 1)
    if chance.random() < 0.5:
        words[at] = word[:place] + word[place + 1 :]
    else:
        words[at] = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return " ".join(words)


def sentences(seed: int, rounds: int = 800) -> Iterator[LabelledText]:
    """Labelled sentences, ``rounds`` of each kind of opposite, deterministic for a seed."""
    chance = random.Random(seed)  # noqa: S311

    def fill(pattern: str, people: Sequence[str] = _PEOPLE) -> str:
        values = {
            "people": chance.choice(people),
            "kind": chance.choice(_KIND),
            "friend": chance.choice(_FRIENDS),
            "contempt": chance.choice(_CONTEMPT),
            "violence": chance.choice(_VIOLENCE),
            **{slot: chance.choice(words) for slot, words in _SLOTS.items()},
        }
        if "{hate}" in pattern:
            values["hate"] = chance.choice(_ORDERS).format(**values)
        return pattern.format(**values)

    def example(text: str, labels: dict[str, float], kind: str) -> LabelledText:
        shown = text[0].upper() + text[1:] if chance.random() < 0.4 else text
        if chance.random() < TYPING_ERRORS:
            shown = mistyped(shown, chance)
        ending = chance.choice(("", "", ".", "!", "."))
        return LabelledText(text=shown + ending, labels=labels, dataset=NAME, slice=kind)

    hateful = {"hate": 1.0, "harassment": 0.9, "toxic": 1.0}
    for _ in range(rounds):
        contempt = "{people} " + chance.choice(_CONTEMPT)
        violence = "{people} " + chance.choice(_VIOLENCE)
        order, kind_hate = chance.choice(_ORDERS), chance.choice(_KIND_HATE)
        feeling, threat, refused, question = map(chance.choice, (_FEELINGS, _THREATS, _REFUSED, _QUESTIONS))
        attacks = (contempt, violence, order, kind_hate, feeling, threat, refused, question)
        for pattern in attacks:
            yield example(fill(pattern), hateful, "attack")
        for pattern in chance.sample([p for p in attacks if p != kind_hate], 4):  # not about a protected group
            yield example(fill(pattern, _THINGS), _HARMLESS, "things")
        for pattern in chance.sample([p for p in attacks if p != kind_hate], 2):
            yield example(fill(pattern, _TRADES), {"hate": 0.0}, "trades")
        yield example(fill("{people} " + chance.choice(_PRAISE)), _HARMLESS, "praise")
        for patterns, name in (
            (_KINDNESS, "praise"),
            (_KIND_NEUTRAL, "named"),
            (_DENIAL, "denial"),
            (_QUOTING, "quote"),
        ):
            yield example(fill(chance.choice(patterns)), _HARMLESS, name)
        yield example(fill(chance.choice(_QUOTING)), _HARMLESS, "quote")
        yield example(chance.choice(_ABUSE), {"hate": 0.0, "harassment": 1.0, "toxic": 1.0}, "abuse")
        yield example(chance.choice(_SWEARING), _HARMLESS, "swearing")
        ordinary = {**_HARMLESS, "spam": 0.0, "sexual": 0.0}
        yield example(chance.choice(_ORDINARY), ordinary, "ordinary")
        for _ in range(2):
            yield example(fill(chance.choice(_EVERYDAY)), ordinary, "ordinary")
