"""Settings from the environment: checked, read when they are used, and told in the README as they are."""

import doctest
import re
from pathlib import Path

import pytest
from hypothesis import given, strategies

from imdb_tasks import settings, typed_values
from imdb_tasks.errors import SettingsError
from imdb_tasks.training import backend
from imdb_tasks.typed_values import ADDRESS

ROOT = Path(__file__).parents[1]
FIELDS = {
    str(field.validation_alias): (group, name, field)
    for group in settings.GROUPS
    for name, field in group.model_fields.items()
}
NONSENSE = {
    "IMDB_RECIPIENTS": ["nobody", "a@example.org, nobody", "a@b\nBcc: c@d", "a..b@c.org", "Name <>", "a@b Name <c@d>"],
    "IMDB_STORE": ["my-store", "./store", "~no-such-user/store", "s3:/bucket"],
    "IMDB_CACHE": ["cache", "~no-such-user"],
    "IMDB_AIRFLOW_HOME": ["~no-such-user/airflow"],
    "KERAS_BACKEND": ["theano", "TensorFlow"],
    "IMDB_TRAINING_THREADS": ["0", "-1", "two", "1.5"],
    "IMDB_RETRY_DELAY": ["soon", "-1", "nan", "inf", "1e9"],
    "IMDB_TRAINING_SLOTS": ["0", "many"],
    "IMDB_SCHEDULE": ["@often", "weekly", "0 25 * * *", "0 0 30 2 *", "0 0 * * * *", "H 0 * * *"],
    "IMDB_PROFILE": ["custom", "slow"],
    "IMDB_SOURCE": ["folder", "data", "~no-such-user/data"],
    "IMDB_REPLICATES": ["0", "101", "1.5", "two"],
    "IMDB_NOTIFY": ["on-change", "sometimes"],
    "IMDB_POOL": ["my pool", "a\nb"],
    "IMDB_QUEUE": ["gpu,cpu", "a\nb"],
    "IMDB_SMTP_CONNECTION": ["smtp default"],
    "IMDB_KAGGLE_CONNECTION": ["kaggle/default"],
    "IMDB_LATE_HOURS": ["soon", "-1", "nan", "1e9"],
    "IMDB_WAIT_HOURS": ["soon", "-1", "inf", "1e9"],
}
NO_SETTINGS = {"IMDB_LOCAL_AIRFLOW"}  # the mark of a local Airflow's processes


def value_of(variable: str) -> object:
    group, name, _ = FIELDS[variable]
    return getattr(group.read(), name)


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in FIELDS:
        monkeypatch.delenv(variable, raising=False)


def test_the_example_of_the_module_runs() -> None:
    assert doctest.testmod(settings) == (0, 2)
    assert doctest.testmod(typed_values) == (0, 3)


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("IMDB_STORE", "s3://bucket/prefix", "s3://bucket/prefix"),
        ("IMDB_CACHE", "/var/cache", Path("/var/cache")),
        ("IMDB_RECIPIENTS", "a@example.org, b@example.org c@example.org", tuple(f"{x}@example.org" for x in "abc")),
        ("KERAS_BACKEND", "jax", "jax"),
        ("IMDB_TRAINING_THREADS", "2", 2),
        ("IMDB_CODE_REVISION", "abc123", "abc123"),
        ("IMDB_RETRY_DELAY", "0.5", 0.5),
        ("IMDB_AIRFLOW_HOME", "elsewhere", Path("elsewhere")),
        ("IMDB_TRAINING_SLOTS", "3", 3),
        ("IMDB_SCHEDULE", "0 6 * * mon", "0 6 * * mon"),
        ("IMDB_SCHEDULE", "none", "none"),
        ("IMDB_PROFILE", "quick", "quick"),
        ("IMDB_SOURCE", "/data", "/data"),
        ("IMDB_REPLICATES", "5", 5),
        ("IMDB_NOTIFY", "always", "always"),
        ("IMDB_POOL", "gpu-hosts", "gpu-hosts"),
        ("IMDB_QUEUE", "a100", "a100"),
        ("IMDB_SMTP_CONNECTION", "mail.team", "mail.team"),
        ("IMDB_KAGGLE_CONNECTION", "kaggle_team", "kaggle_team"),
        ("IMDB_STUDIES", "{}", "{}"),
        ("IMDB_LATE_HOURS", "0", 0),
        ("IMDB_WAIT_HOURS", "0.5", 0.5),
        ("IMDB_NOTIFIERS", '[{"class": "a.B", "to": "c"}]', (settings.Notifier(**{"class": "a.B", "to": "c"}),)),
    ],
)
def test_a_variable_is_read_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, expected: object
) -> None:
    before = value_of(variable)
    monkeypatch.setenv(variable, text)
    assert value_of(variable) == expected != before


