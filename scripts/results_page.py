"""The result on the real data that lies in docs/results, and the part of docs/results.md that is computed from it."""

import gzip
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imdb_tasks.analysis import Analysis, Predictions, analyse, read_claims
from imdb_tasks.formatting import duration, fine_duration, percent, signed
from imdb_tasks.study import StudyResult, TestMetrics, TrainingRecord, Variant, published_metrics, published_study
from scripts.files import PROJECT

FOLDER = PROJECT / "docs" / "results"
PAGE = PROJECT / "docs" / "results.md"
BEGIN, END = "<!-- results: python -m scripts.draw_results -->", "<!-- /results -->"
EXPLODED = 1.0  # training loss; the best constant answer has 0.693
NONE = "–"


@dataclass(frozen=True)
class Row:
    """One model that was trained to the end and tested; ``accuracy`` and ``published`` are shares of test reviews."""

    training: TrainingRecord
    test: TestMetrics
    accuracy: float
    published: TestMetrics
    published_accuracy: float

    @property
    def gap(self) -> float:
        """Accuracy less the published one, in points."""
        return 100 * (self.accuracy - self.published_accuracy)

    @property
    def exploded_at(self) -> int | None:
        """The first epoch, from 1, whose mean training loss is above ``EXPLODED`` or not finite."""
        losses = enumerate(self.training.history.loss, 1)
        return next((epoch for epoch, loss in losses if loss is None or loss > EXPLODED), None)

    @property
    def epoch_seconds(self) -> float:
        """The median epoch after the first, which compiles."""
        return statistics.median(self.training.history.seconds[1:])


Rows = Mapping[Variant, Row]


def read_result(name: str = "result") -> StudyResult:
    """Read a result: ``result`` is the one shown, ``cpu`` has the same trainings on CPU cores, as far as they went."""
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


def computed_part(result: StudyResult, analysis: Analysis, cpu: StudyResult) -> str:
    """Return the computed part of the page: every figure on it is here."""
    rows = rows_of(result)
    parts = [
        ("The 18 models", _models(rows, analysis)),
        ("The claims", _claims(analysis)),
        ("Beside the original", _beside_published(rows, analysis)),
        ("The same seeds on a GPU and on CPU cores", _beside_cpu(rows, rows_of(cpu))),
        ("What it cost", _costs(rows, rows_of(cpu))),
    ]
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in parts)


def rows_of(result: StudyResult) -> Rows:
    """Return the models that were trained to the end, in the study's order."""
    rows = {}
    for each in result.variants:
        published = published_metrics()[each.variant.cell, each.variant.units, each.variant.batch_size]
        if each.training and each.test and each.test.accuracy is not None and published.accuracy is not None:
            rows[each.variant] = Row(each.training, each.test, each.test.accuracy, published, published.accuracy)
    return rows


def _models(rows: Rows, analysis: Analysis) -> str:
    intervals = {each.variant: each.accuracy_interval for each in analysis.variants}
    lines = []
    for variant, row in rows.items():
        interval = intervals[variant]
        lines.append(
            [
                variant.label,
                percent(row.accuracy),
                f"{100 * interval.low:.1f} to {100 * interval.high:.1f}" if interval else NONE,
                percent(row.published_accuracy),
                signed(row.gap, 1),
                _number(row.test.loss),
                _number(row.published.loss),
                _number(row.test.auc),
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
            " Under TensorFlow, Keras computes the loss from logits; under JAX, from probabilities clipped at 1e-7. An"
            " exploded model therefore has a loss near 8 here, and can have any loss there.",
            f"*Recommendation.* {advice.why if advice else NONE}",
        ]
    )


def _claims(analysis: Analysis) -> str:
    lines = [[each.title, f"**{each.ruling}**", each.reason] for each in analysis.verdicts]
    notes = [
        (each.title, " ".join(filter(None, (each.power, *each.warnings, each.converged)))) for each in analysis.verdicts
    ]
    listed = "\n".join(f"- *{title}.* {note}" for title, note in notes if note)
    return f"{_table(['claim', 'ruling', 'why'], lines, right=False)}\n\n{listed}"


