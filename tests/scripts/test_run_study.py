"""What the runner of a study shows, and how it judges what it got."""

import io
import os
import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest
from rich.console import Console

from imdb_tasks.study import Study
from scripts import checks, home, progress, run_study
from scripts.estimate import Estimate
from scripts.mail_catcher import MailCatcher

RUN = "local__2026-11-23"


def study_message() -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "A study", "study@localhost", home.RECIPIENT
    message.set_content("In words")
    message.add_alternative('<p>In pictures <img src="cid:curves"></p>', subtype="html")
    message.get_payload()[1].add_related(b"png", "image", "png", cid="<curves>")
    message.add_attachment("<html></html>", subtype="html", filename="report.html")
    return message


def test_caught_mail_is_whole(tmp_path):
    with MailCatcher(tmp_path / "mail") as mail, smtplib.SMTP(home.LOOPBACK, mail.port) as client:
        client.send_message(study_message())
    assert mail.received == list(mail.folder.iterdir())
    assert checks.faults_of_message(mail.received[0]) == []


def test_a_message_without_pictures_or_attachment_is_faulted(tmp_path):
    message = EmailMessage()
    message["Subject"] = "A study"
    message.set_content("In words")
    path = tmp_path / "poor.eml"
    path.write_bytes(message.as_bytes())
    faults = " ".join(checks.faults_of_message(path))
    assert all(word in faults for word in ("an HTML part", "inline pictures", "an attachment"))


def test_a_report_must_name_every_variant(tmp_path):
    names = checks.variants_of(Study())
    assert len(names) == 18
    page = tmp_path / "report.html"
    page.write_text(" ".join(names[1:]))
    assert names[0] in checks.faults_of_report(page, names)[0]


def task_instance(task, state, *, index=-1, start=None, label=None):
    return {"task_id": task, "state": state, "map_index": index, "start_date": start, "rendered_map_index": label}


def variant_ref(name, status, epoch, run=RUN):
    history = {"val_loss": [0.5] * epoch, "val_accuracy": [0.75] * epoch}
    return {"variant": name, "status": status, "epoch": epoch, "epochs": 4, "run_id": run, "history": history}


TASKS = [
    task_instance("evaluate", None),
    task_instance("plan", "success", start="1"),
    task_instance("train", "success", index=1, start="3", label="GRU, 64 units, batches of 32"),
    task_instance("train", "running", index=0, start="2", label="GRU, 64 units, batches of 128"),
]


def test_progress_counts_this_run_only_and_a_diverged_variant_as_done():
    refs = [variant_ref("64_GRU_32", "diverged", 2), variant_ref("64_GRU_128", "training", 1)]
    found = progress.Progress.of_run(RUN, TASKS, [*refs, variant_ref("32_GRU_32", "finished", 4, run="another")])
    assert list(found.steps.items()) == [("plan", "success"), ("train", "running"), ("evaluate", "waiting")]
    assert [variant.name for variant in found.variants] == ["64_GRU_128", "64_GRU_32"]
    assert found.line == "1 of 2 variants, epoch 5 of 8"


def test_steps_stand_in_their_order_and_before_the_plan_nothing_is_counted():
    tasks = [task_instance(step, None) for step in sorted(progress.STEPS)]
    found = progress.Progress.of_run(RUN, tasks, [])
    assert tuple(found.steps) == progress.STEPS
    table = io.StringIO()
    Console(file=table, width=140).print(progress.as_table(found, 3))
    assert table.getvalue().split()[-1] == "00:00:03"
    assert "of 0" not in table.getvalue()


def test_a_log_file_gets_each_line_once_and_a_terminal_gets_a_table():
    found = progress.Progress.of_run(RUN, TASKS, [variant_ref("64_GRU_128", "finished", 4)])
    plain = io.StringIO()
    with progress.Display(Console(file=plain)) as display:
        display.update(found)
        display.update(found)
    assert [line.split("s  ")[1] for line in plain.getvalue().splitlines()] == [
        "plan: success",
        "train: 50 % of 8 epochs",
        "64_GRU_128: finished after 4 of 4 epochs",
    ]
    table = io.StringIO()
    Console(file=table, width=120).print(progress.as_table(found, 61))
    assert all(text in table.getvalue() for text in ("64_GRU_128", "4/4", "0.7500", "1 of 2 variants", "00:01:01"))


def looked_at(*refs, left=7_200.0):
    found = Estimate(left, left, spent=600.0, trainings=2, slots=2, evidence=3)
    return progress.Progress.of_run(RUN, TASKS, refs, found)


