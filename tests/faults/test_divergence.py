"""Results that are no numbers: a part of the study, not the end of it."""

from pathlib import Path

import pytest

from imdb_tasks.corpus import arrays
from imdb_tasks.pipeline.evaluation import result_of
from imdb_tasks.report import mail
from imdb_tasks.store import Entry, Store
from imdb_tasks.study import LocalSource, Study, StudyResult
from tests.support.corpus import write_corpus
from tests.support.stepping import evaluated

pytestmark = pytest.mark.slow  # two studies from the beginning to the end


def run(study: Study, store: Store) -> tuple[StudyResult, Entry]:
    steps = evaluated(study, store)
    report = steps.report()
    steps.check_complete()
    return result_of(steps.evaluate()), report


def mailed(report: Entry) -> str:
    message = mail.compose_mail(
        report.path, report.about, sender="a@example.org", recipients=["b@example.org"], identity="run-1"
    )
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def study_of(folder: Path, study: Study) -> Study:
    source = LocalSource(path=str(folder))
    return study.model_copy(update={"reviews": source, "glove": source})


def test_a_loss_that_is_not_finite_is_a_result_and_the_study_goes_on_to_the_mail(
    store: Store, tmp_path: Path, tiny_study: Study
) -> None:
    corpus = write_corpus(tmp_path)
    glove = corpus / "glove.6B.100d.txt"
    lines = (line.split(" ", 1)[0] for line in glove.read_text("utf8").splitlines())
    glove.write_text("".join(f"{word} {' '.join(['3e38', '-3e38'] * 50)}\n" for word in lines), "utf8")
    result, report = run(study_of(corpus, tiny_study), store)
    assert {row.status for row in result.variants} == {"diverged"}
    assert [row.training.diverged_at_epoch for row in result.variants if row.training] == [1, 1]
    for file in Path(store.where).rglob("*.json"):
        assert "NaN" not in file.read_text("utf8")
        assert "Infinity" not in file.read_text("utf8")
    assert "diverged" in report.file("report.html").read_text("utf8")
    assert "diverged" in mailed(report)


def test_an_auc_that_is_not_defined_does_not_stop_the_study(store: Store, tmp_path: Path, tiny_study: Study) -> None:
    corpus = write_corpus(tmp_path)
    reviews = corpus / "IMDB Dataset.csv"
    head, *rows = reviews.read_text("utf8").splitlines()
    training, _ = arrays.split(len(rows), test_fraction=0.2, seed=42)
    for row in training[int(len(training) * 0.8) :]:  # the reviews for validation have one label only
        rows[row] = rows[row].replace("negative", "positive")
    reviews.write_text("\n".join([head, *rows]) + "\n", "utf8")
    result, report = run(study_of(corpus, tiny_study), store)
    assert {row.status for row in result.variants} == {"finished"}
    for row in result.variants:
        assert row.training is not None
        assert all(value is None or 0 <= value <= 1 for value in row.training.history.val_auc)
    assert len(mailed(report)) > 500
