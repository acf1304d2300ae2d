"""Windows of convolutions, copied from images and added to them, and pooling.

Arrays are flat and float32. `line` is a line of the table of image layers in bpcli.nn.compiled.codes. Lines of windows
are counted over all images: line OUT_HEIGHT is the first of the second image.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.nn.compiled.codes import (
    ACROSS,
    CHANNELS,
    DOWN,
    HEIGHT,
    KERNEL_HEIGHT,
    KERNEL_WIDTH,
    KIND,
    LEFT,
    MAX_POOL,
    OUT_HEIGHT,
    OUT_WIDTH,
    TOP,
    WIDTH,
)
from bpcli.nn.compiled.functions import ZERO, compiled

SHORT = 16
"""Numbers in a line of a window below which windows are copied number by number, for all windows of a line."""


@compiled
def gather(line: Any, x: Any, x_at: int, first: int, lines: int, out: Any, out_at: int) -> bool:
    """Copy the windows of some lines, (windows, numbers), with zeros beyond the edges.

    Returns whether they are transposed, (numbers, windows).
    """
    if line[KERNEL_WIDTH] * line[CHANNELS] < SHORT:
        _gather_numbers(line, x, x_at, first, lines, out, out_at)
        return True
    _gather_runs(line, x, x_at, first, lines, out, out_at)
    return False


@compiled
def _gather_runs(line: Any, x: Any, x_at: int, first: int, lines: int, out: Any, out_at: int) -> None:
    height, width, channels, out_width = line[HEIGHT], line[WIDTH], line[CHANNELS], line[OUT_WIDTH]
    kernel_height, run = line[KERNEL_HEIGHT], line[KERNEL_WIDTH] * channels
    of_line = width * channels
    at = out_at
    for index in range(first, first + lines):
        image, place = divmod(index, line[OUT_HEIGHT])
        top = place * line[DOWN] - line[TOP]
        for column in range(out_width):
            left = (column * line[ACROSS] - line[LEFT]) * channels
            start, stop = max(0, -left), max(0, min(run, of_line - left))
            for row in range(top, top + kernel_height):
                window = out[at : at + run]
                if row < 0 or row >= height or start >= stop:
                    window[:] = ZERO
                else:
                    source = x_at + (image * height + row) * of_line + left
                    copy(x[source + start : source + stop], window[start:stop])
                    if stop - start < run:
                        window[:start] = ZERO
                        window[stop:] = ZERO
                at += run


@compiled
def _gather_numbers(line: Any, x: Any, x_at: int, first: int, lines: int, out: Any, out_at: int) -> None:
    height, width, channels, out_width = line[HEIGHT], line[WIDTH], line[CHANNELS], line[OUT_WIDTH]
    across, windows = line[ACROSS], lines * out_width
    step = across * channels
    for index in range(lines):
        image, place = divmod(first + index, line[OUT_HEIGHT])
        top = place * line[DOWN] - line[TOP]
        at = out_at + index * out_width
        for row in range(top, top + line[KERNEL_HEIGHT]):
            inside = row >= 0 and row < height
            for left in range(-line[LEFT], line[KERNEL_WIDTH] - line[LEFT]):
                start = min(out_width, max(0, -left + across - 1) // across)
                stop = max(start, min(out_width, (width - 1 - left) // across + 1)) if inside else start
                source = x_at + ((image * height + row) * width + left + start * across) * channels
                for channel in range(channels):
                    places = out[at : at + out_width]
                    places[:start] = ZERO
                    places[stop:] = ZERO
                    if step == 1:
                        copy(x[source : source + stop - start], places[start:stop])
                    else:
                        for j in range(start, stop):
                            places[j] = x[source + channel + (j - start) * step]
                    at += windows


@compiled
def copy(values: Any, out: Any) -> None:
    """Copy values; a loop is faster than an assignment, which checks whether memory is shared."""
    for j in range(len(out)):
        out[j] = values[j]


@compiled
def add(values: Any, out: Any) -> None:
    """Add values to `out`."""
    for j in range(len(out)):
        out[j] += values[j]


@compiled
def scatter(line: Any, windows: Any, windows_at: int, first: int, lines: int, out: Any, out_at: int) -> None:
    """Add windows, (windows, numbers), to the images that `gather` copies them from."""
    height, width, channels, out_width = line[HEIGHT], line[WIDTH], line[CHANNELS], line[OUT_WIDTH]
    kernel_height, run = line[KERNEL_HEIGHT], line[KERNEL_WIDTH] * channels
    of_line = width * channels
    at = windows_at
    for index in range(first, first + lines):
        image, place = divmod(index, line[OUT_HEIGHT])
        top = place * line[DOWN] - line[TOP]
        for column in range(out_width):
            left = (column * line[ACROSS] - line[LEFT]) * channels
            start, stop = max(0, -left), min(run, of_line - left)
            for row in range(top, top + kernel_height):
                if row >= 0 and row < height:
                    target = out_at + (image * height + row) * of_line + left
                    add(windows[at + start : at + stop], out[target + start : target + stop])
                at += run


@compiled
def pool(line: Any, x: Any, x_at: int, images: int, out: Any, out_at: int) -> None:
    """Largest value, or mean, of each window."""
    height, width, channels = line[HEIGHT], line[WIDTH], line[CHANNELS]
    largest = line[KIND] == MAX_POOL
    if largest and _are_squares_of_four(line):
        _largest_of_four(line, x, x_at, images, out, out_at)
        return
    at = out_at
    for index in range(images * line[OUT_HEIGHT]):
        image, place = divmod(index, line[OUT_HEIGHT])
        top, bottom = _within(place * line[DOWN] - line[TOP], line[KERNEL_HEIGHT], height)
        for column in range(line[OUT_WIDTH]):
            left, right = _within(column * line[ACROSS] - line[LEFT], line[KERNEL_WIDTH], width)
            source = x_at + ((image * height + top) * width + left) * channels
            y = out[at : at + channels]
            copy(x[source : source + channels], y)
            for row in range(top, bottom):
                for place in range(left + (row == top), right):
                    source = x_at + ((image * height + row) * width + place) * channels
                    values = x[source : source + channels]
                    if largest:
                        for c in range(channels):
                            y[c] = y[c] if y[c] >= values[c] or y[c] != y[c] else values[c]  # unlike max, NaN stays
                    else:
                        add(values, y)
            if not largest:
                count = np.float32((bottom - top) * (right - left))
                for c in range(channels):
                    y[c] /= count
            at += channels


@compiled
def pool_back(line: Any, x: Any, x_at: int, images: int, y_at: int, d_at: int, memory: Any, below_at: int) -> None:
    """dL/dx from dL/dy, which is overwritten. Of equal values, the first has the gradient of the largest."""
    height, width, channels = line[HEIGHT], line[WIDTH], line[CHANNELS]
    largest = line[KIND] == MAX_POOL
    if largest and _are_squares_of_four(line):
        _back_to_four(line, x, x_at, images, y_at, d_at, memory, below_at)
        return
    memory[below_at : below_at + images * height * width * channels] = ZERO
    at, d = y_at, d_at
    for index in range(images * line[OUT_HEIGHT]):
        image, place = divmod(index, line[OUT_HEIGHT])
        top, bottom = _within(place * line[DOWN] - line[TOP], line[KERNEL_HEIGHT], height)
        for column in range(line[OUT_WIDTH]):
            left, right = _within(column * line[ACROSS] - line[LEFT], line[KERNEL_WIDTH], width)
            y, left_over = memory[at : at + channels], memory[d : d + channels]
            if not largest:
                count = np.float32((bottom - top) * (right - left))
                for c in range(channels):
                    left_over[c] /= count
            for row in range(top, bottom):
                for place in range(left, right):
                    offset = ((image * height + row) * width + place) * channels
                    source, target = x_at + offset, below_at + offset
                    below = memory[target : target + channels]
                    if largest:
                        values = x[source : source + channels]
                        for c in range(channels):
                            share = left_over[c] if values[c] == y[c] else ZERO
                            left_over[c] -= share
                            below[c] += share
                    else:
                        add(left_over, below)
            at += channels
            d += channels


@compiled
def _are_squares_of_four(line: Any) -> bool:
    """Whether windows are 2 × 2 and apart, without padding."""
    sized = line[KERNEL_HEIGHT] == 2 and line[KERNEL_WIDTH] == 2 and line[DOWN] == 2 and line[ACROSS] == 2
    inside = 2 * line[OUT_HEIGHT] <= line[HEIGHT] and 2 * line[OUT_WIDTH] <= line[WIDTH]
    return sized and inside and line[TOP] == 0 and line[LEFT] == 0


@compiled
def _largest_of_four(line: Any, x: Any, x_at: int, images: int, out: Any, out_at: int) -> None:
    width, channels = line[WIDTH], line[CHANNELS]
    below, at = width * channels, out_at
    for index in range(images * line[OUT_HEIGHT]):
        image, place = divmod(index, line[OUT_HEIGHT])
        source = x_at + (image * line[HEIGHT] + 2 * place) * below
        for _ in range(line[OUT_WIDTH]):
            y = out[at : at + channels]
            first, second = x[source : source + channels], x[source + channels : source + 2 * channels]
            third = x[source + below : source + below + channels]
            fourth = x[source + below + channels : source + below + 2 * channels]
            for c in range(channels):
                most = first[c]
                most = most if most >= second[c] or most != most else second[c]  # unlike max, NaN stays
                most = most if most >= third[c] or most != most else third[c]
                y[c] = most if most >= fourth[c] or most != most else fourth[c]
            source += 2 * channels
            at += channels


@compiled
def _back_to_four(line: Any, x: Any, x_at: int, images: int, y_at: int, d_at: int, memory: Any, below_at: int) -> None:
    height, width, channels = line[HEIGHT], line[WIDTH], line[CHANNELS]
    out_height, out_width = line[OUT_HEIGHT], line[OUT_WIDTH]
    of_line, covered = width * channels, 2 * out_width * channels
    at, d_place = y_at, d_at
    for image in range(images):
        start = image * height * of_line
        for place in range(out_height):
            offset = start + 2 * place * of_line
            for column in range(out_width):
                y, d = memory[at : at + channels], memory[d_place : d_place + channels]
                for tap in range(4):
                    here = offset + (tap // 2) * of_line + (2 * column + tap % 2) * channels
                    values, below = x[x_at + here : x_at + here + channels], memory[below_at + here :]
                    for c in range(channels):
                        share = d[c] if values[c] == y[c] else ZERO
                        d[c] -= share
                        below[c] = ZERO + share  # of -0, 0
                at += channels
                d_place += channels
            for row in range(2):
                end = below_at + offset + row * of_line
                memory[end + covered : end + of_line] = ZERO
        memory[below_at + start + 2 * out_height * of_line : below_at + start + height * of_line] = ZERO


@compiled
def _within(start: int, length: int, size: int) -> Any:
    """Range of a window's places that hold a value."""
    return max(0, start), min(size, start + length)