def test_a_log_file_says_at_once_how_long_all_takes_then_every_five_minutes_and_when_a_training_ends():
    plain, now = io.StringIO(), [0.0]
    both = variant_ref("64_GRU_128", "training", 1), variant_ref("64_GRU_32", "training", 1)
    with progress.Display(Console(file=plain), clock=lambda: now[0]) as display:
        for now[0] in range(0, 602, 2):
            display.update(looked_at(*both))
        display.update(looked_at(both[0], variant_ref("64_GRU_32", "diverged", 2), left=3_600.0))
        display.update(looked_at(*(variant_ref(each["variant"], "finished", 4) for each in both), left=0.0))
    running = "train: 64_GRU_128 epoch 1 of 4, 64_GRU_32 epoch 1 of 4; 0 of 2 variants, epoch 2 of 8"
    assert [line.strip() for line in plain.getvalue().splitlines()] == [
        "0 s  plan: success",
        "0 s  train: about 2 h 10 min (2 trainings, 2 side by side; from the first 3 epochs)",
        "0 s  train: 25 % of 8 epochs",
        f"300 s  {running}; still about 2 h 00 min",
        f"600 s  {running}; still about 2 h 00 min",
        "600 s  train: 50 % of 8 epochs",
        "600 s  64_GRU_32: diverged after 2 of 4 epochs; still about 1 h 00 min",
        "600 s  train: 100 % of 8 epochs",
        "600 s  64_GRU_128: finished after 4 of 4 epochs",
    ]


def test_a_terminal_gets_the_epoch_of_each_training_and_the_time_left():
    table = io.StringIO()
    Console(file=table, width=140).print(progress.as_table(looked_at(variant_ref("64_GRU_128", "training", 3)), 61))
    assert all(text in table.getvalue() for text in ("64_GRU_128", "3/4", "00:01:01", "still about 2 h 00 min"))


def test_the_start_says_how_much_there_is_to_train_and_that_it_may_be_interrupted():
    words = run_study.announcement(Study(), 2)
    assert "18 variants, 100 epochs each, 2 side by side" in words
    assert "finished epochs are kept, and the same command goes on from there" in words


def test_an_interruption_says_that_finished_epochs_are_kept_and_keeps_its_exit_code(capsys):
    with pytest.raises(SystemExit) as caught, run_study.saying_what_is_kept():
        raise SystemExit(130)
    assert caught.value.code == 130
    (line,) = capsys.readouterr().out.splitlines()
    assert "finished epochs are kept, and the same command goes on from there" in line


@pytest.mark.parametrize(
    ("arguments", "source"),
    [(["--data", "somewhere"], "folder"), (["--source", "sample"], "sample"), ([], "archives")],
)
def test_the_source_follows_from_what_is_there(arguments, source, monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("KAGGLE")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    conf = run_study.conf_of(run_study.parser().parse_args([*arguments, "--params", '{"notify": "never"}']))
    assert (conf["source"], conf["notify"]) == (source, "never")
    assert "folder" not in conf or Path(conf["folder"]).is_absolute()
    monkeypatch.setenv("KAGGLE_API_TOKEN", "token")
    assert run_study.conf_of(run_study.parser().parse_args([]))["source"] == "kaggle"


def test_a_tilde_in_data_is_the_home_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run_study.conf_of(run_study.parser().parse_args(["--data", "~/data"]))["folder"] == str(tmp_path / "data")


@pytest.mark.parametrize("data", ["/no/such/folder", "no-such-folder", "~no-such-user/data"])
def test_data_that_is_not_there_is_told_before_airflow_starts(capsys, data):
    assert run_study.main(["--data", data]) == 2
    assert data in capsys.readouterr().err


def test_a_form_that_makes_no_sense_is_refused_before_anything_starts(capsys):
    assert run_study.main(["--source", "sample", "--params", '{"epoch": 5}']) == 2
    assert "'epoch'" in capsys.readouterr().err


def test_a_setting_that_makes_no_sense_is_told_before_airflow_starts(monkeypatch, capsys):
    monkeypatch.setenv("IMDB_RECIPIENTS", "nobody")
    assert run_study.main(["--profile", "quick", "--source", "sample"]) == 2
    assert "IMDB_RECIPIENTS: expected mail addresses, separated by commas, found 'nobody'" in capsys.readouterr().err


@pytest.mark.parametrize("params", ["[1]", "{units: 64}", "", "null"])
def test_params_that_are_no_json_object_are_refused_by_their_name_with_an_example(params, capsys):
    assert run_study.main(["--source", "sample", "--params", params]) == 2
    said = capsys.readouterr().err
    assert said.startswith("PARAMS: expected a JSON object, such as '{\"units\": [64]}', found ")


def test_a_folder_of_the_params_that_is_not_there_is_told_before_airflow_starts(capsys):
    params = '{"source": "folder", "folder": "/no/such/folder"}'
    assert run_study.main(["--source", "sample", "--params", params]) == 2
    assert "/no/such/folder does not exist" in capsys.readouterr().err
