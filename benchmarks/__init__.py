"""Side-by-side timings: one script per row of the performance table."""
