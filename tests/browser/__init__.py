"""A package, so that its browser can end with it: Playwright's event loop must not be there when other tests fork."""