@pytest.mark.parametrize("variable", ["IMDB_STORE", "IMDB_CACHE", "IMDB_AIRFLOW_HOME"])
def test_a_tilde_is_the_home_of_the_user_and_never_a_folder_of_that_name(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv(variable, "~/results")
    assert str(value_of(variable)) == "/home/someone/results"


@pytest.mark.parametrize("variable", sorted(FIELDS))
def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    before = value_of(variable)
    monkeypatch.setenv(variable, "")
    assert value_of(variable) == before


@pytest.mark.parametrize(("variable", "text"), [(name, text) for name, texts in NONSENSE.items() for text in texts])
def test_nonsense_is_refused_with_the_name_of_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(SettingsError, match=rf"^{variable}: expected .+, found '"):
        value_of(variable)


@pytest.mark.parametrize("text", ["https://hooks.example.org/canary", '{"class": "canary"}', '[{"canary": 1}]', "[1]"])
def test_notifiers_that_make_no_sense_are_refused_without_the_address_that_someone_may_have_put_there(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("IMDB_NOTIFIERS", text)
    with pytest.raises(SettingsError, match="^IMDB_NOTIFIERS: expected a JSON list") as raised:
        settings.NotifierSettings.read()
    assert "canary" not in str(raised.value)
    assert settings.NotifierSettings.read_or_default().notifiers == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@x.org; b@x.org", ("a@x.org", "b@x.org")),
        ("a@x.org;b@x.org;", ("a@x.org", "b@x.org")),
        ("Anna Beta <a@x.org>, b@x.org", ("a@x.org", "b@x.org")),
        ('"Beta, Anna; Team" <a@x.org>; J\u00fcrgen < b@x.org >', ("a@x.org", "b@x.org")),
        ("a@x.org, A@X.org, <a@x.org>", ("a@x.org",)),
        ("a@x.org\nb@x.org", ("a@x.org", "b@x.org")),
    ],
)
def test_recipients_are_taken_as_people_write_them(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: tuple[str, ...]
) -> None:
    monkeypatch.setenv("IMDB_RECIPIENTS", text)
    assert settings.MailSettings.read().recipients == settings.MailSettings.read_valid() == expected


@given(typed=strategies.text() | strategies.from_regex(ADDRESS))
def test_whatever_is_typed_for_recipients_the_valid_ones_can_be_read(typed: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMDB_RECIPIENTS", typed.replace("\0", "").encode("utf8", "ignore").decode())
        valid = settings.MailSettings.read_valid()
        try:
            assert settings.MailSettings.read().recipients == valid
        except SettingsError:
            assert all(re.fullmatch(ADDRESS, address) for address in valid)


def test_a_group_with_a_bad_value_has_its_defaults_where_nothing_may_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMDB_RETRY_DELAY", "soon")
    assert settings.RetrySettings.read_or_default().delay == 60
    monkeypatch.setenv("IMDB_RETRY_DELAY", "2")
    assert settings.RetrySettings.read_or_default().delay == 2


def test_only_the_bad_value_of_a_group_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMDB_SCHEDULE", "@often")
    monkeypatch.setenv("IMDB_POOL", "gpu-hosts")
    found = settings.StudySettings.read_or_default()
    assert (found.schedule, found.pool) == ("@weekly", "gpu-hosts")


def test_every_fault_of_a_group_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    monkeypatch.setenv("IMDB_TRAINING_THREADS", "0")

    class Both(settings.ThreadSettings, settings.KerasSettings):
        pass

    with pytest.raises(SettingsError, match="found 'theano'; IMDB_TRAINING_THREADS: expected a whole number from 1"):
        Both.read()


def test_a_bad_number_of_threads_stops_no_step_that_does_not_train(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMDB_TRAINING_THREADS", "auto")
    assert backend() == settings.KerasSettings.read().backend


def test_a_bad_value_stops_only_what_would_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("IMDB_STORE", "/my-store")
    assert settings.StoreSettings.read().store == "/my-store"


def test_the_readme_tells_every_variable_with_its_meaning_and_its_default() -> None:
    section = ROOT.joinpath("README.md").read_text("utf8").partition("## Settings")[2].partition("\n## ")[0]
    rows = {row[0]: row[1:] for row in re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", section, re.MULTILINE)}
    assert {name for name in rows if not name.startswith("AIRFLOW_CONN_")} == FIELDS.keys()
    for variable, (_, _, field) in FIELDS.items():
        meaning, default = rows[variable]
        assert meaning == field.description
        if field.default not in (None, ()):
            assert default == f"`{field.default:g}`" if isinstance(field.default, float) else f"`{field.default}`"


@pytest.mark.parametrize("folder", ["imdb_tasks", "dags", "plugins", "scripts"])
def test_every_variable_that_the_code_names_is_a_setting_and_read_as_one(folder: str) -> None:
    for path in ROOT.joinpath(folder).rglob("*.py"):
        text = path.read_text("utf8")
        assert set(re.findall(r"\b(?:IMDB|KERAS)_[A-Z_]*[A-Z]\b", text)) - NO_SETTINGS <= FIELDS.keys(), path
        assert not re.findall(r"(?:environ\.get\(|getenv\(|environ\[)\"(?:IMDB|KERAS)_\w+\"(?!\] =)", text), path
