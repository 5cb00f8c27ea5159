"""The word lists in languages with other letters, or without spaces: what they find, and what they leave alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from seawall.detectors.text.lexicon import Lexicon, LexiconDetector, read_lexicon, shipped_lexicon_detector
from seawall.model import Part, Signal

TextPart = Callable[..., Part]

HARMFUL = {
    "threat_terms": [
        ("ru", "Слышь, я тебя завтра зарежу"),
        ("ru", "переломаю тебе все пальцы"),
        ("ru", "мы знаем, где ты живёшь"),
        ("ar", "والله لأقتلك يا كلب"),
        ("ar", "راح أذبحك أنت وأهلك"),
        ("ar", "نعرف وين ساكن"),
        ("hi", "तुझे घर आकर मार डालूँगा"),
        ("hi", "tujhe jaan se maar dunga"),
        ("hi", "teri haddiyan tod dunga"),
        ("zh", "我一定会杀了你"),
        ("zh", "我知道你家住在哪"),
        ("zh", "打断你的狗腿"),
        ("ja", "お前を絶対に殺す"),
        ("ja", "ライブ会場を爆破します"),
        ("ja", "お前の住所は特定した"),
        ("id", "gue bakal bunuh lu"),
        ("id", "kami tahu rumahmu"),
    ],
    "self_harm_terms.urging": [
        ("ru", "да повесься ты уже"),
        ("ru", "без тебя? нет, никто по тебе не заплачет"),
        ("ar", "ليش ما تنتحر وتريحنا"),
        ("ar", "اقتلي نفسك"),
        ("hi", "जाकर ज़हर खा ले"),
        ("hi", "ja kahin mar ja"),
        ("zh", "你怎么还不去死"),
        ("zh", "你快去自杀吧"),
        ("ja", "さっさと死ねよ"),
        ("ja", "自殺しろよ"),
        ("id", "mending lu bunuh diri aja"),
    ],
    "self_harm_terms.distress": [
        ("ru", "я больше не хочу жить"),
        ("ru", "всем будет лучше без меня"),
        ("ar", "أريد أن أموت"),
        ("ar", "ما عدت أريد أن أعيش"),
        ("hi", "मैं अब मरना चाहता हूँ"),
        ("hi", "mujhe ab jeena nahi hai"),
        ("zh", "我真的好想结束生命"),
        ("zh", "我不想活了"),
        ("ja", "もう死にたい"),
        ("ja", "生きるのに疲れました"),
        ("id", "aku udah gak mau hidup lagi"),
    ],
    "sexual_terms.solicitation": [
        ("ru", "скинь нюдсы"),
        ("ar", "ابعتيلي لا، ارسلي صورك وانت عارية"),
        ("hi", "नंगी फोटो भेजो"),
        ("hi", "apni nude pic bhejo"),
        ("zh", "发几张裸照"),
        ("ja", "おっぱいの写真送って"),
        ("id", "pap toket dong"),
    ],
    "illegal_goods_terms.trade": [
        ("ru", "Продам мефедрон, закладки по городу"),
        ("ar", "حشيش للبيع، واتساب"),
        ("hi", "गांजा चाहिए तो मिलेगा, टेलीग्राम पर आओ"),
        ("hi", "ganja home delivery available"),
        ("zh", "出售冰毒，货到付款"),
        ("ja", "野菜手押し 都内"),
        ("id", "ready stok sabu, minat wa"),
    ],
    "extremism_terms": [
        ("ru", "бей жидов"),
        ("ar", "باقية وتتمدد"),
        ("hi", "काफिरों को काट डालो"),
        ("zh", "希特勒是对的"),
        ("ja", "ナチスは正しかった"),
        ("id", "bantai semua kafir"),
    ],
}


def _scores(text_part: TextPart, text: str) -> dict[str, float]:
    (answer,) = shipped_lexicon_detector().detect([text_part(text)])
    assert isinstance(answer, tuple)
    found: dict[str, float] = {}
    for signal in answer:
        found[signal.name] = max(found.get(signal.name, 0), signal.value)
    return found


@pytest.mark.parametrize(("signal", "text"), [(signal, text) for signal, texts in HARMFUL.items() for _, text in texts])
def test_words_of_harm_are_found_in_each_language(text_part: TextPart, signal: str, text: str) -> None:
    assert _scores(text_part, text).get(signal, 0) >= 0.5


def test_urging_and_distress_are_told_apart_in_each_language(text_part: TextPart) -> None:
    kinds = ("self_harm_terms.urging", "self_harm_terms.distress")
    for kind, other in (kinds, kinds[::-1]):
        assert [text for _, text in HARMFUL[kind] if other in _scores(text_part, text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "我要去自杀了，写好了遗书",
        "我还是去自杀吧",
        "我真的想去死",
        "лучше умереть, чем так жить",
        "просто сдохнуть хочу",
        "死ねたら楽なのに",
        "私なんか死ねばいい",
        "自殺すればいいのかな",
        "gue mau bunuh diri aja",
        "mending mati aja",
        "أقتل نفسي وارتاح",
        "main zeher kha lunga",
        "你就死心吧",
    ],
)
def test_despair_is_never_taken_for_urging(text_part: TextPart, text: str) -> None:
    assert _scores(text_part, text).get("self_harm_terms.urging", 0) < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "я тебя зарeжу",  # a Latin letter
        "я тебя з а р е ж у",
        "я тебя 3арежу",
        "Я ТЕБЯ ЗАРЕЖУ!!!",
        "я тебя зар\u200bе\u0301жу",
        "سـأقـتـلـك",  # stretched
        "سَأَقْتُلُكَ",  # with vowel signs
        "ﺳﺄﻗﺘﻠﻚ",  # presentation forms
        "ساقتلک",  # a Persian letter
        "तुझे मार डालूंगा",
        "तुझे मा\u200dर डालूँगा",
        "我一定会杀 了 你",
        "我.一.定.会.杀.了.你",
        "我一定会杀\ufe00了你",
        "ｵﾏｴを絶対に殺す",
        "オマエヲ絶対ニ殺ス".replace("ヲ", "を").replace("ニ", "に").replace("ス", "す"),
    ],
)
def test_disguises_do_not_help_in_any_script(text_part: TextPart, text: str) -> None:
    assert _scores(text_part, text).get("threat_terms", 0) >= 0.5


@pytest.mark.parametrize(
    "text",
    [
        # songs and films
        "Я умираю от любви", "Убить Билла", "Смерть в Венеции", "Не хочу жить без тебя",
        "Группа крови", "Король и Шут — Смерть на балу",
        "أموت فيك", "قتلني حبك", "بموت عليك", "أنت عمري", "عاشق الموت",
        "तेरे बिना जीना नहीं", "मर जावां", "जान ले लोगी क्या", "Tere Bina Jeena Nahi",
        "Mar Jaayen", "Gangs of Wasseypur",
        "死了都要爱", "爱你到死", "杀死那个石家庄人", "想死你了", "没有你我活不下去",
        "ころしのメロディ", "殺し文句", "死ぬほど好き", "残酷な天使のテーゼ", "愛してるの", "必死ね",
        "Cinta Ini Membunuhku", "Mati Lampu", "Rela Mati Demi Cinta", "Separuh Aku",
        "Matador", "Je meurs de toi", "Muero de amor", "Morire d'amore", "Morrer de saudade",
        "Ölürüm sana", "Bis zum Tod",
        # idioms
        "умираю со смеху с этого припева", "этот трек меня убил",
        "убил весь вечер на этот альбом", "ржу не могу, сдохла от смеха",
        "هموت من الضحك", "متت من الجوع", "الأغنية تقتل", "صوتها يذبح",
        "हंसते हंसते मर गया", "भूख से मर रहा हूँ", "क्या मार डाला यार", "has has ke mar gaya",
        "bhookh se mar raha hu",
        "笑死我了", "好听到想死", "帅死了", "累死了", "这首歌杀我",
        "尊すぎて死にたい", "かわいすぎて死ぬ", "キュン死", "楽しいしね", "好きだしね",
        "mati ketawa gue", "bunuh waktu sambil dengerin lagu ini", "mati gaya",
        "muero de risa", "je suis mort de rire", "sto morendo dal ridere", "morri de rir",
        "ich sterbe vor Lachen", "gülmekten öldüm",
        # news, help, everyday
        "Полиция задержала продавца наркотиков", "الشرطة تعتقل تاجر حشيش",
        "पुलिस ने गांजा बेचने वाले को पकड़ा", "警方查获冰毒",
        "大麻所持で逮捕", "Polisi tangkap pengedar sabu", "куплю шишки и соль", "суп из шампиньонов",
        "соль и перец в наличии",
        "обязательно приду на концерт", "спасибо, лучший альбом года",
        "شكرا على الأغنية الجميلة", "कितना सुंदर गाना है",
        "这首歌太好听了", "この曲大好きです", "lagunya enak banget", "O mar já não é o mesmo",
    ],
)  # fmt: skip
def test_songs_idioms_and_news_stay_below_every_rule(text_part: TextPart, text: str) -> None:
    assert {name: score for name, score in _scores(text_part, text).items() if score >= 0.5} == {}


def _lexicon(phrase: str) -> Lexicon:
    return read_lexicon(
        f"{{signal: t, harm: threat, description: d, entries: [{{id: e, weight: 0.5, phrases: ['{phrase}']}}]}}",
        "t.yaml",
    )


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("красн* шар", "купил красного шара", False),
        ("красн* шар", "мой красный, шар!", True),
        ("шар", "шарик", False),
        ("шар", "воздушар", False),
        ("шар", "(шар)", True),
        ("шар", "ш*р", False),
        ("шарик", "ш*рик", True),
        ("мой .. шар", "мой самый большой красный шар", True),
        ("мой .. шар", "мой самый большой круглый красный шар", False),
        ("كرة", "كُرَة", True),
        ("كرة", "الكرة", False),
        ("(ال)?كرة", "الكره", True),
        ("लड़का", "लडका", True),
        ("लड़का", "लड़काएं", False),
        ("हां", "हाँ", True),
        ("மொழி", "ம\u0bc6\u0bbeழி", True),
        ("赤い玉", "その赤い玉です", True),
        ("赤 玉", "赤、玉", True),
        ("赤 .. 玉", "赤くて丸い玉", True),
        ("赤 .. 玉", "赤い。それから玉", False),
        ("タマ", "たま", True),
        ("한국", "한국어", False),
        ("한국어", "ㅎㅏㄴㄱㅜㄱㅇㅓ", True),
    ],
)
def test_the_notation_of_phrases_in_other_scripts(text_part: TextPart, phrase: str, text: str, found: bool) -> None:
    (answer,) = LexiconDetector([_lexicon(phrase)]).detect([text_part(text)])
    assert isinstance(answer, tuple)
    assert bool(answer) is found


def test_evidence_is_the_words_as_they_were_written(text_part: TextPart) -> None:
    for phrase, text, words in [
        ("(я|мы) убью", "«Я, убью»", "Я, убью"),
        ("أقتلك", "(أَقْتُلُكَ)", "أَقْتُلُك"),
        ("杀了你", "我要杀 了 你。", "杀 了 你"),
        ("자살", "나 ㅈㅏㅅㅏㄹ!".replace("나 ", ""), "ㅈㅏㅅㅏㄹ"),
    ]:
        (answer,) = LexiconDetector([_lexicon(phrase)]).detect([text_part(text)])
        assert isinstance(answer, tuple)
        (signal,) = answer
        assert isinstance(signal, Signal)
        assert signal.span is not None
        assert text[int(signal.span.start) : int(signal.span.end)] in (words, words[:-2])
