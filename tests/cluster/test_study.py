"""The study on the topology of docker-compose.yaml: who ran what, what came of it, and who is well afterwards."""

import pytest

from scripts.checks import faults_of_message, faults_of_report, variants_of
from scripts.local_airflow import DAG
from tests.support.cluster.logs import faults_in
from tests.support.cluster.studying import Study
from tests.support.cluster.topology import Cluster

pytestmark = pytest.mark.timeout(1_800)  # the first test waits for every service, and for a study


def test_every_variant_is_trained_on_the_training_worker_and_nothing_else_is(study: Study, cluster: Cluster) -> None:
    ran = {(task["task_id"], task["map_index"]): (task["queue"], task["hostname"]) for task in study.tasks()}
    training, other = (cluster.addresses[name] for name in ("worker-cpu-training", "worker"))
    assert len(ran) == 8 + len(study.steps.study.variants)
    assert {(task[0] == "train", *where) for task, where in ran.items()} == {
        (True, "gpu", training),
        (False, "default", other),
    }


def test_the_report_names_every_variant(study: Study) -> None:
    assert faults_of_report(study.steps.reported().file("report.html"), variants_of(study.steps.study)) == []


def test_the_mail_has_arrived(study: Study, cluster: Cluster) -> None:
    [mail] = cluster.home.joinpath("mail").glob("*.eml")
    assert faults_of_message(mail) == []


def test_every_service_passes_its_own_health_check(study: Study, cluster: Cluster) -> None:
    checked = {name: running.healthy for name, running in cluster.running.items() if running.service.health}
    assert checked == dict.fromkeys(cluster.services.keys() - {"init"}, True)


def test_nothing_in_any_log_is_an_error(study: Study, cluster: Cluster) -> None:
    outputs = {name: running.output for name, running in cluster.running.items()}
    outputs |= {str(path): path.read_text("utf8") for path in study.logs()}
    assert len(outputs) > 15
    assert {name: found for name, text in outputs.items() if (found := faults_in(text))} == {}


def test_the_first_start_s_work_can_be_done_again(study: Study, cluster: Cluster) -> None:
    init = cluster.running["init"]
    init.start()
    cluster.wait_for("init", "service_completed_successfully")
    assert "already exists" in init.output


def test_a_second_run_trains_nothing(study: Study, cluster: Cluster) -> None:
    study.start()
    study.finish()
    assert study.epochs_trained() == 0
    assert cluster.api.state(DAG, study.id) == "success"
