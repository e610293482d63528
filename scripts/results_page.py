"""The result on the real data that lies in docs/results, and the part of docs/results.md that is computed from it."""

import gzip
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from imdb_tasks.analysis import DECIDED, Analysis, Predictions, Verdict, analyse, read_claims
from imdb_tasks.formatting import duration, fine_duration, percent, signed
from imdb_tasks.study import StudyResult, published_study
from scripts.files import PROJECT
from scripts.results_rows import EXPLODED, Rows, gaps, of_cell, rows_of

FOLDER = PROJECT / "docs" / "results"
PAGE = PROJECT / "docs" / "results.md"
BEGIN, END = "<!-- results: python -m scripts.draw_results -->", "<!-- /results -->"
NONE = "–"


@dataclass(frozen=True)
class Results:
    """What lies in docs/results.

    Attributes:
        study: the result that is shown, of ``make study``: TensorFlow on CPU cores.
        gpu: the same study with JAX on a GPU.
        cpu: trainings of ``gpu`` with the same initial weights on CPU cores; the others are missing.

    """

    study: StudyResult
    gpu: StudyResult
    cpu: StudyResult

    @classmethod
    def read(cls) -> "Results":
        """Read them all."""
        return cls(*map(read_result, ("result", "jax-gpu", "jax-cpu")))


def read_result(name: str) -> StudyResult:
    """Read one of them, by the name of its file."""
    return StudyResult.model_validate_json(gzip.decompress(FOLDER.joinpath(f"{name}.json.gz").read_bytes()))


def read_predictions() -> Predictions:
    """Read what the models said of the test reviews."""
    import numpy as np

    with np.load(FOLDER / "predictions.npz", allow_pickle=False) as saved:
        return Predictions(tuple(saved["names"].tolist()), saved["labels"], saved["probabilities"])


def conclude(result: StudyResult) -> Analysis:
    """Analyse the result with the code and the claims of today."""
    return analyse(result, read_predictions(), read_claims().claims, code="of the checkout that drew this")


