import re
from pathlib import Path

from imdb_tasks.store import maintenance
from imdb_tasks.store.manifest import MANIFEST
from imdb_tasks.store.store import Store
from imdb_tasks.ui.cli import main
from tests.store.test_store import swap
from tests.support.pruning import make, used

__all__ = ["used"]


def test_a_damaged_entry_is_listed_without_a_size_and_named_by_verify(used: Store) -> None:
    Path(used.where, "models", "one", MANIFEST).write_text("{")
    Path(used.where, "models", "two", "a.bin").write_bytes(b"")
    assert {e.name: e.bytes for e in maintenance.list_entries(used) if e.kind == "models"} == {
        "models/one": None,
        "models/two": 1_000_000,
    }
    assert maintenance.verify_store(used) == (7, ["models/one", "models/two"])
    assert maintenance.verify_store(used) == (7, [])


def test_verify_names_entries_refs_and_checkpoints_that_changed_places(used: Store, capsys, caplog) -> None:
    root = Path(used.where)
    for key in ("one", "two"):
        used.write_sealed(f"checkpoints/{key}.npz", b"state")
        used.write_ref(f"trainings/run/{key}", {"model": key})
    make(used, "predictions/one", "models/one")
    make(used, "predictions/two", "models/two")
    places = ("models/{}", "predictions/{}", "refs/trainings/run/{}.json", "refs/runs/{}.json", "checkpoints/{}.npz")
    for place in places:
        swap(root / place.format("one"), root / place.format("two"))
    assert main(["store", "verify", "--store", used.where]) == 1
    captured = capsys.readouterr()
    assert captured.out == "7 entries intact, 10 damaged\n"
    assert "set aside: models/one, models/two, predictions/one" in captured.err
    assert all(f"{place.format(key)} is damaged (it" in caplog.text for place in places for key in ("one", "two"))
    assert len(list(root.joinpath("aside").iterdir())) == 10
    assert main(["store", "verify", "--store", used.where]) == 0


def test_an_entry_under_another_name_is_listed_without_a_size_and_leads_nowhere(used: Store) -> None:
    swap(Path(used.where, "reports", "one"), Path(used.where, "reports", "two"))
    listed = {entry.name: (entry.bytes, entry.inputs) for entry in maintenance.list_entries(used)}
    assert listed["reports/one"] == listed["reports/two"] == (None, ())


def test_the_commands_print_what_they_find_and_do(used: Store, capsys) -> None:
    assert main(["store", "list", "--store", used.where]) == 0
    assert "1,000.0 kB" in capsys.readouterr().out.splitlines()[0]
    assert main(["store", "verify", "--store", used.where]) == 0
    assert capsys.readouterr().out == "9 entries intact, 0 damaged\n"
    arguments = ["store", "prune", "--store", used.where, "--keep-runs", "1"]
    assert main([*arguments, "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "would free 4.0 MB in 4 entries"
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "freed 4.0 MB in 4 entries"


def test_the_list_names_what_an_entry_holds(one_variant_store: Path, capsys) -> None:
    assert main(["store", "list", "--store", str(one_variant_store)]) == 0
    found = dict(re.findall(r"UTC  (\w+)/\w+ *(.*)", capsys.readouterr().out))
    assert found.pop("reports").startswith("IMDB study")
    assert found == {
        "sources": "glove",  # the second of them
        "texts": "",
        "arrays": "",
        "models": "4_GRU_16",
        "predictions": "4_GRU_16",
        "evaluations": "",
        "analyses": "",
    }


def test_verify_fails_if_something_is_damaged(used: Store, capsys) -> None:
    Path(used.where, "models", "two", "a.bin").write_bytes(b"")
    assert main(["store", "verify", "--store", used.where]) == 1
    captured = capsys.readouterr()
    assert captured.out == "8 entries intact, 1 damaged\n"
    assert "set aside: models/two" in captured.err
