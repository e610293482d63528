"""Failed tasks are cleared in Airflow, which is how a run that failed goes on."""

from scripts.local_airflow import DAG
from tests.support.whole_airflow import WholeAirflow

TOO_MANY = {"units": list(range(1, 101)), "batch_sizes": list(range(1, 101))}  # more than the plan accepts


def test_a_failed_run_whose_deadlines_are_ahead_can_be_cleared(whole: WholeAirflow) -> None:
    run = whole.finished({"profile": "custom", "source": "sample", **TOO_MANY})
    assert (run.state, run.task("plan")["try_number"]) == ("failed", 1)
    asked = {"dry_run": False, "dag_run_id": run.run_id, "only_failed": True, "reset_dag_runs": True}
    answer = whole.ask("POST", f"/api/v2/dags/{DAG}/clearTaskInstances", json=asked)
    assert answer.status_code == 200, answer.text
    again = whole.ended(run.run_id)
    assert (again.state, again.task("plan")["try_number"]) == ("failed", 2)
