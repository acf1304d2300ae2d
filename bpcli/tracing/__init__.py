"""One training step taken apart: the step itself, its arithmetic, its account in tables, and a page of it."""
