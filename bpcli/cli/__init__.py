"""The command line, one module per command: parse arguments, call the library, print the result."""
