"""Preprocessing: from table columns to fields of the network, fitted on the training rows."""

from bpcli.data.preprocess.preprocessor import Preprocessor

__all__ = ["Preprocessor"]
