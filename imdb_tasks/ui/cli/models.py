"""The commands for what a study has made: ask a model, take it elsewhere, look at the curves in TensorBoard."""

import argparse
import json
import shutil
import sys
import uuid
from pathlib import Path
from typing import Any

from imdb_tasks.errors import SettingsError
from imdb_tasks.formatting import count_of
from imdb_tasks.pipeline import (
    BEST,
    TrainedModel,
    find_model,
    last_evaluation,
    predict,
    publish_evaluation,
    result_of,
)
from imdb_tasks.store import write_json
from imdb_tasks.ui.cli.options import SHOWN, add_store, open_store, output, utf8

_FEW = 0.25  # of the words that a model reads; 0.2 % of the IMDB training reviews have so few
_VARIANT_HELP = "name of a variant, such as 64_GRU_32; default: the best replicate of the best setting"


def add_commands(commands: Any) -> None:
    """Add the commands to those of ``imdb-study``; each works on the study that was evaluated last."""
    ask = commands.add_parser("predict", help="predict the sentiment of texts with a trained model")
    ask.add_argument("texts", nargs="+", metavar="TEXT")
    export = commands.add_parser("export-model", help="export a trained model and its vocabulary")
    export.add_argument("--out", type=Path, required=True, metavar="FILE.keras")
    logs = commands.add_parser("tensorboard", help="write the learning curves as TensorBoard logs")
    logs.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    tracker = commands.add_parser("mlflow", help="publish the study to the MLflow server of MLFLOW_TRACKING_URI")
    for command, run in ((ask, _predict), (export, _export), (logs, _tensorboard), (tracker, _mlflow)):
        add_store(command)
        command.set_defaults(run=run)
    for command in (ask, export):
        command.add_argument("--variant", default=BEST, metavar="NAME", help=_VARIANT_HELP)


def _trained(options: argparse.Namespace) -> TrainedModel:
    store = open_store(options)
    return find_model(store, last_evaluation(store), options.variant)


def _predict(options: argparse.Namespace) -> None:
    texts = [utf8(text, f"text {number}") for number, text in enumerate(options.texts, start=1)]
    model = _trained(options)
    index = json.loads(model.word_index.read_text("utf8"))
    predictions = predict(model, texts, index)
    for prediction in predictions:
        print(f"{prediction.label}  {prediction.probability:.4f}  ({model.name})")
    for number, words in enumerate((prediction.words for prediction in predictions), start=1):
        if words < _FEW * model.text.max_tokens:
            print(
                f"text {number} has {count_of(words, 'word', 'words')} that the model knows, and the model reads up to"
                f" {model.text.max_tokens}: it was trained on whole reviews, so a longer text gives a surer answer",
                file=sys.stderr,
            )


def _export(options: argparse.Namespace) -> None:
    """Write FILE.keras and FILE.json: what the model is, and how a text becomes its input."""
    out: Path = options.out
    if out.suffix != ".keras":
        raise SettingsError(f"--out: expected a file name that ends with .keras, found {str(out)!r:.{SHOWN}}")
    output(out)
    model = _trained(options)
    about = {**model.about, "text": model.text.model_dump(mode="json")}
    draft = out.with_name(f".{out.stem}.{uuid.uuid4().hex}.keras")
    try:
        shutil.copyfile(model.file, draft)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    write_json(out.with_suffix(".json"), about | {"word_index": json.loads(model.word_index.read_text("utf8"))})
    print(out)


def _tensorboard(options: argparse.Namespace) -> None:
    from imdb_tasks.training import write_tensorboard

    evaluation = last_evaluation(open_store(options))
    count = write_tensorboard(result_of(evaluation), options.out)
    print(f"{count} variants; look at them: tensorboard --logdir {options.out}")


def _mlflow(options: argparse.Namespace) -> None:
    store = open_store(options)
    publish_evaluation(store, last_evaluation(store))
    print("published; look at it on the server of MLFLOW_TRACKING_URI")
