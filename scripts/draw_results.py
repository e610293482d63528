"""Draw docs/results and docs/results.md again from the stored result: ``python -m scripts.draw_results``.

It needs Chromium or Chrome, and some ten seconds. It trains nothing. With ``--take STORE``, it first takes the result
of the run that was reported last in that store; the constants below then have to be brought up to date.
"""

import argparse
import gzip
import shutil
import sys
import tempfile
from pathlib import Path

from imdb_tasks.pipeline import Notes, ReportedRun, result_of
from imdb_tasks.report import Made, ReportInputs, compose_mail, write_report
from imdb_tasks.store import Store
from imdb_tasks.study import Study, is_original
from scripts.chromium import MISSING, chromium, launched
from scripts.mail_catcher import mail_as_page
from scripts.results_page import FOLDER, PAGE, Results, computed_part, conclude, with_computed

CHART = "test-accuracy"
MADE = Made("2026-11-26", "local__2026-11-26T15:43:22.644002", "of the checkout that drew this")
PROVENANCE = {
    "trained by": "make study: Airflow's LocalExecutor, TensorFlow, two trainings side by side",
    "trained on": "2 cores of an Intel Xeon, no GPU",
    "reviews from": "the 50,000 IMDB reviews, in another row order than Kaggle's file",
    "vectors from": "GloVe 6B 100d, those of every word in the reviews",
    "drawn by": "python -m scripts.draw_results",
}
MAIL_WIDTH, MAIL_HEIGHT = 700, 1_000


def main() -> int:
    """Write everything, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--take", metavar="STORE", help="take the newest result of this store")
    store = parser.parse_args().take
    if chromium() is None:
        print(MISSING, file=sys.stderr)
        return 1
    if store:
        _take(Store(store))
    results = Results.read()
    analysis = conclude(results.study)
    FOLDER.joinpath("analysis.json").write_text(analysis.model_dump_json(indent=1) + "\n", "utf8")
    with tempfile.TemporaryDirectory(prefix="imdb-results-") as folder:
        _draw(ReportInputs(results.study, analysis, wrong=(), made=MADE, provenance=PROVENANCE), Path(folder))
    page = with_computed(PAGE.read_text("utf8"), computed_part(results, analysis))
    PAGE.write_text(page, "utf8")
    for path in (PAGE, *sorted(FOLDER.iterdir())):
        print(f"{path.stat().st_size:>9,} bytes  {path}")
    return 0


def _take(store: Store) -> None:
    run = Notes(store).latest(ReportedRun)
    if run is None or run.evaluation is None or run.analysis is None:
        raise SystemExit(f"{store.where}: expected a run with a report, found none; run make study")
    result = result_of(store.need("evaluations", run.evaluation, step="evaluate"))
    if not is_original(result) or result.study.variants != Study().variants or result.backend != "tensorflow":
        raise SystemExit(f"{store.where}: expected the 18 models of the original study, trained by TensorFlow")
    # Where the data lay concerns nobody.
    places = {
        name: source.model_copy(update={"path": "/data"})
        for name in ("reviews", "glove")
        if (source := getattr(result.study, name)).kind == "local"
    }
    result = result.model_copy(update={"study": result.study.model_copy(update=places)})
    FOLDER.joinpath("result.json.gz").write_bytes(gzip.compress(result.model_dump_json().encode(), mtime=0))
    shutil.copyfile(
        store.need("analyses", run.analysis, step="report").file("predictions.npz"), FOLDER / "predictions.npz"
    )


def _draw(material: ReportInputs, folder: Path) -> None:
    about = write_report(material, folder)
    if not about["pictures"]:
        raise SystemExit("the browser drew no pictures; the log says why")
    shutil.copyfile(folder / "report.html", FOLDER / "report.html")
    shutil.copyfile(folder / "charts" / f"{CHART}.png", FOLDER / f"{CHART}.png")
    message = compose_mail(
        folder, about, sender="study@example.org", recipients=["you@example.org"], identity="docs/results"
    )
    with launched(str(chromium())) as browser:
        page = browser.new_page(viewport={"width": MAIL_WIDTH, "height": MAIL_HEIGHT})
        page.set_content(mail_as_page(message), wait_until="load")
        FOLDER.joinpath("mail.jpg").write_bytes(page.screenshot(full_page=True, type="jpeg", quality=80))


if __name__ == "__main__":
    sys.exit(main())
