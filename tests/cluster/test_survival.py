"""What dies while the study trains, and that nothing comes of it: the same result, and at most an epoch done again.

Each test runs the whole study anew, takes something away when both trainings are on their way, and compares.
"""

import time
from collections.abc import Callable

import pytest

from tests.support.cluster.studying import EPOCHS, Study, wait_until
from tests.support.cluster.topology import Cluster

BEGUN = 5  # epochs, of every variant
pytestmark = pytest.mark.timeout(1_800)  # each waits for a whole study, and the first for every service


def tries(study: Study, name: str) -> list[int]:
    return sorted(task["try_number"] for task in study.tasks(name))


def assert_unharmed(study: Study, *, killed: int) -> None:
    """Wait for the end; at most one epoch for each killed process is trained a second time."""
    study.finish()
    assert study.histories() == study.trained
    whole = EPOCHS * len(study.steps.study.variants)
    assert whole <= study.epochs_trained() <= whole + killed


def test_the_process_of_a_training_is_killed(study: Study) -> None:
    study.start_anew()
    study.wait_for_epoch(BEGUN)
    study.process().kill()
    assert_unharmed(study, killed=1)
    assert tries(study, "train") == [1, 2]


def test_the_supervisor_of_a_training_is_killed(study: Study) -> None:
    study.start_anew()
    study.wait_for_epoch(BEGUN)
    supervisor = study.process().parent()
    assert supervisor
    supervisor.kill()
    study.finish()
    assert study.histories() == study.trained
    assert tries(study, "train") == [1, 2]
    # The first try may live on without anybody who writes its log; the second waits for it, or goes on where it ended.
    assert study.epochs_trained("attempt=2") <= EPOCHS - BEGUN


def test_the_whole_training_worker_is_killed_and_comes_back_later(study: Study, cluster: Cluster) -> None:
    worker = cluster.running["worker-cpu-training"]
    study.start_anew()
    study.wait_for_epoch(BEGUN)
    worker.kill()
    time.sleep(20)
    worker.start()
    assert_unharmed(study, killed=2)
    assert tries(study, "train") == [2, 2]


def scheduler_killed(cluster: Cluster) -> None:
    scheduler = cluster.running["scheduler"]
    starts = scheduler.starts
    scheduler.components.kill()
    wait_until(lambda: scheduler.starts > starts, "the scheduler is started again")


def redis_restarted(cluster: Cluster) -> None:
    cluster.running["redis"].stop()
    cluster.running["redis"].start()


def database_away(cluster: Cluster) -> None:
    cluster.running["postgres"].stop()
    time.sleep(10)
    cluster.running["postgres"].start()


@pytest.mark.parametrize("away", [scheduler_killed, redis_restarted, database_away])
def test_a_training_goes_on_while_the_rest_recovers(
    study: Study, cluster: Cluster, away: Callable[[Cluster], None]
) -> None:
    study.start_anew()
    study.wait_for_epoch(BEGUN)
    away(cluster)
    assert_unharmed(study, killed=0)
    assert tries(study, "train") == [1, 1]
    for name, running in cluster.running.items():
        if running.service.health:
            cluster.wait_for(name)


def test_the_mail_server_is_down_when_the_mail_is_due(study: Study, cluster: Cluster) -> None:
    before = set(cluster.home.joinpath("mail").glob("*.eml"))
    cluster.running["mail"].stop()
    study.start()
    wait_until(
        lambda: "MailError" in "".join(path.read_text("utf8") for path in study.logs("send_report")), "a try fails"
    )
    cluster.running["mail"].start()
    study.finish()
    assert len(set(cluster.home.joinpath("mail").glob("*.eml")) - before) == 1
    assert tries(study, "send_report")[0] > 1
