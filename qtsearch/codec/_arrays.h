/* Arrays of integers as the kernels of this folder are handed them. */

#ifndef QTSEARCH_ARRAYS_H
#define QTSEARCH_ARRAYS_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000 /* 3.11, the first with buffers */
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef enum { FINE, NO_MEMORY, OUT_OF_BOUNDS } Outcome;

static inline Py_ssize_t
length(const Py_buffer *numbers)
{
    return numbers->len / numbers->itemsize;
}

static inline uint32_t
number_at(const Py_buffer *numbers, int64_t place)
{
    switch (numbers->itemsize) {
    case 1:
        return ((const uint8_t *)numbers->buf)[place];
    case 2:
        return ((const uint16_t *)numbers->buf)[place];
    default:
        return ((const uint32_t *)numbers->buf)[place];
    }
}

static inline void
put(const Py_buffer *numbers, Py_ssize_t place, uint32_t number)
{
    switch (numbers->itemsize) {
    case 1:
        ((uint8_t *)numbers->buf)[place] = (uint8_t)number;
        break;
    case 2:
        ((uint16_t *)numbers->buf)[place] = (uint16_t)number;
        break;
    default:
        ((uint32_t *)numbers->buf)[place] = number;
    }
}

/* Whether the numbers of an array have 2 ** `smallest` bytes, or up to 2 ** `largest`. */
static inline int
has_width(const Py_buffer *numbers, int smallest, int largest)
{
    for (int width = smallest; width <= largest; width++) {
        if (numbers->itemsize == 1 << width)
            return 1;
    }
    PyErr_SetString(PyExc_TypeError, "an array has numbers of another width");
    return 0;
}

/* Give back so many buffers that lie one after another. */
static inline void
release(Py_buffer *buffers, int n)
{
    for (int i = 0; i < n; i++)
        PyBuffer_Release(&buffers[i]);
}

#endif