def with_computed(page: str, computed: str) -> str:
    """Return the page with another computed part."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or not after:
        raise ValueError(f"{PAGE}: expected the lines {BEGIN} and {END}, one after the other; put them back")
    return f"{before}{BEGIN}\n{computed}\n{END}{after}"


def computed_part(results: Results, analysis: Analysis) -> str:
    """Return the computed part of the page: every figure on it is here."""
    rows, gpu, cpu = map(rows_of, (results.study, results.gpu, results.cpu))
    parts = [
        ("The 18 models", _models(rows, analysis)),
        ("The claims", _claims(analysis)),
        ("Beside the original", _beside_published(rows, analysis)),
        ("Beside another training of each model, on a GPU", _beside_gpu(rows, gpu, cpu)),
        ("What a training costs", _costs(rows, gpu)),
    ]
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in parts)


def _models(rows: Rows, analysis: Analysis) -> str:
    intervals = {each.variant: each.accuracy_interval for each in analysis.variants}
    lines = []
    for variant, row in rows.items():
        interval = intervals[variant]
        lines.append(
            [
                variant.label,
                _share(row.accuracy),
                f"{100 * interval.low:.1f} to {100 * interval.high:.1f}" if interval else NONE,
                _share(row.published.accuracy),
                _points(row.gap),
                _number(row.test.loss if row.test else None),
                _number(row.published.loss),
                _number(row.test.auc) if row.test else NONE,
                _number(row.published.auc),
            ]
        )
    head = ["model", "accuracy", "95 % interval", "published", "points", "loss", "published", "AUC", "published"]
    advice = analysis.recommendation
    return "\n\n".join(
        [
            _table(head, lines),
            "On the 10,000 test reviews, after the last epoch. GRU-32/64 is a GRU layer of 32 units, trained in batches"
            " of 64. An interval covers the sampling error of the test reviews, not another training of the setting."
            " Under TensorFlow, Keras computes the loss from logits, so that an exploded model can have any loss.",
            f"*Recommendation.* {advice.why if advice else NONE}",
        ]
    )


def _claims(analysis: Analysis) -> str:
    lines = [[each.title, f"**{each.ruling}**", each.reason] for each in analysis.verdicts]
    notes = [
        (each.title, " ".join(filter(None, (*_decided_parts(each), each.power, *each.warnings, each.converged))))
        for each in analysis.verdicts
    ]
    listed = "\n".join(f"- *{title}.* {note}" for title, note in notes if note)
    return f"{_table(['claim', 'ruling', 'why'], lines, right=False)}\n\n{listed}"


def _decided_parts(verdict: Verdict) -> list[str]:
    """Say which parts of a claim that is not decided are decided by themselves."""
    if verdict.ruling != "not decided":
        return []
    return [f"By itself {part.ruling}: {part.reason}" for part in verdict.parts if part.ruling in DECIDED]


def _beside_published(rows: Rows, analysis: Analysis) -> str:
    gru, lstm = of_cell(rows, "GRU"), of_cell(rows, "LSTM")
    near, far = ([row.gap for row in part.values() if row.gap is not None] for part in (gru, lstm))
    best = max(gru, key=lambda variant: gru[variant].accuracy or 0).label
    best_published = max(gru, key=lambda variant: gru[variant].published.accuracy or 0).label
    theirs = [v for v, row in lstm.items() if row.published.loss is None or row.published.loss > EXPLODED]
    both = sum(lstm[variant].exploded_at is not None for variant in theirs)
    curves = {curve.variant: curve for curve in analysis.curves}
    failed = sum(not curves[variant].converged for variant in lstm)
    most_accurate = f"{best}, here and there" if best == best_published else f"{best} here and {best_published} there"
    lines = [
        [
            variant.label,
            row.exploded_at or NONE,
            _number(curves[variant].final_loss),
            "yes" if curves[variant].converged else "no",
            _share(row.accuracy),
            _share(row.published.accuracy),
        ]
        for variant, row in lstm.items()
    ]
    head = ["model", "first exploded in epoch", "final training loss", "converged", "accuracy", "published"]
    return "\n\n".join(
        [
            f"- **GRU: nearly the same.** All {len(gru)} lie within {max(map(abs, near)):.1f} points of the published"
            f" accuracy, {signed(statistics.median(near), 1)} in the median ({signed(min(near), 1)} to"
            f" {signed(max(near), 1)}). The most accurate is {most_accurate}.\n"
            f"- **LSTM: as unstable.** {_exploded(lstm)} of {len(lstm)} exploded (an epoch with a mean"
            f" training loss above {EXPLODED:g}), and {failed} of {len(lstm)} did not converge. In the original study,"
            f" the test loss of {len(theirs)} was above {EXPLODED:g} or not finite"
            f" ({', '.join(variant.label for variant in theirs)}); {both} of these exploded here, too. Where both have"
            f" an accuracy, it differs by {signed(min(far), 1)} to {signed(max(far), 1)} points.",
            _table(head, lines),
            "Converged: a final training or validation loss (median of the last tenth of the epochs) of at most that of"
            " the best constant answer, 0.693.",
        ]
    )


def _beside_gpu(rows: Rows, gpu: Rows, cpu: Rows) -> str:
    lines: list[list[object]] = []
    for variant, row in rows.items():
        three = (row, gpu[variant], cpu.get(variant))
        shown = [_share(each.accuracy) if each else "" for each in three]
        exploded = [each.exploded_at or NONE if each else "" for each in three]
        lines.append([variant.label, *shown, *exploded])
    head = ["model", "this study", "GPU", "GPU's weights, CPU core"]
    again = gaps((rows[variant], gpu[variant]) for variant in of_cell(rows, "GRU"))
    rounding = gaps((gpu[variant], row) for variant, row in of_cell(cpu, "GRU").items())
    lstm = of_cell(rows, "LSTM")
    far = gaps((row, gpu[variant]) for variant, row in lstm.items())
    return "\n\n".join(
        [
            "A script trained the 18 models once more, with JAX on a GPU: the same data and orders of reviews, but"
            " other initial weights, because Keras draws them with its backend."
            f" {len(cpu)} of these trainings were then repeated on single CPU cores with the same initial weights: only"
            " the rounding of the arithmetic differs.",
            _table([*head, *(f"first exploded in epoch: {name}" for name in head[1:])], lines),
            f"- **GRU.** Two trainings of a model differ by {statistics.median(map(abs, again)):.1f} points in the"
            f" median, and by {max(map(abs, again)):.1f} at most. Where only rounding differs, by"
            f" {max(map(abs, rounding)):.1f} at most.\n"
            f"- **LSTM.** Two trainings of a model differ by {signed(min(far), 1)} to {signed(max(far), 1)} points"
            f" ({len(far)} models that have both accuracies);"
            f" {_exploded(lstm)} of {len(lstm)} exploded here, and {_exploded(of_cell(gpu, 'LSTM'))} on the GPU."
            " Whether one explodes, and when, depends on rounding: with the same initial weights and orders of reviews,"
            " a GPU and a CPU core do not agree on it. The accuracy of a single LSTM, here or in the published table,"
            " is therefore one draw and no property of its setting.",
        ]
    )


def _exploded(rows: Rows) -> int:
    return sum(row.exploded_at is not None for row in rows.values())


def _costs(rows: Rows, gpu: Rows) -> str:
    trained = [row.training for row in rows.values()]
    versions, memory = trained[0].versions, sorted(training.cost.peak_memory_bytes for training in trained)
    epochs = sum(training.history.epochs for training in trained)
    core = sum(row.undisturbed_epoch_seconds * row.training.history.epochs for row in rows.values())
    by_units = []
    for units in sorted({variant.units for variant in rows}):
        seconds = [row.undisturbed_epoch_seconds for variant, row in rows.items() if variant.units == units]
        by_units.append(f"{min(seconds):.1f} to {max(seconds):.1f} s with {units} units")
    return (
        f"TensorFlow {versions['tensorflow']}, Keras {versions['keras']}, Python {versions['python']}; two trainings"
        " side by side on two cores, one thread each. An epoch, validation included, took"
        f" {', '.join(by_units)} (of each model the tenth percentile, because other programs ran beside some). At these"
        f" speeds, all {epochs:,} epochs take {duration(core)} of one core, half of it on two. The peak memory of a"
        f" training was {memory[0] / 1e9:.2f} to {memory[-2] / 1e9:.2f} GB, and {memory[-1] / 1e9:.2f} GB of one."
        f" {_costs_on(gpu)} The original study reports {published_study()['duration']}."
    )


def _costs_on(gpu: Rows) -> str:
    trained = [row.training for row in gpu.values()]
    first = [training.history.seconds[0] for training in trained]
    later = [row.epoch_seconds for row in gpu.values()]
    walls = [training.cost.wall_seconds for training in trained]
    return (
        f"On one {trained[0].cost.device}, with JAX {trained[0].versions['jax']} and 6 to 10 trainings side by side"
        f" (MPS), the first epoch took {min(first):.0f} to {max(first):.0f} s, nearly all of it XLA's compilation, and"
        f" a later one {fine_duration(min(later))} to {fine_duration(max(later))}; the trainings add up to"
        f" {duration(sum(walls))} of shared time."
    )


def _share(value: float | None) -> str:
    return NONE if value is None else percent(value)


def _points(value: float | None) -> str:
    return NONE if value is None else signed(value, 1)


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:,.3f}"


def _table(head: Sequence[object], lines: Sequence[Sequence[object]], *, right: bool = True) -> str:
    rule = ["---", *["---:" if right else "---"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in [head, rule, *lines])
