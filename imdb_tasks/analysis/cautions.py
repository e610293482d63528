"""What a result cannot tell: the sentences under "What this cannot tell" of the page."""

from imdb_tasks.analysis.contrasts import Measured
from imdb_tasks.formatting import count_of
from imdb_tasks.study import StudyResult, differs_from_original

_FEW_REVIEWS = 1_000


def cautions(result: StudyResult, measured: Measured) -> list[str]:
    """Return one sentence for each limit of a result."""
    replicates = result.study.replicates
    found = []
    if replicates == 1:
        found.append(
            "Each model was trained once, so the variation between random initialisations is not known. The intervals"
            " of single models, and of the best against the second, cover only the sampling error of the test reviews."
            " The verdicts use the matched settings of the grid instead of replicates, which is conservative and has"
            " low power. Use three replicates or more to measure this variation."
        )
    else:
        found.append(
            f"Each setting was trained {replicates} times. The intervals of effects and verdicts cover the sampling"
            " error of replicates and test reviews; those of single models cover that of the test reviews only."
        )
    diverged = sum(row.status == "diverged" for row in result.variants)
    missing = sum(row.status == "missing" for row in result.variants)
    if diverged or missing:
        lost = " and ".join(
            f"{count} {what}" for count, what in ((diverged, "diverged"), (missing, "missing")) if count
        )
        found.append(f"{lost} of {len(result.variants)} variants: comparisons cover only the variants that finished.")
    if 0 < measured.reviews < _FEW_REVIEWS:
        found.append(f"There are only {count_of(measured.reviews, 'test review', 'test reviews')}: intervals are wide.")
    if measured.tested and "auc" not in measured.tested:
        found.append("All test reviews are of one class: there is no AUC.")
    if differs_from_original(result):
        found.append(
            "This study differs from the original, so its verdicts neither confirm nor refute the original claims."
        )
    return found
