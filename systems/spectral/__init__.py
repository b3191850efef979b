"""What the spectral systems share: tuned sums, the sorted spectrum, and the step of carriers and phases."""
