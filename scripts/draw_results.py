"""Draw docs/results and docs/results.md again from the stored result: ``python -m scripts.draw_results``.

It needs Chromium or Chrome, and some ten seconds. It trains nothing.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from imdb_tasks.report import Made, ReportInputs, compose_mail, write_report
from scripts.airflow_ui import mail_as_page
from scripts.chromium import MISSING, chromium, launched
from scripts.results_page import FOLDER, PAGE, computed_part, conclude, read_result, with_computed

CHART = "test-accuracy"
MADE = Made("2026-11-25", "none, a script trained the models", "of the checkout that drew this")
PROVENANCE = {
    "trained by": "a script that calls imdb_tasks.training.train for each model, not by Airflow",
    "trained on": "one NVIDIA H100 80GB, 6 to 10 trainings side by side under MPS, 16 CPU cores",
    "reviews from": "the 50,000 IMDB reviews, in another row order than Kaggle's file",
    "vectors from": "GloVe 6B 100d, those of every word in the reviews",
    "drawn by": "python -m scripts.draw_results",
}
MAIL_WIDTH, MAIL_HEIGHT = 700, 1_000


def main() -> int:
    """Write everything, and return the exit code."""
    if chromium() is None:
        print(MISSING, file=sys.stderr)
        return 1
    result = read_result()
    analysis = conclude(result)
    FOLDER.joinpath("analysis.json").write_text(analysis.model_dump_json(indent=1) + "\n", "utf8")
    with tempfile.TemporaryDirectory(prefix="imdb-results-") as folder:
        _draw(ReportInputs(result, analysis, wrong=(), made=MADE, provenance=PROVENANCE), Path(folder))
    page = with_computed(PAGE.read_text("utf8"), computed_part(result, analysis, read_result("cpu")))
    PAGE.write_text(page, "utf8")
    for path in (PAGE, *sorted(FOLDER.iterdir())):
        print(f"{path.stat().st_size:>9,} bytes  {path}")
    return 0


def _draw(material: ReportInputs, folder: Path) -> None:
    about = write_report(material, folder)
    if not about["pictures"]:
        raise SystemExit("the browser drew no pictures; the log says why")
    shutil.copyfile(folder / "report.html", FOLDER / "report.html")
    shutil.copyfile(folder / "charts" / f"{CHART}.png", FOLDER / f"{CHART}.png")
    mail = folder / "mail.eml"
    message = compose_mail(
        folder, about, sender="study@example.org", recipients=["you@example.org"], identity="docs/results"
    )
    mail.write_bytes(message.as_bytes())
    with launched(str(chromium())) as browser:
        page = browser.new_page(viewport={"width": MAIL_WIDTH, "height": MAIL_HEIGHT})
        page.set_content(mail_as_page(mail), wait_until="load")
        FOLDER.joinpath("mail.png").write_bytes(page.screenshot(full_page=True))


if __name__ == "__main__":
    sys.exit(main())
