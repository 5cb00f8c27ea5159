"""Provider files: what is understood, what is refused and how that is said, and where content can and cannot go."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.parser import BytesParser
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from providers.service import Said, Service
from seawall.model import Part, SignalKind, Unknown, UnknownReason
from seawall.providers import ConfigError, HttpDetector, read_provider, read_yaml
from seawall.providers.paths import ResponsePath
from seawall.providers.templates import Template

MakeDetector = Callable[..., HttpDetector]
MakePart = Callable[..., Part]

HOSTILE = [
    '", "admin": true, "x": "',
    "${SECRET_KEY} {text} {{text}} {base64}",
    "line\r\nx-evil: yes\r\n\r\n",
    "&api_secret=stolen#?",
    "\x00\x1b\u202e\ud800",
    '--boundary\r\nContent-Disposition: form-data; name="evil"\r\n\r\nyes',
]


def _file(body: str = 'json: {text: "{text}"}', rest: str = "", signals: str = "acme_hate: {at: $.hate}") -> str:
    return f"""
provider: acme
reads: [text]
request:
  url: SERVICE/score
  headers: {{authorization: "Bearer ${{SECRET_KEY}}"}}
  {body}
signals:
  {signals}
{rest}
"""


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("content", HOSTILE)
def test_content_stays_content_in_json(service: Service, detector: MakeDetector, text: MakePart, content: str) -> None:
    service.say({"hate": 0})
    detector(_file(), {"SECRET_KEY": "k-123"}).detect([text(content)])
    [seen] = service.seen
    assert seen.json == {"text": _clean(content)}
    assert seen.headers["authorization"] == "Bearer k-123"
    assert "k-123" not in seen.body.decode()
    assert "x-evil" not in seen.headers


@pytest.mark.parametrize("content", HOSTILE)
def test_content_stays_content_in_forms(service: Service, detector: MakeDetector, text: MakePart, content: str) -> None:
    service.say({"hate": 0})
    body = 'form: {text: "{text}", api_secret: "${SECRET_KEY}"}'
    detector(_file(body), {"SECRET_KEY": "k-123"}).detect([text(content)])
    fields = parse_qs(service.seen[0].body.decode(), keep_blank_values=True)
    assert fields == {"text": [_clean(content)], "api_secret": ["k-123"]}


@pytest.mark.parametrize("content", HOSTILE)
def test_content_stays_content_in_addresses(
    service: Service, detector: MakeDetector, text: MakePart, content: str
) -> None:
    service.say({"hate": 0})
    detector(_file('query: {q: "{text}", v: "2"}'), {"SECRET_KEY": "k-123"}).detect([text(content)])
    address = urlsplit(service.seen[0].path)
    assert address.path == "/score"
    assert parse_qs(address.query) == {"q": [_clean(content)], "v": ["2"]}


@pytest.mark.parametrize("content", HOSTILE)
def test_content_stays_content_in_multipart(
    service: Service, detector: MakeDetector, text: MakePart, content: str
) -> None:
    service.say({"hate": 0})
    detector(_file('multipart: {text: "{text}", mode: ml}'), {"SECRET_KEY": "k-123"}).detect([text(content)])
    [seen] = service.seen
    head = f"content-type: {seen.headers['content-type']}\r\n\r\n".encode()
    parts = BytesParser().parsebytes(head + seen.body).get_payload()
    names = [part.get_param("name", header="content-disposition") for part in parts]  # type: ignore[union-attr]
    assert names == ["text", "mode"]


def test_bytes_go_as_base64_data_url_or_file(service: Service, detector: MakeDetector, image: MakePart) -> None:
    service.say({"hate": 0})
    base = _file().replace("[text]", "[image]")
    detector(base.replace('json: {text: "{text}"}', 'json: {a: "{base64}", b: "{data_url}", c: "{media_type}"}'),
             {"SECRET_KEY": "k"}).detect([image(b"\x89PNG\r\n\x1a\n")])  # fmt: skip
    assert service.seen[0].json == {
        "a": "iVBORw0KGgo=",
        "b": "data:image/png;base64,iVBORw0KGgo=",
        "c": "image/png",
    }
    detector(base.replace('json: {text: "{text}"}', 'multipart: {media: "{file}"}'), {"SECRET_KEY": "k"}).detect(
        [image(b"\xff\xd8\xff\xe0 jpeg")]
    )
    assert b"Content-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0 jpeg\r\n" in service.seen[1].body


def test_media_without_bytes_or_too_large_is_unreadable(
    service: Service, detector: MakeDetector, image: MakePart
) -> None:
    file = _file('json: {image: "{base64}"}', "largest: 1kB").replace("[text]", "[image]")
    answers = detector(file, {"SECRET_KEY": "k"}).detect([image(None), image(b""), image(b"x" * 1_001)])
    assert [answer.reason for answer in answers if isinstance(answer, Unknown)] == [UnknownReason.UNREADABLE] * 3
    assert service.seen == []


def test_what_has_nothing_to_give_is_left_out(service: Service, detector: MakeDetector, text: MakePart) -> None:
    service.say({"hate": 0})
    one = detector(
        _file('json: {text: "{text}", languages: ["{language}"], lang: "{language|en}"}', "limits: {cache: 0}"),
        {"SECRET_KEY": "k"},
    )
    one.detect([text("a", language="de")])
    one.detect([text("a")])
    assert service.seen[0].json == {"text": "a", "languages": ["de"], "lang": "de"}
    assert service.seen[1].json == {"text": "a", "lang": "en"}


# ── reading answers ──


def _measure(detector: MakeDetector, service: Service, part: Part, signals: str, said: object) -> object:
    service.say(said)
    [answer] = detector(_file(signals=signals), {"SECRET_KEY": "k"}).detect([part])
    return answer


@pytest.mark.parametrize(
    ("signals", "said", "value"),
    [
        ("a: {at: $.hate, scale: [0, 100]}", {"hate": 25}, 0.25),
        ("a: {at: $.hate, scale: [-1, 1]}", {"hate": 0}, 0.5),
        ("a: {at: $.hate, words: {LIKELY: 0.75, UNLIKELY: 0.25}}", {"hate": "LIKELY"}, 0.75),
        ("a: {at: [$.x, $.y]}", {"x": 0.2, "y": 0.6}, 0.6),
        ("a: {at: [$.x, $.y]}", {"y": 0.6}, 0.6),
        ('''a: {at: "$.l[?@.c=='hate'].s"}''', {"l": [{"c": "spam", "s": 1}, {"c": "hate", "s": 0.3}]}, 0.3),
        ('''a: {at: "$.frames[*].score"}''', {"frames": [{"score": 0.1}, {"score": 0.8}]}, 0.8),
        ("a: {at: $.hate, missing: 0.5}", {}, 0.5),
        ("a: {at: $.words, kind: count}", {"words": 7}, 7.0),
        ('''a: {at: "$['a/b']['c~d']"}''', {"a/b": {"c~d": 0.4}}, 0.4),
        ('''a: {at: "$[0][1]"}''', [[0.1, 0.2]], 0.2),
    ],
)  # fmt: skip
def test_values_are_found_and_scaled(
    service: Service, detector: MakeDetector, text: MakePart, signals: str, said: object, value: float
) -> None:
    answer = _measure(detector, service, text("hello"), signals, said)
    assert isinstance(answer, tuple)
    assert [signal.value for signal in answer] == [pytest.approx(value)]


def test_evidence_names_which_of_several_paths_decided(
    service: Service, detector: MakeDetector, text: MakePart
) -> None:
    answer = _measure(detector, service, text("hello"), '''a: {at: [$.s.hate, "$.s['hate/threat']"]}''',
                      {"s": {"hate": 0.1, "hate/threat": 0.2}})  # fmt: skip
    assert isinstance(answer, tuple)
    assert answer[0].evidence == "hate/threat"


def test_a_good_answer_says_what_is_required(service: Service, detector: MakeDetector, text: MakePart) -> None:
    one = detector(_file(rest="response: {require: {$.status: success, $.found: '*'}}\nlimits: {cache: 0}"),
                   {"SECRET_KEY": "k"})  # fmt: skip
    service.say(
        {"status": "success", "found": [], "hate": 0.5}, {"status": "failure", "found": 1, "hate": 0.5},
        {"status": "success", "hate": 0.5},
    )  # fmt: skip
    reported = [one.detect([text("hello")])[0] for _ in range(3)]
    assert isinstance(reported[0], tuple)
    assert [answer.detail for answer in reported[1:] if isinstance(answer, Unknown)] == [
        "$.status is not success",
        "$.found is not *",
    ]


def test_refusals_have_their_reason(service: Service, detector: MakeDetector, text: MakePart) -> None:
    rest = """
