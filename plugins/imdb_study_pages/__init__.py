"""The web application behind the study's pages in Airflow; what a page says is made in ``imdb_tasks.ui.pages``."""
