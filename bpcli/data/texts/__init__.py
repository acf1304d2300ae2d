"""Texts: their tokens, the terms of a vocabulary, and the weights of terms in a row."""
