"""Inference: what relaxation and recall share, and the measurement of a relaxed state."""
