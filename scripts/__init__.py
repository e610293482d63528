"""What `make` runs: a real Airflow on this machine, the demo, the study."""
