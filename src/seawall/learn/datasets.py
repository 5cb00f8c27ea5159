"""Readers of public data sets: labelled texts, the licence, and the permitted use.

A set is in a folder of its name under the data directory (``SEAWALL_DATA``). Labels are soft: the share of people who
would say yes, in [0, 1]; a head without an entry is *not known*, which is not "no".

Some labels are mapped, and every mapping is a judgement, documented at the reader that makes it.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, partial
from pathlib import Path

HEADS = ("hate", "harassment", "sexism", "spam", "sexual", "toxic")


class DatasetUse(StrEnum):
    """The permitted use of a data set."""

    TRAIN = "train"
    SHARE_ALIKE = "share_alike"  # weights trained on it could not be published under our licence
    EVALUATE = "evaluate"  # a test set: training on it would invalidate results


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledText:
    """One labelled text. ``group`` marks texts that must stay on one side of a split (a pair, a thread)."""

    text: str
    labels: Mapping[str, float]
    dataset: str
    group: str = ""
    slice: str = ""  # for breakdowns: the functional test, the identity named, the harm
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A public data set and how to read it. ``splits`` maps a split's name to its reader."""

    name: str
    folder: str
    title: str
    licence: str
    source: str
    use: DatasetUse
    files: tuple[str, ...]
    splits: Mapping[str, Callable[[Path], Iterator[LabelledText]]]
    note: str = ""
    weight: float = 1.0  # weight of one of its texts in training
    heads: tuple[str, ...] = field(default=HEADS)  # the heads it may train

    def present(self, data: Path) -> bool:
        """Whether all files of the set exist."""
        return all((data / self.folder / name).is_file() for name in self.files)

    def read(self, data: Path, split: str) -> list[LabelledText]:
        """All examples of one split. Raises ``FileNotFoundError`` with the remedy when the set is missing."""
        if not self.present(data):
            missing = [name for name in self.files if not (data / self.folder / name).is_file()]
            raise FileNotFoundError(
                f"data set {self.name!r}: {', '.join(missing)} not found in {data / self.folder}; "
                f"get it from {self.source}, or point SEAWALL_DATA at the folder that holds {self.folder}/"
            )
        return list(self.splits[split](data / self.folder))

    def digests(self, data: Path) -> dict[str, str]:
        """SHA-256 of each file, for the manifest."""
        return {name: hashlib.sha256((data / self.folder / name).read_bytes()).hexdigest() for name in self.files}


def _rows(path: Path, delimiter: str = ",") -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file, delimiter=delimiter)


_HELD, _CALIBRATION = 26, 40  # of 256: to test on, to calibrate with


def _split(
    examples: Callable[[Path], Iterator[LabelledText]], *, tested: bool = True
) -> dict[str, Callable[[Path], Iterator[LabelledText]]]:
    """Three parts of a set: by a digest of the group, else of the text. ``tested``: whether one is held for testing."""
    held = _HELD if tested else 0

    def part(text: LabelledText) -> str:
        key = (text.group or text.text).encode("utf-8", "surrogatepass")
        number = hashlib.blake2b(key, digest_size=1).digest()[0]
        return "held" if number < held else "calibration" if number < held + _CALIBRATION else "train"

    def read(folder: Path, name: str) -> Iterator[LabelledText]:
        return (example for example in examples(folder) if part(example) == name)

    return {name: partial(read, name=name) for name in ("train", "calibration", *(("held",) if tested else ()))}


def _lines(path: Path) -> Iterator[dict[str, object]]:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for line in raw.decode("utf-8").splitlines():
        if line.strip():
            yield json.loads(line)


def _davidson(folder: Path) -> Iterator[LabelledText]:
    """Hate is the share of raters. "Offensive" is mostly friendly swearing, so it gives no label for harassment."""
    for row in _rows(folder / "labeled_data.csv"):
        raters = float(row["count"])
        labels = {"hate": float(row["hate_speech"]) / raters}
        if row["class"] == "2":
            labels["harassment"] = 0.0
        yield LabelledText(text=row["tweet"], labels=labels, dataset="davidson", slice=row["class"])


