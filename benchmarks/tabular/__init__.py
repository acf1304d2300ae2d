"""Parts of the benchmark `tables`: its catalogue, contenders, results, scores and summary."""
