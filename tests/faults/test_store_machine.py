"""Any order of what happens to a store: no reader sees a wrong or half result, and nothing in use goes.

Entries are born 40 days ago, so that only use keeps them. A crash is a forked process that kills itself with SIGKILL
before one of its calls to the file system.
"""

import contextlib
import datetime
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from imdb_tasks.pipeline import NOTES
from imdb_tasks.store import PrunePolicy, Store, list_entries, manifest, prune_store, verify_store
from tests.support.ages import age_ref, copied_without_times
from tests.support.crashing import crashing
from tests.support.examples import examples

CHAIN = ("sources", "arrays", "models", "reports")
KEYS = st.sampled_from("abc")
KINDS = st.sampled_from(CHAIN)
MOMENTS = st.integers(1, 40)  # which call to the file system is the last
BORN = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=40)


def content_of(kind: str, key: str) -> bytes:
    """Equal keys mean equal content."""
    return f"{kind}/{key}\n".encode() * 500


class StoreMachine(RuleBasedStateMachine):
    """A store, and what must be true of it: ``present`` for sure, ``used`` a short time ago, ``held`` by a run."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="imdb-machine-"))
        self.store = Store(self.folder / "0")
        self.copies = 0
        self.present: set[str] = set()
        self.used: set[str] = set()
        self.reported: dict[str, str] = {}
        self.refs: dict[str, int] = {}
        self.holders: dict[str, contextlib.ExitStack] = {}
        self.held: dict[str, set[str]] = {}
        self.names: dict[str, str] = {}
        self.runs = 0

    def teardown(self) -> None:
        for holder in self.holders.values():
            holder.close()
        shutil.rmtree(self.folder)

    @rule(kind=KINDS, key=KEYS)
    def publish(self, kind: str, key: str) -> None:
        if self.has_inputs(kind, key):
            self.make(kind, key)
            self.present.add(f"{kind}/{key}")

    @rule(kind=KINDS, key=KEYS, moment=MOMENTS)
    def crash_while_publishing(self, kind: str, key: str, moment: int) -> None:
        if self.has_inputs(kind, key):
            crashing(lambda: self.make(kind, key), moment)
            self.look(kind, key)

    @rule(kind=KINDS, key=KEYS, moment=MOMENTS)
    def two_writers_of_which_one_may_be_killed(self, kind: str, key: str, moment: int) -> None:
        if self.has_inputs(kind, key):
            with self.store.publish(kind, key, self.about(kind, key)) as draft:
                crashing(lambda: self.make(kind, key), moment)  # while this one has half of it
                draft.joinpath("a.bin").write_bytes(content_of(kind, key))
            self.present.add(f"{kind}/{key}")

    @rule(name=KEYS, value=st.integers())
    def write_ref(self, name: str, value: int) -> None:
        self.store.write_ref(f"evaluated/{name}", {"key": str(value)})
        self.refs[name] = value

    @rule(name=KEYS, value=st.integers(), moment=st.integers(1, 8))
    def crash_while_writing_a_ref(self, name: str, value: int, moment: int) -> None:
        crashing(lambda: self.store.write_ref(f"evaluated/{name}", {"key": str(value)}), moment)
        found = self.store.read_ref(f"evaluated/{name}")
        before = self.refs.get(name)
        assert found in (None if before is None else {"key": str(before)}, {"key": str(value)})
        if found is not None:
            self.refs[name] = int(found["key"])

    @rule(key=KEYS, value=st.binary(max_size=20), moment=st.integers(1, 8))
    def crash_while_writing_a_checkpoint(self, key: str, value: bytes, moment: int) -> None:
        name = f"checkpoints/{key}.npz"
        before = self.store.read_sealed(name)
        crashing(lambda: self.store.write_sealed(name, value), moment)
        assert self.store.read_sealed(name) in (before, value)

    @rule(kind=KINDS, key=KEYS)
    def read(self, kind: str, key: str) -> None:
        self.look(kind, key)

    @rule(kind=KINDS, key=KEYS)
    def use(self, kind: str, key: str) -> None:
        self.store.note_use(kind, key, by=f"a run with {kind}-{key}")
        self.look(kind, key)
        self.used.add(f"{kind}/{key}")
        self.forget_uses(f"{kind}/{key}")

    @rule(kind=KINDS, key=KEYS, name=KEYS)
    def take_a_lock_and_use(self, kind: str, key: str, name: str) -> None:
        if name not in self.holders:
            self.runs += 1
            self.holders[name] = contextlib.ExitStack()
            self.held[name] = set()
            self.store.note_use("models", f"unfinished-{name}", by=f"run-{self.runs}-{name}")
            self.holders[name].enter_context(self.store.exclusive("models", f"unfinished-{name}"))
            self.names[name] = f"run-{self.runs}-{name}"
        if kind == "models":
            self.store.write_ref(f"trainings/{self.names[name]}/{key}", {"model": key})
        self.store.note_use(kind, key, by=self.names[name])
        self.look(kind, key)
        self.forget_uses(f"{kind}/{key}")
        self.held[name].add(f"{kind}/{key}")

    def forget_uses(self, name: str) -> None:
        """Of two runs that use an entry the last one is known, except of models, which each run notes."""
        if not name.startswith("models/"):
            for names in self.held.values():
                names.discard(name)

    @precondition(lambda self: self.holders)
    @rule()
    def release_all_locks(self) -> None:
        for holder in self.holders.values():
            holder.close()
        for names in self.held.values():
            self.used |= names  # noted a short time ago, unless time goes by
        self.holders, self.held = {}, {}

    @rule(key=KEYS)
    def report(self, key: str) -> None:
        if f"reports/{key}" in self.present:
            self.store.write_ref(f"runs/run-{key}", {"report": key})
            self.reported.pop(f"run-{key}", None)
            self.reported[f"run-{key}"] = f"reports/{key}"

    @rule()
    def time_goes_by(self) -> None:
        """All refs but those of runs become 40 days old; their order is kept by none of the rules."""
        root = Path(self.store.where, "refs")
        for path in sorted(root.rglob("*.json")) if root.exists() else ():
            name = path.relative_to(root).with_suffix("").as_posix()
            if not name.startswith("runs/") and self.store.read_ref(name) is not None:
                age_ref(self.store, name, 1_000)
        self.used = set()

    @rule(runs=st.integers(0, 2), moment=st.none() | MOMENTS)
    def prune(self, runs: int, moment: int | None) -> None:
        policy = PrunePolicy(runs=runs)
        if moment is not None:
            crashing(lambda: prune_store(self.store, policy, NOTES, dry_run=False), moment)
        else:
            prune_store(self.store, policy, NOTES, dry_run=False)
        kept = self.with_inputs(self.in_use() | set(list(self.reported.values())[-runs:] if runs else ()))
        left = {entry.name for entry in list_entries(self.store) if entry.bytes is not None}
        assert kept <= left
        if moment is None:
            assert left == kept
        self.present = self.present & left
        assert all(self.with_inputs({name}) <= left for name in left)
        listed = self.store.ref_times("runs")
        self.reported = {run: report for run, report in self.reported.items() if run in listed}
        self.refs = {name: value for name, value in self.refs.items() if self.store.read_ref(f"evaluated/{name}")}

    @rule()
    def verify(self) -> None:
        whole, damaged = verify_store(self.store)
        assert (whole, damaged) == (len(list(list_entries(self.store))), [])

    @rule()
    def copy(self) -> None:
        if not self.holders:  # who holds a lock works on in the old place
            self.copies += 1
            self.store = copied_without_times(self.store, self.folder / str(self.copies))

    @precondition(lambda self: self.present)
    @rule(choice=st.integers(0, 100), place=st.integers(0, 4_000))
    def damage(self, choice: int, place: int) -> None:
        name = sorted(self.present)[choice % len(self.present)]
        path = Path(self.store.where, name, "a.bin")
        content = bytearray(path.read_bytes())
        content[place % len(content)] ^= 1
        path.write_bytes(content)
        assert self.store.find(*name.split("/")) is None
        self.present.discard(name)

    @invariant()
    def what_was_published_is_there(self) -> None:
        for name in self.present:
            assert self.look(*name.split("/"))
        assert {key: self.store.read_ref(f"evaluated/{key}") for key in self.refs} == {
            key: {"key": str(value)} for key, value in self.refs.items()
        }

    def make(self, kind: str, key: str) -> None:
        with self.store.publish(kind, key, self.about(kind, key)) as draft:
            draft.joinpath("a.bin").write_bytes(content_of(kind, key))

    def about(self, kind: str, key: str) -> dict[str, list[str]]:
        return {"inputs": [f"{CHAIN[CHAIN.index(kind) - 1]}/{key}"] if kind != CHAIN[0] else []}

    def has_inputs(self, kind: str, key: str) -> bool:
        return kind == CHAIN[0] or f"{CHAIN[CHAIN.index(kind) - 1]}/{key}" in self.present

    def look(self, kind: str, key: str) -> bool:
        """Read an entry: the right one, whole, or none."""
        entry = self.store.find(kind, key)
        name = f"{kind}/{key}"
        if entry is None:
            assert name not in self.present
            return False
        assert entry.file("a.bin").read_bytes() == content_of(kind, key)
        self.present.add(name)
        return True

    def in_use(self) -> set[str]:
        return (self.used | set().union(*self.held.values())) & self.present

    def with_inputs(self, names: set[str]) -> set[str]:
        found = set()
        for name in names:
            kind, key = name.split("/")
            for inner in CHAIN[: CHAIN.index(kind) + 1]:
                found.add(f"{inner}/{key}")
        return found & self.present if names else found


@pytest.mark.parametrize("born", [BORN])
def test_in_any_order_no_reader_sees_a_wrong_or_half_result_and_nothing_in_use_goes(born, monkeypatch) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    monkeypatch.setattr(manifest, "now", lambda: born)
    run_state_machine_as_test(StoreMachine, settings=settings(max_examples=examples(60), stateful_step_count=40))