def _beside_published(rows: Rows, analysis: Analysis) -> str:
    gru, lstm = ({v: row for v, row in rows.items() if v.cell == cell} for cell in ("GRU", "LSTM"))
    near, far = ([row.gap for row in part.values()] for part in (gru, lstm))
    best = max(gru, key=lambda variant: gru[variant].accuracy).label
    best_published = max(gru, key=lambda variant: gru[variant].published_accuracy).label
    theirs = [v.label for v, row in lstm.items() if row.published.loss is None or row.published.loss > EXPLODED]
    exploded = sum(row.exploded_at is not None for row in lstm.values())
    curves = {curve.variant: curve for curve in analysis.curves}
    failed = sum(not curves[variant].converged for variant in lstm)
    lines = [
        [
            variant.label,
            row.exploded_at or NONE,
            _number(curves[variant].final_loss),
            "yes" if curves[variant].converged else "no",
            percent(row.accuracy),
            percent(row.published_accuracy),
        ]
        for variant, row in lstm.items()
    ]
    return "\n\n".join(
        [
            f"- **GRU: nearly the same.** All {len(gru)} lie within {max(map(abs, near)):.1f} points of the published"
            f" accuracy, {signed(statistics.median(near), 1)} in the median ({signed(min(near), 1)} to"
            f" {signed(max(near), 1)}). The most accurate is {best} here and {best_published} there.\n"
            f"- **LSTM: as unstable, in other models.** {exploded} of {len(lstm)} exploded (an epoch with a mean"
            f" training loss above {EXPLODED:g}), and {failed} of {len(lstm)} did not converge. In the original study,"
            f" the test loss of {len(theirs)} was above {EXPLODED:g} or not finite: {', '.join(theirs)}. The accuracies"
            f" differ by {signed(min(far), 1)} to {signed(max(far), 1)} points.",
            _table(
                ["model", "first exploded in epoch", "final training loss", "converged", "accuracy", "published"], lines
            ),
            "Converged: a final training or validation loss (median of the last tenth of the epochs) of at most that of"
            " the best constant answer, 0.693.",
        ]
    )


def _beside_cpu(rows: Rows, cpu: Rows) -> str:
    gaps = {variant: 100 * (rows[variant].accuracy - row.accuracy) for variant, row in cpu.items()}
    lines = []
    for variant, row in cpu.items():
        both = (rows[variant], row)
        shown = [f"{100 * each.accuracy:.2f} %" for each in both]
        lines.append([variant.label, *shown, signed(gaps[variant], 2), *(each.exploded_at or NONE for each in both)])
    largest = max(abs(gap) for variant, gap in gaps.items() if variant.cell == "GRU")
    return "\n\n".join(
        [
            f"{len(cpu)} of the trainings were run once more on single CPU cores of the same machine, with the same"
            " seeds, data, code and versions. Only the rounding of the arithmetic differs.",
            _table(["model", "GPU", "CPU", "points", "first exploded in epoch, GPU", "CPU"], lines),
            f"The GRUs agree to {largest:.2f} points. The LSTMs do not: whether one explodes, and when, is decided by"
            " rounding, not by the seed. The accuracy of a single LSTM, here or in the published table, is therefore"
            " one draw and no property of its setting.",
        ]
    )


def _costs(rows: Rows, cpu: Rows) -> str:
    trained = [row.training for row in rows.values()]
    first = [training.history.seconds[0] for training in trained]
    later = [row.epoch_seconds for row in rows.values()]
    walls = [training.cost.wall_seconds for training in trained]
    devices = ", ".join({training.cost.device for training in trained})
    versions = trained[0].versions
    cores = []
    for units in sorted({variant.units for variant in cpu}):
        seconds = [row.epoch_seconds for variant, row in cpu.items() if variant.units == units]
        cores.append(f"{min(seconds):.1f} to {max(seconds):.1f} s with {units} units")
    return (
        f"One {devices}, JAX {versions['jax']}, Keras {versions['keras']}, Python {versions['python']}; 6 to 10"
        f" trainings side by side on the card (MPS), with 16 CPU cores. A training took {duration(min(walls))} to"
        f" {duration(max(walls))} of this shared time; all {len(walls)} add up to {duration(sum(walls))}. The first"
        f" epoch took {min(first):.0f} to {max(first):.0f} s, nearly all of it XLA's compilation for the GPU, a later"
        f" one {fine_duration(min(later))} to {fine_duration(max(later))} (medians). On one CPU core of that machine,"
        f" an epoch took {' and '.join(cores)}. The original study reports {published_study()['duration']}."
    )


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:,.3f}"


def _table(head: Sequence[object], lines: Sequence[Sequence[object]], *, right: bool = True) -> str:
    rule = ["---", *["---:" if right else "---"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in [head, rule, *lines])
