"""What is compared: the grid of variants, the trigger form, and the records that the steps hand to each other.

Everything here is frozen and checks itself when it is made. Where to look: ``grid`` has the study's definition and its
defaults, ``form`` reads the trigger form, ``installed`` has the studies of an Airflow, ``records`` are what lies in the
store as JSON, ``labels`` are the two classes, ``published`` has the original study's result and tells what can be
compared with it, ``reproduce`` writes the commands that run a study again.

>>> from imdb_tasks.study import Study, Variant
>>> len(Study().variants)
18
>>> Variant(cell="GRU", units=32, batch_size=64).name
'32_GRU_64'
"""

from imdb_tasks.study.form import (
    NOTIFY,
    PROFILES,
    SOURCES,
    Delivery,
    Profile,
    form_defaults,
    profile_of,
    read_form,
    read_growing,
    read_study,
)
from imdb_tasks.study.grid import (
    CELLS,
    ArchiveSource,
    Cell,
    KaggleSource,
    LocalSource,
    Record,
    Sha256,
    ShrunkRecord,
    Source,
    Study,
    TextSettings,
    TrainingSettings,
    Variant,
    by_setting,
    fingerprint,
)
from imdb_tasks.study.growing import UNTIL_DECIDED, Growing
from imdb_tasks.study.installed import DAG_ID, InstalledStudy, installed_studies, installed_study, study_of_run
from imdb_tasks.study.labels import LABELS, THRESHOLD, Label, label_of
from imdb_tasks.study.published import (
    deviations,
    is_original,
    is_sample,
    published_metrics,
    published_study,
    ruling_scope,
    scope,
)
from imdb_tasks.study.records import (
    MEASURES,
    Cost,
    Coverage,
    DataCard,
    History,
    LengthSummary,
    Measure,
    StudyResult,
    TestMetrics,
    TrainingRecord,
    VariantResult,
    finite,
)
from imdb_tasks.study.reproduce import backend_variable, shell_command, trigger_command

__all__ = [
    "CELLS",
    "DAG_ID",
    "LABELS",
    "MEASURES",
    "NOTIFY",
    "PROFILES",
    "SOURCES",
    "THRESHOLD",
    "UNTIL_DECIDED",
    "ArchiveSource",
    "Cell",
    "Cost",
    "Coverage",
    "DataCard",
    "Delivery",
    "Growing",
    "History",
    "InstalledStudy",
    "KaggleSource",
    "Label",
    "LengthSummary",
    "LocalSource",
    "Measure",
    "Profile",
    "Record",
    "Sha256",
    "ShrunkRecord",
    "Source",
    "Study",
    "StudyResult",
    "TestMetrics",
    "TextSettings",
    "TrainingRecord",
    "TrainingSettings",
    "Variant",
    "VariantResult",
    "backend_variable",
    "by_setting",
    "deviations",
    "fingerprint",
    "finite",
    "form_defaults",
    "installed_studies",
    "installed_study",
    "is_original",
    "is_sample",
    "label_of",
    "profile_of",
    "published_metrics",
    "published_study",
    "read_form",
    "read_growing",
    "read_study",
    "ruling_scope",
    "scope",
    "shell_command",
    "study_of_run",
    "trigger_command",
]
