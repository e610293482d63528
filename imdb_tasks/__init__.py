"""The domain of the IMDB study: plain Python that never imports Airflow."""
