"""From results and predictions to effects, verdicts and a ranking. No input or output."""
