"""Artifacts under content keys: published whole, verified, made by one process at a time; in a folder or a bucket."""
