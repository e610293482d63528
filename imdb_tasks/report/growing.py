"""A growing study in a sentence: what was decided, what is open, and what deciding it would cost."""

from imdb_tasks.analysis import Growth, Seen
from imdb_tasks.formatting import count_of, duration
from imdb_tasks.study import StudyResult


def growth_text(result: StudyResult, growth: Growth) -> str:
    """Return how far a growing study is, what this look has decided, and what each open claim would need.

    The cost of a replicate is the mean over those that were trained.
    """
    if not growth.has_look(result.study.replicates):
        return (
            f"Nothing is decided at {_replicates(result.study.replicates)}: models are missing. The next run goes on."
        )
    claims, there = len(growth.looks[-1].seen), _replicates(growth.replicates)
    parts = [f"{len(growth.decided)} of {count_of(claims, 'claim', 'claims')} decided after {there}"]
    if growth.news:
        parts[0] += f"; new: {'; '.join(seen.title for seen in growth.news)}"
    open_ones: dict[str, list[str]] = {}
    seconds = _seconds_of_a_replicate(result)
    for seen in growth.open:
        open_ones.setdefault(_what_it_takes(seen, growth, seconds), []).append(seen.title)
    parts += [f"Open: {'; '.join(titles)} ({words})" for words, titles in open_ones.items()]
    end = "This is the end of the series: further runs train nothing"
    parts.append(end if growth.ended else f"The next run goes on, to {growth.most} at most")
    return f"{'. '.join(parts)}."


def _what_it_takes(seen: Seen, growth: Growth, seconds: float) -> str:
    if seen.ruling == "not tested":
        return "it could not be tested yet"
    if seen.hopeless:
        return "for the difference seen, not even 50 replicates would suffice"
    if seen.needed is None:
        return "how many more it takes is not known yet"
    more = max(1, seen.needed - growth.replicates)
    words = f"about {more} more, {duration(more * seconds)} of training" if seconds else f"about {more} more"
    return f"{words}, beyond the {growth.most} allowed" if seen.needed > growth.most else words


def _seconds_of_a_replicate(result: StudyResult) -> float:
    trained = [row.training.cost.wall_seconds for row in result.variants if row.training]
    settings = len(result.variants) // result.study.replicates
    return settings * sum(trained) / len(trained) if trained else 0.0


def _replicates(count: int) -> str:
    return count_of(count, "replicate", "replicates")
