"""Fine-tuning of the encoder on all heads at once; each text trains the heads that its data set has labels for.

Besides the served heads, two auxiliary tasks regularise the encoder: the category of sexism (a finer label of EDOS),
and the sentence embedding of the published model, so that the fine-tuned one keeps its general knowledge of topics.
Seeds are fixed, but torch's sums differ in the last bits with another processor or number of threads: a training run
is repeatable in its results, not byte for byte.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from seawall.detectors.text.model.encoder_input import encoder_text
from seawall.detectors.text.model.unigram import Unigram
from seawall.detectors.text.model.wordpiece import WordPiece
from seawall.learn.encoder.network import HIDDEN, EncoderClassifier, EncoderNetwork, mean_embedding
from seawall.learn.encoder.recipe import TrainingPlan, TrainingSteps
from seawall.learn.encoder.variants import evaded, swapped

Floats = NDArray[np.float32]
Pieces: TypeAlias = WordPiece | Unigram
_READ = 126  # pieces


def pad(rows: Sequence[Sequence[int]], pieces: Pieces) -> tuple[Tensor, Tensor]:
    """Texts as pieces (B × L) with start and end marks, and the mask of real pieces (B × L)."""
    length = max(map(len, rows)) + 2
    numbers = np.full((len(rows), length), pieces.padding, dtype=np.int64)
    mask = np.zeros((len(rows), length), dtype=bool)
    for row, found in enumerate(rows):
        numbers[row, : len(found) + 2] = (pieces.first, *found, pieces.last)
        mask[row, : len(found) + 2] = True
    return torch.from_numpy(numbers), torch.from_numpy(mask)


def _epoch(lessons: TrainingSteps, plan: TrainingPlan, chance: random.Random) -> list[int]:
    """The texts of one epoch, in order: a share of some sets, repetitions of others."""
    chosen: list[int] = []
    for number, name in enumerate(lessons.datasets):
        share = plan.share.get(name, 1.0)
        chosen += [number] * (int(share) + (chance.random() < share % 1))
    chance.shuffle(chosen)
    return chosen


def _batches(
    lessons: TrainingSteps, plan: TrainingPlan, pieces: Pieces, chance: random.Random
) -> Iterator[tuple[list[int], list[list[int]], list[bool]]]:
    """Rows, their pieces, and whether the old embedding still applies to each; texts of similar length together."""
    chosen = _epoch(lessons, plan, chance)
    for start in range(0, len(chosen), plan.batch * 40):
        drawn: list[tuple[int, list[int], bool]] = []
        for row in chosen[start : start + plan.batch * 40]:
            text, is_english = lessons.texts[row], lessons.is_english[row]
            if chance.random() < plan.evade and is_english:
                text = evaded(text, chance)
            read = lessons.prepare(text)
            other = swapped(read, chance) if chance.random() < plan.swap and is_english else read
            drawn.append((row, pieces.cut(other)[: plan.longest], other == read))
        drawn.sort(key=lambda one: len(one[1]))
        groups = [drawn[at : at + plan.batch] for at in range(0, len(drawn), plan.batch)]
        chance.shuffle(groups)
        for group in groups:
            yield [one[0] for one in group], [one[1] for one in group], [one[2] for one in group]


def _loss(
    outputs: tuple[Tensor, Tensor, Tensor],
    rows: list[int],
    same: list[bool],
    lessons: TrainingSteps,
    plan: TrainingPlan,
) -> Tensor:
    heads, finer, general = (output.float() for output in outputs)
    label, weight = torch.from_numpy(lessons.label[rows]), torch.from_numpy(lessons.weight[rows])
    known = ~torch.isnan(label)
    each = functional.binary_cross_entropy_with_logits(heads, label.nan_to_num(), reduction="none")
    total = (each * weight * known).sum() / plan.batch
    category = torch.from_numpy(lessons.category[rows])
    if bool((category >= 0).any()):
        finer_loss = functional.cross_entropy(finer, category, ignore_index=-1, reduction="sum")
        total = total + plan.category * finer_loss / plan.batch
    if lessons.general is not None and any(same):
        published = torch.from_numpy(lessons.general[rows].astype(np.float32))
        kept = torch.tensor(same) & ~torch.isnan(published[:, 0])
        cosine = (general * published.nan_to_num()).sum(dim=-1)
        total = total + plan.general * (1 - cosine[kept]).sum() / plan.batch
    return total


def fine_tune(
    model: EncoderClassifier,
    lessons: TrainingSteps,
    pieces: Pieces,
    plan: TrainingPlan,
    seed: int,
    progress: Callable[[str], None],
) -> None:
    """Train ``model`` in place; it ends with the average of its weights over the last steps."""
    torch.manual_seed(seed)
    chance = random.Random(seed)  # noqa: S311
    for number, layer in enumerate(model.encoder.layers):
        layer.requires_grad_(number >= plan.frozen_layers)
    for table in (model.encoder.words, model.encoder.positions, model.encoder.norm):
        table.requires_grad_(plan.train_embeddings)
    body = [p for p in model.encoder.parameters() if p.requires_grad]
    tops = [p for module in (model.heads, model.categories, model.general) for p in module.parameters()]
    optimiser = torch.optim.AdamW(
        [{"params": body, "lr": plan.rate}, {"params": tops, "lr": plan.head_rate}], weight_decay=0.01, fused=True
    )
    per_epoch = sum(plan.share.get(name, 1.0) for name in lessons.datasets) / plan.batch
    steps = int(per_epoch * plan.epochs)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: max(0.02, min(step / (plan.warm_up * steps), (steps - step) / (steps * (1 - plan.warm_up)))),
    )
    trained = body + tops
    average = [p.detach().clone() for p in trained]
    step, running, started = 0, 0.0, time.perf_counter()
    for _ in range(plan.epochs):
        for rows, read, same in _batches(lessons, plan, pieces, chance):
            with torch.autocast("cpu", torch.bfloat16, enabled=plan.half):
                outputs = model(*pad(read, pieces))
            loss = _loss(outputs, rows, same, lessons, plan)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            schedule.step()
            step += 1
            keep = min(plan.average, step / (step + 10))
            torch._foreach_lerp_(average, [p.detach() for p in trained], 1 - keep)
            running = 0.98 * running + 0.02 * float(loss.detach())
            if step % 50 == 0:
                loss_now, rate = running / (1 - 0.98**step), step * plan.batch / (time.perf_counter() - started)
                progress(f"fine-tuning: step {step} of {steps}, loss {loss_now:.4f}, {rate:.0f} texts a second")
    torch._foreach_copy_([p.detach() for p in trained], average)


def outputs(
    model: EncoderClassifier, texts: Sequence[str], pieces: Pieces, prepare: Callable[[str], str] = encoder_text
) -> tuple[Floats, Floats]:
    """Log-odds of the heads (texts × heads) and general embeddings (texts × hidden) of texts, from their beginnings."""
    read = [pieces.cut(prepare(text))[:_READ] for text in texts]
    odds = np.zeros((len(texts), model.heads.out_features), dtype=np.float32)
    general = np.zeros((len(texts), model.general.out_features), dtype=np.float32)
    with torch.no_grad():
        for rows in _by_length(read):
            heads, _, kept = model(*pad([read[row] for row in rows], pieces))
            odds[rows], general[rows] = heads.numpy(), kept.numpy()
    return odds, general


def published_embeddings(
    encoder: EncoderNetwork,
    texts: Sequence[str],
    pieces: Pieces,
    prepare: Callable[[str], str] = encoder_text,
) -> Floats:
    """The published model's embedding of each text (texts × hidden, length 1), from its beginning."""
    read = [pieces.cut(prepare(text))[:_READ] for text in texts]
    found = np.zeros((len(texts), HIDDEN), dtype=np.float32)
    for rows in _by_length(read):
        found[rows] = mean_embedding(encoder, *pad([read[row] for row in rows], pieces)).numpy()
    return found


def _by_length(texts: Sequence[Sequence[int]]) -> Iterator[NDArray[np.int64]]:
    """Rows grouped by similar length."""
    order = np.argsort([len(text) for text in texts], kind="stable")
    for start in range(0, len(order), 64):
        yield order[start : start + 64]
