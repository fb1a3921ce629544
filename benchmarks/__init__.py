"""The figures that the README quotes, each from one command; run them from the root of a checkout."""
