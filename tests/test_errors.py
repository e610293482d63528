import inspect

from imdb_tasks import errors


def _classes() -> list[type[Exception]]:
    return [item for _, item in inspect.getmembers(errors, inspect.isclass) if item.__module__ == errors.__name__]


def test_every_error_stands_in_the_tree_at_the_top_of_the_file() -> None:
    assert all(error.__name__ in errors.__doc__ for error in _classes())


def test_every_error_but_the_root_is_permanent_or_transient_and_never_both() -> None:
    for error in set(_classes()) - {errors.StudyError}:
        assert issubclass(error, errors.PermanentError) != issubclass(error, errors.TransientError)


def test_a_busy_server_may_name_the_seconds_to_wait() -> None:
    assert errors.ServerBusyError("busy", retry_after=3.0).retry_after == 3.0
