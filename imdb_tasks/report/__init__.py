"""From an analysis to the page and the mail."""