def _hatexplain(folder: Path, split: str) -> Iterator[LabelledText]:
    """Train labels differ from the official majority on about a tenth of posts, so none counts as certain.

    "Offensive" is harassment; whether it is also hate is not known. Toxic is either, as its authors define it.
    """
    for row in _lines(folder / f"{split}.jsonl"):
        text, label = str(row["text"]), str(row["label"])
        labels = {
            "hatespeech": {"hate": 0.95, "harassment": 0.95, "toxic": 0.95},
            "offensive": {"harassment": 0.9, "toxic": 0.9},
            "normal": {"hate": 0.03, "harassment": 0.1, "toxic": 0.1},
        }[label]
        slice_ = str(row.get("domain", ""))
        if split == "val":
            labels = dict.fromkeys(("harassment", "toxic"), float(str(row["majority_toxic"])))
        yield LabelledText(text=text, labels=labels, dataset="hatexplain", slice=slice_)


def _edos(folder: Path, split: str) -> Iterator[LabelledText]:
    """Threats, and derogation of women as such, are also hate. Not sexist does not mean not hateful."""
    for row in _rows(folder / "edos_labelled_aggregated.csv"):
        if row["split"] != split:
            continue
        sexist = row["label_sexist"] == "sexist"
        labels = {"sexism": float(sexist)}
        if row["label_category"][:2] in ("1.", "2."):
            labels["hate"] = 0.9
        yield LabelledText(text=row["text"], labels=labels, dataset="edos", slice=row["label_category"])


def _hatemoji(folder: Path, split: str) -> Iterator[LabelledText]:
    """Written against a model, in pairs in which one word or emoji decides the label. A pair is one group.

    The split ``joint`` collects the joint model's test rows from all three files; the other splits exclude them.
    """
    held_out = held_out_entries()
    for name in ("train", "validation", "test") if split == "joint" else (split,):
        for row in _rows(folder / f"hatemojibuild_{name}.csv"):
            if (row["entry_id"] in held_out) != (split == "joint"):
                continue
            pair = sorted((row["entry_id"], row["matched_id"]))
            labels = {"hate": float(row["label_gold"])}
            yield LabelledText(
                text=row["text"], labels=labels, dataset="hatemoji", group="/".join(pair), slice=row["type"]
            )


