/* Postings -> the key terms of articles, as keyterms.py has them, in one pass where NumPy sorts.

   Whatever stands in an array, nothing is read or written but what was handed over. */

#include "_arrays.h"

#define ARRAYS 7 /* that are handed over */

/* Of each article the `slots` terms that weigh most, these first, of equal ones the lower. */
typedef struct {
    Py_buffer offsets, docs, numbers, times, weights, terms, best;
    Py_ssize_t n_terms, n_docs, slots;
} KeyTerms;

static Outcome
find_key_terms(const KeyTerms *given)
{
    const int64_t *offsets = given->offsets.buf;
    const uint8_t *times = given->times.buf, *weights = given->weights.buf;
    Py_ssize_t n_times = length(&given->weights) / given->n_terms, slots = given->slots;
    for (Py_ssize_t term = 0; term < given->n_terms; term++, weights += n_times) {
        int64_t start = offsets[term], stop = offsets[term + 1];
        if (start < 0 || stop > length(&given->docs) || stop > length(&given->numbers))
            return OUT_OF_BOUNDS;
        if (!weights[0])
            continue;
        for (int64_t i = start; i < stop; i++) {
            uint32_t doc = number_at(&given->docs, i), number = number_at(&given->numbers, i);
            if (doc >= (uint64_t)given->n_docs || number >= (uint64_t)length(&given->times) ||
                times[number] >= n_times)
                return OUT_OF_BOUNDS;
            uint8_t weight = weights[times[number]];
            uint8_t *best = (uint8_t *)given->best.buf + doc * slots;
            if (slots == 0 || weight <= best[slots - 1])
                continue;
            Py_ssize_t place = slots - 1;
            while (place > 0 && best[place - 1] < weight)
                place--;
            char *terms = (char *)given->terms.buf + (doc * slots + place) * given->terms.itemsize;
            memmove(best + place + 1, best + place, (size_t)(slots - 1 - place));
            memmove(terms + given->terms.itemsize, terms, (size_t)((slots - 1 - place) * given->terms.itemsize));
            best[place] = weight;
            put(&given->terms, doc * slots + place, (uint32_t)term);
        }
    }
    return FINE;
}

static int
is_sound_ask(KeyTerms *given)
{
    if (!has_width(&given->offsets, 3, 3) || !has_width(&given->docs, 1, 2) || !has_width(&given->numbers, 0, 2) ||
        !has_width(&given->times, 0, 0) || !has_width(&given->weights, 0, 0) || !has_width(&given->terms, 0, 2) ||
        !has_width(&given->best, 0, 0))
        return 0;
    given->n_terms = length(&given->offsets) - 1;
    if (given->n_docs > 0)
        given->slots = length(&given->best) / given->n_docs;
    if (given->n_docs < 0 || length(&given->terms) != length(&given->best) || given->n_terms < 0) {
        PyErr_SetString(PyExc_ValueError, "there must be room for as many terms as weights of each article");
        return 0;
    }
    return 1;
}

static PyObject *
key_terms(PyObject *module, PyObject *args)
{
    KeyTerms given = {0};
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*w*w*n", &given.offsets, &given.docs, &given.numbers, &given.times,
                          &given.weights, &given.terms, &given.best, &given.n_docs))
        return NULL;
    int sound = is_sound_ask(&given);
    Outcome outcome = FINE;
    if (sound && given.n_terms > 0) {
        Py_BEGIN_ALLOW_THREADS
        outcome = find_key_terms(&given);
        Py_END_ALLOW_THREADS
        if (outcome != FINE)
            PyErr_SetString(PyExc_IndexError, "postings lead out of their arrays");
    }
    release(&given.offsets, ARRAYS);
    if (!sound || outcome != FINE)
        return NULL;
    Py_INCREF(Py_None);
    return Py_None;
}

static PyMethodDef methods[] = {
    {"key_terms", key_terms, METH_VARARGS, "The key terms of all articles: see _keyterms.pyi."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_keyterms", .m_methods = methods, .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__keyterms(void)
{
    return PyModuleDef_Init(&definition);
}
