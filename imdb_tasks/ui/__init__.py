"""What people touch: the command line, and the pages inside Airflow."""