@cache
def held_out_entries() -> frozenset[str]:
    """Entries of HatemojiBuild that no model may train on: they test the joint model."""
    lines = Path(__file__).with_name("joint_held_out.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(number for line in lines if not line.startswith("#") for number in line.split())


def _toxic_spans(folder: Path) -> Iterator[LabelledText]:
    """Raters rarely agree here, so the label is their share. Marking an attack on identity counts as hate."""
    identity = {row["annotation"] for row in _rows(folder / "spans.csv") if row["type"].startswith("Identity")}
    votes: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for row in _rows(folder / "annotations.csv"):
        votes[row["comment_id"]].append((row["not toxic"] == "False", row["annotation"] in identity))
    for row in _rows(folder / "comments.csv"):
        if ballots := votes.get(row["comment_id"]):
            labels = {
                "harassment": sum(toxic for toxic, _ in ballots) / len(ballots),
                "hate": sum(attack for _, attack in ballots) / len(ballots),
            }
            yield LabelledText(text=row["comment_text"], labels=labels, dataset="toxic_spans")


def _toxigen(folder: Path) -> Iterator[LabelledText]:
    """The human raters' mean, from 1 (benign) to 5."""
    for row in json.loads((folder / "toxiGen.json").read_text(encoding="utf-8")):
        labels = {"hate": (float(row["toxicity_score"]) - 1) / 4}
        yield LabelledText(text=row["text"], labels=labels, dataset="toxigen", slice="/".join(row["target_groups"]))


def _implicit_hate(folder: Path) -> Iterator[LabelledText]:
    """One label, decided by the poster as much as by the text: not certain."""
    for row in json.loads((folder / "implicitHate.json").read_text(encoding="utf-8")):
        labels = {"hate": 0.9 if row["label"] == "hate" else 0.1}
        yield LabelledText(text=row["text"], labels=labels, dataset="implicit_hate")


def _mlma(folder: Path, language: str = "en") -> Iterator[LabelledText]:
    """Clear cases only: labelled hateful, or labelled normal and nothing else."""
    name = "mlma" if language == "en" else f"mlma_{language}"
    for row in _rows(folder / f"{language}_dataset.csv"):
        said = set(row["sentiment"].split("_"))
        labels: dict[str, float] = {}
        if said == {"normal"}:
            labels = {"hate": 0.1, "harassment": 0.1}
        elif "normal" not in said:
            labels = {"harassment": 0.8}
            if "hateful" in said:
                labels["hate"] = 0.85
        if labels:
            yield LabelledText(text=row["tweet"], labels=labels, dataset=name, slice=row["target"], language=language)


def _germeval(folder: Path) -> Iterator[LabelledText]:
    """Abuse is of a group by its definition, insults are of persons; profanity alone is neither."""
    labels: dict[str, dict[str, float]] = {
        "ABUSE": {"hate": 0.85, "harassment": 0.9},
        "INSULT": {"harassment": 0.9},
        "PROFANITY": {"hate": 0.1, "harassment": 0.5},
        "OTHER": {"hate": 0.05, "harassment": 0.1},
    }
    for line in (folder / "germeval2018.training.txt").read_text(encoding="utf-8").splitlines():
        text, _, kind = line.split("\t")
        yield LabelledText(
            text=text.replace("|LBR|", " "), labels=labels[kind], dataset="germeval2018", slice=kind, language="de"
        )


def _cold(folder: Path, split: str) -> Iterator[LabelledText]:
    """Posts about race, region and gender: what offends there mostly attacks the group."""
    for row in _rows(folder / f"{split}.csv"):
        labels = {"hate": 0.8, "harassment": 0.8} if row["label"] == "1" else {"hate": 0.05, "harassment": 0.1}
        yield LabelledText(text=row["TEXT"], labels=labels, dataset="cold", slice=row["topic"], language="zh")


def _uli(folder: Path, language: str) -> Iterator[LabelledText]:
    """The share of annotators who see abuse of a gender (question 1)."""
    for row in _rows(folder / f"train_{language}_l1.csv"):
        votes = [value for key, value in row.items() if key.startswith(f"{language}_a")]
        given = [float(vote) for vote in votes if vote in ("0.0", "1.0")]
        if given:
            labels = {"sexism": sum(given) / len(given)}
            yield LabelledText(text=row["text"], labels=labels, dataset=f"uli_{language}", language=language)


def _paradetox(folder: Path) -> Iterator[LabelledText]:
    """Pairs: a rude sentence, and its first neutral rewrite. What is rude is not always abuse of somebody."""
    for number, row in enumerate(_rows(folder / "paradetox.tsv", "\t")):
        group = str(number)
        yield LabelledText(text=row["toxic"], labels={"harassment": 0.75}, dataset="paradetox", group=group)
        if row["neutral1"]:
            labels = {"hate": 0.05, "harassment": 0.1}
            yield LabelledText(text=row["neutral1"], labels=labels, dataset="paradetox", group=group)


def _surge(folder: Path) -> Iterator[LabelledText]:
    for row in _rows(folder / "toxicity_en.csv"):
        labels = {"harassment": 0.85 if row["is_toxic"] == "Toxic" else 0.05}
        yield LabelledText(text=row["text"], labels=labels, dataset="surge_toxicity")


def _sms_spam(folder: Path) -> Iterator[LabelledText]:
    for line in (folder / "sms.tsv").read_text(encoding="utf-8").splitlines():
        label, _, text = line.partition("\t")
        yield LabelledText(text=text, labels={"spam": float(label == "spam")}, dataset="sms_spam")


OPENAI_HARMS = ("S", "H", "V", "HR", "SH", "S3", "H2", "V2")


def _openai(folder: Path) -> Iterator[LabelledText]:
    """An absent harm is not known. ``any``: 1 if some harm is known to be present, 0 if no known label is positive."""
    for row in _lines(folder / "samples-dev.jsonl.gz"):
        known = {harm: float(str(row[harm])) for harm in OPENAI_HARMS if row.get(harm) is not None}
        labels = {**known, "any": max(known.values(), default=0.0)}
        if "S" in known:
            labels["sexual"] = max(known["S"], known.get("S3", 0.0))
        yield LabelledText(text=str(row["prompt"]), labels=labels, dataset="openai_moderation")


def _hatecheck(folder: Path) -> Iterator[LabelledText]:
    for row in _rows(folder / "test_suite_cases.csv"):
        labels = {"hate": float(row["label_gold"] == "hateful")}
        yield LabelledText(
            text=row["test_case"],
            labels=labels,
            dataset="hatecheck",
            group=row["templ_id"],
            slice=row["functionality"],
        )


_HATECHECK_LANGUAGES = {
    "arabic": "ar", "dutch": "nl", "french": "fr", "german": "de", "hindi": "hi", "italian": "it", "mandarin": "zh",
    "polish": "pl", "portuguese": "pt", "spanish": "es",
}  # fmt: skip


def _multilingual_hatecheck(folder: Path) -> Iterator[LabelledText]:
    for path in sorted(folder.glob("hatecheck_cases_final_*.csv")):
        for row in _rows(path):
            labels = {"hate": float(row["label_gold"] == "hateful")}
            name = path.stem[22:]
            yield LabelledText(
                text=row["test_case"],
                labels=labels,
                dataset="multilingual_hatecheck",
                group=row["templ_id"],
                slice=name,
                language=_HATECHECK_LANGUAGES.get(name, ""),
            )


def _madlibs(folder: Path) -> Iterator[LabelledText]:
    for row in _rows(folder / "en_sentence_templates.csv"):
        labels = {"harassment": float(row["toxicity"] == "toxic")}
        yield LabelledText(text=row["phrase"], labels=labels, dataset="bias_madlibs", group=row["template"])


def _stormfront(folder: Path) -> Iterator[LabelledText]:
    for row in _rows(folder / "sentences.csv"):
        if row["label"] in ("hate", "noHate"):
            labels = {"hate": float(row["label"] == "hate")}
            yield LabelledText(text=row["text"], labels=labels, dataset="vicomtech_stormfront", group=row["user_id"])


def _no_text(_: Path) -> Iterator[LabelledText]:
    return iter(())


DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            name="davidson",
            folder="davidson",
            title="Davidson et al. 2017, Hate Speech and Offensive Language",
            licence="MIT",
            source="https://github.com/t-davidson/hate-speech-and-offensive-language",
            use=DatasetUse.TRAIN,
            files=("labeled_data.csv",),
            splits={"train": _davidson},
        ),
        Dataset(
            name="hatexplain",
            folder="hatexplain",
            title="Mathew et al. 2021, HateXplain",
            licence="MIT",
            source="https://github.com/hate-alert/HateXplain",
            use=DatasetUse.TRAIN,
            files=("train.jsonl", "val.jsonl"),
            splits={"train": lambda folder: _hatexplain(folder, "train"), "val": lambda f: _hatexplain(f, "val")},
        ),
        Dataset(
            name="edos",
            folder="edos",
            title="Kirk et al. 2023, Explainable Detection of Online Sexism (SemEval-2023 task 10)",
            licence="CC0-1.0",
            source="https://github.com/rewire-online/edos",
            use=DatasetUse.TRAIN,
            files=("edos_labelled_aggregated.csv",),
            splits={"train": lambda folder: _edos(folder, "train"), "dev": lambda folder: _edos(folder, "dev")},
        ),
        Dataset(
            name="hatemoji",
            folder="hatemoji",
            title="Kirk et al. 2022, HatemojiBuild",
            licence="CC-BY-4.0",
            source="https://github.com/HannahKirk/Hatemoji",
            use=DatasetUse.TRAIN,
            files=("hatemojibuild_train.csv", "hatemojibuild_validation.csv", "hatemojibuild_test.csv"),
            splits={
                "train": lambda folder: _hatemoji(folder, "train"),
                "validation": lambda folder: _hatemoji(folder, "validation"),
                "test": lambda folder: _hatemoji(folder, "test"),
                "joint": lambda folder: _hatemoji(folder, "joint"),
            },
            weight=4.0,
        ),
        Dataset(
            name="toxic_spans",
            folder="toxic_spans",
            title="Pavlopoulos et al. 2022, Toxic Spans",
            licence="CC0-1.0",
            source="https://github.com/ipavlopoulos/toxic_spans",
            use=DatasetUse.TRAIN,
            files=("comments.csv", "annotations.csv", "spans.csv"),
            splits={"train": _toxic_spans},
        ),
        Dataset(
            name="toxigen",
            folder="safenlp",
            title="Hartvigsen et al. 2022, ToxiGen, the human-scored part in SafeNLP",
            licence="MIT",
            source="https://github.com/microsoft/SafeNLP",
            use=DatasetUse.TRAIN,
            files=("toxiGen.json",),
            splits={"train": _toxigen},
            weight=2.0,
        ),
        Dataset(
            name="implicit_hate",
            folder="safenlp",
            title="ElSherief et al. 2021, Latent Hatred, the half in SafeNLP",
            licence="MIT",
            source="https://github.com/microsoft/SafeNLP",
            use=DatasetUse.TRAIN,
            files=("implicitHate.json",),
            splits={"train": _implicit_hate},
            weight=0.3,
        ),
        Dataset(
            name="mlma",
            folder="mlma",
            title="Ousidhoum et al. 2019, MLMA hate speech (English)",
            licence="MIT",
            source="https://github.com/HKUST-KnowComp/MLMA_hate_speech",
            use=DatasetUse.TRAIN,
            files=("en_dataset.csv",),
            splits={"train": _mlma},
            weight=0.5,
        ),
        *(
            Dataset(
                name=f"mlma_{language}",
                folder="mlma",
                title=f"Ousidhoum et al. 2019, MLMA hate speech ({title})",
                licence="MIT",
                source="https://github.com/HKUST-KnowComp/MLMA_hate_speech",
                use=DatasetUse.TRAIN,
                files=(f"{language}_dataset.csv",),
                splits=_split(partial(_mlma, language=language), tested=False),
                weight=0.5,
            )
            for language, title in (("ar", "Arabic"), ("fr", "French"))
        ),
        Dataset(
            name="germeval2018",
            folder="germeval2018",
            title="Wiegand et al. 2018, GermEval (training part)",
            licence="CC-BY-4.0",
            source="https://github.com/uds-lsv/GermEval-2018-Data",
            use=DatasetUse.TRAIN,
            files=("germeval2018.training.txt",),
            splits=_split(_germeval),
        ),
        Dataset(
            name="cold",
            folder="cold",
            title="Deng et al. 2022, COLD",
            licence="Apache-2.0",
            source="https://github.com/thu-coai/COLDataset",
            use=DatasetUse.TRAIN,
            files=("train.csv", "dev.csv"),
            splits={
                **_split(partial(_cold, split="train"), tested=False),
                "dev": partial(_cold, split="dev"),
            },
        ),
        *(
            Dataset(
                name=f"uli_{language}",
                folder="uli",
                title=f"Arora et al. 2024, Uli ({title})",
                licence="CC-BY-4.0",
                source="https://github.com/tattle-made/uli_dataset",
                use=DatasetUse.TRAIN,
                files=(f"train_{language}_l1.csv",),
                splits=_split(partial(_uli, language=language)),
            )
            for language, title in (("en", "English"), ("hi", "Hindi"), ("ta", "Tamil"))
        ),
        Dataset(
            name="paradetox",
            folder="paradetox",
            title="Logacheva et al. 2022, ParaDetox",
            licence="CC0-1.0",
            source="https://github.com/s-nlp/paradetox",
            use=DatasetUse.TRAIN,
            files=("paradetox.tsv",),
            splits={"train": _paradetox},
        ),
        Dataset(
            name="surge_toxicity",
            folder="surge_toxicity",
            title="Surge AI, toxicity",
            licence="MIT",
            source="https://github.com/surge-ai/toxicity",
            use=DatasetUse.TRAIN,
            files=("toxicity_en.csv",),
            splits={"train": _surge},
        ),
        Dataset(
            name="sms_spam",
            folder="sms_spam",
            title="Almeida and Hidalgo 2011, SMS Spam Collection",
            licence="CC-BY-4.0",
            source="https://archive.ics.uci.edu/dataset/228/sms+spam+collection",
            use=DatasetUse.TRAIN,
            files=("sms.tsv",),
            splits={"train": _sms_spam},
        ),
        Dataset(
            name="openai_moderation",
            folder="openai_moderation",
            title="Markov et al. 2022, OpenAI moderation samples (development half)",
            licence="MIT",
            source="https://github.com/openai/moderation-api-release",
            use=DatasetUse.TRAIN,
            files=("samples-dev.jsonl.gz",),
            splits={"train": _openai},
            note="trains the sexual head only, so that it can test the others",
            heads=("sexual",),
        ),
        Dataset(
            name="hatecheck",
            folder="hatecheck",
            title="Röttger et al. 2021, HateCheck",
            licence="CC-BY-4.0",
            source="https://github.com/paul-rottger/hatecheck-data",
            use=DatasetUse.EVALUATE,
            files=("test_suite_cases.csv",),
            splits={"test": _hatecheck},
        ),
        Dataset(
            name="multilingual_hatecheck",
            folder="multilingual_hatecheck",
            title="Röttger et al. 2022, Multilingual HateCheck",
            licence="CC-BY-4.0",
            source="https://github.com/rewire-online/multilingual-hatecheck",
            use=DatasetUse.EVALUATE,
            files=("hatecheck_cases_final_arabic.csv",),
            splits={"test": _multilingual_hatecheck},
        ),
        Dataset(
            name="bias_madlibs",
            folder="bias_madlibs",
            title="Dixon et al. 2018, identity-term templates",
            licence="Apache-2.0",
            source="https://github.com/conversationai/unintended-ml-bias-analysis",
            use=DatasetUse.EVALUATE,
            files=("en_sentence_templates.csv",),
            splits={"test": _madlibs},
        ),
        Dataset(
            name="vicomtech_stormfront",
            folder="vicomtech_stormfront",
            title="de Gibert et al. 2018, hate speech from a white supremacy forum",
            licence="CC-BY-SA-3.0",
            source="https://github.com/Vicomtech/hate-speech-dataset",
            use=DatasetUse.SHARE_ALIKE,
            files=("sentences.csv",),
            splits={"train": _stormfront},
        ),
        Dataset(
            name="fsdd",
            folder="fsdd_audio",
            title="Jackson et al., Free Spoken Digit Dataset",
            licence="CC-BY-SA-4.0",
            source="https://github.com/Jakobovski/free-spoken-digit-dataset",
            use=DatasetUse.SHARE_ALIKE,
            files=("README.md",),
            splits={"train": _no_text},
        ),
    )
}
"""Every data set that Seawall can read, by name."""


class TrainingError(ValueError):
    """Training cannot continue; the text gives cause and remedy."""


class RefusedError(TrainingError):
    """A data set that must not train published weights was requested for training."""


def refuse_unless_trainable(names: tuple[str, ...]) -> None:
    """Raise ``RefusedError`` if any of the sets must not train published weights."""
    for name in names:
        if name not in DATASETS:
            raise RefusedError(f"unknown data set {name!r}; known: {', '.join(sorted(DATASETS))}")
        dataset = DATASETS[name]
        if dataset.use is DatasetUse.EVALUATE:
            raise RefusedError(f"data set {name!r} is for evaluation only: a model trained on it could not be tested")
        if dataset.use is DatasetUse.SHARE_ALIKE:
            raise RefusedError(
                f"data set {name!r} is under {dataset.licence} (share-alike): weights trained on it "
                "could not be published under this project's licence"
            )
