"""Preprocessing: examples to fields, fitted on the training rows."""

from bpcli.data.preprocess.preprocessor import Preprocessor

__all__ = ["Preprocessor"]
