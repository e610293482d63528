from typing import Any

import pytest

from imdb_tasks.errors import SettingsError
from imdb_tasks.study.form import PROFILES, SOURCES, form_defaults, profile_of, read_form, read_growing, read_study
from imdb_tasks.study.grid import PUBLIC_GLOVE, PUBLIC_REVIEWS, KaggleSource, LocalSource, Study
from imdb_tasks.study.growing import Growing

QUIET = {"notify": "never"}


def test_an_untouched_form_is_the_original_study() -> None:
    study, _ = read_form(QUIET)
    assert study == Study()


def test_the_quick_profile_trains_the_same_grid_for_three_epochs() -> None:
    study, _ = read_form({**QUIET, "profile": "quick"})
    assert study.variants == Study().variants
    assert study.training.epochs == 3


def test_the_custom_profile_takes_the_fields() -> None:
    fields = {"cells": ["LSTM"], "units": [16], "batch_sizes": [8, 4], "epochs": 2, "max_tokens": 20, "replicates": 3}
    study, _ = read_form({**QUIET, "profile": "custom", **fields})
    assert [variant.name for variant in study.variants][:2] == ["16_LSTM_8", "16_LSTM_8_r1"]
    assert (study.training.epochs, study.text.max_tokens, len(study.variants)) == (2, 20, 6)


@pytest.mark.parametrize("profile", ["full", "quick"])
def test_a_field_that_the_profile_would_ignore_is_refused(profile: str) -> None:
    with pytest.raises(SettingsError, match=r"\{'epochs': 5\} would have no effect .* choose 'custom'"):
        read_form({**QUIET, "profile": profile, "epochs": 5})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"units": [0]}, r"units\.0: .*greater than or equal to 1, found 0"),
        ({"units": []}, "units: expected at least one level"),
        ({"cells": ["RNN"]}, r"cells\.0: .*'GRU' or 'LSTM', found 'RNN'"),
        ({"epochs": 0}, "epochs: .*found 0"),
        ({"epochs": "ten"}, "epochs: .*found 'ten'"),
        ({"learning_rate": float("nan")}, "learning_rate: .*finite"),
        ({"batch_sizes": [32, 32]}, "batch_sizes: expected each level once"),
    ],
)
def test_nonsense_in_the_grid_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read_form({**QUIET, "profile": "custom", **wrong})


@pytest.mark.parametrize("field", ["profile", "source"])
def test_an_unknown_choice_is_answered_with_the_known_ones(field: str) -> None:
    with pytest.raises(SettingsError, match=f"{field}: expected one of .*, found 'other'"):
        read_form({**QUIET, field: "other"})


def test_an_unknown_field_is_refused_and_the_nearest_one_is_named() -> None:
    with pytest.raises(SettingsError, match=r"unknown fields \['epoch'\] \(is epochs meant\?\); expected some of"):
        read_form({**QUIET, "epoch": 3})
    with pytest.raises(SettingsError, match=r"unknown fields \['qqq'\]; expected some of"):
        read_form({**QUIET, "qqq": 3})


def test_one_value_for_a_list_is_refused_as_no_list() -> None:
    with pytest.raises(SettingsError, match="units: expected a list, found 64"):
        read_form({**QUIET, "profile": "custom", "units": 64})


def test_each_source_leads_to_its_own_places() -> None:
    kaggle, _ = read_form({**QUIET, "reviews_version": 3, "glove_version": None})
    archives, _ = read_form({**QUIET, "source": "archives"})
    folder, _ = read_form({**QUIET, "source": "folder", "folder": "/data"})
    sample, _ = read_form({**QUIET, "source": "sample"})
    assert isinstance(kaggle.reviews, KaggleSource)
    assert (kaggle.reviews.version, kaggle.glove.version) == (3, None)
    assert (archives.reviews, archives.glove) == (PUBLIC_REVIEWS, PUBLIC_GLOVE)
    assert folder.reviews == LocalSource(path="/data")
    assert sample.reviews.path.endswith("include/sample")


def test_a_folder_source_needs_a_folder() -> None:
    with pytest.raises(SettingsError, match="source is 'folder' but folder is empty"):
        read_form({**QUIET, "source": "folder"})


@pytest.mark.parametrize("source", ["kaggle", "archives", "sample"])
def test_a_folder_that_the_source_would_ignore_is_refused(source: str) -> None:
    message = f"folder '/data' would have no effect with the source '{source}'; choose folder"
    with pytest.raises(SettingsError, match=message):
        read_form({**QUIET, "source": source, "folder": "/data"})


@pytest.mark.parametrize(
    "source", [{"source": "archives"}, {"source": "folder", "folder": "/data"}, {"source": "sample"}]
)
@pytest.mark.parametrize("field", ["reviews_version", "glove_version"])
@pytest.mark.parametrize("version", [3, None])
def test_a_version_that_the_source_would_ignore_is_refused(
    source: dict[str, Any], field: str, version: int | None
) -> None:
    message = f"{field} {version} would have no effect with the source '{source['source']}'; choose kaggle"
    with pytest.raises(SettingsError, match=message):
        read_form({**QUIET, **source, field: version})


@pytest.mark.parametrize("source", SOURCES)
def test_fields_of_other_sources_may_be_sent_as_the_form_shows_them(source: str) -> None:
    shown = {**form_defaults(), **QUIET, "source": source}
    study, _ = read_form({**shown, "folder": "/data" if source == "folder" else ""})
    assert study.variants == Study().variants


