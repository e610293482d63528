"""The two files that the study needs, and under which names they are found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class InputFile:
    """One input of the study: the file's name, the names of archives that hold it, and the caps in bytes."""

    name: str
    member: str
    archive_names: tuple[str, ...]
    max_bytes: int = 1 << 30
    max_download_bytes: int = 2 << 30

    @property
    def step(self) -> str:
        """The step that fetches it."""
        return f"fetch_{self.name}"


REVIEWS = InputFile(
    name="reviews",
    member="IMDB Dataset.csv",
    archive_names=(
        "imdb-dataset-of-50k-movie-reviews.zip",
        "IMDB Dataset.csv.zip",
        "aclImdb_v1.tar.gz",
        "reviews.zip",
    ),
)


def glove_vectors(dimensions: int = 100) -> InputFile:
    """Return the GloVe 6B file with vectors of so many ``dimensions``."""
    return InputFile(
        name="glove",
        member=f"glove.6B.{dimensions}d.txt",
        archive_names=(f"glove6b{dimensions}dtxt.zip", "glove.6B.zip", "glove.zip"),
    )