response:
  refusals:
    - {status: 400, at: $.error.code, is: [LANGUAGE, TONGUE], reason: language}
    - {at: $.language, is: UNSUPPORTED, reason: language}
"""
    one = detector(_file(rest=rest), {"SECRET_KEY": "k"})
    service.say(Said({"error": {"code": "TONGUE"}}, 400), {"language": "UNSUPPORTED", "hate": 0.0},
                Said({"error": {"code": "OTHER"}}, 400))  # fmt: skip
    reported = [one.detect([text("hello")])[0] for _ in range(3)]
    assert [answer.reason.value for answer in reported if isinstance(answer, Unknown)] == [
        "language",
        "language",
        "error",
    ]


BATCH = """
provider: acme
reads: [text]
batch: 3
request:
  url: SERVICE/score
  json: {input: "{parts}"}
  part: {text: "{text}"}
response: {results: $.results}
signals: {acme_hate: {at: $.hate}}
limits: {cache: 0, parallel: 1}
"""


def test_parts_share_a_request(service: Service, detector: MakeDetector, text: MakePart) -> None:
    service.answer = lambda seen: Said({"results": [{"hate": len(each["text"]) / 10} for each in seen.json["input"]]})
    answers = detector(BATCH).detect([text("x" * number) for number in range(1, 6)])
    assert [answer[0].value for answer in answers] == [0.1, 0.2, 0.3, 0.4, 0.5]  # type: ignore[index, union-attr]
    assert [len(seen.json["input"]) for seen in service.seen] == [3, 2]


def test_a_batch_with_too_few_results_is_asked_one_by_one(
    service: Service, detector: MakeDetector, text: MakePart
) -> None:
    def answer(seen: object) -> Said:
        inputs = seen.json["input"]  # type: ignore[attr-defined]
        return Said({"results": [{"hate": 0.5}]} if inputs[0]["text"] != "poison" else {"results": []})

    service.answer = answer
    answers = detector(BATCH).detect([text("good"), text("poison"), text("fine")])
    assert [isinstance(each, tuple) for each in answers] == [True, False, True]
    assert [answer.detail for answer in answers if isinstance(answer, Unknown)] == [
        "0 results at $.results for 1 parts"
    ]


# ── what is refused ──


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("provider: acme", "provider: Acme!"), "test.yaml: provider: 'Acme!' is not a valid name"),
        (("reads: [text]", "reads: [smell]"), "reads[0]: 'smell' is none of: text, image, audio, video"),
        (("reads: [text]", ""), "reads: this is missing"),
        (("url: SERVICE/score", "url: http://api.example/score"), "plain http exposes content and keys"),
        (("url: SERVICE/score", "url: ftp://api.example/score"), "request.url: write https://host/path"),
        (("url: SERVICE/score", "url: https://me:pw@api.example/"), "put keys into headers"),
        (("url: SERVICE/score", "url: 'https://[broken/'"), "request.url: write https://host/path"),
        (("signals:", "signal:"), "signal: unknown key; did you mean 'signals'?"),
        (('{text: "{text}"}', '{text: "{txt}"}'), "request.json.text: {txt} is unknown; known:"),
        (('{text: "{text}"}', '{text: hello}'), "the request has no place for the text"),
        (("reads: [text]", "reads: [text, image]"), "the request has no place for the bytes"),
        (("${SECRET_KEY}", "${OTHER_KEY}"), "request.headers.authorization: the environment variable OTHER_KEY is not"),
        (('{authorization: "Bearer', '{x: "{text}", authorization: "Bearer'), "{text} is unknown; known: none"),
        (("{at: $.hate}", "{at: hate}"), "signals.acme_hate.at: 'hate' is not a JSONPath"),
        (("{at: $.hate}", "{}"), "signals.acme_hate.at: this is missing"),
        (("{at: $.hate}", "{at: $.hate, harm: evil}"), "signals.acme_hate.harm: 'evil' is none of: animal_cruelty"),
        (("{at: $.hate}", "{at: $.hate, scale: [1, 0]}"), "scale: write the lowest and the highest value"),
        (("{at: $.hate}", "{at: $.hate, kind: guess}"), "kind: 'guess' is none of"),
        (("reads: [text]", "reads: [text]\nlimits: {timeout: long}"), "limits.timeout: write a duration such as 250ms"),
        (("reads: [text]", "reads: [text]\nlimits: {total: 2m}"), "limits.total: write a duration"),
        (("reads: [text]", "reads: [text]\nask_when: {signal: hate, from: 0.9, to: 0.2}"), "0.9 is above 'to' (0.2)"),
        (("reads: [text]", "reads: [text]\nbatch: 8"), "response.results: a batch needs the path"),
        (("provider: acme", "provider: acme\n: ["), "not valid YAML"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_understood_says_where_and_what_to_write(change: tuple[str, str], message: str) -> None:
    text = _file().replace(*change).replace("SERVICE", "https://api.example")
    with pytest.raises(ConfigError) as raised:
        read_provider(read_yaml(text, "test.yaml"), {"SECRET_KEY": "k-123"})
    assert message in str(raised.value)
    assert "test.yaml" in str(raised.value)
    assert "k-123" not in str(raised.value)


def test_a_changed_meaning_is_another_version_and_a_changed_key_is_not() -> None:
    def version(text: str, key: str = "k") -> str:
        return read_provider(
            read_yaml(text.replace("SERVICE", "https://a.example"), "f"), {"SECRET_KEY": key}
        ).spec.version

    first = version(_file())
    assert version(_file(), "other") == first
    assert version(_file(rest="limits: {timeout: 9s}")) == first
    assert version(_file(signals="acme_hate: {at: $.hate, scale: [0, 2]}")) != first
    assert version(_file('json: {text: "say {text}"}')) != first
    assert version(_file(rest='version: "2"')).startswith("2-")


def test_kinds_and_harms_are_promised() -> None:
    file = _file(signals="a: {at: $.a, kind: probability, harm: hate, description: Hate, note: calibrated by us}")
    provider = read_provider(read_yaml(file.replace("SERVICE", "https://a.example"), "f"), {"SECRET_KEY": "k"})
    [signal] = provider.spec.signals
    assert (signal.kind, signal.harm) == (SignalKind.PROBABILITY, "hate")
    assert signal.description == "Hate (calibrated by us)"


# ── templates and paths, whatever comes ──

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.text())
def test_any_content_comes_out_as_it_went_in(content: str) -> None:
    template = Template.read({"a": ["{text}", {"b": "<{text}>"}]}, "here", ("text",), {})
    assert template.render({"text": content}) == {"a": [content, {"b": f"<{content}>"}]}


_KEYS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=5)  # the library takes no control characters


def _quoted(key: str) -> str:
    return f"[{json.dumps(key)}]"


@given(_JSON, st.lists(_KEYS, max_size=4))
@example({}, ["..", ".."])
def test_a_path_never_stumbles(document: object, steps: list[str]) -> None:
    path = ResponsePath.read("$" + "".join(_quoted(step) for step in steps))
    assert isinstance(path.find(document), list)


@settings(max_examples=30)
@given(st.dictionaries(_KEYS, _JSON, min_size=1))
def test_every_key_can_be_reached(document: dict[str, object]) -> None:
    for key, value in document.items():
        assert ResponsePath.read("$" + _quoted(key)).find(json.loads(json.dumps(document))) == [value]


@pytest.mark.parametrize(
    ("path", "document", "found"),
    [
        ("$", "[1]", ["[1]"]),
        ("$.a", '{"a": 1}', []),
        ("$", 7, [7]),
        ("$.a[-1]", {"a": [1, 2]}, [2]),
        ("$..score", {"a": [{"score": 1}, {"b": {"score": 2}}]}, [1, 2]),
        ("$.l[?@.c=='x' && @.n>1].s", {"l": [{"c": "x", "n": 1, "s": 1}, {"c": "x", "n": 2, "s": 2}]}, [2]),
        ("$.l[?@.c=='x']", {"l": "x"}, []),
        ("$.a[*]", {"a": list(range(20_000))}, list(range(10_000))),
    ],
)
def test_paths_are_those_of_the_rfc(path: str, document: object, found: list[object]) -> None:
    assert ResponsePath.read(path).find(document) == found


def test_an_answer_nested_deeper_than_is_searched_has_nothing() -> None:
    document: object = {"score": 1}
    for _ in range(500):
        document = [document]
    assert ResponsePath.read("$..score").find(document) == []


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/hate", "not a JSONPath"),
        ("$.a[?match(@.b, '(a+)+$')]", "not a JSONPath"),
        ("$.a[?search(@.b, '(a+)+$')]", "not a JSONPath"),
        ("$..a..b", "more than one"),
        ("$.a | $.b", "not a JSONPath"),
        ("$.a[", "not a JSONPath"),
    ],
)
def test_paths_that_are_refused(path: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ResponsePath.read(path)
