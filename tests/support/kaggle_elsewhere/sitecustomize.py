"""Python imports this file at its start where its folder is on the path: it sends Kaggle's client to a stand-in."""

import os
import sys

if "imdb_tasks.sources.kaggle_child" in sys.orig_argv:
    from kagglesdk import kaggle_env

    kaggle_env._env_to_endpoint[kaggle_env.KaggleEnv.LOCAL] = os.environ["KAGGLE_STAND_IN"]