def test_a_pin_goes_to_its_own_file() -> None:
    study, _ = read_form({**QUIET, "reviews_sha256": "a" * 64})
    assert (study.reviews.sha256, study.glove.sha256) == ("a" * 64, None)


def test_a_report_for_nobody_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMDB_RECIPIENTS", raising=False)
    with pytest.raises(SettingsError, match="no recipients; name some, set IMDB_RECIPIENTS"):
        read_form({})


def test_recipients_come_from_the_environment_unless_the_form_names_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMDB_RECIPIENTS", "a@example.org, b@example.org")
    assert read_form({})[1].recipients == ("a@example.org", "b@example.org")
    assert read_form({"recipients": ["c@example.org"]})[1].recipients == ("c@example.org",)


@pytest.mark.parametrize("form", [{}, {"recipients": ["a@example.org"]}, {"notify": "on change"}])
def test_a_bad_recipient_in_the_environment_is_named_with_its_variable_if_the_form_relies_on_it(
    monkeypatch: pytest.MonkeyPatch, form: dict[str, Any]
) -> None:
    monkeypatch.setenv("IMDB_RECIPIENTS", "a@example.org; nobody")
    with pytest.raises(SettingsError, match="IMDB_RECIPIENTS: expected mail addresses, .*found 'nobody'"):
        read_form(form)


@pytest.mark.parametrize("form", [QUIET, {"recipients": ["c@example.org"]}])
def test_a_bad_recipient_in_the_environment_stops_nothing_that_does_not_rely_on_it(
    monkeypatch: pytest.MonkeyPatch, form: dict[str, Any]
) -> None:
    monkeypatch.setenv("IMDB_RECIPIENTS", "a@example.org; nobody")
    assert form_defaults()["recipients"] == ["a@example.org"]
    read_form(form)


@pytest.mark.parametrize("form", [{}, {"recipients": ["nobody"]}, {"recipients": None}, {"notify": "sometimes"}])
def test_the_study_alone_does_not_depend_on_who_gets_the_report(
    monkeypatch: pytest.MonkeyPatch, form: dict[str, Any]
) -> None:
    monkeypatch.delenv("IMDB_RECIPIENTS", raising=False)
    with pytest.raises(SettingsError):
        read_form(form)
    assert read_study(form) == Study()


@pytest.mark.parametrize("wrong", [{"epoch": 3}, {"epochs": 3}, {"profile": "custom", "units": [0]}])
def test_the_study_alone_is_checked_as_strictly(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as alone:
        read_study(wrong)
    with pytest.raises(SettingsError) as whole:
        read_form({**QUIET, **wrong})
    assert str(alone.value) == str(whole.value)


@pytest.mark.parametrize(
    "address",
    [
        "nobody",
        "a..b@c.org",
        ".a@c.org",
        "a.@c.org",
        "a b@example.org",
        "a@example.org, b@example.org",
        "a@b\nBcc: c@d",
        "a@b.c\n",
    ],
)
def test_what_is_no_single_address_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="recipients"):
        read_form({"recipients": [address]})


def test_every_default_of_the_form_is_plain_json() -> None:
    import json

    assert json.loads(json.dumps(form_defaults())) == form_defaults()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("source", [{"source": "kaggle"}, {"source": "folder", "folder": "/data"}])
def test_a_study_tells_the_profile_that_it_came_from(profile: str, source: dict[str, str]) -> None:
    own = {"epochs": 7} if profile == "custom" else {}
    assert profile_of(read_study({"profile": profile, **source, **own})) == profile


@pytest.mark.parametrize("profile", ["full", "quick"])
def test_a_profile_may_be_trained_several_times_and_compared_by_another_margin(profile: str) -> None:
    study = read_study({"profile": profile, "replicates": 3, "margin_points": 2})
    assert (study.replicates, study.margin) == (3, 0.02)
    assert profile_of(study) == profile


def test_a_study_may_grow_until_it_is_decided() -> None:
    form = {**QUIET, "profile": "quick", "replicates": "until decided", "max_replicates": 3}
    study, _ = read_form(form)
    assert (study.replicates, read_growing(form)) == (1, Growing(most=3))
    assert read_growing({**QUIET, "replicates": "until decided"}) == Growing(most=5)


@pytest.mark.parametrize("replicates", [3, "3"])
def test_a_number_of_replicates_may_come_as_text_from_airflows_form(replicates: int | str) -> None:
    form = {**QUIET, "replicates": replicates}
    assert (read_form(form)[0].replicates, read_growing(form)) == (3, None)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"replicates": "until Friday"}, "replicates: .*found 'until Friday'"),
        ({"replicates": "0"}, "replicates: .*found 0"),
        ({"replicates": "until decided", "max_replicates": 1}, "max_replicates: .* 2, found 1"),
        ({"replicates": "until decided", "max_replicates": 21}, "max_replicates: .* 20, found 21"),
        ({"max_replicates": 3}, "max_replicates 3 would have no effect; set replicates to 'until decided'"),
        (
            {"profile": "custom", "units": list(range(1, 101)), "max_replicates": 5, "replicates": "until decided"},
            "the grid has 3,000 variants; at most",
        ),
    ],
)
def test_a_study_that_cannot_grow_so_is_refused(fields: dict[str, object], fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        read_form({**QUIET, **fields})


def test_a_study_that_no_form_leads_to_is_custom() -> None:
    text = Study().text.model_copy(update={"split_seed": 7})
    assert profile_of(Study().model_copy(update={"text": text})) == "custom"
