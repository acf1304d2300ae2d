"""Suffixes of the files that are taken for pictures, and names of the columns of a folder of them."""

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")

FILE, IMAGE, LABEL = "file", "image", "label"
"""Columns: the path within the folder, the pixels (height, width, channels), and the name of the class's folder."""
